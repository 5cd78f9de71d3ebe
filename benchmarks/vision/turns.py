"""Seconds of several programs, measured in turns, among them some that run in another process.

A program is called with a number of calls to make and gives the wall time and the processor time of one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.speed.timing import FEWEST_ROUNDS, SHORTEST_SECONDS, Function, summary, timed, waiting_for

Program = Callable[[int], tuple[float, float]]

WARM_UP = 3  # calls that are not counted: on a GPU the first may compile and the second capture


def program(function: Function, device: str) -> Program:
    """A function of this process as a program."""
    wait = waiting_for(device)
    return lambda calls: timed(function, wait, calls)


def in_turns(programs: Mapping[str, Program], rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Each program in each round, after a warm-up: {name: seconds per call}, see `benchmarks.speed.timing.summary`.

    There are `rounds` rounds, or fewer, but at least three, once they have taken `seconds`.
    """
    calls = {name: calls_needed(run) for name, run in programs.items()}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    started = time.perf_counter()
    for done in range(rounds):
        if done >= FEWEST_ROUNDS and time.perf_counter() - started > seconds:
            break
        for name, run in programs.items():
            runs[name].append(run(calls[name]))
    return {name: summary(times) for name, times in runs.items()}


def calls_needed(run: Program) -> int:
    """Calls per measurement; a call of a second or more is its own warm-up."""
    for _ in range(WARM_UP):
        seconds, _used = run(1)
        if seconds > 10 * SHORTEST_SECONDS:
            break
    return max(1, round(SHORTEST_SECONDS / max(seconds, 1e-6)))


def load() -> float:
    """Programs that wanted a core in the last minute, this one among them; NaN where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else float("nan")
