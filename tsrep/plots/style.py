"""The common style of all figures: colours, markers and axes.

The colours are the palette of Okabe and Ito (2008), which readers with common colour-vision deficiencies can
distinguish. Each class also has a marker of its own, so that a figure can be printed in grey. Figures are built with
`matplotlib.figure.Figure` and not through pyplot: nothing is registered globally, no window opens and no display is
needed.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
VERMILION, SKY, BROWN, BLACK = "#D55E00", "#56B4E9", "#7F5539", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BROWN, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK = "#333333"
FAINT = "#C9CED6"
GREY = "#8A919C"

LONGEST_NAME, LONGEST_TITLE, LONGEST_ROW = 32, 80, 20
"""Characters that labels, titles, and labels beside low panels have room for."""


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of `width` by `height` inches with an automatic layout."""
    spaced = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)  # inches, so that labels do not touch the border
    return Figure(figsize=(width, height), layout=spaced, facecolor="white")


def bare(ax: Axes, grid: str | None = None) -> None:
    """Removes the top and right lines of an axes and mutes the others; `grid` is "x", "y" or None."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)
    ax.tick_params(color=FAINT, labelcolor=INK, labelsize=9)
    ax.xaxis.label.set(color=INK, size=10)
    ax.yaxis.label.set(color=INK, size=10)
    ax.title.set(color=INK, size=11)
    if grid is not None:
        ax.grid(axis=grid, color=FAINT, linewidth=0.6)  # type: ignore[arg-type]
        ax.set_axisbelow(True)


def as_shown(name: object, longest: int = LONGEST_NAME) -> str:
    r"""A name as matplotlib shows it as it is: no formula between two `$`, no hidden label, no line break.

    The middle of a long name is left out, and a blank precedes `_`, which hides labels from legends.

    Examples
    --------
    >>> as_shown("price_$ per $"), as_shown("_raw"), as_shown("temperature of the room", 12)
    ('price_\\$ per \\$', ' _raw', 'tempera…room')
    """
    text = " ".join(str(name).split()) or "''"
    if len(text) > longest:
        end = longest // 3
        text = f"{text[: longest - end - 1].rstrip()}…{text[-end:].lstrip()}"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def time_axis(ax: Axes, index: pd.Index) -> None:
    """Labels the steps of `index` below an axes: dates by the clocks of their zone, or step numbers."""
    if not isinstance(index, pd.DatetimeIndex):
        ax.set_xlabel("step")
        return
    locator = AutoDateLocator(tz=index.tz)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=index.tz))
    if index.tz is not None:
        ax.set_xlabel(str(index.tz))


def titled(ax: Axes, title: str | None, longest: int = LONGEST_TITLE) -> None:
    """The title of an axes, if there is one."""
    if title is not None:
        ax.set_title(as_shown(title, longest), loc="left")


def appearance(index: int) -> tuple[str, str]:
    """(colour, marker) of class number `index`; there are 64 different pairs."""
    return PALETTE[index % len(PALETTE)], MARKERS[(index + index // len(PALETTE)) % len(MARKERS)]
