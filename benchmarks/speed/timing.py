"""Seconds of several functions, measured in turns, so that a temporarily slow machine affects all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

SHORTEST_SECONDS = 0.1  # of a measurement; a faster function is called several times
FEWEST_ROUNDS = 3  # however long they take
WARM_UP_CALLS = 3  # not counted: on a GPU the first call may compile and the second capture

Function = Callable[[], object]


def in_turns(
    functions: Mapping[str, Function], rounds: int, seconds: float, device: str = "cpu"
) -> dict[str, dict[str, Any]]:
    """Calls each function in each round, after a warm-up: {name: seconds per call}, see `summary`.

    There are `rounds` rounds, or fewer, but at least three, once they have taken `seconds`.
    """
    wait = waiting_for(device)
    calls = {name: _calls_needed(function, device) for name, function in functions.items()}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    started = time.perf_counter()
    for done in range(rounds):
        if done >= FEWEST_ROUNDS and time.perf_counter() - started > seconds:
            break
        for name, function in functions.items():
            runs[name].append(timed(function, wait, calls[name]))
    return {name: summary(times) for name, times in runs.items()}


def waiting_for(device: str) -> Function:
    """A function that returns when `device` has finished all work."""
    if device == "cpu":
        return lambda: None
    import torch

    return torch.cuda.synchronize


def timed(function: Function, wait: Function, calls: int = 1) -> tuple[float, float]:
    """(wall time, processor time) of a call, in seconds."""
    wait()
    wall, used = time.perf_counter(), time.process_time()
    for _ in range(calls):
        function()
    wait()
    return (time.perf_counter() - wall) / calls, (time.process_time() - used) / calls


def summary(runs: list[tuple[float, float]]) -> dict[str, Any]:
    """Median, minimum and maximum of the wall times, all of them, and `cpu`, the median of the processor times.

    For one thread on a CPU, a `cpu` well below the median shows that other programs interfered.
    """
    wall = [seconds for seconds, _ in runs]
    return {
        "median": statistics.median(wall),
        "min": min(wall),
        "max": max(wall),
        "runs": wall,
        "cpu": statistics.median(used for _, used in runs),
    }


def per(steps: float, total: dict[str, Any]) -> dict[str, Any]:
    """A summary of calls of `steps` steps as one per step; a fraction extrapolates from a part."""
    return (
        total
        | {key: total[key] / steps for key in ("median", "min", "max", "cpu")}
        | {"runs": [seconds / steps for seconds in total["runs"]]}
    )


def _calls_needed(function: Function, device: str) -> int:
    wait = waiting_for(device)
    seconds, _ = timed(function, wait)
    for _ in range(WARM_UP_CALLS - 1):
        if device == "cpu" and seconds > 10 * SHORTEST_SECONDS:
            break  # a long call is its own warm-up
        seconds, _ = timed(function, wait)
    return max(1, round(SHORTEST_SECONDS / max(seconds, 1e-6)))
