"""Figures of the growth of the cost: one per kind of work, one panel per size that varies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.rows import GROWTH
from benchmarks.speed.table import Line, spent
from tsrep.plots.style import BLUE, GREEN, INK, VERMILION, bare, new_figure

AXES = {"length": "steps", "instances": "instances", "channels": "channels", "context": "context, steps"}


def along(lines: Sequence[Line], work: str) -> dict[str, list[Line]]:
    """{axis: lines of the growth of `work` that differ in this size only, in its order}.

    The common point of the axes has the most frequent value of each size.
    """
    of_work = [line for line in lines if line["work"] == work]
    base = {axis: _most_common([line[axis] for line in of_work]) for axis in AXES} if of_work else {}
    lines_of_axis = {}
    for axis in AXES:
        others = [other for other in AXES if other != axis]
        on_axis = [line for line in of_work if all(line[other] == base[other] for other in others)]
        if len({line[axis] for line in on_axis}) > 1:
            lines_of_axis[axis] = sorted(on_axis, key=lambda line: line[axis])
    return lines_of_axis


def figure_name(work: str) -> str:
    return f"{work.replace(' ', '-')}.png"


def write_figures(lines: Sequence[Line], folder: Path) -> list[Path]:
    """Writes one figure per kind of work that has lines; returns the files."""
    written = []
    for work in GROWTH.values():
        axes = along(lines, work)
        if not axes:
            continue
        figure = new_figure(3.3 * len(axes), 3.1)
        panels = figure.subplots(1, len(axes), squeeze=False, sharey=True)[0]
        for ax, (axis, on_axis) in zip(panels, axes.items(), strict=True):
            sizes = [line[axis] for line in on_axis]
            for key, colour, style, label in (
                ("measured", BLUE, "o-", "measured"),
                ("multiply_adds", VERMILION, "--", "its products at the machine's best"),
                ("bytes", GREEN, ":", "its bytes at the machine's best"),
            ):
                ax.plot(sizes, [_seconds(line, key) for line in on_axis], style, color=colour, label=label)
            ax.set(xscale="log", yscale="log", xlabel=AXES[axis])
            ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
            ax.minorticks_off()
            bare(ax, grid="y")
        panels[0].set_ylabel("seconds")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper left", ncols=3, frameon=False, fontsize=9, labelcolor=INK
        )
        folder.mkdir(parents=True, exist_ok=True)
        written.append(folder / figure_name(work))
        figure.savefig(written[-1], dpi=110)
    return written


def _seconds(line: Line, key: str) -> float:
    if key == "measured":
        return spent(line, "ours")
    return line[key] / line["machine"][f"{key}_per_second"]


def _most_common(values: Sequence[int]) -> int:
    return max(set(values), key=values.count)
