"""From result lines to the pages of the classification tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench.classification import ablation, figures
from tsrep.bench.classification.accuracy import (
    NOTABLE_DIFFERENCE,
    OURS,
    PAPER,
    RERUN,
    accuracy_table,
    compared_methods,
    notable_differences,
    published_accuracies,
    spread_table,
    summary,
)
from tsrep.bench.classification.methods import METHODS
from tsrep.bench.pages import Summary, conditions
from tsrep.metrics import friedman_p


def summarise_archive(good_lines: list[dict[str, Any]], published: bool) -> Summary:
    """Accuracies of an archive, beside the published ones if `published`."""
    lines = pd.DataFrame(good_lines)
    measured = accuracy_table(lines)
    accuracies = measured.join(published_accuracies()) if published else measured
    accuracies = accuracies.dropna(axis=1, how="all")
    methods = [m for m in METHODS if m in measured]
    accuracies = accuracies[methods + [c for c in accuracies if c not in methods]]
    return Summary(
        notes=[_coverage(accuracies), conditions(lines), *_paper_notes(accuracies)],
        sections=[
            ("Summary", summary(accuracies)),
            ("Accuracy by data set", _readable(lines, accuracies)),
            (
                f"Data sets more than {NOTABLE_DIFFERENCE} from the paper",
                notable_differences(accuracies).round(3),
            ),
        ],
        csv=_wide(lines, accuracies),
        figures=figures.accuracy_figures(accuracies, compared_methods(accuracies), OURS),
    )


def summarise_ablation(good_lines: list[dict[str, Any]]) -> Summary:
    """The ablation table, and the verdicts on the paper's claims."""
    lines = pd.DataFrame(good_lines)
    accuracies = accuracy_table(lines, "variant")
    table = ablation.ablation_table(accuracies)
    return Summary(
        notes=[conditions(lines), *ablation.claims(table)],
        sections=[
            ("Variants", table.set_index("label").rename_axis("model")),
            ("Accuracy by data set", accuracies[list(table.index)].round(3)),
        ],
        csv=table,
        figures={"ablation.png": figures.plot_ablation(accuracies, table)},
    )


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


def _wide(lines: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Sizes, then accuracy, spread and number of seeds of each method, then the published columns."""
    sizes = lines.groupby("dataset")[["n_train", "n_test", "n_channels", "length", "n_classes"]].first()
    seeds = lines.pivot_table(index="dataset", columns="method", values="seed", aggfunc="nunique")
    spread = spread_table(lines)
    columns: dict[str, pd.Series] = {}
    for method in map(str, accuracies):
        columns[method] = accuracies[method].round(6)
        if method in seeds:
            columns[f"{method} std"] = spread[method].round(6) if method in spread else pd.Series(dtype=float)
            columns[f"{method} seeds"] = seeds[method].astype("Int64")
    return sizes.join(pd.DataFrame(columns))


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
