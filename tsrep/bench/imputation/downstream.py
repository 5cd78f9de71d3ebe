"""Does filling gaps help what comes after? Classification by TS2Vec on series with gaps, and on the same ones filled.

Values of a UCR or UEA set are taken away completely at random, in the training and in the test part. `gaps` trains
TS2Vec on what is left, gaps and all; the others fill both parts first, with what was learned from the training part,
labels included where the imputer takes them; `whole` is the set before anything was taken away. The same SVM follows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench.cells import Cell
from tsrep.bench.classification.methods import Outcome, ts2vec
from tsrep.bench.imputation.rules import interpolated
from tsrep.bench.imputation.ssgan import imputer_of
from tsrep.bench.imputation.task import Array, read_variant
from tsrep.bench.pages import Summary, conditions, seeds_of, with_labels
from tsrep.data import PanelScaler, as_panel, load_dataset, missing, ts2vec_normalisation

Fill = Callable[[Array, Array, Array, int], tuple[Array, Array]]
"""Takes train, y_train, test and seed; returns both parts without gaps."""

GAPS, WHOLE = "gaps", "whole"
SETS = ("GunPoint", "ItalyPowerDemand", "BasicMotions")


def straight_lines(train: Array, y_train: Array, test: Array, seed: int) -> tuple[Array, Array]:
    """Straight lines between observed values."""
    return interpolated(train), interpolated(test)


def by_ssgan(train: Array, y_train: Array, test: Array, seed: int) -> tuple[Array, Array]:
    """`SSGANImputer` without labels."""
    imputer = imputer_of(seed).fit(train)
    return imputer.transform(train), imputer.transform(test)


def by_ssgan_with_labels(train: Array, y_train: Array, test: Array, seed: int) -> tuple[Array, Array]:
    """`SSGANImputer` with the labels of the training part."""
    imputer = imputer_of(seed).fit(train, np.unique(y_train, return_inverse=True)[1])
    return imputer.transform(train), imputer.transform(test)


FILLS: dict[str, Fill] = {
    "linear": straight_lines,
    "ssgan": by_ssgan,
    "ssgan-labels": by_ssgan_with_labels,
}
METHODS = (WHOLE, GAPS, *FILLS)


def evaluate(cell: Cell, root: Path | None = None, max_steps: int | None = None) -> dict[str, Any]:
    """Accuracy of one cell on the test part, and the share of values that were missing there."""
    train, y_train, test, y_test = _normalised(cell.dataset, root)
    n = len(train)
    if cell.method != WHOLE:
        _, rate = read_variant(cell.variant)
        removed = missing.mcar(np.concatenate([train, test]), rate, 100 + cell.seed)
        train, test = removed[:n], removed[n:]
    share = float(np.isnan(test).mean())
    if cell.method in FILLS:
        train, test = FILLS[cell.method](train, y_train, test, cell.seed)
    outcome: Outcome = ts2vec(train, y_train, test, cell.seed, max_steps=max_steps)
    return {
        "accuracy": float((outcome.predicted == y_test).mean()),
        "missing": share,
        "n_train": n,
        "n_test": len(test),
        "stage_seconds": outcome.seconds,
        **outcome.notes,
    }


def summarise(good_lines: list[dict[str, Any]]) -> Summary:
    """Accuracies: one row per set and share taken away, one column per method, means over seeds."""
    lines = pd.DataFrame(good_lines)
    table = accuracy_table(lines)
    shown = with_labels(table.round(3), lambda key: f"{key[0]}, {key[1]} % taken away")
    return Summary(
        notes=[
            conditions(lines),
            f"Seeds {seeds_of(lines)}. Filled series against series with gaps: {_verdict(table)}.",
        ],
        sections=[("Accuracy", shown)],
        csv=table,
    )


def accuracy_table(lines: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds: one row per (dataset, per cent taken away), one column per method; `whole` is repeated."""
    some = lines[lines["method"] != WHOLE]
    share = some["variant"].map(lambda variant: round(100 * read_variant(variant)[1]))
    table = some.assign(percent=share).pivot_table(
        index=["dataset", "percent"], columns="method", values="accuracy", aggfunc="mean"
    )
    table = table.rename_axis(columns=None)
    whole = lines[lines["method"] == WHOLE].groupby("dataset")["accuracy"].mean()
    if len(whole):
        table[WHOLE] = whole.reindex(table.index.get_level_values("dataset")).to_numpy()
    return table[[name for name in METHODS if name in table]]


def _verdict(table: pd.DataFrame) -> str:
    if GAPS not in table:
        return "not measured"
    said = []
    for name in (name for name in FILLS if name in table):
        both = table[[name, GAPS]].dropna()
        better, worse = (both[name] > both[GAPS]).sum(), (both[name] < both[GAPS]).sum()
        said.append(
            f"{name} {(both[name] - both[GAPS]).mean():+.3f} in the mean, better in {better} and worse in {worse} of "
            f"{len(both)} rows"
        )
    return "; ".join(said) or "not measured"


@cache
def _normalised(name: str, root: Path | None) -> tuple[Array, Array, Array, Array]:
    X_train, y_train = load_dataset(name, split="train", root=root)
    X_test, y_test = load_dataset(name, split="test", root=root)
    train, test = ts2vec_normalisation(name, X_train, X_test)
    scaler = PanelScaler().fit(train)
    return scaler.transform(as_panel(train)), y_train, scaler.transform(as_panel(test)), y_test
