"""`RepresentationAnomalyDetector`: alarms on long series from any causal representation.

`recipe="paper"` is the protocol of TS2Vec (Yue et al., AAAI 2022, section 4.3): a step is anomalous if hiding it from
the encoder changes its representation more than hiding the steps before it did.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsrep.base.fitting import atomic
from tsrep.base.names import places_of_names
from tsrep.base.parameters import check_unchanged, current_values
from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.base.state import identity_of
from tsrep.data import is_long
from tsrep.tasks.anomaly.causal import views_of_each
from tsrep.tasks.anomaly.context import is_training, steps_before, tail_of
from tsrep.tasks.anomaly.dead import DeadChannels, spans
from tsrep.tasks.anomaly.doubts import warn_unlike_training, warn_without_scores
from tsrep.tasks.anomaly.fitted import FittedSeries, scale_of_training_part
from tsrep.tasks.anomaly.folder import series_from_folder, series_to_folder
from tsrep.tasks.anomaly.online import LiveScore, OnlineDetector
from tsrep.tasks.anomaly.parameters import FIXED_BY_FIT, check_detector
from tsrep.tasks.anomaly.scoring import RUNNING, Scoring
from tsrep.tasks.representation import as_panel_of_series, fit_encoder
from tsrep.tasks.series import (
    MOST_LEARNT,
    ONLY,
    RegularSeries,
    in_message,
    joined,
    names_of_channels,
    open_file,
    places_of_rows,
    read_series,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

CONTEXTS_PER_WINDOW = 2
"""Contexts in a training window of an unfitted encoder."""


class RepresentationAnomalyDetector(SavedEstimator):
    """Alarms on the anomalous steps of long series.

    Parameters
    ----------
    encoder : representation
        Any object with `fit(X)` on panels (n, c, t) and `encode_causal(X, context, hide_last)`. A clone of it is
        fitted, with training windows that fit the context: with `recipe="best"`, a `max_train_length` of an unfitted
        encoder that is at its default becomes 2 * `context`.
    context : int
        Number of steps before a step that its representation depends on; 200 in the paper.
    score : {"hidden", "scales", "standardised", "mahalanobis", "nearest", "pooled", "window", "combined"} or None
        The anomaly score, see `tsrep.tasks.anomaly.scores`. None: what `recipe` says.
    prefit : bool
        True uses `encoder` itself, fitted on other series (a cold start); `fit` then sets scale and threshold only.
    moving_average : int or "auto"
        Take each score relative to the mean of the previous `moving_average` scores; 0 turns this off. "auto": 21, as
        in the paper, for "hidden" and "scales", and 0 for the other scores.
    look_ahead : int or tuple of int
        0: a score depends on no later step. k > 0: the mean of a score and the next k, for a finished series; `online`
        refuses it. A tuple, (0, 16, 50, 100) for example: the mean of these means, for anomalies of any length.
    threshold : {"deviation", "quantile", "budget", "running"}
        Scores above it raise alarms. "deviation": mean plus `level` standard deviations of the training scores.
        "quantile": a new score exceeds it with probability 1 - `level`. "budget": `level` alarms are to be expected
        per 10,000 new steps. "running": mean plus `level` standard deviations of all scores up to the step,
        the paper's rule for a cold start, without enormous scores, see `tsrep.tasks.anomaly.running`.
    level : float or None
        None: 4, 0.999, 10 and 4.
    delay : int
        No alarm within `delay` steps after an alarm; 7 in the paper.
    recipe : {"best", "paper"}
        Decides a `score` that is None. "best": "combined"; "paper": "hidden", and the encoder keeps its training
        windows.

    Attributes
    ----------
    encoder_ : the fitted encoder.
    threshold_ : the threshold, or a dict of one per series if there are several; NaN for "running".
    alarm_rate_ : alarms to expect per 10,000 new steps like those of training, as `threshold_`; NaN for "running".
    series_ : scale, score and threshold of each series by name.
    n_channels_ : channels of a series.
    columns_ : their names, by which the channels of later frames are put in order; None where they had none.

    Notes
    -----
    `X` is one series or several in any container that `tsrep.tasks.series.read_series` reads: an array (t,) or (t, c),
    a pandas Series or DataFrame with time down and channels across, a long table with the columns `unique_id`, `ds` and
    values, or the path of a file. Several series share the encoder; each has its own scale and threshold. Steps that
    are missing in an index of dates are inserted as missing, and count in the context and in `delay`. Each channel is
    standardised by its training part, the last 1,048,576 steps of a longer series. Results have one number per row.

    Higher = more anomalous: `decision_function` is the score that is compared with `threshold_`, `score_samples` is its
    negative, as in scikit-learn's detectors. `predict` gives 1 for an alarm and 0 otherwise, where scikit-learn's
    detectors give -1 and 1. A step without a score has the median of the training scores and no alarm. That is a step
    at which a channel is missing; with a moving average, a step without enough previous scores; and otherwise a step of
    whose context less was observed than 0.9 times the usual share in training: at the beginning of a series without
    `history`, and after a gap. A channel that is missing for more than a tenth of the context while others are measured
    counts as its training mean from then on, and a warning names it.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> series = np.sin(np.arange(400) / 5)
    >>> encoder = TS2Vec(n_components=16, depth=3, max_steps=5, random_state=0)
    >>> detector = RepresentationAnomalyDetector(encoder, context=30).fit(series[:300])
    >>> series[350] = 3
    >>> int(np.argmax(detector.predict(series[300:], history=series[:300])))  # the first alarm
    50
    """

    def __init__(
        self,
        encoder: Any,
        context: int = 200,
        score: str | None = None,
        prefit: bool = False,
        moving_average: int | str = "auto",
        look_ahead: int | tuple[int, ...] = 0,
        threshold: str = "deviation",
        level: float | None = None,
        delay: int = 7,
        recipe: str = "best",
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
        self.recipe = recipe

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the encoder, and scale, score and threshold of each series in `X`; `y` is ignored.

        Raises
        ------
        ValueError
            A parameter is out of range, or `X` is no series to fit on.
        """
        check_detector(self)
        given = {name: series.last(MOST_LEARNT) for name, series in read_series(X).items()}
        scales = {name: scale_of_training_part(series, in_message(name)) for name, series in given.items()}
        scaled = {
            name: self._without_dead(scales[name].apply(series.values), series, in_message(name))
            for name, series in given.items()
        }
        self.encoder_ = fit_encoder(
            self.encoder,
            as_panel_of_series([values.T for values in scaled.values()]),
            prefit=self.prefit,
            window=CONTEXTS_PER_WINDOW * self.context if self.recipe == "best" else None,
            told=True,
        )
        self.n_channels_ = next(iter(scaled.values())).shape[1]
        self.columns_ = names_of_channels(given)
        self._fixed = current_values(self, FIXED_BY_FIT)
        views_of_series = views_of_each(self.encoder_, self.context, list(scaled.values()))
        scoring = Scoring.of(self)
        self.series_ = {
            name: scoring.fit(views, values, scales[name], given[name], in_message(name))
            for views, (name, values) in zip(views_of_series, scaled.items(), strict=True)
        }
        return self

    def decision_function(self, X: Any, history: Any = None) -> Floats:
        """(rows,) anomaly scores, higher = more anomalous; see the class for missing and first steps.

        Parameters
        ----------
        X : series of the kind that was fitted on.
        history : the steps just before `X`, in the same container. Its last `context` steps and their scores are what
            the first rows of `X` are compared with. "training": the end of the training part came just before `X`.
            None: the same where the dates of `X` follow those of the training part, else nothing is known.
        """
        return self.scores_and_alarms(X, history)[0]

    def score_samples(self, X: Any, history: Any = None) -> Floats:
        """(rows,) the negative of `decision_function`: lower = more anomalous, as in scikit-learn."""
        return -self.decision_function(X, history)

    def predict(self, X: Any, history: Any = None) -> NDArray[np.int64]:
        """(rows,) 1 where a row of `X` raises an alarm, else 0. Alarms in `history` suppress those soon after them."""
        return self.scores_and_alarms(X, history)[1]

    def scores_and_alarms(self, X: Any, history: Any = None) -> tuple[Floats, NDArray[np.int64]]:
        """(rows,) each: `decision_function` and `predict`, computed once."""
        self._check_fitted()
        X = open_file(X, empty_columns=True)
        data = joined(None if is_training(history) else open_file(history, empty_columns=True), X)
        given = read_series(data, empty_columns=True)
        scores, alarms = np.empty(len(data)), np.empty(len(data), dtype=np.int64)
        scoring, scaled = Scoring.of(self), {}
        for name, series in given.items():
            fitted = self._fitted(name)
            before = steps_before(history, fitted.tail, series)
            known = fitted.standardised(np.concatenate([before, self._in_order(series)]))
            scaled[name] = self._without_dead(known, series, in_message(name))
        views_of_series = views_of_each(self.encoder_, self.context, list(scaled.values()))
        for views, (name, (rows, steps)) in zip(views_of_series, places_of_rows(given).items(), strict=True):
            fitted, n_before = self.series_[name], len(scaled[name]) - len(given[name].values)
            at_steps = scoring.scores(fitted, views, scaled[name], n_before)
            steps = steps + n_before
            alarms[rows] = scoring.alarms(fitted, at_steps)[steps]
            scores[rows] = np.where(np.isnan(at_steps), fitted.median_score, at_steps)[steps]
            new, described = at_steps[n_before:], in_message(name)
            warn_without_scores(new, fitted.score.steps(self.context), described)
            warn_unlike_training(new, fitted.threshold, scoring.share_above(fitted), described)
        return scores[len(data) - len(X) :], alarms[len(data) - len(X) :]

    def online(
        self, history: Any = None, series: Hashable = ONLY, *, state: str | Path | None = None
    ) -> OnlineDetector:
        """A detector for a live series, whose `update(point)` gives the score and the alarm that `predict` would give.

        Parameters
        ----------
        history : the steps before the first new point, one series in any container; "training": the end of the
            training part; None: nothing is known.
        series : name of one of several fitted series.
        state : the folder that `save` of a live detector wrote: this one goes on from there, without `history`.

        Raises
        ------
        ValueError
            `series` was not fitted, or `look_ahead` is above 0: a live series has no later steps.
        ModelFileError
            `state` is no state of this detector and series.
        """
        self._check_fitted()
        if np.any(self.look_ahead):
            raise ValueError(
                f"look_ahead is {self.look_ahead}; wanted 0 for a live series, which has no later steps"
            )
        if series not in self.series_:
            raise ValueError(f"series is {series!r}; the detector was fitted on {self._names()}")
        fitted, scoring = self.series_[series], Scoring.of(self)
        raw_scores = LiveScore(
            fitted.score, self.encoder_, self.context, self.n_channels_, fitted.required_share, self.columns_
        )
        live = OnlineDetector(
            fitted,
            raw_scores,
            width=scoring.width(fitted.score),
            threshold=scoring.live_threshold(fitted),
            delay=self.delay,
            channels=self.n_channels_,
            share_above=scoring.share_above(fitted),
            identity=self._identity(fitted),
        )
        if state is not None:
            if history is not None:
                raise ValueError("history is given; wanted None with a state, which knows the steps before")
            live._load(state)
        elif is_training(history):
            live.extend(tail_of(fitted.tail).values, scored=not fitted.score.distance_to_training)
        elif history is not None:
            several = read_series(history, empty_columns=True, argument="history")
            if series not in several and ONLY not in several:
                raise ValueError(
                    f"history has no series {series!r}; wanted the steps before the first new point"
                )
            live.extend(self._in_order(several[series if series in several else ONLY]))
        return live

    def _identity(self, fitted: FittedSeries) -> str:
        described = {**self._description("encoder", "prefit")["parameters"], **fitted.described()}
        return identity_of(described, self.encoder_, fitted.arrays())

    def plot(self, X: Any, history: Any = None, labels: Any = None, title: str | None = None) -> Figure:
        """A figure of one series: its channels with the alarms, and its scores with the threshold.

        `labels` (rows,) shades the steps that are known to be anomalous.
        """
        from tsrep.plots import plot_anomalies

        X = open_file(X, empty_columns=True)
        if is_long(X):
            raise ValueError("X has several series; wanted one, without the column unique_id")
        scores, alarms = self.scores_and_alarms(X, history)
        given = read_series(X, empty_columns=True)
        _, steps = places_of_rows(given)[ONLY]
        times, values = given[ONLY].index[steps], given[ONLY].values[steps]
        threshold = None if self.threshold == RUNNING else self.series_[ONLY].threshold
        return plot_anomalies(times, values, scores, alarms, threshold=threshold, labels=labels, title=title)

    # Scoring

    def _without_dead(self, scaled: Floats, series: RegularSeries, name: str) -> Floats:
        """Standardised values (t, c) with dead channels at their mean; those of `series`, the last steps, are named."""
        values, dead = DeadChannels(self.context, scaled.shape[1]).at_mean(scaled)
        described = spans(dead[len(scaled) - len(series.values) :], series.index, series.columns)
        if described:
            warnings.warn(
                f"{name} has channels without values, which count as their training mean: {described}",
                stacklevel=4,
            )
        return values

    def _check_fitted(self) -> None:
        """Raises if nothing was fitted, or if a parameter that decides on the scores has changed since."""
        check_is_fitted(self, "series_")
        check_unchanged(self, self._fixed)

    def _fitted(self, name: Hashable) -> FittedSeries:
        if name not in self.series_:
            given = "one series without a name" if name == ONLY else in_message(name)
            raise ValueError(f"X has {given}; the detector was fitted on {self._names()}")
        return self.series_[name]

    def _in_order(self, series: RegularSeries) -> Floats:
        """(t, c) values with the channels in the order of `fit`; channels without names keep their order."""
        if self.columns_ is not None and series.named:
            return series.values[:, places_of_names(series.columns, self.columns_)]
        channels = series.values.shape[1]
        if channels != self.n_channels_:
            raise ValueError(f"X has {channels} channels; the detector was fitted with {self.n_channels_}")
        return series.values

    def _names(self) -> str:
        return ", ".join(in_message(name) for name in self.series_)

    @property
    def threshold_(self) -> float | dict[Hashable, float]:
        check_is_fitted(self, "series_")
        return _one_or_all({name: fitted.threshold for name, fitted in self.series_.items()})

    @property
    def alarm_rate_(self) -> float | dict[Hashable, float]:
        check_is_fitted(self, "series_")
        return _one_or_all({name: fitted.alarm_rate for name, fitted in self.series_.items()})

    # On disk

    def _to_folder(self) -> Folder:
        check_unchanged(self, self._fixed)
        encoder, tensors = inner_to_folder(self.encoder_, "encoder")
        described, tensors["detector"] = series_to_folder(self.series_)
        fitted_attributes = {
            "n_channels_": self.n_channels_,
            "columns_": self.columns_,
            "series": described,
        }
        return {**self._description("encoder"), "encoder": encoder, "fitted": fitted_attributes}, tensors

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        encoder = inner_from_folder(config["encoder"], tensors, "encoder")
        detector = cls(encoder, **config["parameters"])
        detector.encoder_, detector.n_channels_ = encoder, config["fitted"]["n_channels_"]
        detector.columns_ = config["fitted"].get("columns_")
        detector._fixed = current_values(detector, FIXED_BY_FIT)
        detector.series_ = series_from_folder(
            config["fitted"]["series"], tensors["detector"], Scoring.of(detector).score
        )
        return detector


def _one_or_all(numbers: dict[Hashable, float]) -> float | dict[Hashable, float]:
    """The number of a series that was given alone, or those of several by name."""
    return numbers[ONLY] if list(numbers) == [ONLY] else numbers
