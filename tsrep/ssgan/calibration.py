"""Cuts gaps of 1, 2, 3, 4, 6, 8, 12, ... steps into the training series, and measures how large the errors in them are.

Shapes: n series, c channels, t steps; L levels (see `errors`); K lengths of gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.ssgan.errors import LEVELS, Widths

Array = NDArray[Any]

MOST_STEPS = 10_000  # steps of all series together in which gaps are cut
FEWEST_GAPS = 10  # of a length, in all channels together; longer ones are not measured
FEWEST_ERRORS = 50  # of a channel; with fewer it gets the widths of all channels
TOGETHER = (
    0.5  # share of the other channels missing where one is, from which gaps are cut into all channels at once
)


@dataclass
class Sample:
    """Some of the series, or a stretch of one: what `filling.fill` reads of `tsrep.data.containers.Series`."""

    panel: Array
    times: Array
    lengths: Array

    @property
    def inside(self) -> Array:
        """(n, t), False where a series has ended."""
        return np.asarray(np.arange(self.panel.shape[2]) < self.lengths[:, None])


def sample_of(panel: Array, times: Array, lengths: Array, random: np.random.Generator) -> Sample:
    """Series drawn at random, or a stretch of one if they are long, of at most `MOST_STEPS` steps together."""
    steps = panel.shape[2]
    rows = np.sort(random.permutation(len(panel))[: max(1, MOST_STEPS // steps)])
    first = (
        int(random.integers(max(1, int(lengths[rows].max()) - MOST_STEPS + 1))) if steps > MOST_STEPS else 0
    )
    part = slice(first, first + MOST_STEPS)
    left = np.clip(lengths[rows] - first, 1, MOST_STEPS)
    return Sample(panel[rows, :, part], times[rows, part], left)


def cut_gaps(
    observed: Array, lengths: Array, size: int, together: bool, random: np.random.Generator
) -> Array:
    """(n, c, t), the observed values that gaps of `size` steps take away, about one step in eight.

    A gap leaves a step of the series on both sides. In a series of less than two such gaps there is none.

    Parameters
    ----------
    observed : (n, c, t).
    lengths : (n,), number of steps of each series.
    together : True cuts the same gaps into all channels.
    """
    n, channels, steps = observed.shape
    step = np.arange(steps)
    period = np.minimum(8 * size if size <= 32 else 4 * size, np.maximum(lengths, 1))[:, None]
    phase = random.random((n, 1 if together else channels)) * np.maximum(period - size, 1)
    since = (step - 1 - phase[..., None].astype(int)) % period[..., None]
    start = step - since
    fits = (start >= 1) & (start + size < lengths[:, None, None]) & (lengths >= 2 * size)[:, None, None]
    return np.asarray(observed & (since < size) & fits)


def measure(
    sample: Sample,
    single: Array,
    fill: Callable[[Sample], tuple[Array, Array]],
    random: np.random.Generator,
) -> Widths:
    """The half widths of the bands in gaps of all lengths of which the sample has room for ten.

    Parameters
    ----------
    sample : series as the training saw them.
    single : (L, c), the half widths for single values in learned scales, from values that training did not see. What
        is measured here is only how much wider the bands must be in longer gaps, since training has seen the values.
    fill : Sample -> estimates and learned scales, (n, c, t) each.
    """
    observed = ~np.isnan(sample.panel)
    together = _missing_together(observed & sample.inside[:, None], sample.inside)
    lengths: list[int] = []
    widths: list[Array] = []
    for size in _sizes(sample.panel.shape[2]):
        cut = cut_gaps(observed, sample.lengths, size, together, random)
        if cut.sum() < size * FEWEST_GAPS:
            break
        shown = Sample(np.where(cut, np.nan, sample.panel), sample.times, sample.lengths)
        estimates, scales = fill(shown)
        lengths.append(size)
        widths.append(_widths(np.abs(estimates - sample.panel) / scales, cut))
    if not widths:
        return Widths.of_single_values(single)
    base = np.where(widths[0] > 0, widths[0], 1.0)
    factors = [np.where(each > 0, each, base) / base for each in widths]
    return Widths(np.array(lengths), single, np.stack([np.ones_like(base), *factors[1:]]))


def _sizes(steps: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, 16, ... up to half of the steps."""
    powers = 2 ** np.arange(int(np.log2(steps)) + 1)
    return [int(size) for size in np.unique([*powers, *(3 * powers // 2)]) if 2 * size <= max(steps, 2)]


def _widths(ratios: Array, cut: Array) -> Array:
    """(L, c), the quantiles of errors in learned scales (n, c, t), of those where values were cut."""
    by_channel = [ratios[:, channel][cut[:, channel]] for channel in range(cut.shape[1])]
    pooled = np.concatenate(by_channel)
    return np.stack(
        [np.quantile(each if len(each) >= FEWEST_ERRORS else pooled, LEVELS) for each in by_channel], axis=1
    )


def _missing_together(observed: Array, inside: Array) -> bool:
    """Whether, where a channel is missing, at least the share `TOGETHER` of the others is too."""
    channels = observed.shape[1]
    missing = (inside[:, None] & ~observed).sum(axis=1)
    pairs = missing.sum() * (channels - 1)
    return channels > 1 and bool(pairs) and float((missing * (missing - 1)).sum() / pairs) >= TOGETHER
