"""What a fitted imputer computes: series without gaps, intervals, samples, a score, classes, a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import nn

from tsrep.base.output import check_output
from tsrep.base.panels import RandomState, draw_seed
from tsrep.base.parameters import is_integer, is_number, out_of_range
from tsrep.base.training import TrainedEstimator
from tsrep.data.containers import Series
from tsrep.encoding.by_blocks import by_blocks, to_impute_by_blocks
from tsrep.nn.overlap import mean_by_row
from tsrep.ssgan.errors import LEVELS, Widths, deviation, draw, half_width
from tsrep.ssgan.filling import Scaling, Steps, bands, fill, windowed
from tsrep.ssgan.inference import class_probabilities
from tsrep.train.runtime import launch

Array = NDArray[Any]

SCORED_SHARE = 0.1  # of the observed values, removed by `score`


def _has_classifier(imputer: FittedImputer) -> bool:
    check_is_fitted(imputer, "generator_")
    if imputer.classifier_ is None:
        raise NotFittedError("SSGANImputer was fitted without labels, so it has no classifier: fit(X, y)")
    return True


class FittedImputer(OneToOneFeatureMixin, TransformerMixin, TrainedEstimator):
    """Series with gaps in, series without gaps and their uncertainty out, by the networks of a fit.

    Attributes
    ----------
    generator_, classifier_, classes_, fallback_, mean_, scale_ : see `tsrep.SSGANImputer`.
    """

    generator_: nn.Module
    classifier_: nn.Module | None
    classes_: Array
    fallback_: Array
    mean_: Array
    scale_: Array

    window_length: int
    add_indicator: bool

    _seen: Array  # (c,) bool: observed in fit
    _indicated: Array  # (c,) bool: has a channel of 0 and 1
    _widths: Widths
    _line_widths: Array

    @property
    def _scaling(self) -> Scaling:
        return Scaling(self.mean_, self.scale_, self._seen)

    def transform(self, X: Any, return_std: bool = False, *, out: str | Path | None = None) -> Any:
        """`X` without gaps: the same container, index, columns, dtype and shape; observed values keep their bits.

        The ends of a rectangular panel are filled too. The series of a list keep their lengths.

        Parameters
        ----------
        X : as for `fit`, with its channels (of a table: its length).
        return_std : True returns (X without gaps, standard deviations). The latter are in the units of `X` and 0 where
            a value was observed; an array in the shape of `X` if that is an array or one frame with a time index, else
            a panel.
        out : a file, ".npy" or ".zarr", that is written block by block and opened: an array or a lazy panel
            (`tsrep.data.lazy`) of any size needs little memory. A run that was interrupted is continued. None: the
            result is in memory.

        Raises
        ------
        ValueError
            The output is set to frames, and `X` is neither a table nor a frame with its time in the index.
        """
        check_is_fitted(self, "generator_")
        if not return_std and (lazy := to_impute_by_blocks(X, out)) is not None:
            what = f"impute {self.mean_} {self.scale_} {self.fallback_} {self.add_indicator}"
            return by_blocks(
                lazy,
                lambda _, block: self.transform(block),
                out,
                network=self.generator_,
                what=what,
                as_stored=True,
            )
        series = self._series(X)
        check_output(self, series)
        values, scales = self._fill(series)
        filled = series.put_back(values)
        if self.add_indicator:
            filled = series.with_indicator(filled, self._indicated)
        if not return_std:
            return filled
        halves = self._bands(series, scales)
        return filled, series.as_array(np.where(np.isnan(series.panel), deviation(halves), 0.0))

    def interval(self, X: Any, level: float = 0.9) -> tuple[Array, Array]:
        """Both ends of the interval that a missing value lies in with probability `level`, between 0 and 1.

        Each has the shape of the standard deviations of `transform`; both are the value itself where it was observed.
        The level of 0.5 and 0.9 is measured (see `tsrep.ssgan.errors`), others follow from these two.
        """
        if not is_number(level) or not 0 < level < 1:
            raise out_of_range("level", level, "a number between 0 and 1")
        series, values, halves = self._imputed(X)
        observed = ~np.isnan(series.panel)
        half = half_width(halves, level)
        low, high = (np.where(observed, series.panel, values + side * half) for side in (-1, 1))
        return series.as_array(low), series.as_array(high)

    def sample(self, X: Any, n_samples: int = 10, random_state: RandomState = 0) -> Array:
        """Samples of the missing values, (n_samples, *shape); the observed values are the same in all samples.

        Each value is drawn independently from a generalised normal distribution around the imputed value, whose middle
        50 and 90 % are the measured bands. `shape` is that of the standard deviations of `transform`.
        """
        if not is_integer(n_samples) or n_samples < 1:
            raise out_of_range("n_samples", n_samples, "an integer of at least 1")
        series, values, halves = self._imputed(X)
        random = np.random.default_rng(draw_seed(random_state))
        observed = ~np.isnan(series.panel)
        samples = (values + draw(halves, random) for _ in range(n_samples))
        return np.stack([series.as_array(np.where(observed, series.panel, sample)) for sample in samples])

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean absolute error, in standard deviations of `fit`, on a tenth of the observed values of `X`.

        These values are removed first, the same ones at each call; higher = better, 0 is perfect. `y` is ignored.
        """
        series = self._series(X)
        panel = series.panel.astype(np.float64)
        removed = np.random.default_rng(0).random(panel.shape) < SCORED_SHARE
        removed &= ~np.isnan(panel) & self._seen[:, None]
        if not removed.any():
            raise ValueError("X holds too few observed values to score: none was drawn to be removed")
        series.panel = np.where(removed, np.nan, panel)
        values, _ = self._fill(series)
        errors = np.abs(values - panel) / self.scale_[:, None]
        return -float(errors[removed].mean())

    def _series(self, X: Any) -> Series:
        check_is_fitted(self, "generator_")
        series = Series(X)
        self._panel(series.source, reset=False, panel=series.panel)
        series.reorder(self._channel_order(series.source))
        return series

    def _imputed(self, X: Any) -> tuple[Series, Array, Array]:
        """The series, the estimates (n, c, t), and the half widths of their bands (L, n, c, t), in the units of `X`."""
        series = self._series(X)
        values, scales = self._fill(series)
        return series, values, self._bands(series, scales)

    def _bands(self, series: Series, scales: Array) -> Array:
        observed = ~np.isnan(series.panel)
        return bands(observed, scales, self._widths, self._line_widths, self._scaling)

    def _fill(self, series: Steps) -> tuple[Array, Array]:
        """Estimates and the learned scales of their errors in the units of the data, (n, c, t) float64."""
        fabric = launch(self.device, self.precision)
        return fill(series, self._scaling, self.window_length, self.generator_, self.fallback_, fabric)

    # Classification

    @available_if(_has_classifier)
    def predict_proba(self, X: Any) -> Array:
        """Class probabilities (n, n_classes), in the order of `classes_`; means over the windows of a long series."""
        batch, windows = windowed(self._series(X), self._scaling, self.window_length)
        fabric = launch(self.device, self.precision)
        assert self.classifier_ is not None
        probabilities = class_probabilities(self.classifier_, self.generator_, batch, fabric)
        return mean_by_row(probabilities, windows)

    @available_if(_has_classifier)
    def predict(self, X: Any) -> Array:
        """The most probable label of each instance, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])

    # scikit-learn's interface

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the channels (of a table: the columns), then of the indicators."""
        check_is_fitted(self, "generator_")
        names = super().get_feature_names_out(input_features)
        if not self.add_indicator:
            return np.asarray(names)
        indicators = [f"missingindicator_{name}" for name in names[self._indicated]]
        return np.asarray([*names, *indicators], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def plot(self, X: Any, instance: int = 0) -> Any:
        """A matplotlib figure of one instance: observed values, and filled gaps with bands of 50 and 90 %."""
        from tsrep.plots import plot_imputation

        series, values, halves = self._imputed(X)
        length = int(series.lengths[instance])
        observed, imputed = (part[instance][:, :length] for part in (series.panel, values))
        shown = {level: half[instance][:, :length] for level, half in zip(LEVELS, halves, strict=True)}
        names = series.names or [f"channel {i}" for i in range(self.n_channels_)]
        one_frame = isinstance(series.source, pd.DataFrame) and len(series.panel) == 1
        index = series.source.index if one_frame else None
        return plot_imputation(observed, imputed, shown, names=names, index=index)
