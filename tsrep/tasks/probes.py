"""Probes: small classifiers trained on representations, to measure what the representations hold.

The SVM, logistic and nearest-neighbour probes follow the evaluation protocol of TS2Vec (Yue et al., AAAI 2022, section
4.1) as in the authors' code; the ridge probe is the usual classifier of random-convolution features (Dempster et al.,
2020). Each function takes representations `Z` (n, d) and labels `y` (n,), and returns a fitted scikit-learn classifier.
`choose_probe` selects one of the four by cross-validation and is no part of the paper.

Departures: classes with a single member are kept when a large training set is subsampled (the authors' stratified draw
raises an error); the logistic probe is one-vs-rest through `OneVsRestClassifier`, since scikit-learn removed the
`multi_class` argument; the SVM stops after ten million iterations (theirs has no limit when C is not searched).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

SVM_COSTS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, np.inf)
SVM_LIMIT = 10_000
SVM_ITERATIONS = 10_000_000  # with C=inf and equal rows of different classes the solver does not converge
LOGISTIC_LIMIT = 100_000


def fit_svm(Z: NDArray[Any], y: NDArray[Any]) -> SVC:
    """RBF support vector machine, no scaling, `gamma="scale"`.

    C is infinite where there are fewer than five instances per class on average or fewer than 50 in total; otherwise
    five-fold cross-validation selects it from 1e-4, 1e-3, ..., 1e4 and infinity. Of more than 10,000 rows a stratified
    sample of 10,000 is used.
    """
    if len(y) // len(np.unique(y)) < 5 or len(y) < 50:
        return SVC(C=np.inf, gamma="scale", max_iter=SVM_ITERATIONS).fit(Z, y)
    Z, y = subsample(Z, y, SVM_LIMIT)
    search = GridSearchCV(SVC(gamma="scale", max_iter=SVM_ITERATIONS), {"C": list(SVM_COSTS)}, cv=5)
    with quiet_about_small_classes():
        search.fit(Z, y)
    return search.best_estimator_


def fit_logistic(Z: NDArray[Any], y: NDArray[Any]) -> BaseEstimator:
    """Standardised features, then one logistic regression per class, on a stratified sample of at most 100,000 rows."""
    Z, y = subsample(Z, y, LOGISTIC_LIMIT)
    regression = LogisticRegression(max_iter=1_000_000)
    return make_pipeline(StandardScaler(), OneVsRestClassifier(regression)).fit(Z, y)


def fit_knn(Z: NDArray[Any], y: NDArray[Any]) -> BaseEstimator:
    """Standardised features, then the label of the nearest neighbour."""
    return make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=1)).fit(Z, y)


def fit_ridge(Z: NDArray[Any], y: NDArray[Any]) -> BaseEstimator:
    """Standardised features, then ridge regression on class indicators; alpha, 1e-3 to 1e3, by leave-one-out."""
    return make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10))).fit(Z, y)


PROBES: dict[str, Callable[[NDArray[Any], NDArray[Any]], BaseEstimator]] = {
    "svm": fit_svm,
    "logistic": fit_logistic,
    "knn": fit_knn,
    "ridge": fit_ridge,
}


def choose_probe(Z: NDArray[Any], y: NDArray[Any], random_state: int = 0) -> tuple[str, dict[str, float]]:
    """The probe with the best cross-validated accuracy on (Z, y), and the accuracy of each.

    There are five stratified folds, or as many as the largest class has members if that is fewer. Ties go to the first
    probe in `PROBES`. Where no class has two members nothing can be compared: the result is "svm" and no accuracies.
    """
    folds = min(5, int(np.unique(y, return_counts=True)[1].max()))
    if folds < 2:
        return "svm", {}
    splitter = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    hits = dict.fromkeys(PROBES, 0)
    with quiet_about_small_classes():
        splits = list(splitter.split(Z, y))
    for learn, check in splits:
        if len(np.unique(y[learn])) < 2:
            continue
        for name, fit in PROBES.items():
            hits[name] += int(np.sum(fit(Z[learn], y[learn]).predict(Z[check]) == y[check]))
    accuracies = {name: count / len(y) for name, count in hits.items()}
    return max(accuracies, key=lambda name: accuracies[name]), accuracies


def probe_temperature(probe: BaseEstimator, Z: NDArray[Any], y: NDArray[Any]) -> float:
    """The positive divisor of decision values before the softmax ("temperature scaling", Guo et al., 2017).

    It minimises the log-loss of cross-validated decision values of a clone of `probe`. It is 1 where some class has
    fewer than two members, since nothing can be held out.
    """
    folds = min(5, int(np.unique(y, return_counts=True)[1].min()))
    if folds < 2:
        return 1.0
    values = cross_val_predict(clone(probe), Z, y, cv=StratifiedKFold(folds), method="decision_function")
    scores = class_scores(values)
    true_class = np.searchsorted(np.unique(y), y)

    def log_loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(y)), true_class]))

    return float(np.exp(minimize_scalar(log_loss, bounds=(-7.0, 7.0), method="bounded").x))


def class_scores(values: NDArray[Any]) -> NDArray[Any]:
    """Decision values as (n, n_classes); scikit-learn gives (n,) for two classes."""
    return np.column_stack([np.zeros_like(values), values]) if values.ndim == 1 else values


def subsample(Z: NDArray[Any], y: NDArray[Any], limit: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """A stratified sample of at most `limit` rows (seed 0); classes with a single member are kept."""
    if len(y) <= limit:
        return Z, y
    labels, counts = np.unique(y, return_counts=True)
    single = np.flatnonzero(np.isin(y, labels[counts == 1]))
    rest = np.flatnonzero(np.isin(y, labels[counts > 1]))
    drawn, _ = train_test_split(rest, train_size=limit - len(single), random_state=0, stratify=y[rest])
    kept = np.concatenate([single, drawn])
    return Z[kept], y[kept]


class quiet_about_small_classes(warnings.catch_warnings):
    """Silences scikit-learn's warning about classes with fewer members than folds, which the protocol allows."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.filterwarnings("ignore", message="The least populated class in y")
