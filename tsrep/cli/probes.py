"""Probes on representations, their predictions, and measures of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrep.cli.series import Series

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array
    from tsrep.tasks import RepresentationClassifier

FOLDS = 5


@dataclass(frozen=True)
class Predictions:
    """Predicted classes (n,), and probabilities (n, k) of the `classes`."""

    classes: list[str]
    predicted: Array
    probabilities: Array

    def table(self, series: Series) -> pd.DataFrame:
        """One row per series: its name or number, its label if any is known, predicted class and probabilities."""
        columns: dict[str, Any] = {"series": series.names or range(len(self.predicted))}
        if series.has_labels:
            columns["label"] = series.y
        columns["predicted"] = self.predicted
        probabilities = {
            f"p({name})": self.probabilities[:, place] for place, name in enumerate(self.classes)
        }
        return pd.DataFrame({**columns, **probabilities})


def fit_probe(Z: Array, y: Array, probe: str) -> RepresentationClassifier:
    """A probe on the representations (n, d) of the series that have a label in `y` (n,)."""
    from sklearn.preprocessing import FunctionTransformer

    from tsrep.tasks import RepresentationClassifier

    known = known_labels(y)
    return RepresentationClassifier(FunctionTransformer(), probe=probe).fit(Z[known], y[known].astype(str))


def predictions_of(classifier: Any, X: Any) -> Predictions:
    """What a fitted classifier says of series, or a probe of representations."""
    return Predictions(classifier.classes_.tolist(), classifier.predict(X), classifier.predict_proba(X))


def cross_validated(Z: Array, y: Array, fitted: RepresentationClassifier, seed: int) -> Predictions:
    """Predictions of series with a label by probes that have not seen them, and of the others by the `fitted` one."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    said = predictions_of(fitted, Z)
    predicted, probabilities = said.predicted.astype(object), said.probabilities.copy()
    places = np.flatnonzero(known_labels(y))
    split = StratifiedKFold(folds_for(y), shuffle=True, random_state=seed).split(
        places, y[places].astype(str)
    )
    for train, test in split:
        probe = clone(fitted).fit(Z[places[train]], y[places[train]].astype(str))
        fold = predictions_of(probe, Z[places[test]])
        predicted[places[test]], probabilities[places[test]] = fold.predicted, fold.probabilities
    return Predictions(said.classes, predicted, probabilities)


def folds_for(y: Array) -> int:
    """Folds of a cross-validation: five, or as many as the smallest class has series.

    Raises
    ------
    ValueError
        A class has one series.
    """
    names, counts = np.unique(y[known_labels(y)].astype(str), return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"class {str(names[counts.argmin()])!r} has one series, and a cross-validation needs two of each class: "
            "name test series as TEST, or leave the class out"
        )
    return int(min(FOLDS, counts.min()))


def known_labels(y: Array) -> Array:
    """(n,) whether a series has a label."""
    return ~pd.isna(y)


def majority(y: Array) -> str:
    """The most frequent class."""
    names, counts = np.unique(y[known_labels(y)].astype(str), return_counts=True)
    return str(names[counts.argmax()])


def scores(y: Array, predicted: Array) -> dict[str, float]:
    """Of the series with a label: accuracy, and the mean over their classes of the share that is predicted right."""
    known = known_labels(y)
    right = y[known] == predicted[known]
    shares = [right[y[known] == name].mean() for name in np.unique(y[known].astype(str))]
    return {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(shares))}


def confusion(y: Array, predicted: Array) -> pd.DataFrame:
    """How often each class was predicted (columns) for each true one (rows)."""
    known = known_labels(y)
    counts = pd.crosstab(y[known].astype(str), predicted[known].astype(str))
    names = sorted({*counts.index, *counts.columns})
    return counts.reindex(index=names, columns=names, fill_value=0)
