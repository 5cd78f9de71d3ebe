"""Losses and scores over the steps of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from tsrep.plots.style import INK, PALETTE, as_shown, bare, new_figure

PLACE = ("step", "epoch", "batch", "seconds", "lr")  # what a record has beside losses and scores


def plot_learning_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the losses of a training, each a faint line and its running mean over a twentieth of the steps, and beside
    them its scores (average precision, accuracy), those that were measured more than once.

    Parameters
    ----------
    history : a record per step with `step`, `loss` and perhaps further numbers. Those with "loss" in their names are
        losses, the others scores; a number may be missing from some records.

    Raises
    ------
    ValueError
        The history is empty, or has no loss.
    """
    names = list(dict.fromkeys(name for record in history for name in record if name not in PLACE))
    losses = [name for name in names if "loss" in name]
    scores = [name for name in names if name not in losses and sum(name in record for record in history) > 1]
    if not losses:
        raise ValueError(f"history has {len(history)} records and no loss; wanted at least one step")
    figure = new_figure(7.0 + 5.0 * bool(scores), 3.6)
    panels = figure.subplots(1, 1 + bool(scores), squeeze=False, sharex=True)[0]
    _draw_losses(panels[0], history, losses)
    if scores:
        _draw_scores(panels[1], history, scores)
    for ax, some in zip(panels, (losses, scores), strict=False):
        ax.set_xlabel("training step")
        bare(ax, grid="y")
        if len(some) > 1:
            ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _draw_losses(ax: Axes, history: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        colour = PALETTE[index % len(PALETTE)]
        steps, values = _curve(history, name)
        ax.plot(steps, values, color=colour, alpha=0.2, linewidth=0.8)
        smooth = running_mean(values, max(1, len(values) // 20))
        ax.plot(steps, smooth, color=colour, linewidth=1.7, label=_label(name.removeprefix("loss_")))
    ax.set_ylabel("loss (logarithmic)")
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_locator(NullLocator())


def _draw_scores(ax: Axes, history: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        steps, values = _curve(history, name)
        colour = PALETTE[index % len(PALETTE)]
        ax.plot(steps, values, color=colour, marker="o", markersize=4, linewidth=1.5, label=_label(name))
    ax.set_ylabel("score" if len(names) > 1 else _label(names[0]))


def _label(name: str) -> str:
    return as_shown(name.replace("_", " "))


def _curve(history: Sequence[Mapping[str, Any]], name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Steps and values of the records that have this number."""
    pairs = [(record["step"], record[name]) for record in history if name in record]
    steps, values = np.array(pairs, dtype=float).T
    return steps, values


def running_mean(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Mean of each value and the `width` - 1 values before it, fewer at the beginning.

    Examples
    --------
    >>> running_mean(np.array([1.0, 3.0, 5.0]), 2)
    array([1., 2., 4.])
    """
    sums = np.cumsum(np.concatenate([[0.0], values]))
    stop = np.arange(1, len(values) + 1)
    first = np.maximum(stop - width, 0)
    return (sums[stop] - sums[first]) / (stop - first)
