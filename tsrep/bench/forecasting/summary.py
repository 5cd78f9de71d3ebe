"""From result lines to the pages of the forecasting tables."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tsrep.bench.forecasting.errors import (
    BEST,
    FAITHFUL,
    KEYS,
    LAGS,
    error_table,
    label,
    mean_over_horizons,
    measured,
    verdicts,
    with_published,
)
from tsrep.bench.forecasting.methods import METHODS
from tsrep.bench.pages import Summary, conditions, lowest_in_bold, seeds_of, with_labels
from tsrep.plots import plot_rivals

IN_THE_FIGURE = (BEST, FAITHFUL, LAGS, "seasonal-naive")


def summarise(lines: list[dict[str, Any]], published: bool) -> Summary:
    """Errors per set, setting and horizon: one column per method, the published ones beside them if `published`."""
    errors = measured(lines)
    mse, mae = (error_table(errors, metric) for metric in ("mse", "mae"))
    if published:
        mse, mae = with_published(mse, "mse"), with_published(mae, "mae")
    sections = [
        ("Mean squared error, mean over the horizons", _readable(mean_over_horizons(mse))),
        ("Mean squared error", _readable(mse)),
        ("Mean absolute error", _readable(mae)),
    ]
    if errors["seed"].nunique() > 1:
        spread = errors.pivot_table(
            index=KEYS, columns="method", values="mse", aggfunc=lambda v: v.std(ddof=1)
        )
        sections.append(
            (
                "Standard deviation of the mean squared error over seeds",
                with_labels(spread.dropna(how="all"), label),
            )
        )
    frame = pd.DataFrame(lines)
    return Summary(
        notes=[
            conditions(frame),
            f"Seeds {seeds_of(frame)}; the lowest measured error of a row is bold.",
            *verdicts(mse),
        ],
        sections=sections,
        csv=mse.add_suffix(" mse").join(mae.add_suffix(" mae")).round(6),
        figures=week_figures(lines),
    )


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Errors as text, the lowest measured one of each row in bold."""
    return with_labels(lowest_in_bold(table, [name for name in table if name in METHODS]), label)


def week_figures(lines: list[dict[str, Any]]) -> dict[str, Figure]:
    """For each set with a week among its horizons: that week in the middle of the test part, forecast and truth."""
    figures = {}
    weeks = [line for line in lines if line.get("week") and line["seed"] == 0]
    for dataset in dict.fromkeys(line["dataset"] for line in weeks):
        by_method = {line["method"]: line["week"] for line in weeks if line["dataset"] == dataset}
        if BEST in by_method:
            figures[f"week_{dataset}.png"] = _week_figure(dataset, by_method)
    return figures


def _week_figure(dataset: str, by_method: dict[str, dict[str, Any]]) -> Figure:
    """One panel per method over the truth, which begins a day before the origin."""
    week = by_method[BEST]
    steps = len(week["forecast"])
    step = pd.Timedelta(seconds=week["step_seconds"])
    origin = pd.Timestamp(week["origin"])
    truth = pd.Series(
        week["truth"],
        pd.date_range(origin - steps * step, periods=2 * steps + 1, freq=step),
        dtype=float,
        name="standardised",
    )
    ahead = pd.date_range(origin + step, periods=steps, freq=step)
    frames = {
        name: pd.DataFrame({truth.name: by_method[name]["forecast"]}, ahead)
        for name in IN_THE_FIGURE
        if name in by_method
    }
    past, came = truth.loc[origin - pd.Timedelta(days=1) : origin], truth.loc[origin:]
    title = f"{dataset}: a week of the test part, forecast at once ({steps} steps). Grey: what came"
    return plot_rivals(past, came, frames, title=title)
