"""How far the true values may be from the imputed ones: bands, standard deviations and samples.

The generator learns a scale b of its errors, that of a Laplace distribution, from the values that training hides. What
it learns is right on average at best for gaps like those of the training, and errors need not be Laplace distributed.
So the half widths of the bands are measured, in units of b: on the held-out values for single values, and for gaps of
2, 3, 4, 6, 8, 12, ... steps by how much wider the bands have to be where such gaps are cut into the training series.

Shapes: n series, c channels, t steps; L levels; K lengths of gaps.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

from tsrep.ssgan.interpolating import neighbours

Array = NDArray[Any]

LEVELS = (0.5, 0.9)  # shares of the values that the measured bands should hold
LAPLACE = -np.log1p(-np.array(LEVELS))  # half widths of these bands of a Laplace distribution of scale 1
SHAPES = np.geomspace(0.4, 10.0, 60)  # 1: Laplace distribution, 2: normal, large: uniform
_NARROW, _WIDE = (stats.gennorm.ppf((1 + level) / 2, SHAPES) for level in LEVELS)
_DEVIATION = np.exp((gammaln(3 / SHAPES) - gammaln(1 / SHAPES)) / 2)


class Widths(NamedTuple):
    """Half widths of the bands of `LEVELS`, in learned scales.

    lengths : (K,), lengths of gaps in steps, 1, 2, 3, 4, 6, ...
    single : (L, c), for single missing values.
    factors : (K, L, c), how much wider they are in gaps of these lengths; 1 for length 1.
    """

    lengths: Array
    single: Array
    factors: Array

    @classmethod
    def of_single_values(cls, single: Array) -> Self:
        """The same widths in gaps of all lengths."""
        return cls(np.array([1]), single, np.ones((1, *single.shape)))

    def within(self, observed: Array) -> Array:
        """(L, n, c, t), the half widths at each entry in learned scales, for entries `observed` (n, c, t)."""
        place = np.interp(
            np.log2(np.maximum(gap_lengths(observed), 1)), np.log2(self.lengths), np.arange(len(self.lengths))
        )
        lower = np.floor(place).astype(int)
        upper = np.minimum(lower + 1, len(self.lengths) - 1)
        channel = np.arange(observed.shape[1])[:, None]
        logs = np.log(self.factors)
        between = [
            level[lower, channel] + (place - lower) * (level[upper, channel] - level[lower, channel])
            for level in logs.transpose(1, 0, 2)
        ]
        return np.asarray(self.single[:, None, :, None] * np.exp(between))


def gap_lengths(observed: Array) -> Array:
    """(n, c, t), the number of steps of the gap that an entry lies in, 0 where it is observed.

    A gap with an observation on one side only counts twice, one with none as twice the series.
    """
    steps = observed.shape[2]
    before, after = (
        each.numpy().transpose(0, 2, 1)
        for each in neighbours(torch.from_numpy(np.ascontiguousarray(observed.transpose(0, 2, 1))))
    )
    length = after - before - 1
    return np.where(observed, 0, np.where((before < 0) | (after >= steps), 2 * length, length))


def shape_of(halves: Array) -> Array:
    """The shapes of the generalised normal distributions with bands of these half widths (L, ...), see `SHAPES`."""
    ratio = np.divide(
        halves[0], halves[1], out=np.full(halves.shape[1:], LAPLACE[0] / LAPLACE[1]), where=halves[1] > 0
    )
    return np.interp(ratio, _NARROW / _WIDE, SHAPES)


def half_width(halves: Array, level: float) -> Array:
    """Half widths of the bands of `level`, from those of `LEVELS`, (L, ...)."""
    shape = shape_of(halves)
    wanted = np.interp(shape, SHAPES, stats.gennorm.ppf((1 + level) / 2, SHAPES))
    return np.asarray(halves[1] * wanted / np.interp(shape, SHAPES, _WIDE))


def deviation(halves: Array) -> Array:
    """The standard deviations of the errors whose bands have the half widths `halves` (L, ...)."""
    shape = shape_of(halves)
    return np.asarray(halves[1] / np.interp(shape, SHAPES, _WIDE) * np.interp(shape, SHAPES, _DEVIATION))


def draw(halves: Array, random: np.random.Generator) -> Array:
    """Errors drawn from generalised normal distributions whose bands have the half widths `halves` (L, ...)."""
    shape = shape_of(halves)
    size = random.standard_gamma(1 / shape) ** (1 / shape) / np.interp(shape, SHAPES, _WIDE) * halves[1]
    return np.asarray(np.where(random.random(shape.shape) < 0.5, -size, size))
