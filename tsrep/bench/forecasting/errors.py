"""Errors of the forecasting tables: means over seeds and horizons, published numbers, and what they decide.

An error is the mean over the seeds that were run. A published number stands in a column of its own, where it was
verified (`published.csv`). The verdicts say whether the paper's protocol gives the paper's errors, whether the recipe
beats ridge regression on raw lags, and what in it the representation is worth.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pandas as pd

from tsrep.bench.forecasting.methods import METHODS
from tsrep.bench.forecasting.protocols import SETTINGS

PAPER = "TS2Vec (paper)"
RIVAL = "AutoTCL (paper)"
BEST, FAITHFUL, WITHOUT, LAGS = "ts2vec-best", "ts2vec-faithful", "best-without", "ridge-lags"
KEYS = ["setting", "dataset", "horizon"]


def published_forecasts() -> pd.DataFrame:
    """Verified errors of TS2Vec and AutoTCL: columns setting, dataset, horizon, method, mse, mae."""
    with files("tsrep.bench.forecasting").joinpath("published.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)[[*KEYS, "method", "mse", "mae"]]


def measured(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per finished cell and horizon: setting, dataset, horizon, method, seed, mse, mae."""
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
    """Means over seeds: one row per (setting, dataset, horizon), one column per method in the order of `METHODS`."""
    table = errors.pivot_table(index=KEYS, columns="method", values=metric, aggfunc="mean").rename_axis(
        columns=None
    )
    known = [name for name in METHODS if name in table]
    settings = {name: place for place, name in enumerate(SETTINGS)}
    table = table[known + [name for name in table if name not in known]]
    return table.sort_index(key=lambda level: level.map(settings) if level.name == "setting" else level)


def with_published(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`table` and the published errors of its rows, without columns that are empty."""
    known = (
        published_forecasts()
        .pivot_table(index=KEYS, columns="method", values=metric)
        .rename_axis(columns=None)
    )
    return table.join(known).dropna(axis=1, how="all")


def mean_over_horizons(table: pd.DataFrame) -> pd.DataFrame:
    """One row per (setting, dataset); missing where a method lacks one of the horizons."""
    grouped = table.groupby(level=["setting", "dataset"], sort=False)
    return grouped.mean().where(grouped.count() == grouped.size().to_numpy()[:, None])


def verdicts(mse: pd.DataFrame) -> list[str]:
    """Sentences on what the errors (one row per setting, dataset and horizon) decide, as far as they were measured."""
    means = mean_over_horizons(mse)
    said = []
    if {FAITHFUL, PAPER} <= set(means):
        both = means[[FAITHFUL, PAPER]].dropna()
        parts = [
            f"{label(key)} {ours:.3f} against {theirs:.3f} ({ours / theirs - 1:+.1%})"
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
    parts = ", ".join(f"{label(key)} {ratio:+.1%}" for key, ratio in ratios.items())
    return (
        f"{what}: lower mean MSE on {int((ratios < 0).sum())} of {len(ratios)} tables ({parts}); at a single horizon "
        f"at worst {at_horizons.max():+.1%} ({label(at_horizons.idxmax())})."
    )


def label(key: Any) -> str:
    """The label of a (setting, dataset) or (setting, dataset, horizon): "ETTh1 univariate, 24"."""
    return f"{key[1]} {key[0]}" + (f", {key[2]}" if len(key) > 2 else "")
