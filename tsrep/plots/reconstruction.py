"""What a masked model saw of a series, and what it made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tsrep.plots.style import BLACK, BLUE, FAINT, GREY, LONGEST_TITLE, as_shown, bare, new_figure

MOST_CHANNELS = 4
SHADE = "#F0F2F5"


def plot_reconstruction(
    values: NDArray[Any],
    hidden: NDArray[Any],
    rebuilt: NDArray[Any],
    *,
    title: str | None = None,
) -> Figure:
    """Three rows per channel: the original, what was visible, and the rebuilt series over the original.

    After He et al. (CVPR 2022), figure 2. The first four channels are drawn.

    Parameters
    ----------
    values : (c, t), NaN where missing.
    hidden : (c, t) booleans, True where a value was hidden from the model.
    rebuilt : (c, t), the model's values; drawn where hidden.
    """
    shown = min(len(values), MOST_CHANNELS)
    figure = new_figure(8.0, 0.6 + 2.7 * shown)
    panels = figure.subplots(3 * shown, 1, sharex=True, squeeze=False)[:, 0]
    steps = np.arange(values.shape[1])
    for channel in range(shown):
        original, unseen = values[channel], hidden[channel]
        visible = np.where(unseen, np.nan, original)
        filled = np.where(joined(unseen), np.where(unseen, rebuilt[channel], original), np.nan)
        top, middle, bottom = panels[3 * channel : 3 * channel + 3]
        top.plot(steps, original, color=BLACK, linewidth=1.0)
        middle.plot(steps, visible, color=BLACK, linewidth=1.0)
        bottom.plot(steps, original, color=GREY, linewidth=1.0, label="original")
        bottom.plot(steps, filled, color=BLUE, linewidth=1.3, label="rebuilt")
        for ax in (middle, bottom):
            _shade(ax, unseen)
        low, high = _limits(original, filled)
        suffix = f", channel {channel}" if len(values) > 1 else ""
        for ax, name in (
            (top, "original"),
            (middle, f"visible: {1 - unseen.mean():.0%}"),
            (bottom, "rebuilt"),
        ):
            ax.set_ylim(low, high)
            ax.set_title(name + suffix, loc="left", fontsize=9)
            bare(ax)
            ax.tick_params(labelsize=8)
    panels[2].legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    panels[-1].set_xlabel("step")
    panels[-1].set_xlim(-0.5, values.shape[1] - 0.5)
    if title is not None:
        figure.suptitle(as_shown(title, LONGEST_TITLE))
    return figure


def joined(hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(t,), the hidden steps and their neighbours, so that a line over them meets the visible parts."""
    around = np.pad(hidden, 1)
    return hidden | around[:-2] | around[2:]


def _shade(ax: Any, hidden: NDArray[np.bool_]) -> None:
    edges = np.flatnonzero(np.diff(np.pad(hidden.astype(int), 1)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        ax.axvspan(start - 0.5, stop - 0.5, color=SHADE, linewidth=0, zorder=0)
    ax.spines[["left", "bottom"]].set_color(FAINT)


def _limits(*lines: NDArray[Any]) -> tuple[float, float]:
    """Common limits of the axes of one channel."""
    both = np.concatenate(lines)
    if np.isnan(both).all():
        return -1.0, 1.0
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
