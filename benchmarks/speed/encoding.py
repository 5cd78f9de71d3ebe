"""Encoding, ours and the authors': whole series, and windows of a long series with their anomaly scores.

The authors' code runs with the batch size that is fastest on this machine.
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

COMPARED_WINDOWS = 300  # for the choice of the batch size: more than one batch of the largest
LONGEST_RIVAL_SECONDS = 20.0  # of a run; if the rival takes longer, it encodes a part of the series
RIVAL_WINDOWS = 2000  # in that part


def measure_transform(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds for all instances; `difference` is the largest from the authors' representations."""
    x = random_walks(row.instances, row.channels, row.length)
    ours, authors = programs(row, settings)
    functions: dict[str, Callable[[], Panel]] = {"ours": partial(ours.transform, x)}
    result: dict[str, Any] = {}
    if authors is not None:
        sizes = [size for size in authors.batch_sizes if size <= row.instances]
        size = fastest(lambda size: authors.transform(x, size), sizes, row.device)
        functions["theirs"] = partial(authors.transform, x, size)
        result = {"batch_size": size, "difference": difference(*(run() for run in functions.values()))}
    result["multiply_adds"] = encoding(row.instances, row.length, row.channels, settings.network)
    return result | in_turns(functions, settings.rounds, settings.seconds, row.device)


def measure_windows(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds for the whole series; for a slow rival, extrapolated from its first `windows`.

    `difference` is the largest between the representations, or between the anomaly scores relative to their largest.
    """
    x = random_walks(row.instances, row.channels, row.length)
    ours, authors = programs(row, settings)
    rival = authors or OneByOne(ours)
    name = "anomaly_scores" if row.work == ANOMALY else "encode_causal"
    mine: Callable[[], Panel] = partial(getattr(ours, name), x, row.context)

    def theirs(windows: int, batch_size: int) -> Panel:
        return getattr(rival, name)(x[..., :windows], row.context, batch_size)

    tried = min(COMPARED_WINDOWS, row.length)
    size = fastest(partial(theirs, tried), rival.batch_sizes, row.device)
    seconds = timed(partial(theirs, tried, size), waiting_for(row.device))[0] * row.length / tried
    windows = row.length if seconds <= LONGEST_RIVAL_SECONDS else min(RIVAL_WINDOWS, row.length)
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
    """The batch size with which `encode` is fastest, in the better of two runs."""
    wait = waiting_for(device)
    times = {size: min(timed(partial(encode, size), wait)[0] for _ in range(2)) for size in sizes}
    return min(times, key=times.__getitem__)


def difference(first: Panel, second: Panel) -> float:
    return float(np.abs(first - second).max())
