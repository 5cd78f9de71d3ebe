"""Figures of accuracies: critical-difference diagram, scatter plots of one method against others, ablations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsrep.metrics import cliques, compare, mean_ranks, pairwise_p
from tsrep.plots.style import BLUE, FAINT, INK, VERMILION, bare, new_figure


def accuracy_figures(accuracies: pd.DataFrame, methods: Sequence[str], ours: str) -> dict[str, Figure]:
    """What the numbers allow: the diagram takes three methods and five common sets, the scatter plots two methods."""
    figures = {}
    common = accuracies[list(methods)].dropna()
    if len(methods) >= 3 and len(common) >= 5:
        figures["critical_difference.png"] = plot_critical_difference(common)
    others = [str(name) for name in accuracies if name != ours and accuracies[name].notna().any()]
    if ours in accuracies and others:
        figures["scatter.png"] = plot_scatter(accuracies, ours, others)
    return figures


def plot_critical_difference(accuracies: pd.DataFrame, level: float = 0.05) -> Figure:
    """Methods on an axis of mean rank, the best at the right; a bar joins those that cannot be told apart.

    `accuracies` has one row per data set and one column per method, complete. Bars join methods among which no pair
    differs by Wilcoxon's signed-rank test with Holm's correction at `level`.
    """
    ranks = mean_ranks(accuracies)
    names, n = list(accuracies), len(ranks)
    order = np.argsort(ranks, kind="stable")
    bars = cliques(ranks, pairwise_p(accuracies), level)
    left_half = int(np.ceil(n / 2))
    depth = 0.55 + 0.28 * len(bars)
    rows = max(left_half, n - left_half)
    figure = new_figure(8.0, 1.5 + 0.32 * len(bars) + 0.36 * rows)
    ax = figure.subplots()
    low, high = 1.0, float(n)
    ax.hlines(0, low, high, color=INK, linewidth=1.2)
    for tick in range(1, n + 1):
        ax.vlines(tick, 0, 0.18, color=INK, linewidth=1.2)
        ax.text(tick, 0.3, str(tick), ha="center", va="bottom", color=INK, fontsize=9)
    for place, method in enumerate(order):
        right = place < left_half
        row = place if right else n - 1 - place
        y = -depth - 0.5 * row
        edge = low - 0.06 * (high - low) if right else high + 0.06 * (high - low)
        colour = BLUE if place == 0 else INK
        ax.plot(
            [ranks[method], ranks[method], edge],
            [0, y, y],
            color=colour,
            linewidth=1.1,
            solid_joinstyle="miter",
        )
        ax.plot(ranks[method], 0, "o", color=colour, markersize=4)
        ax.annotate(
            f"{names[method]}  {ranks[method]:.2f}" if right else f"{ranks[method]:.2f}  {names[method]}",
            (edge, y),
            xytext=(5 if right else -5, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            color=colour,
            fontsize=10,
        )
    margin = 0.02 * (high - low)
    for index, bar in enumerate(bars):
        y = -0.28 - 0.28 * index
        ax.hlines(
            y, ranks[bar].min() - margin, ranks[bar].max() + margin, color=INK, linewidth=4, capstyle="round"
        )
    span = high - low
    ax.set_xlim(high + 0.5 * span, low - 0.5 * span)
    ax.set_ylim(-depth - 0.5 * rows, 0.8)
    ax.axis("off")
    ax.set_title(
        f"Mean rank over {len(accuracies)} data sets (right is better; a bar joins methods "
        f"that do not differ, Wilcoxon-Holm, {level:g})",
        color=INK,
        fontsize=9.5,
    )
    return figure


def plot_scatter(accuracies: pd.DataFrame, ours: str, others: Sequence[str]) -> Figure:
    """One square per rival: each dot is a data set, above the diagonal where `ours` is more accurate."""
    columns = min(3, len(others))
    rows = -(-len(others) // columns)
    figure = new_figure(3.4 * columns, 3.5 * rows)
    low = np.floor(10 * float(np.nanmin(accuracies[[ours, *others]].to_numpy()))) / 10
    for index, ax in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if index >= len(others):
            ax.axis("off")
            continue
        both = accuracies[[ours, others[index]]].dropna().round(3)
        wins, ties, losses = compare(both[ours], both[others[index]])
        ax.plot([low, 1], [low, 1], color=FAINT, linewidth=1, zorder=1)
        side = np.sign(both[ours] - both[others[index]])
        colours = np.select([side > 0, side < 0], [BLUE, VERMILION], INK)
        ax.scatter(both[others[index]], both[ours], s=18, c=colours, alpha=0.75, linewidths=0, zorder=2)
        ax.set(xlim=(low, 1.01), ylim=(low, 1.01), aspect="equal", xlabel=others[index], ylabel=ours)
        bare(ax)
        ax.text(
            0.03, 0.97, f"{ours} better: {wins}", transform=ax.transAxes, va="top", color=BLUE, fontsize=9
        )
        ax.text(
            0.97, 0.03, f"worse: {losses}", transform=ax.transAxes, ha="right", color=VERMILION, fontsize=9
        )
        ax.text(0.97, 0.10, f"equal: {ties}", transform=ax.transAxes, ha="right", color=INK, fontsize=9)
    return figure


def plot_ablation(accuracies: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Difference of each variant from the full model: faint dots are data sets, the diamond is their mean."""
    changed = [name for name in table.index if name != "full"]
    figure = new_figure(7.2, 1.2 + 0.36 * max(len(changed), 1))
    ax = figure.subplots()
    ax.axvline(0, color=INK, linewidth=1)
    for row, name in enumerate(changed):
        difference = (accuracies[name] - accuracies["full"]).dropna()
        ax.scatter(
            difference, np.full(len(difference), row), s=16, color=INK, alpha=0.4, linewidths=0, zorder=2
        )
        mean = float(table["difference"][name])
        ax.scatter(mean, row, s=60, marker="D", color=VERMILION if mean < 0 else BLUE, zorder=3)
    ax.set_yticks(range(len(changed)), [str(table.at[name, "label"]) for name in changed])
    ax.set_ylim(len(changed) - 0.5, -0.5)
    ax.set_xlabel("accuracy minus the full model's (dots: data sets, diamond: mean)")
    bare(ax, grid="x")
    return figure
