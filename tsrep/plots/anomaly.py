"""A long series with its alarms, and below it the anomaly score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tsrep.plots.style import BLUE, INK, PALETTE, VERMILION, bare, new_figure, time_axis, titled

MOST_CHANNELS = 6
MOST_POINTS = 20_000


def plot_anomalies(
    times: Any,
    values: ArrayLike,
    scores: ArrayLike,
    alarms: ArrayLike,
    *,
    threshold: float | None = None,
    labels: ArrayLike | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a series (t, c) or (t,) with the steps that raised an alarm, and its scores (t,) with their threshold.

    The first six channels are drawn. Lines of long series are reduced to the highest and lowest values of stretches;
    all alarms are drawn.

    Parameters
    ----------
    times : (t,) dates or step numbers.
    alarms : (t,) 1 where an alarm was raised.
    threshold : of the scores, drawn as a line.
    labels : (t,) 1 where a step is known to be anomalous; these steps are shaded.

    Raises
    ------
    ValueError
        The arrays differ in length.
    """
    channels = np.asarray(values, dtype=float).reshape(len(np.asarray(values)), -1)
    score, alarm = np.asarray(scores, dtype=float), np.asarray(alarms).astype(bool)
    lengths = {
        len(times),
        len(channels),
        len(score),
        len(alarm),
        len(score if labels is None else np.asarray(labels)),
    }
    if len(lengths) > 1:
        raise ValueError(
            f"times, values, scores, alarms and labels have lengths {sorted(lengths)}; wanted one length"
        )
    steps = pd.Index(times)
    time = np.asarray(steps.tz_convert(None) if isinstance(steps, pd.DatetimeIndex) and steps.tz else steps)

    figure = new_figure(8.0, 4.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.3, 1.0))
    for index in range(min(channels.shape[1], MOST_CHANNELS)):
        shown = _outline(channels[:, index])
        above.plot(time[shown], channels[shown, index], color=PALETTE[index % len(PALETTE)], linewidth=0.8)
    whole_height = above.get_xaxis_transform()
    above.vlines(
        time[alarm], 0, 1, transform=whole_height, color=VERMILION, linewidth=1.0, alpha=0.8, zorder=1
    )
    above.set_ylabel("series")

    shown = _outline(score)
    below.plot(time[shown], score[shown], color=BLUE, linewidth=0.8)
    below.plot(
        time[alarm], score[alarm], "o", color=VERMILION, markersize=4, label=f"{int(alarm.sum())} alarms"
    )
    if threshold is not None and np.isfinite(threshold):
        below.axhline(threshold, color=INK, linewidth=0.9, linestyle="--", label="threshold")
    below.set_ylabel("score")
    handles, names = below.get_legend_handles_labels()
    figure.legend(
        handles, names, frameon=False, fontsize=9, loc="outside lower left", ncols=2, labelcolor=INK
    )

    if labels is not None:
        for start, stop in _runs(np.asarray(labels).astype(bool)):
            for ax in (above, below):
                ax.axvspan(time[start], time[stop - 1], color=INK, alpha=0.12, linewidth=2)
    for ax in (above, below):
        bare(ax)
    time_axis(below, steps)
    below.margins(x=0.01)
    titled(above, title)
    return figure


def _outline(values: np.ndarray) -> np.ndarray:
    """Steps to draw: all, or the lowest and the highest observed one of each stretch, in order."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), MOST_POINTS // 2 + 1).astype(int)
    low, high = np.where(np.isnan(values), [[np.inf], [-np.inf]], values)
    kept = [
        start + np.array([np.argmin(low[start:stop]), np.argmax(high[start:stop])])
        for start, stop in zip(edges[:-1], edges[1:], strict=True)
    ]
    return np.unique(np.concatenate(kept))


def _runs(flags: np.ndarray) -> np.ndarray:
    """(first step, step after the last) of each run of True, (k, 2)."""
    edges = np.diff(flags.astype(int), prepend=0, append=0)
    return np.column_stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)])
