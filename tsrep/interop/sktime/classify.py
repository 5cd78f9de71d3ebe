"""Classification with a representation, as a classifier of sktime."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sktime.classification.base import BaseClassifier

from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, tiny_masked, tiny_ts2vec
from tsrep.interop.sktime.frames import PANELS, as_instances
from tsrep.tasks import RepresentationClassifier


class TSRepClassifier(TakesEncoder, BaseClassifier):
    """An encoder trained without labels, then a classifier on the representations of whole series.

    Series of any length, with gaps and several channels. Every label counts, -1 too.

    Parameters
    ----------
    encoder : "ts2vec", "masked", or an encoder with `fit(X)` and `transform(X)`. A fitted one is used as it is.
    probe : the classifier on the representations: "svm", "logistic", "knn", "ridge", "auto", or None, see
        `tsrep.tasks.RepresentationClassifier`.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of an encoder that is named, or that has none of its own.

    Attributes
    ----------
    classifier_ : the fitted `tsrep.tasks.RepresentationClassifier`; its labels are indices of `classes_`.

    Examples
    --------
    >>> from sktime.datasets import load_unit_test
    >>> from tsrep.interop.sktime import TSRepClassifier
    >>> X, y = load_unit_test(split="train")
    >>> TSRepClassifier(max_steps=2, random_state=0).fit(X, y).predict(X).shape
    (20,)
    """

    _tags = {
        **TAGS,
        "X_inner_mtype": PANELS[0],
        "capability:unequal_length": True,
        "capability:predict_proba": True,
        "capability:categorical_in_X": False,
    }

    def __init__(
        self,
        encoder: Any = "ts2vec",
        probe: str | None = None,
        max_steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.probe = probe
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        classifier = RepresentationClassifier(self._new_encoder(), probe=self.probe)
        self.classifier_ = classifier.fit(as_instances(X), np.searchsorted(self.classes_, y))
        return self

    def _predict(self, X: pd.DataFrame) -> NDArray[Any]:
        return self.classes_[self.classifier_.predict(as_instances(X))]

    def _predict_proba(self, X: pd.DataFrame) -> NDArray[Any]:
        return self.classifier_.predict_proba(as_instances(X))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [
            {"encoder": tiny_ts2vec(), "probe": "knn"},
            {"encoder": tiny_masked(), "probe": "ridge", "random_state": 0},
        ]
