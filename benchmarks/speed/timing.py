"""Seconds of several functions, measured in turns: what slows the machine for a while slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

SHORTEST = 0.1  # seconds a measurement lasts at least: a faster function is called several times
FEWEST = 3  # rounds, however long they take
WARM_UP = 3  # calls before those that count: on a GPU a function may compile at its first and be recorded at its second

Function = Callable[[], object]


def in_turns(
    functions: Mapping[str, Function], rounds: int, seconds: float, device: str = "cpu"
) -> dict[str, dict[str, Any]]:
    """Calls each function in every round, after a warm-up: {name: seconds of a call}, see `summary`.

    There are `rounds` rounds, or fewer, at least three, once they have taken `seconds`.
    """
    wait = waiting_for(device)
    calls = {name: _calls_needed(function, device) for name, function in functions.items()}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    started = time.perf_counter()
    for done in range(rounds):
        if done >= FEWEST and time.perf_counter() - started > seconds:
            break
        for name, function in functions.items():
            runs[name].append(timed(function, wait, calls[name]))
    return {name: summary(found) for name, found in runs.items()}


def waiting_for(device: str) -> Function:
    """A function that returns when `device` has done all that it was given."""
    if device == "cpu":
        return lambda: None
    import torch

    return torch.cuda.synchronize


def timed(function: Function, wait: Function, calls: int = 1) -> tuple[float, float]:
    """(wall time, time on a processor) of a call, in seconds."""
    wait()
    wall, used = time.perf_counter(), time.process_time()
    for _ in range(calls):
        function()
    wait()
    return (time.perf_counter() - wall) / calls, (time.process_time() - used) / calls


def summary(runs: list[tuple[float, float]]) -> dict[str, Any]:
    """Median, least and most of the wall times, all of them, and `cpu`, the median of the times on a processor.

    Where one thread computes on a CPU, a `cpu` well below the median says that other programs were in the way.
    """
    wall = [seconds for seconds, _ in runs]
    return {
        "median": statistics.median(wall),
        "min": min(wall),
        "max": max(wall),
        "runs": wall,
        "cpu": statistics.median(used for _, used in runs),
    }


def per(steps: float, found: dict[str, Any]) -> dict[str, Any]:
    """A summary of calls that made several steps, as one of a single step; a fraction scales up a part."""
    return (
        found
        | {key: found[key] / steps for key in ("median", "min", "max", "cpu")}
        | {"runs": [seconds / steps for seconds in found["runs"]]}
    )


def _calls_needed(function: Function, device: str) -> int:
    wait = waiting_for(device)
    seconds, _ = timed(function, wait)
    for _ in range(WARM_UP - 1):
        if device == "cpu" and seconds > 10 * SHORTEST:
            break  # a long call is its own warm-up
        seconds, _ = timed(function, wait)
    return max(1, round(SHORTEST / max(seconds, 1e-6)))
