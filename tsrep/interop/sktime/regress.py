"""Regression with a representation, as a regressor of sktime."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from numpy.typing import NDArray
from sktime.regression.base import BaseRegressor

from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, tiny_masked, tiny_ts2vec
from tsrep.interop.sktime.frames import PANELS, as_instances
from tsrep.tasks import RepresentationRegressor


class TSRepRegressor(TakesEncoder, BaseRegressor):
    """An encoder trained without targets, then ridge regression on the representations of whole series.

    Series of any length, with gaps and several channels.

    Parameters
    ----------
    encoder : "ts2vec", "masked", or an encoder with `fit(X)` and `transform(X)`. A fitted one is used as it is.
    alphas : penalties among which leave-one-out chooses; None: those of `tsrep.tasks.RepresentationRegressor`.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of an encoder that is named, or that has none of its own.

    Attributes
    ----------
    regressor_ : the fitted `tsrep.tasks.RepresentationRegressor`.

    Examples
    --------
    >>> from sktime.datasets import load_unit_test
    >>> from tsrep.interop.sktime import TSRepRegressor
    >>> X, y = load_unit_test(split="train")
    >>> TSRepRegressor(max_steps=2, random_state=0).fit(X, y.astype(float)).predict(X).shape
    (20,)
    """

    _tags = {
        **TAGS,
        "X_inner_mtype": PANELS[0],
        "capability:unequal_length": True,
        "capability:categorical_in_X": False,
    }

    def __init__(
        self,
        encoder: Any = "ts2vec",
        alphas: Any = None,
        max_steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.alphas = alphas
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        regressor = RepresentationRegressor(self._new_encoder(), alphas=self.alphas)
        self.regressor_ = regressor.fit(as_instances(X), y)
        return self

    def _predict(self, X: pd.DataFrame) -> NDArray[Any]:
        return self.regressor_.predict(as_instances(X))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [{"encoder": tiny_ts2vec()}, {"encoder": tiny_masked(), "alphas": [1.0], "random_state": 0}]
