"""The imputation tables: a row a set and variant, a column a method, from result lines to pages.

An error is the mean over the seeds that were run, in standard deviations of the training part, over values that were
known and taken away. Linear interpolation stands beside everything: a second table has the ratios to it. Ratios and
gains compare two methods on the seeds that both have. Published
numbers stand in a table of their own where they were verified (`published/imputation.csv`): those of TSI-Bench were
measured under nearly the same protocol, those of the SSGAN paper are quoted at second hand and their splits unknown.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench.imputation import EVERY_METHOD
from tsrep.bench.imputation_peers import PEERS
from tsrep.bench.pages import conditions, write_pages
from tsrep.bench.results import RESULTS_FILE, read_lines
from tsrep.data import IMPUTATION_SETS

TITLE = "Imputation: error on held-out values, in standard deviations"
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
    with files("tsrep.bench").joinpath("published/imputation.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def error_table(lines: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means over seeds: a row a (dataset, variant), a column a method in the order of `EVERY_METHOD`."""
    if metric not in lines:
        return pd.DataFrame()
    table = lines.pivot_table(index=KEYS, columns="method", values=metric, aggfunc="mean").rename_axis(
        columns=None
    )
    return _in_order(table)


def ratios(lines: pd.DataFrame, metric: str, base: str) -> pd.DataFrame:
    """Each method's mean error over that of the method `base`, on the seeds that both have; as `error_table`."""
    seeds = lines.pivot_table(index=[*KEYS, "seed"], columns="method", values=metric)
    found = {}
    for name in seeds.columns.drop(base, errors="ignore") if base in seeds else ():
        means = seeds[[name, base]].dropna().groupby(KEYS).mean()
        found[name] = means[name] / means[base]
    return _in_order(pd.DataFrame(found).dropna(how="all", axis=1)) if found else pd.DataFrame()


