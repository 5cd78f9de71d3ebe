"""The forecasting tables: a row a set, setting and horizon, a column a method, from result lines to pages.

An error is the mean over the seeds that were run. A published number stands in a column of its own, where it was
verified (`published/forecasting.csv`). The notes say what the numbers decide: whether the paper's protocol gives the
paper's errors, whether the recipe beats ridge regression on raw lags, and what in it the representation is worth.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsrep.bench.forecast_task import PROTOCOLS, SETTINGS
from tsrep.bench.forecasters import METHODS
from tsrep.bench.pages import conditions, write_pages
from tsrep.bench.results import RESULTS_FILE, read_lines
from tsrep.plots import plot_rivals

PAPER = "TS2Vec (paper)"
RIVAL = "AutoTCL (paper)"
BEST, FAITHFUL, WITHOUT, LAGS = "ts2vec-best", "ts2vec-faithful", "best-without", "ridge-lags"
IN_THE_FIGURE = (BEST, FAITHFUL, LAGS, "seasonal-naive")
KEYS = ["setting", "dataset", "horizon"]


def published_forecasts() -> pd.DataFrame:
    """Verified errors of TS2Vec and AutoTCL: columns setting, dataset, horizon, method, mse, mae."""
    with files("tsrep.bench").joinpath("published/forecasting.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)[[*KEYS, "method", "mse", "mae"]]


def measured(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """A row for each finished cell and horizon: setting, dataset, horizon, method, seed, mse, mae."""
    rows = [
        {
            "setting": line["variant"],
            "dataset": line["dataset"],
            "horizon": horizon,
            "method": line["method"],
            "seed": line["seed"],
            "mse": mse,
            "mae": mae,
        }
        for line in lines
        for horizon, mse, mae in zip(line["horizons"], line["mse"], line["mae"], strict=True)
    ]
    return pd.DataFrame(rows)


def error_table(errors: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means over seeds: a row a (setting, dataset, horizon), a column a method in the order of `METHODS`."""
    table = errors.pivot_table(index=KEYS, columns="method", values=metric, aggfunc="mean").rename_axis(
        columns=None
    )
    known = [name for name in METHODS if name in table]
    settings = {name: place for place, name in enumerate(SETTINGS)}
    table = table[known + [name for name in table if name not in known]]
    return table.sort_index(key=lambda level: level.map(settings) if level.name == "setting" else level)


