"""Probes: small classifiers trained on representations, to measure what the representations hold.

The SVM, logistic and nearest-neighbour probes follow the evaluation protocol of TS2Vec (Yue et al., AAAI 2022, section
4.1) as in the authors' code; the ridge probe is the usual classifier of random-convolution features (Dempster et al.,
2020). Each function takes representations `Z` (n, d) and labels `y` (n,), and returns a fitted scikit-learn classifier.
`choose_probe` selects one of the four by cross-validation and is no part of the paper, nor are weights (n,) above 0 of
the instances and groups (n,) whose members stay together in cross-validation.

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
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

Floats = NDArray[Any]
Labels = NDArray[Any]

SVM_COSTS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, np.inf)
SVM_LIMIT = 10_000
SVM_ITERATIONS = 10_000_000  # with C=inf and equal rows of different classes the solver does not converge
LOGISTIC_LIMIT = 100_000


def fit_svm(Z: Floats, y: Labels, sample_weight: Floats | None = None, groups: Labels | None = None) -> SVC:
    """RBF support vector machine, no scaling, `gamma="scale"`.

    C is infinite where there are fewer than five instances per class on average or fewer than 50 in total; otherwise
    five-fold cross-validation selects it from 1e-4, 1e-3, ..., 1e4 and infinity. Of more than 10,000 rows a stratified
    sample of 10,000 is used.
    """
    few = len(y) // len(np.unique(y)) < 5 or len(y) < 50
    if few or (groups is not None and _folds(5, y, groups) is None):
        return SVC(C=np.inf, gamma="scale", max_iter=SVM_ITERATIONS).fit(Z, y, sample_weight)
    Z, y, sample_weight, groups = subsample(Z, y, SVM_LIMIT, sample_weight, groups)
    folds = 5 if groups is None else _folds(5, y, groups)
    search = GridSearchCV(SVC(gamma="scale", max_iter=SVM_ITERATIONS), {"C": list(SVM_COSTS)}, cv=folds)
    with quiet_about_small_classes():
        search.fit(Z, y, sample_weight=sample_weight, groups=groups)
    return search.best_estimator_


def fit_logistic(
    Z: Floats, y: Labels, sample_weight: Floats | None = None, groups: Labels | None = None
) -> BaseEstimator:
    """Standardised features, then one logistic regression per class, on a stratified sample of at most 100,000 rows."""
    Z, y, sample_weight = subsample(Z, y, LOGISTIC_LIMIT, sample_weight)
    regression = LogisticRegression(max_iter=1_000_000)
    if sample_weight is None:
        return make_pipeline(StandardScaler(), OneVsRestClassifier(regression)).fit(Z, y)
    with config_context(enable_metadata_routing=True):  # the only way to weights within OneVsRestClassifier
        weighted = OneVsRestClassifier(regression.set_fit_request(sample_weight=True))
        scaler = StandardScaler().fit(Z, sample_weight=sample_weight)
        weighted.fit(scaler.transform(Z), y, sample_weight=sample_weight)
    for each in (weighted.estimator, *weighted.estimators_):
        each.__dict__.pop("_metadata_request", None)  # it cannot be saved
    return make_pipeline(scaler, weighted)


def fit_knn(
    Z: Floats, y: Labels, sample_weight: Floats | None = None, groups: Labels | None = None
) -> BaseEstimator:
    """Standardised features, then the label of the nearest neighbour. It takes no weights: ValueError."""
    if sample_weight is not None:
        raise ValueError('probe="knn" takes no sample_weight; wanted None, or another probe')
    return make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=1)).fit(Z, y)


def fit_ridge(
    Z: Floats, y: Labels, sample_weight: Floats | None = None, groups: Labels | None = None
) -> BaseEstimator:
    """Standardised features, then ridge regression on class indicators; alpha, 1e-3 to 1e3, by leave-one-out."""
    probe = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))
    return probe.fit(Z, y, **_weights_of_steps(probe, sample_weight))


PROBES: dict[str, Callable[..., BaseEstimator]] = {
    "svm": fit_svm,
    "logistic": fit_logistic,
    "knn": fit_knn,
    "ridge": fit_ridge,
}
UNWEIGHTED = frozenset({"knn"})


def choose_probe(
    Z: Floats,
    y: Labels,
    random_state: int = 0,
    sample_weight: Floats | None = None,
    groups: Labels | None = None,
) -> tuple[str, dict[str, float]]:
    """The probe with the best cross-validated accuracy on (Z, y), and the accuracy of each.

    There are five stratified folds, or as many as the largest class has members if that is fewer. Ties go to the first
    probe in `PROBES`. Where no class has two members nothing can be compared: the result is "svm" and no accuracies.
    With weights the accuracy is weighted, and only probes that take them are compared.
    """
    count = min(5, int(np.unique(y, return_counts=True)[1].max()))
    folds = _folds(count, y, groups, random_state)
    if folds is None:
        return "svm", {}
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    compared = [name for name in PROBES if sample_weight is None or name not in UNWEIGHTED]
    hits = dict.fromkeys(compared, 0.0)
    with quiet_about_small_classes():
        splits = list(folds.split(Z, y, groups))
    for learn, check in splits:
        if len(np.unique(y[learn])) < 2:
            continue
        options = {**_weights(sample_weight, learn), "groups": None if groups is None else groups[learn]}
        for name in compared:
            right = PROBES[name](Z[learn], y[learn], **options).predict(Z[check]) == y[check]
            hits[name] += float(weights[check] @ right)
    accuracies = {name: count / float(weights.sum()) for name, count in hits.items()}
    return max(accuracies, key=lambda name: accuracies[name]), accuracies


def probe_temperature(
    probe: BaseEstimator,
    Z: Floats,
    y: Labels,
    sample_weight: Floats | None = None,
    groups: Labels | None = None,
) -> float:
    """The positive divisor of decision values before the softmax ("temperature scaling", Guo et al., 2017).

    It minimises the log-loss of cross-validated decision values of a clone of `probe`. It is 1 where some class has
    fewer than two members, since nothing can be held out.
    """
    folds = _folds(min(5, int(np.unique(y, return_counts=True)[1].min())), y, groups)
    if folds is None:
        return 1.0
    steps = isinstance(probe, Pipeline)
    weights = _weights_of_steps(probe, sample_weight) if steps else _weights(sample_weight)
    values = cross_val_predict(
        clone(probe), Z, y, groups=groups, cv=folds, method="decision_function", params=weights
    )
    scores = class_scores(values)
    true_class = np.searchsorted(np.unique(y), y)

    def log_loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        losses = logsumexp(scaled, axis=1) - scaled[np.arange(len(y)), true_class]
        return float(np.average(losses, weights=sample_weight))

    return float(np.exp(minimize_scalar(log_loss, bounds=(-7.0, 7.0), method="bounded").x))


def class_scores(values: Floats) -> Floats:
    """Decision values as (n, n_classes); scikit-learn gives (n,) for two classes."""
    return np.column_stack([np.zeros_like(values), values]) if values.ndim == 1 else values


def subsample(Z: Floats, y: Labels, limit: int, *further: NDArray[Any] | None) -> tuple[Any, ...]:
    """A stratified sample of at most `limit` rows (seed 0) of Z, y and each further array that is not None.

    Classes with a single member are kept.
    """
    if len(y) <= limit:
        return Z, y, *further
    labels, counts = np.unique(y, return_counts=True)
    single = np.flatnonzero(np.isin(y, labels[counts == 1]))
    rest = np.flatnonzero(np.isin(y, labels[counts > 1]))
    drawn, _ = train_test_split(rest, train_size=limit - len(single), random_state=0, stratify=y[rest])
    kept = np.concatenate([single, drawn])
    return tuple(None if part is None else part[kept] for part in (Z, y, *further))


def _folds(
    count: int, y: Labels, groups: Labels | None, random_state: int | None = None
) -> StratifiedKFold | StratifiedGroupKFold | None:
    """At most `count` stratified folds, which keep groups together; None where fewer than two are possible."""
    if groups is not None:
        count = min(count, min(len(np.unique(groups[y == label])) for label in np.unique(y)))
    if count < 2:
        return None
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return kind(count, shuffle=random_state is not None, random_state=random_state)


def _weights_of_steps(probe: Pipeline, sample_weight: Floats | None) -> dict[str, Any]:
    return (
        {} if sample_weight is None else {f"{step}__sample_weight": sample_weight for step, _ in probe.steps}
    )


def _weights(sample_weight: Floats | None, rows: Any = slice(None)) -> dict[str, Any]:
    return {} if sample_weight is None else {"sample_weight": sample_weight[rows]}


class quiet_about_small_classes(warnings.catch_warnings):
    """Silences scikit-learn's warning about classes with fewer members than folds, which the protocol allows."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.filterwarnings("ignore", message="The least populated class in y")
