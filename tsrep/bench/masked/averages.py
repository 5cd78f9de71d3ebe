"""Means over data sets and what can be said about them: spread over seeds, differences, rank correlations.

Lines are data frames of result lines; a `value` is one of their columns. The mean over sets is taken over the same
sets for all configurations that are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from tsrep.metrics import compare


class Mean(NamedTuple):
    """Mean over sets of the seed means, and its standard deviation over seeds (NaN for one seed)."""

    mean: float
    spread: float

    def __str__(self) -> str:
        if np.isnan(self.mean):
            return ""
        return f"{self.mean:.3f}" + ("" if np.isnan(self.spread) else f" ± {self.spread:.3f}")


class Difference(NamedTuple):
    """Mean difference over sets, its standard error over sets (NaN for one set), sets won, and sets."""

    mean: float
    error: float
    wins: int
    sets: int

    def __str__(self) -> str:
        if not self.sets:
            return ""
        error = "" if np.isnan(self.error) else f" ({self.error:.3f})"
        return f"{self.mean:+.3f}{error}, {self.wins} of {self.sets}"


def seed_means(lines: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row per data set, one column per configuration, means over seeds; NaN where not measured."""
    if value not in lines:
        return pd.DataFrame()
    numbers = lines[["dataset", "method", value]].astype({value: float})
    return numbers.pivot_table(index="dataset", columns="method", values=value).rename_axis(columns=None)


def common_sets(lines: pd.DataFrame, names: Sequence[str], value: str) -> list[str]:
    """The sets that all of these configurations have, those left out that have fewer than half of the sets."""
    table = seed_means(lines, value)
    some = table[compared(lines, names, value)]
    return [str(name) for name in some.dropna().index] if some.shape[1] else []


def compared(lines: pd.DataFrame, names: Sequence[str], value: str) -> list[str]:
    """Those of the configurations that were measured on at least half of the sets that any of them has."""
    table = seed_means(lines, value)
    some = table[[name for name in names if name in table]].dropna(how="all")
    return [str(name) for name in some if some[name].notna().mean() >= 0.5]


def means_over_sets(lines: pd.DataFrame, names: Sequence[str], value: str, sets: Sequence[str]) -> list[Mean]:
    """The mean of each configuration over `sets`; its spread is over the seeds that all of them have."""
    nothing = Mean(np.nan, np.nan)
    if value not in lines:
        return [nothing for _ in names]
    wanted = lines["method"].isin(names) & lines["dataset"].isin(sets)
    some = lines.loc[wanted, ["method", "dataset", "seed", value]].astype({value: float}).dropna()
    by_seed = some.set_index(["method", "dataset", "seed"])[value].unstack()
    found = {str(name): _mean(part.to_numpy()) for name, part in by_seed.groupby(level="method")}
    return [found.get(name, nothing) for name in names]


def _mean(values: NDArray[np.float64]) -> Mean:
    """Of an array (sets, seeds), NaN where not measured."""
    complete = values[:, ~np.isnan(values).any(axis=0)].mean(axis=0)
    spread = float(complete.std(ddof=1)) if len(complete) > 1 else np.nan
    return Mean(float(np.nanmean(values, axis=1).mean()), spread)


def difference(table: pd.DataFrame, name: str, base: str, sets: Sequence[str]) -> Difference:
    """A configuration minus another, over those of `sets` that both have; `table` is that of `seed_means`."""
    if name not in table or base not in table or name == base:
        return Difference(np.nan, np.nan, 0, 0)
    both = table.loc[table.index.isin(sets), [name, base]].dropna()
    if both.empty:
        return Difference(np.nan, np.nan, 0, 0)
    gains = both[name] - both[base]
    error = float(gains.std(ddof=1)) / np.sqrt(len(gains))
    return Difference(float(gains.mean()), error, compare(both[name], both[base]).wins, len(both))


def rank_correlations(first: pd.DataFrame, second: pd.DataFrame) -> pd.Series:
    """Spearman's rank correlation over configurations, per data set, and "pooled" over the ranks within all sets.

    Both frames have one row per data set and one column per configuration. A set needs three configurations that have
    both numbers; where one of the two does not vary, the result is NaN.
    """
    found, ranks = {}, []
    for name in first.index.intersection(second.index):
        both = pd.DataFrame({"first": first.loc[name], "second": second.loc[name]}).dropna()
        if len(both) < 3:
            continue
        within = both.rank()
        found[str(name)] = _correlation(within)
        ranks.append((within - within.mean()) / len(within))
    if ranks:
        found["pooled"] = _correlation(pd.concat(ranks))
    return pd.Series(found, dtype=float)


def _correlation(pairs: pd.DataFrame) -> float:
    first, second = pairs.to_numpy().T
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(stats.pearsonr(first, second).statistic)
