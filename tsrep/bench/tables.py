"""From result lines to tables: `table.csv` for machines, `table.md` and `table.html` for readers, figures beside them.

An accuracy in a table is the mean over the seeds that were run, with their standard deviation and number. Means and
ranks are taken over the data sets that every compared method has; how many is said. Numbers of the paper stand in a
column of their own, and only where they were verified (`published/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench import ablation, figures
from tsrep.bench.methods import METHODS
from tsrep.bench.pages import conditions, write_pages
from tsrep.bench.results import RESULTS_FILE, read_lines
from tsrep.metrics import compare, friedman_p, mean_ranks, wilcoxon_p

OURS = "ts2vec"
PAPER = "ts2vec (paper)"
RERUN = "ts2vec (rerun of the authors' code)"
TITLES = {
    "ucr": "UCR archive: test accuracy",
    "uea": "UEA archive: test accuracy",
    "ts2vec-ablation": "TS2Vec ablation on small UCR sets",
}
NOTABLE = 0.03


def published_ucr() -> pd.DataFrame:
    """Verified accuracies of TS2Vec on UCR by data set: columns `PAPER` and `RERUN`."""
    with files("tsrep.bench").joinpath("published/ts2vec_ucr.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, index_col="dataset")
    columns = {"ts2vec_paper_accuracy": PAPER, "independent_rerun_accuracy": RERUN}
    return table.rename(columns=columns)[[PAPER, RERUN]]


def good_lines(folder: Path) -> pd.DataFrame:
    """One row a finished cell, as measured; empty where there is none."""
    return pd.DataFrame(
        [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] == "ok"]
    )


def failed_lines(folder: Path) -> list[dict[str, Any]]:
    """Lines of the cells that have failed and were not run again with success."""
    return [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] != "ok"]


def accuracy_table(lines: pd.DataFrame, column: str = "method") -> pd.DataFrame:
    """Mean over seeds: one row a data set, one column a `column` ("method" or "variant"); NaN where not measured."""
    return lines.pivot_table(index="dataset", columns=column, values="accuracy", aggfunc="mean").rename_axis(
        columns=None
    )


def spread_table(lines: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation over seeds (n - 1; NaN for one seed), laid out as `accuracy_table`."""
    return lines.pivot_table(
        index="dataset", columns="method", values="accuracy", aggfunc=lambda a: a.std(ddof=1), dropna=False
    ).rename_axis(columns=None)


def compared_methods(accuracies: pd.DataFrame) -> list[str]:
    """The measured methods that at least half of the sets have, in the order of `METHODS`: those that are ranked."""
    return [name for name in METHODS if name in accuracies and accuracies[name].notna().mean() >= 0.5]


def summary(accuracies: pd.DataFrame) -> pd.DataFrame:
    """One row a method: sets, mean accuracy and mean rank over the sets that all compared methods have, and `ts2vec`
    against it: wins, ties, losses and Wilcoxon's p over the sets that both have, at three decimals as published."""
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
    """Sets where `ts2vec` is more than 0.03 from the paper's number, largest first: ours, paper, rerun, difference."""
    if OURS not in accuracies or PAPER not in accuracies:
        return pd.DataFrame()
    table = accuracies[[OURS, PAPER, RERUN]].dropna(subset=[OURS, PAPER])
    table = table.assign(difference=(table[OURS] - table[PAPER]).round(4))
    table = table[table["difference"].abs() > NOTABLE]
    return table.sort_values("difference", key=lambda d: -d.abs())


def write_classification(name: str, folder: Path) -> list[Path]:
    """Write the table of an archive and its figures into `folder`; returns what was written."""
    lines = good_lines(folder)
    measured = accuracy_table(lines)
    accuracies = measured.join(published_ucr()) if name == "ucr" else measured
    accuracies = accuracies.dropna(axis=1, how="all")
    methods = [m for m in METHODS if m in measured]
    accuracies = accuracies[methods + [c for c in accuracies if c not in methods]]
    images = figures.write_figures(accuracies, compared_methods(accuracies), OURS, folder)
    sections = [
        ("Summary", summary(accuracies)),
        ("Accuracy by data set", _readable(lines, accuracies)),
    ]
    notes = [_coverage(accuracies), conditions(lines), *_paper_notes(accuracies)]
    differing = notable_differences(accuracies)
    if len(differing):
        sections.append((f"Data sets more than {NOTABLE} from the paper", differing.round(3)))
    failures = failed_lines(folder)
    if failures:
        table = pd.DataFrame(failures)[["cell", "error"]].set_index("cell")
        sections.append(("Failed cells", table))
    csv = _long_csv(lines, accuracies, folder / "table.csv")
    return [csv, *write_pages(TITLES[name], notes, sections, images, folder), *images]


