"""The rows of the benchmark: what is measured, against which rival, and with which target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

AUTHORS, ONE_BY_ONE, ALONE = "authors", "windows one by one", "alone"

FULL_CROPS = "training step, full crops"
RANDOM_CROPS = "training step, random crops"
STEP_MEMORY = "memory of a training step"
LOSS_MEMORY = "memory of the loss"
CAUSAL = "encode_causal"
ANOMALY = "anomaly scores"
TRANSFORM = "transform"
ONLINE = "online"
TO_FILE = "encode_to_file"
GROWTH = {
    FULL_CROPS: "growth of a training step",
    CAUSAL: "growth of encode_causal",
    TRANSFORM: "growth of transform",
}

BATCH = 8
CONTEXT = 200
TRANSFORM_STEPS = 30_000  # of all instances of a `transform` together: about a second of the authors' code
MOST_RIVAL_LOSS_STEPS = 2000  # beyond, the authors' loss needs too much memory: 12 GB at 4,000 steps

# For each kind of work the fixed sizes, and the values of each size that varies alone.
AXES: dict[str, tuple[dict[str, int], dict[str, tuple[int, ...]]]] = {
    FULL_CROPS: (
        {"length": 500, "instances": BATCH, "channels": 1},
        {
            "length": (125, 250, 500, 1000, 2000, 4000),
            "instances": (2, 4, 8, 16, 32),
            "channels": (1, 4, 16, 64),
        },
    ),
    TRANSFORM: (
        {"length": 500, "instances": 32, "channels": 1},
        {
            "length": (125, 250, 500, 1000, 2000, 4000, 8000),
            "instances": (1, 4, 16, 32, 64, 128),
            "channels": (1, 4, 16, 64),
        },
    ),
    CAUSAL: (
        {"length": 2000, "instances": 1, "channels": 1, "context": CONTEXT},
        {
            "length": (500, 1000, 2000, 4000, 8000, 16_000),
            "instances": (1, 2, 4, 8),
            "channels": (1, 4, 16, 64),
            "context": (25, 50, 100, 200, 400, 800),
        },
    ),
}

# Targets, times faster or smaller than the authors' code, by work and length: in 32 bit on a CPU, in bf16 on a GPU.
TARGETS = {
    FULL_CROPS: {150: 2.0, 500: 2.0, 1000: 3.0, 2000: 3.0},
    STEP_MEMORY: {2000: 4.0},
    CAUSAL: {2000: 30.0, 20_000: 30.0},
    ANOMALY: {2000: 40.0},
    TRANSFORM: {150: 1.5, 500: 1.5, 1000: 1.5},
}
GPU_TARGETS = {
    FULL_CROPS: dict.fromkeys((500, 1000, 2000, 3000), 5.0),
    RANDOM_CROPS: dict.fromkeys((500, 1000, 2000, 3000), 5.0),
    CAUSAL: {2000: 50.0, 20_000: 50.0},
}


@dataclass(frozen=True)
class Row:
    """One measurement. Its sizes are instances, channels and length in steps; `context` is 0 if it has none."""

    work: str
    rival: str
    length: int
    instances: int = BATCH
    channels: int = 1
    context: int = 0
    device: str = "cpu"
    precision: str = "32"

    @property
    def id(self) -> str:
        """Stable name, for example "transform/60 x 1 x 500/cpu 32/authors"."""
        sizes = f"{self.instances} x {self.channels} x {self.length}"
        context = f" after {self.context}" if self.context else ""
        return f"{self.work}/{sizes}{context}/{self.device} {self.precision}/{self.rival}"


def rows(device: str, official: bool) -> list[Row]:
    """All rows for a device, with or without the authors' code as the rival."""
    device_rows = _cpu_rows(official) if device == "cpu" else _gpu_rows(official, device)
    return list(dict.fromkeys(device_rows))


def _cpu_rows(official: bool) -> Iterator[Row]:
    rival = AUTHORS if official else ALONE
    for work, length in product((FULL_CROPS, RANDOM_CROPS), (150, 500, 1000, 2000)):
        yield Row(work, rival, length)
    for length in (500, 1000, 2000):
        yield Row(STEP_MEMORY, rival, length)
    for length in (500, 1000, 2000, 4000, 8000):
        yield Row(LOSS_MEMORY, rival if length <= MOST_RIVAL_LOSS_STEPS else ALONE, length)
    yield from _window_rows(official)
    yield Row(ONLINE, ALONE, 2000, instances=1, context=CONTEXT)
    for length in (150, 500, 1000, 2000):
        yield Row(TRANSFORM, rival, length, instances=TRANSFORM_STEPS // length)
    for work, (base, axes) in AXES.items():
        for axis, sizes in axes.items():
            for size in sizes:
                yield Row(GROWTH[work], ALONE, **_with(base, axis, size))
    for length in (1_000_000, 10_000_000):
        yield Row(TO_FILE, ALONE, length, instances=1)


def _gpu_rows(official: bool, device: str) -> Iterator[Row]:
    rival = AUTHORS if official else ALONE
    for precision in ("bf16", "32"):
        where: dict[str, Any] = {"device": device, "precision": precision}
        for length, work in product((500, 1000, 2000, 3000), (FULL_CROPS, RANDOM_CROPS)):
            yield Row(work, rival, length, **where)
        yield from _window_rows(official, **where)
        for length in (500, 1000, 2000, 3000):
            yield Row(TRANSFORM, rival, length, instances=8 * TRANSFORM_STEPS // length, **where)
        for length in (1000, 2000, 3000):
            yield Row(STEP_MEMORY, rival, length, **where)


def _window_rows(official: bool, **where: Any) -> Iterator[Row]:
    rival = AUTHORS if official else ONE_BY_ONE
    for length in (2000, 20_000):
        yield Row(CAUSAL, rival, length, instances=1, context=CONTEXT, **where)
    yield Row(ANOMALY, rival, 2000, instances=1, context=CONTEXT, **where)


def _with(base: dict[str, int], axis: str, size: int) -> dict[str, Any]:
    return {**base, axis: size}


def target(row: Row) -> float | None:
    """The target, times faster or smaller than the authors' code; None: the row is only reported."""
    if row.rival != AUTHORS:
        return None
    if row.device == "cpu":
        return TARGETS.get(row.work, {}).get(row.length)
    return GPU_TARGETS.get(row.work, {}).get(row.length) if row.precision == "bf16" else None


def time_limit(row: Row) -> float | None:
    """The most seconds that the work may take; None: no limit."""
    return 1e-3 if row.work == ONLINE else None
