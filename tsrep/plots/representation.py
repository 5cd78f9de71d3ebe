"""A series and its representation, one above the other on the same time axis.

This is the heat-map of the TS2Vec paper (AAAI 2022, figure of the trajectories of learned representations): the
dimensions of a per-step representation that vary most over time, as rows under the series.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tsrep.plots.style import PALETTE, VERMILION, as_shown, bare, new_figure, titled


def most_variable(representation: np.ndarray, n_dimensions: int) -> np.ndarray:
    """Indices of the `n_dimensions` columns of a (t, d) array that vary most over time, most variable first.

    NaN steps are left out. If the array has fewer columns, all are returned.
    """
    return np.argsort(-np.nanvar(representation, axis=0), kind="stable")[:n_dimensions]


def plot_representation(
    series: np.ndarray,
    representation: np.ndarray,
    *,
    n_dimensions: int = 16,
    sampling_rate: float | None = None,
    start: int = 0,
    highlight: Sequence[tuple[int, int]] = (),
    series_label: str = "value",
    title: str | None = None,
) -> Figure:
    """Draw a series and, below it, the heat-map of its per-step representation.

    Parameters
    ----------
    series : array (t,) or (c, t)
        The series; NaN leaves a gap in its line.
    representation : array (t, d)
        One vector per step, as `encode(X)[0]` returns it; NaN steps are left empty.
    n_dimensions : int
        Number of rows of the heat-map: the dimensions that vary most over time, each standardised over the steps.
    sampling_rate : float, optional
        Steps per second. If given, the time axis is in seconds; otherwise it counts steps.
    start : int
        Index of the first step within the whole recording, so that an excerpt keeps its times.
    highlight : sequence of (start, stop)
        Stretches to shade, in steps of `series`.
    series_label, title : str
        The label of the series axis (with its unit) and the title of the figure.

    Raises
    ------
    ValueError
        If the two arrays disagree on the number of steps, or have the wrong number of axes.
    """
    channels = np.atleast_2d(np.asarray(series, dtype=float))
    per_step = np.asarray(representation, dtype=float)
    if channels.ndim != 2:
        raise ValueError(f"series has shape {np.shape(series)}; wanted (t,) or (c, t)")
    if per_step.ndim != 2 or len(per_step) != channels.shape[1]:
        raise ValueError(
            f"representation has shape {per_step.shape}; wanted ({channels.shape[1]}, d): "
            "one row per step of series"
        )
    n_steps = channels.shape[1]
    unit = 1.0 if sampling_rate is None else 1.0 / sampling_rate
    edges = (start * unit, (start + n_steps) * unit)
    time = (start + np.arange(n_steps) + 0.5) * unit

    figure = new_figure(8.0, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 1.35))
    for index, channel in enumerate(channels):
        above.plot(time, channel, color=PALETTE[index % len(PALETTE)], linewidth=0.9)
    above.set_ylabel(as_shown(series_label))
    bare(above)

    rows = most_variable(per_step, n_dimensions)
    centred = per_step[:, rows] - np.nanmean(per_step[:, rows], axis=0)
    spread = np.nanstd(per_step[:, rows], axis=0)
    standardised = centred / np.where(spread > 0, spread, 1.0)
    image = below.imshow(
        standardised.T,
        aspect="auto",
        cmap="cividis",
        vmin=-2.5,
        vmax=2.5,
        extent=(*edges, len(rows), 0),
        interpolation="nearest",
    )
    below.set_ylabel(f"{len(rows)} of {per_step.shape[1]} dimensions")
    below.set_yticks([])
    below.set_xlabel("time step" if sampling_rate is None else "time (s)")
    below.set_xlim(*edges)
    bare(below)
    bar = figure.colorbar(image, ax=below, pad=0.01, aspect=18, label="standard deviations")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)

    for first, last in highlight:
        above.axvspan((start + first) * unit, (start + last) * unit, color=VERMILION, alpha=0.18, linewidth=0)
        for side in (first, last):
            below.axvline((start + side) * unit, color="white", linewidth=1.0, linestyle="--")
    titled(above, title)
    return figure
