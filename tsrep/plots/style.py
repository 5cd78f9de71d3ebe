"""The common style of all figures: colours, markers and axes.

The colours are the palette of Okabe and Ito (2008), which readers with common colour-vision deficiencies can
distinguish. Each class also has a marker of its own, so that a figure can be printed in grey. Figures are built with
`matplotlib.figure.Figure` and not through pyplot: nothing is registered globally, no window opens and no display is
needed.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
VERMILION, SKY, BROWN, BLACK = "#D55E00", "#56B4E9", "#7F5539", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BROWN, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK = "#333333"
FAINT = "#C9CED6"
GREY = "#8A919C"


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


def appearance(index: int) -> tuple[str, str]:
    """(colour, marker) of class number `index`; there are 64 different pairs."""
    return PALETTE[index % len(PALETTE)], MARKERS[(index + index // len(PALETTE)) % len(MARKERS)]
