"""Baselines that learn no representation from the data: nearest neighbours and MultiRocket.

They take no missing value, so gaps are filled first (`tsrep.bench.gaps`). Dynamic time warping takes series of unequal
length as they are, so only the gaps inside them are filled.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAPS_FILLED = "gaps linearly interpolated, ends held at the nearest observed value"
GAPS_FILLED_OWN_LENGTHS = "gaps linearly interpolated, series at their own lengths"


def own_lengths(X: NDArray[Any]) -> NDArray[np.int64]:
    """(n,) number of steps up to the last one where some channel of the panel (n, c, t) is observed; at least 1."""
    observed = ~np.isnan(X).all(axis=1)
    return np.maximum(X.shape[2] - observed[:, ::-1].argmax(axis=1), 1) * observed.any(
        axis=1
    ) + ~observed.any(axis=1)


def euclidean_neighbours(X_train: NDArray[Any], X_test: NDArray[Any]) -> NDArray[np.intp]:
    """Index of the nearest training instance of each test instance; the first of several at the same distance."""
    from sklearn.metrics import pairwise_distances_argmin

    return pairwise_distances_argmin(X_test.reshape(len(X_test), -1), X_train.reshape(len(X_train), -1))


def dtw_neighbours(
    X_train: NDArray[Any], X_test: NDArray[Any], train_lengths: NDArray[Any], test_lengths: NDArray[Any]
) -> NDArray[np.intp]:
    """Index of the nearest training instance under dynamic time warping, without a window.

    The distance is sktime's `dtw_distance` (squared Euclidean between steps, all channels warped together), so the
    neighbours are those of its `KNeighborsTimeSeriesClassifier(distance="dtw")`; a comparison is given up as soon as
    it cannot beat the best one so far, which sktime's classifier does not do and which saves most of the time.
    """
    steps_first = (np.ascontiguousarray(X.transpose(0, 2, 1), dtype=np.float64) for X in (X_train, X_test))
    return _dtw_search()(*steps_first, train_lengths, test_lengths)


@cache
def _dtw_search() -> Any:
    """The search, compiled by numba at its first use."""
    try:
        import numba
    except ImportError as error:
        raise ImportError("1nn-dtw needs numba: pip install numba") from error

    @numba.njit(fastmath=False)
    def cost(a: Any, b: Any) -> float:
        total = 0.0
        for channel in range(a.shape[0]):
            total += (a[channel] - b[channel]) ** 2
        return total

    @numba.njit(fastmath=False)
    def distance(a: Any, b: Any, best: float, row: Any) -> float:
        row[0] = 0.0
        row[1 : len(b) + 1] = np.inf
        for i in range(len(a)):
            diagonal, left = row[0], np.inf
            row[0] = np.inf
            smallest = np.inf
            for j in range(len(b)):
                up = row[j + 1]
                left = cost(a[i], b[j]) + min(diagonal, min(up, left))
                diagonal = up
                row[j + 1] = left
                smallest = min(smallest, left)
            if smallest >= best:
                return np.inf
        return row[len(b)]

    @numba.njit(fastmath=False)
    def search(X_train: Any, X_test: Any, train_lengths: Any, test_lengths: Any) -> Any:
        nearest = np.zeros(len(X_test), dtype=np.int64)
        row = np.empty(X_train.shape[1] + 1)
        for i in range(len(X_test)):
            series = X_test[i, : test_lengths[i]]
            best = np.inf
            for k in range(len(X_train)):
                found = distance(series, X_train[k, : train_lengths[k]], best, row)
                if found < best:
                    best, nearest[i] = found, k
        return nearest

    return search


def multirocket_features(
    X_train: NDArray[Any], X_test: NDArray[Any], seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """sktime's MultiRocket with its default 6,250 kernels: features of both panels, fitted on the first.

    Series shorter than 10 steps are padded with zeros to 10, the shortest that the kernels take.
    """
    try:
        from sktime.transformations.rocket import MultiRocket, MultiRocketMultivariate
    except ImportError as error:
        raise ImportError("multirocket needs sktime and numba: pip install sktime numba") from error

    short = max(0, 10 - X_train.shape[2])
    univariate = X_train.shape[1] == 1
    kind, dtype = (MultiRocket, np.float32) if univariate else (MultiRocketMultivariate, np.float64)
    train, test = (np.pad(X, ((0, 0), (0, 0), (0, short))).astype(dtype) for X in (X_train, X_test))
    rocket = kind(random_state=seed, n_jobs=1).fit(train)
    return np.asarray(rocket.transform(train)), np.asarray(rocket.transform(test))
