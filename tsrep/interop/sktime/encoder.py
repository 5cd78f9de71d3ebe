"""The parameter `encoder` of the estimators of this folder: a name, or an encoder, fitted or not."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

import tsrep

TAGS = {
    "authors": "The tsrep developers",
    "maintainers": "The tsrep developers",
    "capability:multivariate": True,
    "capability:missing_values": True,
    "capability:random_state": True,
    "property:randomness": "derandomized",
}
"""The tags of every estimator of this folder."""


class TakesEncoder:
    """An estimator of sktime with the parameters `encoder`, `max_steps` and `random_state`.

    sktime clones what it puts into pipelines and tuners, and scikit-learn's clone of a fitted encoder is unfitted. So
    `get_params` gives a fitted encoder as a `FrozenEstimator`, which stays fitted in clones.
    """

    max_steps: int | None
    random_state: Any

    _PARAMETER = "encoder"
    _NAMES = {"ts2vec": "TS2Vec", "masked": "MaskedSeriesEncoder"}
    """Names of the classes in `tsrep` by what they are called here."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, as scikit-learn's `get_params`; a fitted encoder is frozen."""
        parameters: dict[str, Any] = super().get_params(deep)  # type: ignore[misc]
        parameters[self._PARAMETER] = frozen_if_fitted(parameters[self._PARAMETER])
        return parameters

    def _new_encoder(self) -> Any:
        """An encoder to fit, which is a clone of one that was given; or the fitted one that was given, frozen.

        Raises
        ------
        ValueError
            The parameter is neither a name nor an estimator.
        """
        given = frozen_if_fitted(getattr(self, self._PARAMETER))
        if isinstance(given, FrozenEstimator):
            return given
        if isinstance(given, str) and given in self._NAMES:
            cls = getattr(tsrep, self._NAMES[given])
            return cls(max_steps=self.max_steps, random_state=self.random_state)
        if not hasattr(given, "fit"):
            wanted = f"one of {list(self._NAMES)}, or an estimator"
            raise ValueError(f"{self._PARAMETER} is {given!r}; wanted {wanted}")
        encoder = clone(given)
        seed = encoder.get_params(deep=False).get("random_state", 0)
        return encoder.set_params(random_state=self.random_state) if seed is None else encoder


def fitted(encoder: Any, X: Any) -> Any:
    """An encoder of `TakesEncoder._new_encoder`, fitted on `X` unless it is frozen."""
    return encoder if isinstance(encoder, FrozenEstimator) else encoder.fit(X)


def frozen_if_fitted(estimator: Any) -> Any:
    """`FrozenEstimator(estimator)` if it is fitted; otherwise what was given."""
    if isinstance(estimator, FrozenEstimator) or not hasattr(estimator, "fit"):
        return estimator
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return estimator
    return FrozenEstimator(estimator)


def tiny_ts2vec() -> Any:
    """A TS2Vec of four components that trains for one step, for the tests of sktime."""
    return tsrep.TS2Vec(n_components=4, hidden_channels=4, depth=1, batch_size=2, max_steps=1, random_state=0)


def tiny_masked() -> Any:
    """A masked Transformer of four components that trains for one step, for the tests of sktime."""
    return tsrep.MaskedSeriesEncoder(
        recipe="paper",
        n_components=4,
        depth=1,
        n_heads=2,
        decoder_depth=1,
        decoder_width=4,
        batch_size=2,
        max_steps=1,
    )
