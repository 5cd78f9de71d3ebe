"""`RepresentationAnomalyDetector`: any representation that looks back only, turned into alarms on long series.

TS2Vec's protocol (Yue et al., AAAI 2022, section 4.3) is the default: a step is strange if hiding it from the encoder
moves its representation more than hiding the steps before it did. Nothing here knows an encoder by name.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tsrep.base.fitting import atomic
from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.data import is_long
from tsrep.tasks.anomaly.alarms import (
    WIDTH,
    budget_threshold,
    deviation_threshold,
    mean_ahead,
    quantile_threshold,
    raise_alarms,
    relative_increase,
    running_threshold,
)
from tsrep.tasks.anomaly.causal import CausalViews
from tsrep.tasks.anomaly.fitted import FittedSeries, Scale, named
from tsrep.tasks.anomaly.online import LiveScore, OnlineDetector, RunningThreshold
from tsrep.tasks.anomaly.scores import SCORES, Score
from tsrep.tasks.anomaly.series import ONLY, LongSeries, as_plotted, read_series, rows_of_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

LEVELS = {"deviation": 4.0, "quantile": 0.999, "budget": 10.0, "running": 4.0}


class RepresentationAnomalyDetector(SavedEstimator):
    """Alarms on the steps of a long series that its representation does not expect.

    Parameters
    ----------
    encoder : representation
        Anything with `fit(X)` on panels (n, c, t) and `encode_causal(X, context, hide_last)`. A clone of it is fitted.
    context : int
        Steps before a step that are looked at, 200 in the paper.
    score : {"hidden", "scales", "standardised", "mahalanobis", "nearest", "pooled", "window", "combined"}
        How strange a step is, see `tsrep.tasks.anomaly.scores`. "hidden" is the paper's.
    prefit : bool
        True keeps `encoder`, fitted on other series, as it is (a cold start); `fit` then only sets scale and threshold.
    moving_average : int or "auto"
        The score counts as a share of the mean of so many scores before it; 0: it counts as it is. "auto": 21, the
        paper's, for "hidden" and "scales", and 0 for the others.
    look_ahead : int or tuple of int
        0: the score of a step depends on nothing that comes later. More: it is the mean of its score and so many after
        it, for judging a series that is finished; `online` refuses that. Several, (0, 16, 50, 100) for example: the
        mean of these means, for anomalies of any length.
    threshold : {"deviation", "quantile", "budget", "running"}
        Alarms are scores above: the mean plus `level` deviations of the training scores; their quantile `level`;
        the lowest value that raises no more than `level` alarms in 10,000 training steps; the mean plus `level`
        deviations of all scores up to the step, for a cold start (the paper's rule there).
    level : float or None
        None: 4, 0.999, 10 and 4.
    delay : int
        No alarm within so many steps of the last alarm, 7 in the paper.

    Attributes
    ----------
    encoder_ : the fitted encoder.
    threshold_ : the threshold, or one for each series by name where there are several; NaN for "running".
    series_ : what was fitted for each series.
    n_channels_ : channels of a series.

    Notes
    -----
    A series is an array (t,) or (t, c), a pandas Series or DataFrame with time down and channels across, or a long
    table with the columns `unique_id`, `ds` and values: one encoder for all its series, scale and threshold for each.
    Steps that are missing among an index of times are put in as missing, and count as steps of the context and of
    `delay`. Each channel is standardised by its training part. What is returned has one number for each row given.

    Higher is stranger here: `decision_function` is the score that is compared with `threshold_`, `score_samples` its
    negative (as scikit-learn's detectors have it), and `predict` gives 1 for an alarm and 0 else, where scikit-learn's
    give -1 and 1. A missing step has an ordinary score, the median of training, and no alarm. So have the first steps
    of a series, for which there is nothing to compare with.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> series = np.sin(np.arange(400) / 5)
    >>> encoder = TS2Vec(n_components=16, depth=3, max_steps=5, random_state=0)
    >>> detector = RepresentationAnomalyDetector(encoder, context=30).fit(series[:300])
    >>> series[350] = 3
    >>> np.flatnonzero(detector.predict(series[300:], history=series[:300]))
    array([50])
    """

    def __init__(
        self,
        encoder: Any,
        context: int = 200,
        score: str = "hidden",
        prefit: bool = False,
        moving_average: int | str = "auto",
        look_ahead: int | tuple[int, ...] = 0,
        threshold: str = "deviation",
        level: float | None = None,
        delay: int = 7,
    ) -> None:
        self.encoder = encoder
        self.context = context
        self.score = score
        self.prefit = prefit
        self.moving_average = moving_average
        self.look_ahead = look_ahead
        self.threshold = threshold
        self.level = level
        self.delay = delay

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns what is normal from `X`, one long series or several; `y` is ignored.

        Raises
        ------
        ValueError
            A parameter is out of range, or `X` is no series that one can learn from.
        """
        self._check_parameters()
        given = read_series(X)
        channels = {series.values.shape[1] for series in given.values()}
        scales = {name: Scale.of(name, series.values) for name, series in given.items()}
        scaled = {name: scales[name].apply(series.values) for name, series in given.items()}
        encoder = self.encoder
        if not self.prefit:
            panel = [values.T for values in scaled.values()]
            encoder = clone(encoder).fit(panel[0][None] if len(panel) == 1 else panel)
        views = CausalViews(encoder, self.context)
        fitted = {name: self._fit_one(views, name, values, scales[name]) for name, values in scaled.items()}
        self.encoder_, self.series_, self.n_channels_ = encoder, fitted, channels.pop()
        return self

    def decision_function(self, X: Any, history: Any = None) -> Floats:
        """(rows,) how strange each row of `X` is, higher is stranger; see the class for missing and first steps.

        Parameters
        ----------
        X : series of the kind that was fitted on.
        history : the same kind, what came just before `X`: its last `context` steps, and the scores there, are what the
            first rows of `X` are compared with. None: `X` begins out of nothing.
        """
        return self.scores_and_alarms(X, history)[0]

    def score_samples(self, X: Any, history: Any = None) -> Floats:
        """(rows,) the negative of `decision_function`: lower is stranger, as scikit-learn has it."""
        return -self.decision_function(X, history)

    def predict(self, X: Any, history: Any = None) -> NDArray[np.int64]:
        """(rows,) 1 where a row of `X` raises an alarm, else 0. An alarm in `history` suppresses those soon after."""
        return self.scores_and_alarms(X, history)[1]

    def scores_and_alarms(self, X: Any, history: Any = None) -> tuple[Floats, NDArray[np.int64]]:
        """(rows,) each: what `decision_function` and `predict` give, computed once."""
        check_is_fitted(self, "series_")
        whole = _joined(history, X)
        scores, alarms = np.empty(len(whole)), np.empty(len(whole), dtype=np.int64)
        rows = rows_of_series(whole)
        for name, series in read_series(whole).items():
            fitted = self._fitted(name, series)
            at_steps = self._scores(fitted, series.values)
            alarms_at_steps = raise_alarms(at_steps, self._threshold_over(fitted, at_steps), self.delay)
            at_steps = np.where(np.isnan(at_steps), fitted.ordinary, at_steps)
            scores[rows[name]], alarms[rows[name]] = at_steps[series.places], alarms_at_steps[series.places]
        return scores[len(whole) - len(X) :], alarms[len(whole) - len(X) :]

    def online(self, history: Any = None, series: Hashable = ONLY) -> OnlineDetector:
        """A detector for a live series: `update(point)` gives the score and the alarm that `predict` would.

        `history`: what came before the first new point, arrays or pandas; None: nothing. `series` names one of several
        that were fitted.

        Raises
        ------
        ValueError
            `series` was not fitted, or `look_ahead` is above 0: a live series has no later steps.
        """
        check_is_fitted(self, "series_")
        if np.any(self.look_ahead):
            raise ValueError(
                f"look_ahead is {self.look_ahead}, wanted 0 for a live series: it has no later steps"
            )
        if series not in self.series_:
            known = ", ".join(map(named, self.series_))
            raise ValueError(f"series is {series!r}, the detector was fitted on {known}")
        fitted = self.series_[series]
        raw_scores = LiveScore(fitted.score, self.encoder_, self.context, self.n_channels_)
        threshold: float | RunningThreshold = fitted.threshold
        if self.threshold == "running":
            threshold = RunningThreshold(self._level(), WIDTH + 1)
        live = OnlineDetector(
            lambda values: raw_scores.update(fitted.scale.apply(values)),
            width=self._width(fitted.score),
            ordinary=fitted.ordinary,
            threshold=threshold,
            delay=self.delay,
            channels=self.n_channels_,
        )
        if history is not None:
            live.extend(read_series(history)[ONLY].values)
        return live

    def plot(self, X: Any, history: Any = None, labels: Any = None, title: str | None = None) -> Figure:
        """A figure of one series: its channels with the alarms, its score and the threshold below.

        `labels` (rows,) shades the steps that are known to be anomalous.
        """
        from tsrep.plots import plot_anomalies

        if is_long(X):
            raise ValueError("X holds several series, wanted one; give the rows of one without unique_id")
        scores, alarms = self.scores_and_alarms(X, history)
        times, values = as_plotted(X)
        threshold = None if self.threshold == "running" else self.series_[ONLY].threshold
        return plot_anomalies(times, values, scores, alarms, threshold=threshold, labels=labels, title=title)

    # Fitting

    def _fit_one(self, views: CausalViews, name: Hashable, values: Floats, scale: Scale) -> FittedSeries:
        score = SCORES[self.score]().fit(views, values)
        scores = self._compared(score, score.score_training(views, values), values)
        known = scores[~np.isnan(scores)]
        if len(known) < 2:
            needed = self._width(score) + 2
            raise ValueError(
                f"{named(name)} has {len(values)} steps, too few for a threshold: wanted at least {needed} known ones"
            )
        level = self._level()
        if self.threshold == "quantile":
            threshold = quantile_threshold(known, level)
        elif self.threshold == "budget":
            threshold = budget_threshold(scores, level, self.delay)
        elif self.threshold == "deviation":
            threshold = deviation_threshold(known, level)
        else:
            threshold = float("nan")
        return FittedSeries(scale, score, threshold, float(np.median(known)))

    def _check_parameters(self) -> None:
        for method in ("fit", "encode_causal"):
            if not hasattr(self.encoder, method):
                raise TypeError(f"encoder is {self.encoder!r}, wanted an object with fit and encode_causal")
        for name, chosen, known in (("score", self.score, SCORES), ("threshold", self.threshold, LEVELS)):
            if chosen not in known:
                raise ValueError(f"{name} is {chosen!r}, wanted one of {', '.join(map(repr, known))}")
        for name, steps, least in (
            ("context", self.context, 1),
            *(("look_ahead", steps, 0) for steps in self._reaches()),
            ("delay", self.delay, 0),
        ):
            if not isinstance(steps, int | np.integer) or steps < least:
                raise ValueError(f"{name} is {steps!r}, wanted an integer of at least {least}")
        if not self._reaches():
            raise ValueError("look_ahead is empty, wanted an integer of at least 0 or several")
        width = self.moving_average
        if width != "auto" and (not isinstance(width, int | np.integer) or width < 0):
            raise ValueError(f"moving_average is {width!r}, wanted 'auto' or an integer of at least 0")
        if self.level is not None and self.threshold == "quantile" and not 0 <= self.level <= 1:
            raise ValueError(f"level is {self.level!r}, wanted a share of 0 to 1 for threshold='quantile'")
        if self.level is not None and self.threshold == "budget" and not self.level >= 0:
            raise ValueError(f"level is {self.level!r}, wanted alarms in 10,000 steps for threshold='budget'")

    # Scoring

    def _scores(self, fitted: FittedSeries, values: Floats) -> Floats:
        """(t,) scores of the steps of one series, NaN where there is none."""
        scaled = fitted.scale.apply(values)
        raw = fitted.score.score(CausalViews(self.encoder_, self.context), scaled)
        return self._compared(fitted.score, raw, scaled)

    def _compared(self, score: Score, raw: Floats, values: Floats) -> Floats:
        raw = np.where(np.isnan(values).any(axis=1), np.nan, raw)
        width = self._width(score)
        scores = relative_increase(raw, width) if width else raw
        return np.mean([mean_ahead(scores, reach) for reach in self._reaches()], axis=0)

    def _reaches(self) -> tuple[int, ...]:
        if isinstance(self.look_ahead, tuple | list):
            return tuple(self.look_ahead)
        return (self.look_ahead,)

    def _width(self, score: Score) -> int:
        if self.moving_average == "auto":
            return WIDTH if score.compared else 0
        return int(self.moving_average)

    def _level(self) -> float:
        return LEVELS[self.threshold] if self.level is None else self.level

    def _threshold_over(self, fitted: FittedSeries, scores: Floats) -> Floats | float:
        if self.threshold == "running":
            return running_threshold(scores, self._level())
        return fitted.threshold

    def _fitted(self, name: Hashable, series: LongSeries) -> FittedSeries:
        if name not in self.series_:
            known = ", ".join(map(named, self.series_))
            raise ValueError(f"X holds {named(name)}, the detector was fitted on {known}")
        if series.values.shape[1] != self.n_channels_:
            raise ValueError(
                f"X has {series.values.shape[1]} channels, the detector was fitted with {self.n_channels_}"
            )
        return self.series_[name]

    # On disk

    def _to_folder(self) -> Folder:
        encoder, tensors = inner_to_folder(self.encoder_, "encoder")
        described, tensors["detector"] = [], {}
        for number, (name, fitted) in enumerate(self.series_.items()):
            name = name.item() if isinstance(name, np.generic) else name
            described.append({"name": name, "threshold": fitted.threshold, "ordinary": fitted.ordinary})
            for key, array in fitted.arrays().items():
                tensors["detector"][f"{number}.{key}"] = torch.from_numpy(np.array(array))
        learned = {"n_channels_": self.n_channels_, "series": described}
        return {**self._description("encoder"), "encoder": encoder, "fitted": learned}, tensors

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        encoder = inner_from_folder(config["encoder"], tensors, "encoder")
        detector = cls(encoder, **config["parameters"])
        detector.encoder_, detector.n_channels_ = encoder, config["fitted"]["n_channels_"]
        detector.series_ = {}
        for number, one in enumerate(config["fitted"]["series"]):
            own = {
                key.removeprefix(f"{number}."): tensor.numpy()
                for key, tensor in tensors["detector"].items()
                if key.startswith(f"{number}.")
            }
            fitted = FittedSeries.from_arrays(own, detector.score, one["threshold"], one["ordinary"])
            detector.series_[one["name"]] = fitted
        return detector

    @property
    def threshold_(self) -> float | dict[Hashable, float]:
        check_is_fitted(self, "series_")
        each = {name: fitted.threshold for name, fitted in self.series_.items()}
        return each[ONLY] if list(each) == [ONLY] else each


def _joined(history: Any, X: Any) -> Any:
    """`X` with what came before it in front."""
    if history is None:
        return X if isinstance(X, pd.Series | pd.DataFrame) else np.asarray(X, dtype=np.float64)
    if isinstance(X, pd.Series | pd.DataFrame):
        if type(history) is not type(X):
            raise TypeError(
                f"history is a {type(history).__name__} and X a {type(X).__name__}, wanted the same"
            )
        return pd.concat([history, X])
    before, now = np.asarray(history, dtype=np.float64), np.asarray(X, dtype=np.float64)
    if before.shape[1:] != now.shape[1:]:
        raise ValueError(f"history has shape {before.shape} and X {now.shape}, wanted the same channels")
    return np.concatenate([before, now])
