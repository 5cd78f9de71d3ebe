"""Forecasts with the past and, if known, the true values.

`plot_forecast` draws one panel per target, `plot_rivals` one panel per method over the same true values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tsrep.metrics import mae
from tsrep.plots.style import (
    BLACK,
    FAINT,
    GREY,
    INK,
    LONGEST_ROW,
    LONGEST_TITLE,
    PALETTE,
    as_shown,
    bare,
    new_figure,
    time_axis,
    titled,
)

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
    past : time down, one column per target; the first eight are drawn. It may have no row.
    forecast : one column per target and, if there are intervals, `<target>_lower` and `<target>_upper`, as
        `RepresentationForecaster.predict` returns it.
    truth : the columns of `past` at the steps of the forecast.
    others : forecasts of other methods by name, drawn thinner.
    level : share of values that the intervals should contain, for the legend.

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
        if len(past):
            ax.plot(past.index, past[target], color=BLACK, linewidth=0.9, label="known")
        if truth is not None:
            ax.plot(truth.index, truth[target], color=GREY, linewidth=0.9, label="truth")
        for index, (name, other) in enumerate((others or {}).items()):
            colour = PALETTE[(index + 1) % len(PALETTE)]
            ax.plot(other.index, other[target], color=colour, linewidth=1.0, alpha=0.9, label=as_shown(name))
        ax.plot(forecast.index, forecast[target], color=PALETTE[0], linewidth=1.5, label="forecast")
        _band(ax, forecast, target, level)
        if len(past):
            ax.axvline(past.index[-1], color=FAINT, linewidth=1.0)
        ax.set_ylabel(as_shown(target))
        ax.margins(x=0.01)
        bare(ax)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, names, frameon=False, fontsize=9, loc="outside lower left", ncols=5, labelcolor=INK
    )
    time_axis(panels[-1], forecast.index)
    titled(panels[0], title)
    return figure


def plot_rivals(
    past: pd.Series,
    truth: pd.Series,
    forecasts: Mapping[str, pd.DataFrame],
    *,
    title: str | None = None,
    label: str | None = None,
) -> Figure:
    """Draw the forecasts of several methods for the same steps, one panel per method, over the true values.

    Parameters
    ----------
    past, truth : the values before and after the origin.
    forecasts : frames by the name of their method, with a column named like `past` and, if there are intervals, its
        `_lower` and `_upper`; drawn in this order. The title of a panel has the mean absolute error.
    label : label of the vertical axes; None: the name of `past`.

    Raises
    ------
    ValueError
        A forecast lacks the column.
    """
    target = str(past.name)
    figure = new_figure(8.0, 0.8 + 1.35 * len(forecasts))
    panels = figure.subplots(len(forecasts), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for index, (ax, (name, forecast)) in enumerate(zip(panels, forecasts.items(), strict=True)):
        if target not in forecast.columns:
            raise ValueError(f"the forecast of {name} lacks the column {target!r}")
        colour = PALETTE[index % len(PALETTE)]
        ax.plot(past.index, past, color=BLACK, linewidth=0.8)
        ax.plot(truth.index, truth, color=GREY, linewidth=0.8)
        ax.plot(forecast.index, forecast[target], color=colour, linewidth=1.6)
        _band(ax, forecast, target, None, colour)
        if len(past):
            ax.axvline(past.index[-1], color=FAINT, linewidth=1.0)
        ax.set_ylabel(as_shown(target if label is None else label, LONGEST_ROW))
        ax.margins(x=0.01)
        bare(ax)
        error = mae(truth.reindex(forecast.index), forecast[target])
        said = f"{as_shown(name)}: mean absolute error {error:.3g}"
        ax.set_title(said, loc="left", fontsize=9, color=colour)
    time_axis(panels[-1], past.index)
    if title is not None:
        figure.suptitle(as_shown(title, LONGEST_TITLE), x=0.01, ha="left", fontsize=11, color=INK)
    return figure


def _band(
    ax: Axes, forecast: pd.DataFrame, target: str, level: float | None, colour: str = PALETTE[0]
) -> None:
    if f"{target}_lower" not in forecast:
        return
    lower, upper = forecast[f"{target}_lower"], forecast[f"{target}_upper"]
    if np.isfinite(lower).any():
        name = "interval" if level is None else f"{level:.0%} interval"
        ax.fill_between(forecast.index, lower, upper, color=colour, alpha=0.15, linewidth=0, label=name)
