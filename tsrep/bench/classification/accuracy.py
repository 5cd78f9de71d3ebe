"""Accuracies of methods on many data sets: means over seeds, ranks, wins, and the published numbers beside them.

An accuracy is the mean over the seeds that were run. Means and ranks are taken over the data sets that every compared
method has. Numbers of the paper stand in a column of their own, and only where they were verified (`published.csv`).
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench.classification.methods import METHODS
from tsrep.metrics import compare, mean_ranks, wilcoxon_p

OURS = "ts2vec"
PAPER = "ts2vec (paper)"
RERUN = "ts2vec (rerun of the authors' code)"
NOTABLE_DIFFERENCE = 0.03


def published_accuracies() -> pd.DataFrame:
    """Verified accuracies of TS2Vec on UCR by data set: columns `PAPER` and `RERUN`."""
    with files("tsrep.bench.classification").joinpath("published.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, index_col="dataset")
    columns = {"ts2vec_paper_accuracy": PAPER, "independent_rerun_accuracy": RERUN}
    return table.rename(columns=columns)[[PAPER, RERUN]]


def accuracy_table(lines: pd.DataFrame, column: str = "method") -> pd.DataFrame:
    """Mean over seeds: one row per data set, one column per `column` ("method" or "variant"); NaN: not measured."""
    return lines.pivot_table(index="dataset", columns=column, values="accuracy", aggfunc="mean").rename_axis(
        columns=None
    )


def spread_table(lines: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation over seeds (n - 1; NaN for one seed); rows and columns as in `accuracy_table`."""
    return lines.pivot_table(
        index="dataset", columns="method", values="accuracy", aggfunc=lambda a: a.std(ddof=1), dropna=False
    ).rename_axis(columns=None)


def compared_methods(accuracies: pd.DataFrame) -> list[str]:
    """The methods that are ranked: those measured on at least half of the sets, in the order of `METHODS`."""
    return [name for name in METHODS if name in accuracies and accuracies[name].notna().mean() >= 0.5]


def summary(accuracies: pd.DataFrame) -> pd.DataFrame:
    """One row per method: the number of sets, mean accuracy and mean rank over the sets that all compared methods have,
    and `ts2vec` against it: wins, ties, losses and Wilcoxon's p over the sets that both have, at three decimals as
    published."""
    methods = compared_methods(accuracies)
    common = accuracies[methods].dropna()
    ranks = mean_ranks(common) if len(common) else np.full(len(methods), np.nan)
    rows = []
    for name in [*methods, *[str(name) for name in accuracies if name not in methods]]:
        row: dict[str, Any] = {"method": name, "sets": int(accuracies[name].notna().sum())}
        if name in methods:
            row |= {"mean_accuracy": common[name].mean(), "mean_rank": ranks[methods.index(name)]}
        if OURS in accuracies and name != OURS:
            both = accuracies[[OURS, name]].dropna().round(3)
            wins, ties, losses = compare(both[OURS], both[name])
            row |= {
                "shared_sets": len(both),
                "ts2vec_mean": both[OURS].mean(),
                "its_mean": both[name].mean(),
                "wins": wins,
                "ties": ties,
                "losses": losses,
                "p": wilcoxon_p(both[OURS], both[name]) if len(both) else np.nan,
            }
        rows.append(row)
    counts = ["sets", "shared_sets", "wins", "ties", "losses"]
    table = pd.DataFrame(rows).set_index("method")
    return table.astype({name: "Int64" for name in counts if name in table})


def notable_differences(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Sets where `ts2vec` differs by more than `NOTABLE_DIFFERENCE` from the paper, the largest difference first.

    The columns are `OURS`, `PAPER`, `RERUN` and "difference".
    """
    if OURS not in accuracies or PAPER not in accuracies:
        return pd.DataFrame()
    table = accuracies[[OURS, PAPER, RERUN]].dropna(subset=[OURS, PAPER])
    table = table.assign(difference=(table[OURS] - table[PAPER]).round(4))
    table = table[table["difference"].abs() > NOTABLE_DIFFERENCE]
    return table.sort_values("difference", key=lambda d: -d.abs())
