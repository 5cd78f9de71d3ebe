"""Errors of the imputation table: means over seeds, ratios, aims, published numbers, and what they decide.

An error is the mean over the seeds that were run, in standard deviations of the training part, over values that were
known and taken away. Ratios and gains compare two methods on the seeds that both have. Published numbers were verified
(`published.csv`): those of TSI-Bench were measured under nearly the same protocol, those of the SSGAN paper are quoted
at second hand and their splits are unknown.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench.imputation.methods import ALL_METHODS
from tsrep.data import IMPUTATION_SETS

LINEAR, OURS, PAPER = "linear", "ssgan", "ssgan-paper"
AVERAGED = "ssgan-three-networks"
N_SEEDS = 5
"""The tables are means over the first seeds; more of them show how steady the fits are."""
WITHOUT_LABELS = "ssgan-labels-0"
GENERATORS = {"brits": "PyPOTS' BRITS", "ssgan-paper-generator": "its own generator alone"}
"""What the paper's gain is measured against: BRITS, trained by PyPOTS and by us."""
KEYS = ["dataset", "variant"]
PUBLISHED_NAMES = {"Beijing": "Beijing multi-site", "PhysioNet2012": "PhysioNet 2012", "ETTh1": "ETTh1"}
PAPER_NAMES = {"PhysioNet2012": "PhysioNet 2012", "KDD2018": "Beijing air quality"}
AIMS: dict[tuple[str, str], tuple[float, bool]] = {
    ("ETTh1", "mcar10"): (0.105, False),
    ("ETTh1", "mcar50"): (0.16, False),
    ("BasicMotions", "mcar10"): (0.27, False),
    ("BasicMotions", "mcar50"): (0.34, False),
    ("PhysioNet2012", "mcar10"): (0.68, True),
    ("Beijing", "mcar10"): (0.89, True),
    ("Beijing", "mcar50"): (0.85, True),
}
"""The mean absolute error that the default imputer is to reach; True: as a multiple of linear interpolation's."""