def aims_table(mae: pd.DataFrame) -> pd.DataFrame:
    """For each row of `AIMS` that was measured: linear, the best peer, ours and its ratio to linear, the aim, whether
    the default reaches it."""
    rows = []
    measured: dict[Any, pd.Series] = {key: row.dropna() for key, row in mae.iterrows()}
    for key, (aim, relative) in AIMS.items():
        row = measured.get(key, pd.Series())
        if not {LINEAR, OURS} <= set(row.index):
            continue
        others = row.drop([name for name in row.index if str(name).startswith("ssgan")])
        wanted = aim * row[LINEAR] if relative else aim
        rows.append(
            {
                "set": _label(key),
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
    """Measured values beside published ones where set, rate and method are the same: one row each."""
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
                        "set": _label(key),
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
            parts = [f"{_label(key)} {1 - value:+.1%}" for key, value in ratio.items()]
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
    """A sentence for each row of the default imputer that was fitted with more seeds than the tables have."""
    said = []
    for key, row in measured[measured["method"] == OURS].groupby(KEYS):
        if (n := row["seed"].nunique()) > N_SEEDS:
            spread = f"{row['mae'].mean():.3f}, from {row['mae'].min():.3f} to {row['mae'].max():.3f}"
            counted = row["rescues"].dropna() if "rescues" in row else pd.Series(dtype=float)
            diverged = f"; of {len(counted)} fits {int((counted > 0).sum())} diverged" if len(counted) else ""
            said.append(f"{OURS} on {_label(key)} with {n} seeds: {spread}{diverged}.")
    return said


def write_imputation(folder: Path) -> list[Path]:
    """Write the imputation tables into `folder`."""
    every = read_lines(folder / RESULTS_FILE).values()
    measured = pd.DataFrame([line for line in every if line["status"] == "ok"])
    lines = measured[measured["seed"] < N_SEEDS]
    mae, rmse = error_table(lines, "mae"), error_table(lines, "rmse")
    main = [name for name in map(str, mae) if not name.startswith("ssgan-") or name in (AVERAGED, PAPER)]
    sections = [("Mean absolute error", _readable(mae[main]))]
    if LINEAR in mae:
        sections += [
            ("Ratio to linear interpolation, mean absolute error", _flat(_among(main, lines, LINEAR))),
            ("Against the aims", aims_table(mae)),
        ]
    sections += [
        ("Root mean squared error", _readable(rmse[main])),
        ("Standard deviation of the mean absolute error over seeds", _flat(_spread(lines)[main])),
        *_variants(lines, [name for name in map(str, mae) if name.startswith(f"{OURS}-")]),
        ("With labels", _labelled(lines)),
        ("Samples: CRPS, and share of the held-out values in the middle 90 %", _sampled(lines)),
        ("Beside published numbers", beside_published(mae, rmse)),
    ]
    failed = [line for line in every if line["status"] != "ok"]
    if failed:
        sections.append(("Failed cells", pd.DataFrame(failed)[["cell", "error"]].set_index("cell")))
    seeds = ", ".join(map(str, sorted(set(lines["seed"]))))
    notes = [
        conditions(lines),
        f"Seeds {seeds}: of the networks, and of what is taken away. The lowest error of a row is bold.",
        f"{', '.join(name for name in PEERS)} are those of PyPOTS, 64 wide, at most 100 epochs.",
        *verdicts(lines),
        *steadiness(measured),
    ]
    mae.add_suffix(" mae").join(rmse.add_suffix(" rmse")).round(6).to_csv(folder / "table.csv")
    shown = [(heading, table) for heading, table in sections if not table.empty]
    return [folder / "table.csv", *write_pages(TITLE, notes, shown, [], folder)]


def _variants(lines: pd.DataFrame, names: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """Headings and tables: the variants of the default as multiples of it, those of the paper's settings of these."""
    of_paper = [name for name in names if name.startswith(f"{PAPER}-")]
    of_ours = [name for name in names if name not in (*of_paper, PAPER)]
    return [
        (
            f"Variants: mean absolute error as a multiple of {base}'s on the same seeds",
            _flat(_among(some, lines, base)),
        )
        for base, some in ((OURS, of_ours), (PAPER, of_paper))
    ]


def _among(names: list[str], lines: pd.DataFrame, base: str) -> pd.DataFrame:
    """Ratios of mean absolute errors to `base`, of some methods, in the rows where there are any."""
    table = ratios(lines, "mae", base)
    return table[[name for name in names if name in table]].dropna(how="all")


def _labelled(lines: pd.DataFrame) -> pd.DataFrame:
    """Imputation error and classification of the methods that had labels, by their share."""
    if "labels" not in lines:
        return pd.DataFrame()
    some = lines[lines["labels"].notna() | (lines["method"] == WITHOUT_LABELS)].fillna({"labels": 0.0})
    columns = [name for name in ("mae", "accuracy", "auc") if name in some]
    table = some.groupby([*KEYS, "method"])[["labels", *columns]].mean()
    return table.set_axis([f"{_label(key)}, {key[2]}" for key in table.index], axis=0).rename_axis("set")


def _sampled(lines: pd.DataFrame) -> pd.DataFrame:
    if "crps" not in lines:
        return pd.DataFrame()
    table = (
        lines[lines["crps"].notna()].groupby([*KEYS, "method"])[["mae", "rmse", "crps", "coverage"]].mean()
    )
    return table.set_axis([f"{_label(key)}, {key[2]}" for key in table.index], axis=0).rename_axis("set")


def _spread(lines: pd.DataFrame) -> pd.DataFrame:
    table = lines.pivot_table(
        index=KEYS, columns="method", values="mae", aggfunc=lambda v: v.std(ddof=1), dropna=False
    )
    table = table.rename_axis(columns=None).dropna(how="all")
    return table.loc[sorted(table.index, key=_place)]


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Errors as text with three decimals, the lowest of each row in bold."""
    shown = table.map(lambda value: "" if np.isnan(value) else f"{value:.3f}")
    lowest = table.round(3).min(axis=1)
    for name in table:
        is_lowest = table[name].round(3) == lowest
        shown[name] = np.where(is_lowest, "**" + shown[name] + "**", shown[name])
    return _flat(shown)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Methods in the order of `EVERY_METHOD`, rows in that of `_place`."""
    known = [name for name in EVERY_METHOD if name in table]
    table = table[known + [name for name in table if name not in known]]
    return table.loc[sorted(table.index, key=_place)]


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Row labels as one column: "ETTh1, mcar 10 %"."""
    return table.set_axis(pd.Index([_label(key) for key in table.index], name="set"), axis=0)


def _label(key: Any) -> str:
    match = re.fullmatch(r"([a-z]+)(\d+)", key[1])
    return f"{key[0]}, {match[1]} {match[2]} %" if match else f"{key[0]}, {key[1]}"


def _place(key: Any) -> tuple[int, str, int]:
    """Sets in the order of `IMPUTATION_SETS`, then by pattern and rate."""
    names = list(IMPUTATION_SETS)
    match = re.fullmatch(r"([a-z]+)(\d+)", key[1])
    pattern, rate = (match[1], int(match[2])) if match else (key[1], 0)
    return (names.index(key[0]) if key[0] in names else len(names), pattern.replace("mcar", ""), rate)
