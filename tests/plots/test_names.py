"""Names of users in figures: they stand there as they are, with `$` and `_`, and long ones fit."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from tsrep.plots import (
    plot_accuracy,
    plot_anomalies,
    plot_clusters,
    plot_forecast,
    plot_imputation,
    plot_loss,
    plot_maps,
    plot_matches,
    plot_reconstruction,
    plot_representation,
    plot_rivals,
)
from tsrep.plots.style import LONGEST_TITLE, as_shown
from tsrep_vision.plots import plot_learning_curves, plot_segmentation

FORMULA, HIDDEN, LONG = (
    r"$\frac$ of $",
    "_raw",
    "temperature of the cooling water behind the second pump " * 9,
)
NAMES = (FORMULA, HIDDEN, LONG)
STEPS = np.arange(6.0)
HISTORY = [{"step": step, "loss": 1.0} for step in range(3)]


def frame(*names: str) -> pd.DataFrame:
    return pd.DataFrame(dict.fromkeys(names, STEPS))


FIGURES = {  # and whether all names are in it
    "accuracy": (
        lambda: plot_accuracy({name: dict.fromkeys(NAMES, 0.5) for name in NAMES}, title=FORMULA),
        True,
    ),
    "anomalies": (lambda: plot_anomalies(STEPS, STEPS, STEPS, STEPS > 4, title=FORMULA), False),
    "clusters": (
        lambda: plot_clusters(np.eye(3), [0, 1, -1], np.ones((3, 1, 6)), [0, 1], title=LONG),
        False,
    ),
    "matches": (lambda: plot_matches(np.ones((1, 6)), np.ones((3, 1, 6)), NAMES, title=FORMULA), True),
    "forecast": (
        lambda: plot_forecast(
            frame(*NAMES), frame(*NAMES), others={name: frame(*NAMES) for name in NAMES}, title=LONG
        ),
        True,
    ),
    "rivals": (
        lambda: plot_rivals(
            pd.Series(STEPS, name=FORMULA),
            pd.Series(STEPS),
            {name: frame(FORMULA) for name in NAMES},
            title=LONG,
        ),
        True,
    ),
    "imputation": (
        lambda: plot_imputation(*np.ones((2, 3, 6)), {0.9: np.ones((3, 6))}, names=NAMES, title=FORMULA),
        False,
    ),
    "loss": (lambda: plot_loss(dict.fromkeys(NAMES, HISTORY), title=FORMULA), True),
    "maps": (lambda: plot_maps({FORMULA: np.eye(3), LONG: np.eye(3)}, np.array(NAMES)), True),
    "reconstruction": (
        lambda: plot_reconstruction(*np.ones((3, 1, 6)) > [[[0]], [[2]], [[0]]], title=FORMULA),
        False,
    ),
    "representation": (
        lambda: plot_representation(STEPS, np.outer(STEPS, STEPS), series_label=FORMULA, title=LONG),
        False,
    ),
    "curves": (
        lambda: plot_learning_curves(
            [{"step": step, **dict.fromkeys(NAMES, 0.5), "loss": 1.0} for step in range(3)]
        ),
        False,
    ),
    "segmentation": (
        lambda: plot_segmentation(
            [torch.zeros(3, 8, 8)],
            [
                {
                    "boxes": torch.tensor([[1.0, 1, 5, 5]]),
                    "labels": torch.tensor([1]),
                    "masks": torch.zeros(1, 8, 8),
                    "scores": torch.tensor([0.9]),
                }
            ],
            classes=["nothing", FORMULA],
        ),
        False,
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_names_are_shown_as_they_are(name):
    draw, named = FIGURES[name]
    figure = draw()
    FigureCanvasAgg(figure).draw()
    texts = [text.get_text() for text in figure.findobj(Text)]
    mine = [text for text in texts if "frac" in text or "raw" in text or "temp" in text]
    assert mine or name == "curves"
    assert not any(is_math_text(text) for text in mine)
    assert max(map(len, mine), default=0) <= LONGEST_TITLE + 30
    if named:
        legends = [*figure.legends, *filter(None, (ax.get_legend() for ax in figure.axes))]
        shown = [text.get_text() for legend in legends for text in legend.get_texts()] or mine
        for each in NAMES:
            assert any(text.startswith(as_shown(each)[:9]) for text in shown)
    width, height = figure.get_size_inches() * figure.dpi
    for text in figure.findobj(Text):
        if text.get_text() in mine and text.get_visible() and name != "segmentation":
            box = text.get_window_extent()
            assert box.x0 > -9 and box.x1 < width + 9 and box.y0 > -9 and box.y1 < height + 9, text


def test_a_name_keeps_its_ends():
    assert as_shown("a\n  b") == "a b"
    assert as_shown("") == "''"
    assert as_shown(3) == "3"
    assert len(as_shown(LONG)) <= 32 and as_shown(LONG).startswith("temperature of")
