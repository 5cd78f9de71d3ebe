"""Filled gaps: observed and imputed values, with bands of their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tsrep.plots.style import (
    BLACK,
    GREY,
    LONGEST_ROW,
    LONGEST_TITLE,
    PALETTE,
    as_shown,
    bare,
    new_figure,
    time_axis,
)

MOST_PANELS = 8
OPACITY = (0.15, 0.3)  # of the widest band and of those within


def plot_imputation(
    observed: NDArray[Any],
    imputed: NDArray[Any],
    bands: Mapping[float, NDArray[Any]],
    *,
    names: Sequence[str],
    truth: NDArray[Any] | None = None,
    index: pd.Index | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the first eight channels of one series, one panel per channel.

    Parameters
    ----------
    observed : (c, t), NaN where a value is missing.
    imputed : (c, t), imputed values; drawn in gaps only.
    bands : half widths (c, t) of the bands around them, by the share of the values that each should contain.
    names : names of the channels.
    truth : (c, t), true values in the gaps; None: unknown.
    index : index of the steps; None numbers them.
    """
    names = [names] if isinstance(names, str) else names
    shown = len(names[:MOST_PANELS])
    figure = new_figure(8.0, 1.0 + 1.5 * shown)
    panels = figure.subplots(shown, 1, sharex=True, squeeze=False)[:, 0]
    steps = np.arange(observed.shape[1]) if index is None else index
    hidden = np.full_like(observed, np.nan) if truth is None else truth
    widest_first = sorted(bands, reverse=True)
    for channel, (ax, name) in enumerate(zip(panels, names, strict=False)):
        known, estimate, true = observed[channel], imputed[channel], hidden[channel]
        gap = np.isnan(known)
        drawn = np.where(gap, estimate, known)
        for share in widest_first:
            half = np.where(gap, bands[share][channel], 0.0)
            ax.fill_between(
                steps,
                drawn - half,
                drawn + half,
                color=PALETTE[0],
                alpha=OPACITY[share != widest_first[0]],
                linewidth=0,
                label=f"{share:.0%} of values",
            )
        if truth is not None:
            ax.plot(steps, true, color=GREY, linewidth=1.0, label="truth")
        ax.plot(steps, drawn, color=PALETTE[0], linewidth=1.0, label="filled in")
        ax.plot(steps, known, color=BLACK, linewidth=1.0, label="observed")
        ax.plot(
            steps, np.where(lone(gap), known, np.nan), color=BLACK, linestyle="", marker=".", markersize=2.5
        )
        ax.set_ylabel(as_shown(name, LONGEST_ROW))
        bare(ax)
    time_axis(panels[-1], pd.RangeIndex(len(steps)) if index is None else index)
    panels[0].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, 1.3), ncols=5)
    if title is not None:
        figure.suptitle(as_shown(title, LONGEST_TITLE))
    return figure


def lone(gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(t,) observed steps between missing ones, which a line through observed values does not show."""
    around = np.pad(gap, 1, constant_values=True)
    return ~gap & around[:-2] & around[2:]
