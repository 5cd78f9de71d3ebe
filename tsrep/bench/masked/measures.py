"""What features are worth: retrieval and clustering without labels, a linear probe with few and with all labels.

The protocol is the one that reproduces earlier measurements on the same 24 UCR sets (raw values: precision at 10 .618,
adjusted Rand index .257, .454 and .571 with one and five labels per class; here .614, .246, .451 and .565):

- features are standardised by the training part;
- retrieval and clustering are over the series of both parts, whose labels are used for scoring only;
- with few labels the probe is a ridge classifier of fixed strength `FEW_LABELS_ALPHA`, since nothing can be held out
  to choose it where a class has one label; with all labels it is `tsrep.tasks.fit_ridge`, which chooses;
- labelled series are drawn with fixed seeds, so that all methods on a set have the same ones.

Features are (n, d) arrays, classes (n,) integers; a test class of -1 is in no training part and counts as a miss.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks import fit_ridge

Array = NDArray[Any]
Draw = Callable[[Array, np.random.Generator], Array]
"""Takes the classes of the training part; returns the indices of the labelled series."""

NEIGHBOURS = 10
LABELS_PER_CLASS, LABEL_DRAWS = (1, 5), 5
PERCENT_OF_LABELS, PERCENT_DRAWS = (1, 5, 10), 3
FEW_LABELS_ALPHA = 300.0
MANY_CLASSES = "The number of unique classes is greater than 50%"  # a warning that few labels bring


def measures(Z_train: Array, y_train: Array, Z_test: Array, y_test: Array, seed: int = 0) -> dict[str, float]:
    """All measures, each higher = better.

    Returns
    -------
    dict
        probe : accuracy of ridge regression on all labels.
        precision_at_10 : share of the same class among the ten nearest series.
        adjusted_rand : of k-means with the true number of clusters, its starts drawn with `seed`.
        labels_1, labels_5 : accuracy with that many labels per class.
        percent_1, percent_5, percent_10 : accuracy with that share of the training labels.
    """
    train, test = standardised(Z_train, Z_test)
    both = same_distances(np.concatenate([train, test]))
    train, test = both[: len(train)], both[len(train) :]
    classes = np.concatenate([y_train, y_test])
    found = {
        "probe": probe_accuracy(Z_train, y_train, Z_test, y_test),
        "precision_at_10": precision_at(NEIGHBOURS, both, classes),
        "adjusted_rand": adjusted_rand(both, classes, seed),
    }
    for count in LABELS_PER_CLASS:
        draw = per_class(count)
        found[f"labels_{count}"] = few_label_accuracy(train, y_train, test, y_test, draw, LABEL_DRAWS)
    for percent in PERCENT_OF_LABELS:
        draw = share_of_each_class(percent / 100)
        found[f"percent_{percent}"] = few_label_accuracy(train, y_train, test, y_test, draw, PERCENT_DRAWS)
    return found


def standardised(Z_train: Array, Z_test: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both parts with the mean 0 and deviation 1 of the training part; columns constant there become 0 in both."""
    train, test = (np.asarray(Z, dtype=np.float64) for Z in (Z_train, Z_test))
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    varies = deviation > 1e-7 * np.abs(train).max(axis=0)
    scale = np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0)
    return (train - mean) * scale, (test - mean) * scale


def same_distances(Z: Array) -> Array:
    """Rows of at most n numbers with the same distances and inner products as the rows of `Z` (n, d).

    Nearest neighbours, k-means and ridge regression depend on these only, and are much faster where d is large.
    """
    n, d = Z.shape
    return Z if d <= n else np.asarray(np.linalg.qr(Z.T, mode="r")).T


def probe_accuracy(Z_train: Array, y_train: Array, Z_test: Array, y_test: Array) -> float:
    """Accuracy of `tsrep.tasks.fit_ridge` on all labels."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MANY_CLASSES)
        return float(fit_ridge(Z_train, y_train).score(Z_test, y_test))


def precision_at(k: int, Z: Array, y: Array) -> float:
    """Mean share of the same class among the k nearest other series (Euclidean), or all others if they are fewer."""
    squares = (Z**2).sum(axis=1)
    distance = squares[:, None] + squares - 2 * Z @ Z.T
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, : min(k, len(Z) - 1)]
    return float((y[nearest] == y[:, None]).mean())


def adjusted_rand(Z: Array, y: Array, seed: int = 0) -> float:
    """Adjusted Rand index of k-means (k: the number of classes, the best of ten starts) against the classes."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    clusters = KMeans(len(np.unique(y)), n_init=10, random_state=seed).fit_predict(Z)
    return float(adjusted_rand_score(y, clusters))


def few_label_accuracy(
    Z_train: Array, y_train: Array, Z_test: Array, y_test: Array, draw: Draw, draws: int
) -> float:
    """Mean test accuracy of a ridge classifier over `draws` sets of labelled series, of standardised features."""
    from sklearn.linear_model import RidgeClassifier

    accuracies = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MANY_CLASSES)
        for number in range(draws):
            labelled = draw(y_train, np.random.default_rng(number))
            probe = RidgeClassifier(FEW_LABELS_ALPHA).fit(Z_train[labelled], y_train[labelled])
            accuracies.append(probe.score(Z_test, y_test))
    return float(np.mean(accuracies))


def per_class(count: int) -> Draw:
    """Draws `count` series of each class, all of a class that has fewer."""
    return lambda y, rng: _of_each_class(y, rng, lambda size: min(count, size))


def share_of_each_class(share: float) -> Draw:
    """Draws a share of each class, rounded, at least one series."""
    return lambda y, rng: _of_each_class(y, rng, lambda size: max(1, round(share * size)))


def _of_each_class(y: Array, rng: np.random.Generator, count: Callable[[int], int]) -> Array:
    members = (np.flatnonzero(y == label) for label in np.unique(y))
    return np.concatenate([rng.permutation(some)[: count(len(some))] for some in members])
