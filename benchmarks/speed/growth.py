"""Growth of the time of one kind of work with each of its sizes, and of its operations and bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.speed.operations import counted
from benchmarks.speed.problem import Settings, as_batch, random_walks
from benchmarks.speed.programs import programs
from benchmarks.speed.rows import CAUSAL, FULL_CROPS, GROWTH, Row
from benchmarks.speed.timing import in_turns


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds, and the `multiply_adds` and `bytes` of torch's operations."""
    function = _function(row, settings)
    times = in_turns({"ours": function}, settings.rounds, settings.seconds, row.device)
    return times | counted(function)


def _function(row: Row, settings: Settings) -> Callable[[], object]:
    x = random_walks(row.instances, row.channels, row.length)
    ours, _ = programs(row, settings)
    if row.work == GROWTH[FULL_CROPS]:
        return partial(ours.training(as_batch(x), crop=False), 0)
    if row.work == GROWTH[CAUSAL]:
        return partial(ours.encode_causal, x, row.context)
    return partial(ours.transform, x)
