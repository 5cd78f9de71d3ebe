"""What the parameters of a detector say about scores, thresholds and alarms, and how these are fitted."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.data import Scale
from tsrep.tasks.anomaly.alarms import (
    THRESHOLDS,
    WIDTH,
    alarms_expected,
    mean_ahead,
    raise_alarms,
    relative_increase,
)
from tsrep.tasks.anomaly.causal import CausalViews
from tsrep.tasks.anomaly.context import Tail, known_steps, observed_share, required_share
from tsrep.tasks.anomaly.fitted import FittedSeries
from tsrep.tasks.anomaly.parameters import SCORE_OF_RECIPE, as_reaches
from tsrep.tasks.anomaly.running import RunningThreshold, running_threshold
from tsrep.tasks.anomaly.scores import SCORES, Score, score_in_stretches
from tsrep.tasks.series import RegularSeries

Floats = NDArray[np.float64]

RUNNING = "running"
"""The rule whose threshold is that of the scored series, not of training."""


class Scoring(NamedTuple):
    """The parameters of `RepresentationAnomalyDetector` of the same names, with what None stands for."""

    context: int
    score: str
    moving_average: int | str
    look_ahead: Any
    threshold: str
    level: float
    delay: int

    @classmethod
    def of(cls, detector: Any) -> Self:
        score = SCORE_OF_RECIPE[detector.recipe] if detector.score is None else detector.score
        level = THRESHOLDS[detector.threshold].level if detector.level is None else detector.level
        return cls(
            detector.context,
            score,
            detector.moving_average,
            detector.look_ahead,
            detector.threshold,
            level,
            detector.delay,
        )

    def fit(
        self, views: CausalViews, values: Floats, scale: Scale, given: RegularSeries, series: str
    ) -> FittedSeries:
        """What is fitted for one series.

        Parameters
        ----------
        values : (t, c) the training part, standardised.
        given : the same in the units of the data.
        series : how messages call it.
        """
        score = SCORES[self.score]().fit(views, values)
        steps = score.steps(self.context)
        required = 0.0 if score.relative else required_share(known_steps(values), steps)
        scores = self._final(score, score.score_training(views, values), values, required)
        known = scores[~np.isnan(scores)]
        if len(known) < 2:
            raise ValueError(
                f"{series} has {len(values)} steps, too few for a threshold; wanted at least "
                f"{self.width(score) + 2} known ones"
            )
        rule = THRESHOLDS[self.threshold]
        threshold = rule.of_training(scores, self.level, self.delay)
        rate = float("nan") if np.isnan(threshold) else alarms_expected(scores, threshold, self.delay)
        if rule.promised is not None and threshold >= known.max() and rate > rule.promised(self.level):
            warnings.warn(
                f"{series} has {len(known)} training scores, too few for {rule.promised(self.level):.3g} alarms in "
                f"10,000 steps: the threshold is the largest of them, for about {rate:.3g}",
                stacklevel=5,
            )
        tail = Tail.of(given, steps + self.width(score))
        return FittedSeries(scale, score, threshold, float(np.median(known)), rate, required, tail)

    def scores(self, fitted: FittedSeries, views: CausalViews, scaled: Floats, n_trained: int) -> Floats:
        """(t,) scores of the standardised steps of one series, NaN where there is none.

        The first `n_trained` steps are of the training part: their distance to training is no score.
        """
        raw = score_in_stretches(fitted.score, views, scaled)
        if fitted.score.distance_to_training:
            raw[:n_trained] = np.nan
        return self._final(fitted.score, raw, scaled, fitted.required_share)

    def alarms(self, fitted: FittedSeries, scores: Floats) -> NDArray[np.int64]:
        """(t,) 1 where a step of one series raises an alarm."""
        if self.threshold == RUNNING:
            return raise_alarms(scores, running_threshold(scores, self.level), self.delay)
        return raise_alarms(scores, fitted.threshold, self.delay)

    def live_threshold(self, fitted: FittedSeries) -> float | RunningThreshold:
        """The threshold of a live series."""
        return RunningThreshold(self.level, WIDTH + 1) if self.threshold == RUNNING else fitted.threshold

    def width(self, score: Score) -> int:
        """The number of scores before a score that it is taken relative to."""
        if self.moving_average == "auto":
            return WIDTH if score.relative else 0
        return int(self.moving_average)

    def share_above(self, fitted: FittedSeries) -> float:
        """The largest share of the training steps that exceed the threshold; NaN for a running one."""
        return fitted.alarm_rate * (self.delay + 1) / 10_000

    def _final(self, score: Score, raw: Floats, values: Floats, required: float) -> Floats:
        """Raw scores relative to previous ones and averaged ahead, as the parameters say.

        NaN at missing steps, and where the observed share of a score's steps is below `required`.
        """
        known = known_steps(values)
        enough = observed_share(known, score.steps(self.context)) >= required
        raw = np.where(known & enough, raw, np.nan)
        width = self.width(score)
        scores = relative_increase(raw, width) if width else raw
        return np.mean([mean_ahead(scores, reach) for reach in as_reaches(self.look_ahead)], axis=0)
