"""Regression with a representation and ridge: the encoder learns from all series, the ridge from those with targets.

Features are standardised, and the penalty is chosen by leave-one-out for each target, as is usual for the features of
random convolutions (Tan et al., "Time series extrinsic regression", DMKD 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight

from tsrep.base.fitting import atomic
from tsrep.base.parameters import Range, boolean, check_parameters, is_number
from tsrep.base.saving import Tensors
from tsrep.tasks.saved_probe import probe_from_tensor, probe_to_tensor
from tsrep.tasks.scaler import fit_scaler
from tsrep.tasks.task import RepresentationTask

ALPHAS = tuple(10.0 ** (power / 2) for power in range(-6, 13))
"""What `alphas=None` means: 1e-3 to 1e6. The upper end leaves little but the mean of several thousand features."""


def _are_penalties(alphas: Any) -> bool:
    if alphas is None:
        return True
    if isinstance(alphas, str | bytes) or not np.iterable(alphas):
        return False
    values = list(alphas)
    return bool(values) and all(is_number(value) and 0 < value < np.inf for value in values)


RANGES = {
    "alphas": Range("a list of numbers above 0, or None", _are_penalties),
    "prefit": boolean(),
}


class RepresentationRegressor(RegressorMixin, RepresentationTask):
    """An encoder trained without targets, then ridge regression on its standardised representations.

    Parameters
    ----------
    encoder : transformer
        Any object with `fit(X)` and `transform(X)` that gives (n_instances, n_features). A clone of it is fitted.
    alphas : sequence of float or None
        Penalties among which leave-one-out chooses, for each target its own. None: 1e-3 to 1e6, two per decade.
    prefit : bool
        True uses `encoder` itself, already fitted, and trains the ridge only. Where the regressor is cloned (in
        `GridSearchCV`, for example), wrap a fitted encoder in scikit-learn's `FrozenEstimator` instead.

    Attributes
    ----------
    encoder_ : the fitted encoder
    probe_ : the fitted pipeline of scaler and ridge
    alpha_ : the chosen penalty, a float, or (n_targets,) where there are several targets

    Notes
    -----
    An instance with a missing target (NaN, of several targets any) trains the encoder and not the ridge.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> import numpy as np
    >>> speed = np.linspace(1, 2, 40)
    >>> X = np.sin(np.outer(speed, np.linspace(0, 6, 30)))
    >>> bool(RepresentationRegressor(PCA(5)).fit(X, speed).score(X, speed) > 0.99)
    True
    """

    def __init__(self, encoder: Any, alphas: Sequence[float] | None = None, prefit: bool = False) -> None:
        self.encoder = encoder
        self.alphas = alphas
        self.prefit = prefit

    @atomic
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the encoder on every instance of the panel `X`, then scaler and ridge on those with a target.

        Parameters
        ----------
        X : whatever the encoder takes, (n, c, t) or (n, t) for example.
        y : (n,) or (n, n_targets), NaN for a missing target.
        sample_weight : (n,) weights of at least 0 in scaler and ridge, None: all 1. The encoder has no weights.

        Raises
        ------
        ValueError
            A parameter is out of range, `X`, `y` and `sample_weight` differ in length, or fewer than two instances
            with a target and a weight are left.
        """
        check_parameters(self, RANGES)
        targets = _checked_targets(y)
        if isinstance(X, np.ndarray | list):
            _check_lengths(len(X), len(targets))
        weights = _check_sample_weight(sample_weight, targets, ensure_non_negative=True)
        used = ~np.isnan(targets.reshape(len(targets), -1)).any(axis=1) & (weights > 0)
        if used.sum() < 2:
            raise ValueError(
                f"y has {int(used.sum())} targets with a weight above 0 (n_samples = {len(targets)}); "
                "wanted at least two"
            )
        Z = check_array(self._fit_encoder(X), input_name="the representation")
        _check_lengths(len(Z), len(targets))
        self.probe_ = fit_weighted_ridge(Z[used], targets[used], weights[used], self._penalties())
        self.alpha_ = self.probe_[-1].alpha_
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """(n,), or (n, n_targets) where there are several targets."""
        Z = self._represent(X).astype(np.float64, copy=False)
        return self.probe_.predict(Z)

    def _penalties(self) -> tuple[float, ...]:
        return ALPHAS if self.alphas is None else tuple(float(alpha) for alpha in self.alphas)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    # On disk

    def _tensors(self) -> Tensors:
        return {"probe": {"skops": probe_to_tensor(self.probe_)}}

    def _restore(self, tensors: Tensors) -> None:
        self.probe_, _ = probe_from_tensor(tensors["probe"]["skops"])
        self.alpha_ = self.probe_[-1].alpha_


def fit_weighted_ridge(
    Z: NDArray[Any], y: NDArray[np.float64], weights: NDArray[Any], alphas: Sequence[float]
) -> Pipeline:
    """Standardised features, then ridge; of `alphas` the best by leave-one-out, for each target its own.

    `Z` (n, d), `y` (n,) or (n, k), `weights` (n,) above 0.
    """
    scaler = fit_scaler(Z, weights)
    ridge = RidgeCV(alphas=np.array(alphas), alpha_per_target=True)
    ridge.fit(scaler.transform(Z.astype(np.float64, copy=False)), y, sample_weight=weights)
    return Pipeline([("scaler", scaler), ("ridge", ridge)])


def _checked_targets(y: Any) -> NDArray[np.float64]:
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None; wanted one number or row per instance"
        )
    targets = check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y")
    if targets.ndim not in (1, 2):
        raise ValueError(f"y has shape {targets.shape}; wanted (n,) or (n, n_targets)")
    return targets


def _check_lengths(instances: int, targets: int) -> None:
    if instances != targets:
        raise ValueError(f"X has {instances} instances and y has {targets} targets; wanted one per instance")