def with_published(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`table` with the columns of published errors of its rows, those without any left out."""
    known = (
        published_forecasts()
        .pivot_table(index=KEYS, columns="method", values=metric)
        .rename_axis(columns=None)
    )
    return table.join(known).dropna(axis=1, how="all")


def mean_over_horizons(table: pd.DataFrame) -> pd.DataFrame:
    """A row a (setting, dataset); missing where a method lacks one of the horizons."""
    grouped = table.groupby(level=["setting", "dataset"], sort=False)
    return grouped.mean().where(grouped.count() == grouped.size().to_numpy()[:, None])


def verdicts(mse: pd.DataFrame) -> list[str]:
    """Sentences on what the errors (a row a (setting, dataset, horizon)) decide, as far as they were measured."""
    means = mean_over_horizons(mse)
    said = []
    if {FAITHFUL, PAPER} <= set(means):
        both = means[[FAITHFUL, PAPER]].dropna()
        parts = [
            f"{_label(key)} {ours:.3f} against {theirs:.3f} ({ours / theirs - 1:+.1%})"
            for key, (ours, theirs) in zip(both.index, both.to_numpy(), strict=True)
        ]
        if parts:
            said.append("The paper's protocol here against the paper, mean MSE: " + "; ".join(parts) + ".")
    for first, second, what in (
        (BEST, LAGS, "The representation and the lags together against ridge regression on the raw lags"),
        (BEST, WITHOUT, "The same recipe with TS2Vec against without any representation"),
    ):
        if {first, second} <= set(means):
            said.append(_compared(mse, means, first, second, what))
    if {BEST, RIVAL} <= set(mse):
        both = mse[[BEST, RIVAL]].dropna()
        below = int((both[BEST] < both[RIVAL]).sum())
        said.append(f"Against AutoTCL's published row: lower at {below} of {len(both)} horizons.")
    return said


def _compared(mse: pd.DataFrame, means: pd.DataFrame, first: str, second: str, what: str) -> str:
    both, by_horizon = means[[first, second]].dropna(), mse[[first, second]].dropna()
    ratios, at_horizons = both[first] / both[second] - 1, by_horizon[first] / by_horizon[second] - 1
    parts = ", ".join(f"{_label(key)} {ratio:+.1%}" for key, ratio in ratios.items())
    return (
        f"{what}: lower mean MSE on {int((ratios < 0).sum())} of {len(ratios)} tables ({parts}); at a single horizon "
        f"at worst {at_horizons.max():+.1%} ({_label(at_horizons.idxmax())})."
    )


def week_figures(lines: list[dict[str, Any]], folder: Path) -> list[Path]:
    """For each set with a week among its horizons: that week in the middle of the test part, forecast and truth."""
    written = []
    weeks = [line for line in lines if line.get("week") and line["seed"] == 0]
    for dataset in dict.fromkeys(line["dataset"] for line in weeks):
        by_method = {line["method"]: line["week"] for line in weeks if line["dataset"] == dataset}
        if BEST in by_method:
            path = folder / f"week_{dataset}.png"
            _week_figure(dataset, by_method).savefig(path, dpi=150)
            written.append(path)
    return written


def _week_figure(dataset: str, by_method: dict[str, dict[str, Any]]) -> Figure:
    """A panel for each method over the truth, which begins a day before the origin."""
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


def write_forecasting(name: str, folder: Path) -> list[Path]:
    """Write the tables of a protocol and its figures into `folder`."""
    every = read_lines(folder / RESULTS_FILE).values()
    lines = [line for line in every if line["status"] == "ok"]
    errors = measured(lines)
    mse, mae = (error_table(errors, metric) for metric in ("mse", "mae"))
    if name == "forecasting":
        mse, mae = with_published(mse, "mse"), with_published(mae, "mae")
    means = mean_over_horizons(mse)
    images = week_figures(lines, folder)
    spread = errors.pivot_table(index=KEYS, columns="method", values="mse", aggfunc=lambda v: v.std(ddof=1))
    sections = [
        ("Mean squared error, mean over the horizons", _readable(means)),
        ("Mean squared error", _readable(mse)),
        ("Mean absolute error", _readable(mae)),
    ]
    if errors["seed"].nunique() > 1:
        sections.append(
            ("Standard deviation of the mean squared error over seeds", _flat(spread.dropna(how="all")))
        )
    failed = [line for line in every if line["status"] != "ok"]
    if failed:
        sections.append(("Failed cells", pd.DataFrame(failed)[["cell", "error"]].set_index("cell")))
    seeds = sorted({line["seed"] for line in lines})
    notes = [
        conditions(pd.DataFrame(lines)),
        f"Seeds {', '.join(map(str, seeds))}; the lowest measured error of a row is bold.",
        *verdicts(mse),
    ]
    mse.add_suffix(" mse").join(mae.add_suffix(" mae")).round(6).to_csv(folder / "table.csv")
    return [
        folder / "table.csv",
        *write_pages(PROTOCOLS[name].title, notes, sections, images, folder),
        *images,
    ]


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Errors as text with three decimals, the lowest measured one of each row in bold."""
    shown = table.map(lambda value: "" if np.isnan(value) else f"{value:.3f}")
    own = [name for name in table if name in METHODS]
    lowest = table[own].round(3).min(axis=1)
    for name in own:
        is_lowest = table[name].round(3) == lowest
        shown[name] = np.where(is_lowest, "**" + shown[name] + "**", shown[name])
    return _flat(shown)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Row labels as one column: "ETTh1 univariate, 24"."""
    return table.set_axis(pd.Index([_label(key) for key in table.index], name="set"), axis=0).rename_axis(
        columns=None
    )


def _label(key: Any) -> str:
    """Of a (setting, dataset) or (setting, dataset, horizon)."""
    return f"{key[1]} {key[0]}" + (f", {key[2]}" if len(key) > 2 else "")
