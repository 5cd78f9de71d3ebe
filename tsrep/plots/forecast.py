"""Forecasts over what came before and, where it is known, what came: a panel for each target."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from tsrep.plots.style import BLACK, FAINT, INK, PALETTE, bare, new_figure

MOST_PANELS = 8


def plot_forecast(
    past: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    truth: pd.DataFrame | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
    level: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the columns of `past` and their forecasts after it.

    Parameters
    ----------
    past : time down, a target in each column; of many the first eight are drawn.
    forecast : a column for each target and, where there are intervals, `<target>_lower` and `<target>_upper`, as
        `RepresentationForecaster.predict` gives it.
    truth : the same columns as `past`, at steps of the forecast.
    others : forecasts of other methods by name, drawn thinner.
    level : the share of values that the intervals are meant to hold, for the legend.

    Raises
    ------
    ValueError
        A target has no forecast.
    """
    targets = [str(name) for name in past.columns][:MOST_PANELS]
    missing = [name for name in targets if name not in forecast.columns]
    if missing:
        raise ValueError(f"forecast lacks the column {missing[0]!r}")
    figure = new_figure(8.0, 1.2 + 2.2 * len(targets))
    panels = figure.subplots(len(targets), 1, sharex=True, squeeze=False)[:, 0]
    for ax, target in zip(panels, targets, strict=True):
        ax.plot(past.index, past[target], color=BLACK, linewidth=0.9, label="known")
        if truth is not None:
            ax.plot(truth.index, truth[target], color=BLACK, linewidth=0.9, linestyle=":", label="what came")
        for index, (name, other) in enumerate((others or {}).items()):
            colour = PALETTE[(index + 1) % len(PALETTE)]
            ax.plot(other.index, other[target], color=colour, linewidth=1.0, alpha=0.9, label=name)
        ax.plot(forecast.index, forecast[target], color=PALETTE[0], linewidth=1.5, label="forecast")
        _band(ax, forecast, target, level)
        ax.axvline(past.index[-1], color=FAINT, linewidth=1.0)
        ax.set_ylabel(target)
        ax.margins(x=0.01)
        bare(ax)
    panels[0].legend(frameon=False, fontsize=9, loc="upper left", ncols=3, labelcolor=INK)
    _time_axis(panels[-1], past.index)
    if title is not None:
        panels[0].set_title(title, loc="left")
    return figure


def _band(ax: Axes, forecast: pd.DataFrame, target: str, level: float | None) -> None:
    if f"{target}_lower" not in forecast:
        return
    lower, upper = forecast[f"{target}_lower"], forecast[f"{target}_upper"]
    if np.isfinite(lower).any():
        name = "interval" if level is None else f"{level:.0%} interval"
        ax.fill_between(forecast.index, lower, upper, color=PALETTE[0], alpha=0.15, linewidth=0, label=name)


def _time_axis(ax: Axes, index: pd.Index) -> None:
    if isinstance(index, pd.DatetimeIndex):
        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        ax.set_xlabel("step")
