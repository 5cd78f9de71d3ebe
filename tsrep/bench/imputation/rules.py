"""Rules that fill gaps and learn nothing. Panels are (n, c, t); a channel without any value becomes 0."""

from __future__ import annotations

import numpy as np

from tsrep.bench.imputation.task import Array


def last_observed(panel: Array) -> Array:
    """A copy of `panel` with the last observed value in each gap, the first one before it."""
    before, after = _neighbours(panel)
    return _taken(panel, np.where(before >= 0, before, after))


def interpolated(panel: Array) -> Array:
    """A copy of `panel` with gaps linearly interpolated, ends held at the outermost value."""
    length = panel.shape[-1]
    before, after = _neighbours(panel)
    first = np.where(before >= 0, before, after)
    second = np.where(after < length, after, before)
    apart = np.maximum(second - first, 1)
    share = np.clip((np.arange(length) - first) / apart, 0.0, 1.0)
    return (1 - share) * _taken(panel, first) + share * _taken(panel, second)


def _neighbours(panel: Array) -> tuple[Array, Array]:
    """The steps of the observed values at or before, and at or after, each step; -1 and t where there is none."""
    steps, length = np.arange(panel.shape[-1]), panel.shape[-1]
    observed = ~np.isnan(panel)
    before = np.maximum.accumulate(np.where(observed, steps, -1), axis=-1)
    after = np.minimum.accumulate(np.where(observed, steps, length)[..., ::-1], axis=-1)[..., ::-1]
    return before, after


def _taken(panel: Array, steps: Array) -> Array:
    inside = np.clip(steps, 0, panel.shape[-1] - 1)
    return np.nan_to_num(np.take_along_axis(panel, inside, axis=-1))
