"""From series to the windows of a `Batch`, and from a generator's estimates back to series.

Shapes: n series, c channels, t steps; windows of T steps, (B, T, C) as in `step.Batch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsrep.data import PanelScaler
from tsrep.nn.overlap import Windows, cover, cut, join
from tsrep.ssgan.beyond import with_beyond
from tsrep.ssgan.errors import Widths
from tsrep.ssgan.inference import estimate
from tsrep.ssgan.interpolating import interpolate
from tsrep.ssgan.long_gaps import line_widths, widths_in_long_gaps
from tsrep.ssgan.loss import UNLABELLED
from tsrep.ssgan.step import Batch

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Array = NDArray[Any]


class Steps(Protocol):
    """What filling reads of `tsrep.data.containers.Series`."""

    panel: Array
    times: Array
    lengths: Array

    @property
    def inside(self) -> Array:
        """(n, t), False where a series has ended."""


class Scaling(NamedTuple):
    """Mean and standard deviation of each channel in `fit`, (c,), and whether it was observed there at all."""

    mean: Array
    scale: Array
    seen: Array

    @classmethod
    def of(cls, series: Steps) -> Self:
        """The scaling of the observed values of `series`."""
        scaler = PanelScaler().fit(series.panel)
        seen = np.asarray(~np.isnan(series.panel).all(axis=(0, 2)))
        return cls(scaler.mean_, scaler.scale_, seen)


def windowed(
    series: Steps, scaling: Scaling, length: int, labels: Array | None = None
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
    series: Steps, scaling: Scaling, length: int, generator: nn.Module, fallback: Array, fabric: Fabric
) -> tuple[Array, Array]:
    """Estimates and the learned scales of their errors in the units of the data, (n, c, t) float64.

    A channel of `fallback` (c,) gets linear interpolation over the whole series.
    """
    batch, windows = windowed(series, scaling, length)
    n, channels, steps = series.panel.shape
    estimates, scale = estimate(generator, batch, fabric)
    z, scale = (join(part.double(), windows, (n, steps, channels)) for part in (estimates, scale))
    z = torch.where(torch.from_numpy(fallback), _interpolated(series, scaling), z)
    values = z.numpy().transpose(0, 2, 1) * scaling.scale[:, None] + scaling.mean[:, None]
    return values, scale.numpy().transpose(0, 2, 1) * scaling.scale[:, None]


def bands(observed: Array, scales: Array, widths: Widths, line_widths: Array, scaling: Scaling) -> Array:
    """Half widths of the bands of `errors.LEVELS` in the units of the data, (L, n, c, t).

    In a gap longer than those that `widths` were measured in they are at least those of `line_widths` (K, L, c), see
    `long_gaps`.

    Parameters
    ----------
    observed : (n, c, t).
    scales : (n, c, t), the learned ones, from `fill`.
    """
    least = widths_in_long_gaps(observed, int(widths.lengths[-1]), line_widths)
    return np.maximum(widths.within(observed) * scales, least * scaling.scale[:, None])


def standardised_line_widths(series: Steps, scaling: Scaling) -> Array:
    """`line_widths` of the series in standard deviations of each channel, (K, L, c)."""
    return line_widths(_standardised(series, scaling))


def _interpolated(series: Steps, scaling: Scaling) -> Tensor:
    """Linear interpolation over whole series, (n, t, c), standardised; 0, the mean, in a channel without a value."""
    steps = torch.from_numpy(_standardised(series, scaling).transpose(0, 2, 1).copy())
    return interpolate(steps.nan_to_num(), ~steps.isnan(), torch.from_numpy(series.times))[0]


def _standardised(series: Steps, scaling: Scaling) -> Array:
    return (series.panel.astype(np.float64) - scaling.mean[:, None]) / scaling.scale[:, None]
