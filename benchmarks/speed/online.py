"""Points that arrive one at a time: seconds per representation."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.speed.problem import Settings, random_walks
from benchmarks.speed.programs import programs
from benchmarks.speed.rows import Row
from benchmarks.speed.timing import in_turns, per


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds per point, over a whole series; `difference` is the largest from `encode_causal`."""
    x = random_walks(1, row.channels, row.length)
    ours, _ = programs(row, settings)
    live = ours.model.online(row.context)
    representations = np.stack([live.update(point) for point in x[0].T])

    def all_points() -> None:
        for point in x[0].T:
            live.update(point)

    times = in_turns({"ours": all_points}, settings.rounds, settings.seconds, row.device)
    return {
        "ours": per(row.length, times["ours"]),
        "difference": float(np.abs(representations - ours.encode_causal(x, row.context)[0]).max()),
    }
