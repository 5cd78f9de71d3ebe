"""Encoding, ours and the authors': whole series, and windows of a long one with the anomaly scores made of them.

The authors' code runs with the batch size that is fastest here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.speed.one_by_one import OneByOne
from benchmarks.speed.operations import encoding
from benchmarks.speed.problem import Panel, Settings, random_walks
from benchmarks.speed.programs import programs
from benchmarks.speed.rows import ANOMALY, Row
from benchmarks.speed.timing import in_turns, per, timed, waiting_for

TRIED = 300  # windows on which the batch sizes are compared: more than one batch of the largest
LONGEST = 20.0  # seconds that a run of the rival may take: where it takes longer, it has a stretch to encode
STRETCH = 2000  # windows


def measure_transform(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds for all instances; `difference` is the largest to the authors' representations."""
    x = random_walks(row.instances, row.channels, row.length)
    ours, authors = programs(row, settings)
    functions: dict[str, Callable[[], Panel]] = {"ours": partial(ours.transform, x)}
    found: dict[str, Any] = {}
    if authors is not None:
        sizes = [size for size in authors.batch_sizes if size <= row.instances]
        size = fastest(lambda size: authors.transform(x, size), sizes, row.device)
        functions["theirs"] = partial(authors.transform, x, size)
        found = {"batch_size": size, "difference": difference(*(run() for run in functions.values()))}
    found["multiply_adds"] = encoding(row.instances, row.length, row.channels, settings.network)
    return found | in_turns(functions, settings.rounds, settings.seconds, row.device)


def measure_windows(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds for the whole series; of a slow rival, those of its first `windows` scaled up.

    `difference` is the largest between the representations or, relative to the largest, between the anomaly scores.
    """
    x = random_walks(row.instances, row.channels, row.length)
    ours, authors = programs(row, settings)
    rival = authors or OneByOne(ours)
    name = "anomaly_scores" if row.work == ANOMALY else "encode_causal"
    mine: Callable[[], Panel] = partial(getattr(ours, name), x, row.context)

    def theirs(windows: int, batch_size: int) -> Panel:
        return getattr(rival, name)(x[..., :windows], row.context, batch_size)

    tried = min(TRIED, row.length)
    size = fastest(partial(theirs, tried), rival.batch_sizes, row.device)
    seconds = timed(partial(theirs, tried, size), waiting_for(row.device))[0] * row.length / tried
    windows = row.length if seconds <= LONGEST else min(STRETCH, row.length)
    functions: dict[str, Callable[[], Panel]] = {"ours": mine, "theirs": partial(theirs, windows, size)}
    times = in_turns(functions, settings.rounds, settings.seconds, row.device)
    first, second = mine()[:, :windows], theirs(windows, size)
    return {
        "ours": times["ours"],
        "theirs": per(windows / row.length, times["theirs"]),
        "windows": windows,
        "batch_size": size,
        "difference": difference(first, second) / (float(second.max()) if row.work == ANOMALY else 1.0),
    }


def fastest(encode: Callable[[int], object], sizes: Sequence[int], device: str) -> int:
    """The batch size with which `encode` took the least time, in the better of two runs."""
    wait = waiting_for(device)
    times = {size: min(timed(partial(encode, size), wait)[0] for _ in range(2)) for size in sizes}
    return min(times, key=times.__getitem__)


def difference(first: Panel, second: Panel) -> float:
    return float(np.abs(first - second).max())
