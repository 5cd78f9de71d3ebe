"""Figures of the studies, from the same means as the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from tsrep.bench.masked.averages import common_sets, compared, means_over_sets, rank_correlations, seed_means
from tsrep.bench.masked.sections import (
    MEASURES,
    RATIO_TO_LINEAR,
    READ_OUTS,
    SHARES,
    able_to_fill,
    present,
    references_of,
    with_references,
)
from tsrep.bench.masked.studies import CONFIGURATIONS, HYDRA, STUDIES
from tsrep.plots.style import BLUE, FAINT, GREY, INK, ORANGE, VERMILION, appearance, bare, new_figure

COLOURS = {"plain": BLUE, "rich": ORANGE}
DASHED = (0, (5, 3))


def figures(lines: pd.DataFrame) -> dict[str, Figure]:
    """What the lines allow, by file name."""
    drawn = {
        "ratio.png": plot_ratio(lines),
        "distance.png": plot_distance(lines),
        "targets.png": plot_targets(lines),
        "filling.png": plot_filling(lines),
        "labels.png": plot_labels(lines),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def plot_ratio(lines: pd.DataFrame) -> Figure | None:
    """Accuracy against the share that is hidden; bars are the spread over seeds, the flat line is a drawn ratio."""
    names, sets = _compared(lines, "ratio")
    if not sets:
        return None
    figure = new_figure(6.6, 4.6)
    ax = figure.subplots()
    shown = (
        ("plain_probe", "probe, maximum over time", BLUE, "o"),
        ("rich_probe", "probe, rich read-out", ORANGE, "s"),
        ("finetuned", "fine-tuned", VERMILION, "^"),
    )
    for value, label, colour, marker in shown:
        if value not in lines:
            continue
        means = dict(zip(names, means_over_sets(lines, names, value, sets), strict=True))
        fixed = [(CONFIGURATIONS[name].axis["ratio"], mean) for name, mean in means.items() if _fixed(name)]
        style: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "markersize": 5,
            "capsize": 2.5,
            "linewidth": 1.6,
        }
        if fixed:
            ratios, points = zip(*sorted(fixed), strict=True)
            spread = np.nan_to_num([point.spread for point in points])
            ax.errorbar(ratios, [point.mean for point in points], spread, label=label, **style)
        for name in (name for name in names if not _fixed(name)):
            low, high = CONFIGURATIONS[name].axis["ratio"]
            ax.hlines(means[name].mean, low, high, color=colour, linewidth=1.2, linestyle=DASHED)
    ax.set_xlabel("share of the series that is hidden in training")
    ax.set_ylabel(f"test accuracy, mean of {len(sets)} sets")
    ax.set_xticks(np.arange(0.1, 1.0, 0.1))
    bare(ax, grid="y")
    handles, labels = ax.get_legend_handles_labels()
    ranges = [CONFIGURATIONS[name].axis["ratio"] for name in names if not _fixed(name)]
    if ranges:
        low, high = ranges[0]
        drawn = Line2D([], [], color=INK, linewidth=1.2, linestyle=DASHED)
        handles, labels = [*handles, drawn], [*labels, f"drawn from {low} to {high} per batch"]
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9, labelcolor=INK
    )
    return figure


def plot_distance(lines: pd.DataFrame) -> Figure | None:
    """Accuracy against the mean distance of a hidden step to the nearest visible one, one marker per kind of mask."""
    names, sets = _compared(lines, "mask")
    if not sets or "average_distance" not in lines:
        return None
    figure = new_figure(7.6, 4.0)
    axes = figure.subplots(1, 2)
    kinds = list(dict.fromkeys(CONFIGURATIONS[name].axis["mask"] for name in names))
    for ax, (read_out, said) in zip(axes, READ_OUTS.items(), strict=True):
        for index, kind in enumerate(kinds):
            some = [name for name in names if CONFIGURATIONS[name].axis["mask"] == kind]
            x = [mean.mean for mean in means_over_sets(lines, some, "average_distance", sets)]
            y = [mean.mean for mean in means_over_sets(lines, some, f"{read_out}_probe", sets)]
            size = [90 * CONFIGURATIONS[name].axis["ratio"] for name in some]
            colour, marker = appearance(index)
            ax.scatter(x, y, s=size, color=colour, marker=marker, label=kind, linewidths=0, alpha=0.85)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
        ax.set(title=said, xlabel="average distance (steps)")
        bare(ax, grid="y")
    axes[0].set_ylabel(f"test accuracy, mean of {len(sets)} sets")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(kinds),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        title="kind of mask; larger: more is hidden",
        title_fontsize=9,
    )
    return figure


def plot_targets(lines: pd.DataFrame) -> Figure | None:
    """One row per target, the best probe on top, and the references below; one panel per measure."""
    names, sets = _compared(lines, "targets")
    if not sets:
        return None
    apart = references_of(STUDIES["targets"])
    references = [name for name in apart if name in with_references(lines, names, sets)]
    probe = dict(zip(names, means_over_sets(lines, names, "plain_probe", sets), strict=True))
    targets = [name for name in names if name not in apart]
    rows = [*sorted(targets, key=lambda name: -probe[name].mean), *references]
    figure = new_figure(10.5, 1.5 + 0.27 * len(rows))
    for ax, (value, said) in zip(
        figure.subplots(1, len(MEASURES), sharey=True), MEASURES.items(), strict=True
    ):
        for read_out, offset in (("plain", -0.14), ("rich", 0.14)):
            means = means_over_sets(lines, rows, f"{read_out}_{value}", sets)
            ax.errorbar(
                [mean.mean for mean in means],
                np.arange(len(rows)) + offset,
                xerr=np.nan_to_num([mean.spread for mean in means]),
                fmt="o" if read_out == "plain" else "D",
                markersize=4,
                color=COLOURS[read_out],
                elinewidth=1,
                label=READ_OUTS[read_out],
            )
        if references:
            ax.axhline(len(targets) - 0.5, color=INK, linewidth=0.8)
        ax.set_title(said)
        bare(ax, grid="both")
        ax.title.set_size(10)
    ax = figure.axes[0]
    ax.set_yticks(range(len(rows)), [CONFIGURATIONS[name].label for name in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        title=f"mean of {len(sets)} sets; bars: standard deviation over seeds",
        title_fontsize=9,
    )
    return figure


def plot_filling(lines: pd.DataFrame) -> Figure | None:
    """One panel per set: each dot is a configuration, left where it fills hidden values better."""
    some = able_to_fill(lines)
    if some.empty:
        return None
    errors, accuracies = seed_means(some, RATIO_TO_LINEAR), seed_means(some, "plain_probe")
    correlations = rank_correlations(errors, accuracies)
    sets = [str(name) for name in errors.index if name in correlations]
    if not sets:
        return None
    columns = min(3, len(sets))
    rows = -(-len(sets) // columns)
    figure = new_figure(3.2 * columns, 2.7 * rows + 0.4)
    axes: Sequence[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
    designs = {
        "MAE": errors.columns.map(_design) == "mae",
        "SimMIM": errors.columns.map(_design) == "simmim",
    }
    for ax, name in zip(axes, sets, strict=False):
        ax.axvline(1, color=FAINT, linewidth=1)
        for index, (design, members) in enumerate(designs.items()):
            colour, marker = appearance(index)
            ax.scatter(
                errors.loc[name].to_numpy()[members],
                accuracies.loc[name].reindex(errors.columns).to_numpy()[members],
                s=18,
                color=colour,
                marker=marker,
                alpha=0.7,
                linewidths=0,
                label=design,
            )
        bare(ax)
        ax.set_title(f"{name} ({correlations[name]:+.2f})", fontsize=9)
    for ax in axes[len(sets) :]:
        ax.axis("off")
    figure.supxlabel("error on hidden values / that of straight lines", fontsize=10, color=INK)
    figure.supylabel("test accuracy (probe, maximum over time)", fontsize=10, color=INK)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        title="dots: configurations; in brackets: rank correlation",
        title_fontsize=9,
    )
    return figure


def plot_labels(lines: pd.DataFrame) -> Figure | None:
    """Accuracy against the share of the training labels, one panel per read-out; references in grey."""
    names, sets = _compared(lines, "encoders")
    if not sets:
        return None
    figure = new_figure(9.6, 4.2)
    axes = figure.subplots(1, 2, sharey=True)
    shares = [float(said.removesuffix(" %")) for said in SHARES.values()]
    references = references_of(STUDIES["encoders"])
    trained = [name for name in names if name not in references]
    dashes = dict(zip(references, (":", "-.", "--", "-"), strict=True))
    for ax, (read_out, said) in zip(axes, READ_OUTS.items(), strict=True):
        by_share = [means_over_sets(lines, names, f"{read_out}_{value}", sets) for value in SHARES]
        for name, means in zip(names, zip(*by_share, strict=True), strict=True):
            if name in references:
                style: dict[str, Any] = {
                    "color": INK if name == HYDRA else GREY,
                    "linestyle": dashes[name],
                }
            else:
                colour, marker = appearance(trained.index(name))
                style = {"color": colour, "marker": marker, "markersize": 4.5}
            ax.plot(
                shares,
                [mean.mean for mean in means],
                linewidth=1.5,
                label=CONFIGURATIONS[name].label,
                **style,
            )
        ax.set_xscale("log")
        ax.set_xticks(shares, list(SHARES.values()))
        ax.minorticks_off()
        ax.set(title=said, xlabel="share of the training labels")
        bare(ax, grid="y")
    axes[0].set_ylabel(f"test accuracy, mean of {len(sets)} sets")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9, labelcolor=INK)
    return figure


def _compared(lines: pd.DataFrame, study: str) -> tuple[list[str], list[str]]:
    """The configurations of a study that are drawn, and the sets that all of them have."""
    names = compared(lines, present(lines, STUDIES[study]), "plain_probe")
    return names, common_sets(lines, names, "plain_probe")


def _fixed(name: str) -> bool:
    return not isinstance(CONFIGURATIONS[name].axis["ratio"], tuple)


def _design(name: Any) -> Any:
    return CONFIGURATIONS[str(name)].settings.get("design")
