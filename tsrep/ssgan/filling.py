"""From series to the windows of a `Batch`, and from a generator's estimates back to series.

Shapes: n series, c channels, t steps; windows of T steps, (B, T, C) as in `step.Batch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsrep.data import PanelScaler
from tsrep.data.containers import Series
from tsrep.nn.overlap import Windows, cover, cut, join
from tsrep.ssgan.beyond import with_beyond
from tsrep.ssgan.inference import estimate
from tsrep.ssgan.interpolating import interpolate
from tsrep.ssgan.judgement import Judgement
from tsrep.ssgan.long_gaps import line_scales, scales_in_long_gaps
from tsrep.ssgan.loss import UNLABELLED
from tsrep.ssgan.step import Batch

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Array = NDArray[Any]


class Scaling(NamedTuple):
    """Mean and standard deviation of each channel in `fit`, (c,), and whether it was observed there at all."""

    mean: Array
    scale: Array
    seen: Array

    @classmethod
    def of(cls, series: Series) -> Self:
        """The scaling of the observed values of `series`."""
        scaler = PanelScaler().fit(series.panel)
        seen = np.asarray(~np.isnan(series.panel).all(axis=(0, 2)))
        return cls(scaler.mean_, scaler.scale_, seen)


def windowed(
    series: Series, scaling: Scaling, length: int, labels: Array | None = None
) -> tuple[Batch, Windows]:
    """The standardised series in windows of at most `length` steps, and the positions of the windows."""
    z = _standardised(series, scaling).astype(np.float32).transpose(0, 2, 1)
    observed = ~np.isnan(z) & scaling.seen
    windows = cover(len(z), z.shape[1], length, series.lengths)
    inside = cut(torch.from_numpy(series.inside), windows)
    # A series without a step counts as inside; its estimates are discarded.
    inside = inside | ~inside.any(1, keepdim=True)
    times = cut(torch.from_numpy(series.times), windows)
    numbers = np.full(len(z), UNLABELLED) if labels is None else labels
    batch = Batch(
        values=cut(torch.from_numpy(np.where(observed, z, np.float32(0))), windows),
        observed=cut(torch.from_numpy(observed), windows),
        times=(times - times[:, :1]).float(),
        labels=torch.from_numpy(numbers)[windows.rows],
        inside=None if inside.all() else inside,
    )
    return with_beyond(batch, windows, torch.from_numpy(series.times)), windows


def fill(
    series: Series,
    scaling: Scaling,
    length: int,
    generator: nn.Module,
    judgement: Judgement,
    line_scales: Array,
    usual: int,
    fabric: Fabric,
) -> tuple[Array, Array]:
    """Estimates and the Laplace scale of their errors in the units of the data, (n, c, t) float64.

    A channel that falls back gets linear interpolation over the whole series. In a gap of more than `usual` steps the
    scale is at least that of `line_scales` (K, c), see `long_gaps`.
    """
    batch, windows = windowed(series, scaling, length)
    n, channels, steps = series.panel.shape
    estimates, scale = estimate(generator, batch, fabric)
    z, scale = (join(part.double(), windows, (n, steps, channels)) for part in (estimates, scale))
    z = torch.where(torch.from_numpy(judgement.fallback), _interpolated(series, scaling), z)
    values = z.numpy().transpose(0, 2, 1) * scaling.scale[:, None] + scaling.mean[:, None]
    least = scales_in_long_gaps(~np.isnan(series.panel), min(usual, length), line_scales)
    learned = scale.numpy().transpose(0, 2, 1) * judgement.spread[:, None]
    return values, np.maximum(learned, least) * scaling.scale[:, None]


def standardised_line_scales(series: Series, scaling: Scaling) -> Array:
    """`line_scales` of the series in standard deviations of each channel, (K, c)."""
    return line_scales(_standardised(series, scaling))


def _interpolated(series: Series, scaling: Scaling) -> Tensor:
    """Linear interpolation over whole series, (n, t, c), standardised; 0, the mean, in a channel without a value."""
    steps = torch.from_numpy(_standardised(series, scaling).transpose(0, 2, 1).copy())
    return interpolate(steps.nan_to_num(), ~steps.isnan(), torch.from_numpy(series.times))[0]


def _standardised(series: Series, scaling: Scaling) -> Array:
    return (series.panel.astype(np.float64) - scaling.mean[:, None]) / scaling.scale[:, None]