def write_ablation(name: str, folder: Path) -> list[Path]:
    """Write the ablation table, the verdicts on the paper's claims and the figure into `folder`."""
    lines = good_lines(folder)
    accuracies = accuracy_table(lines, "variant")
    table = ablation.ablation_table(accuracies)
    image = figures.write_ablation_figure(accuracies, table, folder / "ablation.png")
    shown = table.set_index("label").rename_axis("model")
    notes = [conditions(lines), *ablation.claims(table)]
    sections = [("Variants", shown), ("Accuracy by data set", accuracies[list(table.index)].round(3))]
    table.to_csv(folder / "table.csv")
    return [folder / "table.csv", *write_pages(TITLES[name], notes, sections, [image], folder), image]


def write_anomaly(name: str, folder: Path) -> list[Path]:
    """Write the anomaly tables and their figure into `folder`."""
    from tsrep.bench import anomaly_tables

    return anomaly_tables.write_anomaly(folder)


def write_forecasting(name: str, folder: Path) -> list[Path]:
    """Write the forecasting tables of a protocol and their figures into `folder`."""
    from tsrep.bench import forecasting_tables

    return forecasting_tables.write_forecasting(name, folder)


def write_imputation(name: str, folder: Path) -> list[Path]:
    """Write one of the imputation tables into `folder`."""
    from tsrep.bench import imputation_downstream, imputation_tables, imputation_toy

    if name == "imputation-downstream":
        return imputation_downstream.write_downstream(folder)
    if name == "imputation-toy":
        return imputation_toy.write_toy(folder)
    return imputation_tables.write_imputation(folder)


TABLES: dict[str, Callable[[str, Path], list[Path]]] = {
    "ucr": write_classification,
    "uea": write_classification,
    "ts2vec-ablation": write_ablation,
    "anomaly": write_anomaly,
    "forecasting": write_forecasting,
    "long-horizon": write_forecasting,
    "imputation": write_imputation,
    "imputation-downstream": write_imputation,
    "imputation-toy": write_imputation,
}


def write_table(name: str, folder: Path) -> list[Path]:
    """Make what belongs to the table `name` out of `folder`/results.jsonl; ValueError if no cell is finished."""
    if good_lines(folder).empty:
        raise ValueError(f"{folder / RESULTS_FILE} holds no finished cell")
    return TABLES[name](name, folder)


def _readable(lines: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Cells as text: mean ± standard deviation (seeds), the best measured or published value in bold."""
    spread = spread_table(lines)
    seeds = lines.pivot_table(index="dataset", columns="method", values="seed", aggfunc="nunique")
    best = accuracies.drop(columns=RERUN, errors="ignore").round(3).max(axis=1)

    texts: dict[str, list[str]] = {}
    for method in map(str, accuracies):
        texts[method] = []
        for dataset in map(str, accuracies.index):
            value = float(accuracies[method][dataset])
            shown = "" if np.isnan(value) else f"{value:.3f}"
            if shown and method != RERUN and float(shown) >= best[dataset]:
                shown = f"**{shown}**"
            if method in spread and np.isfinite(spread[method][dataset]):
                shown += f" ± {spread[method][dataset]:.3f} ({seeds[method][dataset]:.0f})"
            texts[method].append(shown)
    return pd.DataFrame(texts, index=accuracies.index)


def _long_csv(lines: pd.DataFrame, accuracies: pd.DataFrame, path: Path) -> Path:
    """Wide CSV: sizes, then accuracy, spread and number of seeds of each method, then the published columns."""
    sizes = lines.groupby("dataset")[["n_train", "n_test", "n_channels", "length", "n_classes"]].first()
    seeds = lines.pivot_table(index="dataset", columns="method", values="seed", aggfunc="nunique")
    spread = spread_table(lines)
    columns: dict[str, pd.Series] = {}
    for method in map(str, accuracies):
        columns[method] = accuracies[method].round(6)
        if method in seeds:
            columns[f"{method} std"] = spread[method].round(6) if method in spread else pd.Series(dtype=float)
            columns[f"{method} seeds"] = seeds[method].astype("Int64")
    sizes.join(pd.DataFrame(columns)).to_csv(path)
    return path


def _coverage(accuracies: pd.DataFrame) -> str:
    methods = compared_methods(accuracies)
    common = accuracies[methods].dropna()
    text = (
        f"{len(accuracies)} data sets; mean accuracy and mean rank over the {len(common)} that "
        f"{', '.join(methods)} all have. "
        "Wins, ties and losses are TS2Vec's against the method of the row, at three decimals."
    )
    if len(methods) >= 3 and len(common):
        text += f" Friedman test that all are alike: p = {friedman_p(common):.2g}."
    return text


def _paper_notes(accuracies: pd.DataFrame) -> Iterable[str]:
    if OURS in accuracies and PAPER in accuracies:
        both = accuracies[[OURS, PAPER, RERUN]].dropna()
        yield (
            f"On the {len(both)} sets with a published number the mean is {both[OURS].mean():.4f} here, "
            f"{both[PAPER].mean():.4f} in the paper ({both[OURS].mean() - both[PAPER].mean():+.4f}) and "
            f"{both[RERUN].mean():.4f} in an independent rerun of the authors' code."
        )
