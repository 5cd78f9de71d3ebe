"""The methods of the classification tables. A method sees the labels of the training part only.

Each takes panels (n, c, t), labels (n_train,) and a seed, and returns an `Outcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.classification import baselines
from tsrep.bench.gaps import fill_gaps
from tsrep.bench.stopwatch import Stopwatch
from tsrep.tasks import fit_ridge, fit_svm


@dataclass
class Outcome:
    """Predicted labels of the test part, seconds per stage, and further entries of the result line."""

    predicted: NDArray[Any]
    seconds: dict[str, float]
    notes: dict[str, Any] = field(default_factory=dict)


Method = Callable[..., Outcome]


def ts2vec(
    X_train: NDArray[Any],
    y_train: NDArray[Any],
    X_test: NDArray[Any],
    seed: int,
    **settings: Any,
) -> Outcome:
    """TS2Vec as in the paper, or a variant by `settings`; then the paper's SVM on the vectors of whole series."""
    from tsrep import TS2Vec

    watch = Stopwatch()
    with watch("fit"):
        encoder = TS2Vec(random_state=seed, **settings).fit(X_train)
    with watch("encode"):
        Z_train, Z_test = (np.asarray(encoder.transform(X)) for X in (X_train, X_test))
    with watch("probe"):
        predicted = fit_svm(Z_train, y_train).predict(Z_test)
    return Outcome(predicted, watch.seconds, {"settings": settings, "probe": "svm", **_training(encoder)})


def _training(encoder: Any) -> dict[str, Any]:
    history = encoder.history_
    return {
        "steps": len(history),
        "last_loss": float(history[-1]["loss"]) if history else None,
        "device": next(encoder.encoder_.parameters()).device.type,
    }


def untrained(X_train: NDArray[Any], y_train: NDArray[Any], X_test: NDArray[Any], seed: int) -> Outcome:
    """The TS2Vec network with its initial random weights, and the same SVM."""
    return ts2vec(X_train, y_train, X_test, seed, max_steps=0)


def nearest_euclidean(
    X_train: NDArray[Any], y_train: NDArray[Any], X_test: NDArray[Any], seed: int
) -> Outcome:
    """1-NN under the Euclidean distance of the raw values."""
    watch = Stopwatch()
    with watch("predict"):
        nearest = baselines.euclidean_neighbours(fill_gaps(X_train), fill_gaps(X_test))
    return Outcome(y_train[nearest], watch.seconds, _filling(X_train, X_test, baselines.GAPS_FILLED))


def nearest_dtw(X_train: NDArray[Any], y_train: NDArray[Any], X_test: NDArray[Any], seed: int) -> Outcome:
    """1-NN under dynamic time warping of the raw values, without a window."""
    watch = Stopwatch()
    with watch("predict"):
        lengths = (baselines.own_lengths(X) for X in (X_train, X_test))
        nearest = baselines.dtw_neighbours(fill_gaps(X_train), fill_gaps(X_test), *lengths)
    return Outcome(
        y_train[nearest], watch.seconds, _filling(X_train, X_test, baselines.GAPS_FILLED_OWN_LENGTHS)
    )


def multirocket(X_train: NDArray[Any], y_train: NDArray[Any], X_test: NDArray[Any], seed: int) -> Outcome:
    """sktime's MultiRocket features (Tan et al., 2022) and a ridge classifier."""
    watch = Stopwatch()
    with watch("fit"):
        Z_train, Z_test = baselines.multirocket_features(fill_gaps(X_train), fill_gaps(X_test), seed)
    with watch("probe"):
        predicted = fit_ridge(Z_train, y_train).predict(Z_test)
    return Outcome(predicted, watch.seconds, _filling(X_train, X_test, baselines.GAPS_FILLED))


def _filling(X_train: NDArray[Any], X_test: NDArray[Any], rule: str) -> dict[str, Any]:
    return {"filling": rule if np.isnan(X_train).any() or np.isnan(X_test).any() else None}


METHODS: dict[str, Method] = {
    "ts2vec": ts2vec,
    "untrained": untrained,
    "1nn-euclidean": nearest_euclidean,
    "1nn-dtw": nearest_dtw,
    "multirocket": multirocket,
}
SEEDLESS = frozenset({"1nn-euclidean", "1nn-dtw"})
"""Methods that draw nothing at random."""
