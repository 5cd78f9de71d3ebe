"""Representations as transformers of sktime: features per series, and features per step."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sktime.transformations.base import BaseTransformer

from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, fitted, tiny_masked, tiny_ts2vec
from tsrep.interop.sktime.frames import PANELS, SERIES, as_instances, feature_names, instances_of, per_step

TRANSFORMER_TAGS = {
    **TAGS,
    "scitype:transform-input": "Series",
    "scitype:instancewise": False,
    "fit_is_empty": False,
    "capability:unequal_length": True,
    "capability:categorical_in_X": False,
}


class TSRepTransformer(TakesEncoder, BaseTransformer):
    """Features per series: the representation of each series of a panel.

    One encoder learns from all series of the panel, of any length and with gaps.

    Parameters
    ----------
    encoder : "ts2vec", "masked", or an encoder: any object with `fit(X)` and `transform(X)` that gives
        (n_instances, n_features). A fitted one is used as it is.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of an encoder that is named, or that has none of its own.

    Attributes
    ----------
    encoder_ : the fitted encoder.

    Examples
    --------
    >>> from sktime.datasets import load_unit_test
    >>> from tsrep.interop.sktime import TSRepTransformer
    >>> X, _ = load_unit_test(split="train", return_type="pd-multiindex")
    >>> transformer = TSRepTransformer(max_steps=2, random_state=0)
    >>> transformer.fit_transform(X).shape
    (20, 320)
    """

    _tags = {**TRANSFORMER_TAGS, "scitype:transform-output": "Primitives", "X_inner_mtype": list(PANELS)}

    def __init__(
        self, encoder: Any = "ts2vec", max_steps: int | None = None, random_state: Any = None
    ) -> None:
        self.encoder = encoder
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        self.encoder_ = fitted(self._new_encoder(), as_instances(X))
        return self

    def _transform(self, X: pd.DataFrame, y: Any = None) -> pd.DataFrame:
        Z = np.asarray(self.encoder_.transform(as_instances(X)))
        return pd.DataFrame(Z, instances_of(X), feature_names("z", Z.shape[1]))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [{"encoder": tiny_ts2vec()}, {"encoder": tiny_masked(), "random_state": 0}]


class TSRepSeriesTransformer(TakesEncoder, BaseTransformer):
    """Features per step: a series of representations for each series.

    One encoder learns from all series of a panel or hierarchy.

    Parameters
    ----------
    encoder : "ts2vec", "masked", or any object with `fit(X)` and `encode(X)`, or `encode_causal(X, context)`
        where `context` is given. A fitted one is used as it is.
    context : None represents a step within its whole series. A number represents it by the step itself and `context`
        steps before it, and by nothing after it, as forecasts and alarms need it.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of an encoder that is named, or that has none of its own.

    Attributes
    ----------
    encoder_ : the fitted encoder.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from tsrep.interop.sktime import TSRepSeriesTransformer
    >>> transformer = TSRepSeriesTransformer(context=12, max_steps=2, random_state=0)
    >>> transformer.fit_transform(load_airline()).shape
    (144, 320)
    """

    _tags = {
        **TRANSFORMER_TAGS,
        "scitype:transform-output": "Series",
        "transform-returns-same-time-index": True,
        "X_inner_mtype": [SERIES, *PANELS],
    }

    def __init__(
        self,
        encoder: Any = "ts2vec",
        context: int | None = None,
        max_steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.context = context
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        self.encoder_ = fitted(self._new_encoder(), as_instances(X))
        return self

    def _transform(self, X: pd.DataFrame, y: Any = None) -> pd.DataFrame:
        panel = as_instances(X)
        if self.context is None:
            Z = self.encoder_.encode(panel)
        else:
            Z = self.encoder_.encode_causal(panel, context=self.context)
        return per_step(np.asarray(Z), X, "z")

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [{"encoder": tiny_ts2vec()}, {"encoder": tiny_masked(), "context": 3, "random_state": 0}]