def published_imputations() -> pd.DataFrame:
    """Verified errors: columns dataset, pattern, percent_removed, method, metric, value, source."""
    with files("tsrep.bench.imputation").joinpath("published.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def error_table(lines: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means over seeds: one row per (dataset, variant), one column per method in the order of `ALL_METHODS`."""
    if metric not in lines:
        return pd.DataFrame()
    table = lines.pivot_table(index=KEYS, columns="method", values=metric, aggfunc="mean").rename_axis(
        columns=None
    )
    return in_order(table)


def ratios(lines: pd.DataFrame, metric: str, base: str) -> pd.DataFrame:
    """Each method's mean error over that of the method `base`, on the seeds that both have; as `error_table`."""
    seeds = lines.pivot_table(index=[*KEYS, "seed"], columns="method", values=metric)
    columns = {}
    for name in seeds.columns.drop(base, errors="ignore") if base in seeds else ():
        means = seeds[[name, base]].dropna().groupby(KEYS).mean()
        columns[name] = means[name] / means[base]
    return in_order(pd.DataFrame(columns).dropna(how="all", axis=1)) if columns else pd.DataFrame()


def aims_table(mae: pd.DataFrame) -> pd.DataFrame:
    """One row per entry of `AIMS` that was measured.

    The columns are linear interpolation, the best peer, ours and its ratio to linear, the aim, and whether the default
    reaches it.
    """
    rows = []
    measured: dict[Any, pd.Series] = {key: row.dropna() for key, row in mae.iterrows()}
    for key, (aim, relative) in AIMS.items():
        row = measured.get(key, pd.Series())
        if not {LINEAR, OURS} <= set(row.index):
            continue
        others = row.drop([name for name in row.index if str(name).startswith(("ssgan", "masked"))])
        wanted = aim * row[LINEAR] if relative else aim
        rows.append(
            {
                "set": label(key),
                LINEAR: row[LINEAR],
                "best other": f"{others.min():.3f} ({others.idxmin()})",
                OURS: row[OURS],
                AVERAGED: row.get(AVERAGED, np.nan),
                "to linear": row[OURS] / row[LINEAR],
                "aim": wanted,
                "reached": "yes" if row[OURS] <= wanted else "no",
            }
        )
    return pd.DataFrame(rows).set_index("set") if rows else pd.DataFrame()


def beside_published(mae: pd.DataFrame, rmse: pd.DataFrame) -> pd.DataFrame:
    """Measured values beside published ones: one row per set, rate and method that both have."""
    published = published_imputations()
    rows = []
    for names, table, metric in ((PUBLISHED_NAMES, mae, "MAE"), (PAPER_NAMES, rmse, "RMSE")):
        for key in table.index:
            match = re.fullmatch(r"mcar(\d+)", key[1])
            if not match or key[0] not in names:
                continue
            theirs = published[
                (published["dataset"] == names[key[0]])
                & (published["percent_removed"] == int(match[1]))
                & (published["metric"] == metric)
            ]
            for row in theirs.to_dict("records"):
                ours = PAPER if row["method"] == "SSGAN" else str(row["method"]).lower()
                here = table.loc[key].get(ours, np.nan)
                rows.append(
                    {
                        "set": label(key),
                        "method": row["method"],
                        "metric": metric,
                        "here": here,
                        "published": row["value"],
                        "source": row["source"],
                    }
                )
    return pd.DataFrame(rows).set_index("set") if rows else pd.DataFrame()


def verdicts(lines: pd.DataFrame) -> list[str]:
    """Sentences on what was decided, as far as it was measured."""
    said = []
    mae = error_table(lines, "mae")
    if {OURS, LINEAR} <= set(mae):
        both = mae[[OURS, LINEAR]].dropna()
        below = int((both[OURS] < both[LINEAR]).sum())
        said.append(
            f"{OURS} is below linear interpolation in {below} of {len(both)} rows by mean absolute error."
        )
    for name, what in GENERATORS.items():
        if {PAPER, name} <= set(mae):
            ratio = ratios(lines, "rmse", name).get(PAPER, pd.Series(dtype=float)).dropna()
            parts = [f"{label(key)} {1 - value:+.1%}" for key, value in ratio.items()]
            claim = f"Gain of the paper's settings over {what} by RMSE (the paper claims more than 15 %)"
            said.append(f"{claim}: {', '.join(parts) or 'not measured'}.")
    single = lines.groupby([*KEYS, "method"])["seed"].nunique()
    few: dict[str, set[str]] = {}
    for name, _, method in single[single == 1].index:
        few.setdefault(method, set()).add(name)
    if single.max() > 1 and few:
        parts = [f"{method} on {', '.join(sorted(few[method]))}" for method in sorted(few)]
        said.append(f"One seed only: {'; '.join(parts)}.")
    for column, what in (
        ("subsampled", "scikit-learn's imputers learned from 12,000 rows drawn at random"),
        ("nearest_columns", "the iterative imputer regressed on the 30 most alike columns"),
    ):
        if column in lines and (some := sorted(set(lines["dataset"][lines[column].notna()]))):
            said.append(f"On {', '.join(some)} {what}.")
    return said


def steadiness(measured: pd.DataFrame) -> list[str]:
    """One sentence per row of the default imputer that was fitted with more seeds than the tables have."""
    said = []
    for key, row in measured[measured["method"] == OURS].groupby(KEYS):
        if (n := row["seed"].nunique()) > N_SEEDS:
            spread = f"{row['mae'].mean():.3f}, from {row['mae'].min():.3f} to {row['mae'].max():.3f}"
            counted = row["rescues"].dropna() if "rescues" in row else pd.Series(dtype=float)
            diverged = f"; of {len(counted)} fits {int((counted > 0).sum())} diverged" if len(counted) else ""
            said.append(f"{OURS} on {label(key)} with {n} seeds: {spread}{diverged}.")
    return said


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Methods in the order of `ALL_METHODS`, rows in that of `place`."""
    known = [name for name in ALL_METHODS if name in table]
    table = table[known + [name for name in table if name not in known]]
    return table.loc[sorted(table.index, key=place)]


def label(key: Any) -> str:
    """The label of a (dataset, variant): "ETTh1, mcar 10 %"."""
    match = re.fullmatch(r"([a-z]+)(\d+)", key[1])
    return f"{key[0]}, {match[1]} {match[2]} %" if match else f"{key[0]}, {key[1]}"


def place(key: Any) -> tuple[int, str, int]:
    """Sets in the order of `IMPUTATION_SETS`, then by pattern and rate."""
    names = list(IMPUTATION_SETS)
    match = re.fullmatch(r"([a-z]+)(\d+)", key[1])
    pattern, rate = (match[1], int(match[2])) if match else (key[1], 0)
    return (names.index(key[0]) if key[0] in names else len(names), pattern.replace("mcar", ""), rate)
