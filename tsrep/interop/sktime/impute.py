"""Gaps filled by a trained network, as a transformer of sktime."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sktime.transformations.base import BaseTransformer

import tsrep
from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, fitted, tiny_masked
from tsrep.interop.sktime.frames import PANELS, SERIES, as_instances


class TSRepImputer(TakesEncoder, BaseTransformer):
    """Fills missing values; observed values are untouched.

    One imputer learns from all series of a panel or hierarchy.

    Parameters
    ----------
    imputer : "ssgan" (`tsrep.SSGANImputer`), "masked" (`tsrep.MaskedSeriesEncoder`, which must predict values), or one
        of these estimators. A fitted one is used as it is.
    max_steps : training steps of an imputer that is named; None: the imputer's default.
    random_state : seed of an imputer that is named, or that has none of its own.

    Attributes
    ----------
    imputer_ : the fitted imputer.

    Examples
    --------
    >>> import numpy as np
    >>> from sktime.datasets import load_airline
    >>> from tsrep.interop.sktime import TSRepImputer
    >>> series = load_airline()
    >>> series.iloc[20:25] = np.nan
    >>> int(TSRepImputer(max_steps=2, random_state=0).fit_transform(series).isna().sum())
    0
    """

    _tags = {
        **TAGS,
        "scitype:transform-input": "Series",
        "scitype:transform-output": "Series",
        "scitype:instancewise": False,
        "X_inner_mtype": [SERIES, *PANELS],
        "fit_is_empty": False,
        "transform-returns-same-time-index": True,
        "capability:unequal_length": True,
        "capability:missing_values:removes": True,
        "capability:categorical_in_X": False,
        "capability:inverse_transform": True,
        "skip-inverse-transform": True,  # in pipelines that transform back, filled values stay
    }

    _PARAMETER = "imputer"
    _NAMES = {"ssgan": "SSGANImputer", "masked": "MaskedSeriesEncoder"}

    def __init__(
        self, imputer: Any = "ssgan", max_steps: int | None = None, random_state: Any = None
    ) -> None:
        self.imputer = imputer
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        self.imputer_ = fitted(self._new_encoder(), as_instances(X))
        return self

    def _transform(self, X: pd.DataFrame, y: Any = None) -> pd.DataFrame:
        panel = as_instances(X)
        filled = (
            self.imputer_.impute(panel)
            if hasattr(self.imputer_, "impute")
            else self.imputer_.transform(panel)
        )
        return filled.set_axis(X.index, axis=0)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        ssgan = tsrep.SSGANImputer(
            hidden_size=4, depth=1, n_heads=2, batch_size=2, max_steps=1, random_state=0
        )
        return [{"imputer": ssgan}, {"imputer": tiny_masked(), "random_state": 0}]
