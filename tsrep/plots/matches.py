"""A query and the series or sub-series that are nearest to it, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tsrep.plots.style import INK, LONGEST_TITLE, PALETTE, VERMILION, as_shown, bare, new_figure

MOST_MATCHES = 10
MOST_CHANNELS = 6


def plot_matches(
    query: NDArray[Any],
    matches: Sequence[NDArray[Any]],
    names: Sequence[str],
    *,
    title: str | None = None,
) -> Figure:
    """Draw a query (c, t) above its matches (c, t_i), nearest first, each under its name.

    The first ten matches and six channels are drawn, all panels on one vertical scale.

    Raises
    ------
    ValueError
        There is not one name per match.
    """
    if len(matches) != len(names):
        raise ValueError(f"names has {len(names)} entries; wanted {len(matches)}, one per match")
    shown = min(len(matches), MOST_MATCHES)
    figure = new_figure(8.0, 0.5 + 1.15 * (1 + shown))
    panels = figure.subplots(1 + shown, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for place, (ax, values, name) in enumerate(
        zip(panels, [query, *matches[:shown]], ["query", *names[:shown]], strict=True)
    ):
        for index, channel in enumerate(np.asarray(values, dtype=float)[:MOST_CHANNELS]):
            ax.plot(channel, color=PALETTE[index % len(PALETTE)], linewidth=1.0)
        ax.set_title(
            as_shown(name, LONGEST_TITLE), loc="left", fontsize=9, color=VERMILION if place == 0 else INK
        )
        bare(ax)
        ax.tick_params(labelsize=8)
        ax.margins(x=0.01)
    panels[-1].set_xlabel("step")
    if title is not None:
        figure.suptitle(as_shown(title, LONGEST_TITLE), x=0.01, ha="left", fontsize=11, color=INK)
    return figure
