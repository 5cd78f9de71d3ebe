"""The training loss: a faint line of all steps, and their running mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from tsrep.plots.style import PALETTE, as_shown, bare, new_figure, titled

History = Sequence[Mapping[str, float]]


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean of each value and the `width` - 1 values before it (fewer at the beginning), of the length of `values`."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    stop = np.arange(1, len(values) + 1)
    first = np.maximum(stop - width, 0)
    return (sums[stop] - sums[first]) / (stop - first)


def plot_loss(history: History | Mapping[str, History], *, title: str | None = None) -> Figure:
    """Draw the loss over the training steps, from the `history_` of an estimator or from several by name.

    Each record has `step` and `loss`, and may have `validation_loss`, which is drawn as a dotted line. The strong
    line is the running mean over a twentieth of the steps.

    Raises
    ------
    ValueError
        If a history is empty (an encoder with `max_steps=0` has none).
    """
    named = history if isinstance(history, Mapping) else {"": history}
    figure = new_figure(6.4, 3.4)
    ax = figure.subplots()
    for index, (name, records) in enumerate(named.items()):
        if len(records) == 0:
            raise ValueError(f"history of {name!r} is empty; wanted at least one training step")
        colour = PALETTE[index % len(PALETTE)]
        step = np.array([record["step"] for record in records], dtype=float)
        loss = np.array([record["loss"] for record in records], dtype=float)
        ax.plot(step, loss, color=colour, alpha=0.22, linewidth=0.8)
        ax.plot(
            step,
            running_mean(loss, max(1, len(loss) // 20)),
            color=colour,
            linewidth=1.8,
            label=as_shown(name or "training"),
        )
        validated = [(r["step"], r["validation_loss"]) for r in records if "validation_loss" in r]
        if validated:
            ax.plot(
                *np.transpose(validated),
                color=colour,
                linewidth=1.5,
                linestyle=":",
                label=as_shown(f"{name} validation"),
            )
    ax.set_xlabel("training step")
    ax.set_ylabel("loss (logarithmic)")
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_locator(NullLocator())
    bare(ax, grid="y")
    if len(ax.get_legend_handles_labels()[1]) > 1:
        ax.legend(frameon=False, fontsize=9, labelcolor="#333333")
    titled(ax, title)
    return figure
