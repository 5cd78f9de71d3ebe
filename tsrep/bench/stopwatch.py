"""Seconds of the stages of a method."""

from __future__ import annotations

import time


class Stopwatch:
    """`with watch("fit"): ...` adds up seconds under a name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str) -> Stopwatch:
        self.stage = stage
        return self

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        spent = time.perf_counter() - self.started
        self.seconds[self.stage] = round(self.seconds.get(self.stage, 0.0) + spent, 4)
