"""The measured parts of docs/performance.md, rewritten from the result lines.

A measured part is between `<!-- measured: NAME -->` and `<!-- end -->`; the text around it is written by hand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.figures import along, figure_name, write_figures
from benchmarks.speed.rows import GROWTH
from benchmarks.speed.table import (
    Line,
    comparison,
    conditions,
    good_lines,
    growth_lines,
    markdown,
    notes,
    number,
    scale,
    spent,
)

MEASURED_PART = re.compile(r"(<!-- measured: ([a-z_ -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
IMAGES = "images"  # in the folder of the page
NOTHING_MEASURED = "Nothing measured yet."


def write_page(page: Path, folder: Path) -> list[Path]:
    """Rewrites the measured parts of `page` and its figures from the lines in `folder`."""
    growth = growth_lines(folder)
    figures = write_figures(growth, page.parent / IMAGES)
    text = page.read_text(encoding="utf-8")
    page.write_text(filled(text, good_lines(folder), growth), encoding="utf-8")
    return [page, *figures]


def filled(text: str, lines: Sequence[Line], growth: Sequence[Line]) -> str:
    """The text of the page with its measured parts filled from the lines; ValueError for an unknown name."""
    on_cpu = [line for line in lines if line["device"] == "cpu"]
    on_gpu = [line for line in lines if line["device"] != "cpu"]
    parts = {
        "cpu": _against(on_cpu),
        "gpu": _against(on_gpu),
        "share": share_of_best(lines),
        **{work: _growth(growth, work) for work in GROWTH.values()},
    }

    def part(match: re.Match[str]) -> str:
        if match[2] not in parts:
            raise ValueError(f"the page has the part {match[2]!r}; wanted one of {sorted(parts)}")
        return f"{match[1]}{parts[match[2]] or NOTHING_MEASURED}\n{match[3]}"

    return MEASURED_PART.sub(part, text)


def _against(lines: Sequence[Line]) -> str:
    return "\n\n".join((conditions(lines), comparison(lines), *notes(lines))) if lines else ""


def _growth(lines: Sequence[Line], work: str) -> str:
    table = growth_table(lines, work)
    return table and f"{table}\n\n![{work}]({IMAGES}/{figure_name(work)})"


def share_of_best(lines: Sequence[Line]) -> str:
    """Share of the machine's peak rate of matrix products per kind of work, for lines with counted products."""
    rows = []
    for line in lines:
        if "multiply_adds" in line:
            rate = line["multiply_adds"] / spent(line, "ours")
            best = line["machine"]["multiply_adds_per_second"]
            rows.append(
                (
                    f"{line['work']}, {line['device']} {line['precision']}",
                    str(line["length"]),
                    f"{line['multiply_adds'] / 1e9:.3g}",
                    f"{rate / 1e9:.3g}",
                    f"{rate / best:.0%}",
                )
            )
    heads = ("work", "steps", "multiply-adds (10^9)", "a second (10^9)", "of the machine's best")
    return markdown(heads, rows) if rows else ""


def growth_table(lines: Sequence[Line], work: str) -> str:
    """For each size that varies: times at its ends, the exponent, and the share of the machine's peak rate.

    The exponent is the slope of log time against log size over the larger half of the sizes: 1 is linear, 2 quadratic.
    """
    rows = []
    for axis, on_axis in along(lines, work).items():
        first, middle, last = on_axis[0], on_axis[len(on_axis) // 2 - 1], on_axis[-1]
        slope = math.log(spent(last, "ours") / spent(middle, "ours")) / math.log(last[axis] / middle[axis])
        share = last["multiply_adds"] / spent(last, "ours") / last["machine"]["multiply_adds_per_second"]
        rows.append(
            (
                axis,
                f"{first[axis]:,} to {last[axis]:,}",
                f"{_time(first)} to {_time(last)}",
                f"{slope:.2f}",
                f"{share:.0%}",
            )
        )
    heads = ("varied", "sizes", "time", "exponent", "of the machine's best at the largest")
    return markdown(heads, rows) if rows else ""


def _time(line: Line) -> str:
    factor, unit = scale(spent(line, "ours"), line["unit"])
    return f"{number(spent(line, 'ours') * factor)} {unit}"
