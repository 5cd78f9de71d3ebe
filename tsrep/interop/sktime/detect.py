"""Alarms on anomalous steps, as a detector of sktime."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sktime.detection.base import BaseDetector

from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, frozen_if_fitted, tiny_masked, tiny_ts2vec
from tsrep.tasks import RepresentationAnomalyDetector

LONGEST_CONTEXT = 200


class TSRepDetector(TakesEncoder, BaseDetector):
    """Alarms on the anomalous steps of a series, from a representation of the steps before each.

    `predict` gives the positions of the alarms, `transform` 0 or 1 per step, `transform_scores` a score per step,
    higher for more anomalous.

    Parameters
    ----------
    encoder : "ts2vec", "masked", or an encoder with `fit(X)` and `encode_causal(X, context)`. A fitted one is used as
        it is.
    context : number of steps that a step is compared with; None: a tenth of the training series, from 2 to 200.
    score, threshold, level : which anomaly score, which threshold on it and how strict, see
        `tsrep.tasks.RepresentationAnomalyDetector`. None: what its recipe says.
    delay : steps after an alarm within which there is no other.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of an encoder that is named, or that has none of its own.

    Attributes
    ----------
    detector_ : the fitted `tsrep.tasks.RepresentationAnomalyDetector`.

    Notes
    -----
    The steps just before those given to `predict` are known where its dates or step numbers follow those of `fit` or of
    the last `update`. Otherwise the first steps have too little context for an alarm.

    `update` sets scale, score and threshold again, by all rows so far, and leaves the encoder.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrep.interop.sktime import TSRepDetector
    >>> series = pd.Series(np.sin(np.arange(400) / 5))
    >>> detector = TSRepDetector(context=30, max_steps=5, random_state=0).fit(series)
    >>> series[300] = 3
    >>> int(detector.transform_scores(series).to_numpy().argmax())
    300
    """

    _tags = {
        **TAGS,
        "task": "anomaly_detection",
        "learning_type": "unsupervised",
        "capability:update": True,
    }

    def __init__(
        self,
        encoder: Any = "ts2vec",
        context: int | None = None,
        score: str | None = None,
        threshold: str = "deviation",
        level: float | None = None,
        delay: int = 7,
        max_steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.context = context
        self.score = score
        self.threshold = threshold
        self.level = level
        self.delay = delay
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        self._X = X  # sktime keeps what it was given, perhaps a Series, and its `update` asks for a frame
        self._seen = as_frame(X)
        return self._refit(self._new_encoder())

    def _update(self, X: pd.DataFrame, y: Any = None) -> Self:
        self._seen = as_frame(X).combine_first(self._seen)[self._seen.columns]
        return self._refit(frozen_if_fitted(self.detector_.encoder_))

    def _refit(self, encoder: Any) -> Self:
        context = min(max(len(self._seen) // 10, 2), LONGEST_CONTEXT)
        detector = RepresentationAnomalyDetector(
            encoder,
            context=context if self.context is None else self.context,
            score=self.score,
            threshold=self.threshold,
            level=self.level,
            delay=self.delay,
        )
        self.detector_ = detector.fit(self._seen)
        return self

    def _predict(self, X: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"ilocs": np.flatnonzero(self._scores_and_alarms(X)[1])})

    def _transform_scores(self, X: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"scores": self._scores_and_alarms(X)[0]}, X.index)

    def _predict_scores(self, X: pd.DataFrame) -> pd.Series:
        scores, alarms = self._scores_and_alarms(X)
        return pd.Series(scores[alarms == 1], name="scores")

    def _scores_and_alarms(self, X: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(rows,) each. Step numbers that go on after the training series have its end before them, as dates do."""
        frame, before = as_frame(X), self._seen.index
        counted = all(pd.api.types.is_integer_dtype(index.dtype) for index in (frame.index, before))
        follows = counted and frame.index[0] == before[-1] + 1
        return self.detector_.scores_and_alarms(frame, history="training" if follows else None)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [
            {"encoder": tiny_ts2vec()},
            {"encoder": tiny_masked(), "context": 3, "threshold": "quantile", "random_state": 0},
        ]


def as_frame(X: Any) -> pd.DataFrame:
    """A series in any of sktime's containers as a frame with text for names."""
    frame = pd.DataFrame(X)
    return frame.set_axis([str(name) for name in frame.columns], axis=1)
