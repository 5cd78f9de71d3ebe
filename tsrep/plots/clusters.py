"""Clusters of series: a map of the representations, and beside it the members of each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from tsrep.plots.map import draw_map
from tsrep.plots.style import FAINT, GREY, LONGEST_TITLE, appearance, as_shown, bare, new_figure

NOISE = -1
MOST_CLUSTERS = 12
MOST_MEMBERS = 50
COLUMNS = 3


def plot_clusters(
    Z: ArrayLike,
    clusters: ArrayLike,
    series: Sequence[NDArray[Any]] | NDArray[Any],
    nearest: Sequence[int | None],
    *,
    title: str | None = None,
) -> Figure:
    """Draw representations in two principal components, and the series of each cluster.

    The first channel of up to 50 members is drawn in grey, that of the series nearest to the centre in the colour of
    the cluster. The first twelve clusters are drawn.

    Parameters
    ----------
    Z : (n, d) representations.
    clusters : (n,) numbers of clusters, from 0; -1 for noise.
    series : n series (c, t_i).
    nearest : the number of the series nearest to the centre of each cluster, None for a cluster without series.

    Raises
    ------
    ValueError
        `clusters`, `Z` and `series` differ in length.
    """
    points, labels = np.asarray(Z, dtype=float), np.asarray(clusters)
    if not len(points) == len(labels) == len(series):
        raise ValueError(
            f"Z, clusters and series have lengths {len(points)}, {len(labels)} and {len(series)}; wanted one length"
        )
    shown = min(len(nearest), MOST_CLUSTERS)
    columns = min(COLUMNS, max(shown, 1))
    rows = -(-max(shown, 1) // columns)
    figure = new_figure(4.2 + 2.2 * columns, max(4.0, 1.6 * rows + 0.4))
    plane, members = figure.subfigures(1, 2, squeeze=False, width_ratios=(4.2, 2.2 * columns))[0]
    draw_map(plane.subplots(), points, labels, None)
    panels = members.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for ax in panels[shown:]:
        ax.set_axis_off()
    for cluster, ax in enumerate(panels[:shown]):
        _draw_members(ax, cluster, np.flatnonzero(labels == cluster), series, nearest[cluster])
    if title is not None:
        figure.suptitle(as_shown(title, LONGEST_TITLE), x=0.01, ha="left", fontsize=11)
    return figure


def _draw_members(
    ax: Axes, cluster: int, members: NDArray[np.intp], series: Any, nearest: int | None
) -> None:
    for member in members[:MOST_MEMBERS]:
        ax.plot(np.asarray(series[member])[0], color=FAINT if len(members) > 8 else GREY, linewidth=0.6)
    if nearest is not None:
        ax.plot(np.asarray(series[nearest])[0], color=appearance(cluster)[0], linewidth=1.5)
    ax.set_title(f"cluster {cluster}: {len(members)}", loc="left", fontsize=9)
    bare(ax)
    ax.tick_params(labelsize=8)
