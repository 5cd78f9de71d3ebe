"""Accuracies of several methods on several data sets: one row per set, one dot per method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tsrep.plots.style import FAINT, appearance, as_shown, bare, new_figure, titled


def plot_accuracy(accuracies: Mapping[str, Mapping[str, float]], *, title: str | None = None) -> Figure:
    """Draw test accuracies in [0, 1]: `accuracies[data_set][method]`.

    A method without an accuracy on a set has no dot there. The first method has the largest dots.

    Raises
    ------
    ValueError
        If there is no data set, or an accuracy is outside [0, 1].
    """
    if not accuracies:
        raise ValueError("accuracies is empty; wanted at least one data set")
    methods = list(dict.fromkeys(method for row in accuracies.values() for method in row))
    values = np.array([[row.get(method, np.nan) for method in methods] for row in accuracies.values()])
    if np.nanmin(values) < 0 or np.nanmax(values) > 1:
        raise ValueError(
            f"accuracies go from {np.nanmin(values):g} to {np.nanmax(values):g}; wanted shares in [0, 1]"
        )
    figure = new_figure(6.4, 1.3 + 0.42 * len(accuracies))
    ax = figure.subplots()
    rows = np.arange(len(accuracies))
    ax.hlines(rows, np.nanmin(values, axis=1), np.nanmax(values, axis=1), color=FAINT, linewidth=2, zorder=1)
    for index, method in enumerate(methods):
        colour, marker = appearance(index)
        ax.scatter(
            values[:, index],
            rows,
            s=80 if index == 0 else 50,
            color=colour,
            marker=marker,
            label=as_shown(method),
            zorder=3,
        )
    ax.set_yticks(rows, [as_shown(name) for name in accuracies])
    ax.set_ylim(len(accuracies) - 0.5, -0.5)
    lowest = float(np.nanmin(values))
    ax.set_xlim(max(0.0, np.floor(lowest * 10 - 0.5) / 10), 1.02)
    ax.set_xlabel("test accuracy (share of series)")
    bare(ax, grid="x")
    figure.legend(
        *ax.get_legend_handles_labels(),
        loc="outside upper left",
        ncols=len(methods),
        frameon=False,
        fontsize=9,
    )
    titled(ax, title)
    return figure
