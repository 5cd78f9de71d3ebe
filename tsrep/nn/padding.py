"""Which steps lie inside their series: from the first to the last step on which anything was observed."""

from __future__ import annotations

from torch import Tensor


def inside(x: Tensor) -> Tensor:
    """(B, T, C) with NaN where nothing was observed -> (B, T), True inside; gaps in between count as inside."""
    seen = ~x.isnan().all(-1)
    return seen.cummax(1).values & seen.flip(1).cummax(1).values.flip(1)


def first_to_last(seen: Tensor) -> Tensor:
    """True from the first True along the last axis to the last one, by counting: operations that exporters know."""
    count = seen.long().cumsum(-1)
    return (count > 0) & (seen | (count < count[..., -1:]))
