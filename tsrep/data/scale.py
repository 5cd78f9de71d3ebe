"""Standardisation: mean and deviation of channels, and a scaler of panels (n, c, t), which scikit-learn's is not."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrep.data.frames import as_pandas
from tsrep.data.panel import as_panel, is_flat

Array = NDArray[Any]
Floats = NDArray[np.float64]

CONSTANT = 1e-12
"""A channel whose deviation is at most this part of its largest absolute value is constant but for rounding."""


class Scale(NamedTuple):
    """Mean and standard deviation (c,) of channels."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, values: Array) -> Self:
        """The scale of the observed values of (t, c), NaN where there is none.

        A constant channel has the deviation 1, and a channel without any value the mean 0, too.
        """
        rows = np.array(values.T, dtype=np.float64, order="C")  # summed along rows NumPy rounds least
        observed = ~np.isnan(rows)
        rows[~observed] = 0.0
        largest = np.abs(rows).max(axis=1, initial=0.0)
        unit = np.where(
            largest > 0, largest, 1.0
        )  # dividing by it first keeps the squares of huge values finite
        rows /= unit[:, None]
        count = np.maximum(observed.sum(axis=1), 1)
        mean = rows.sum(axis=1) / count
        squares = np.where(observed, rows - mean[:, None], 0.0) ** 2
        deviation = np.sqrt(squares.sum(axis=1) / count)
        return cls(mean * unit, np.where(deviation > CONSTANT, deviation * unit, 1.0))

    def apply(self, values: Array) -> Floats:
        """Standardised values (t, c); a difference from the mean that may be rounding alone is 0."""
        standardised = (values - self.mean) / self.deviation
        rounding = CONSTANT * np.abs(self.mean) / self.deviation
        return np.where(np.abs(standardised) <= rounding, 0.0, standardised)


class PanelScaler(TransformerMixin, BaseEstimator):
    """Subtracts the mean and divides by the standard deviation over all instances and steps of `fit`.

    Missing values are ignored and stay missing. The deviation is the population's (the divisor is the number of
    values, as in scikit-learn's `StandardScaler`). A channel that is constant in `fit` is only centred; one that
    was never observed in `fit` is not changed.

    Parameters
    ----------
    over : "channel" or "all"
        One mean and deviation per channel, or one for all values of the panel.

    Attributes
    ----------
    mean_, scale_ : ndarray `(c,)`, float64
        Mean and divisor (never 0) of each channel; the same for all channels with `over="all"`.
    n_channels_ : int
    n_features_in_ : int
        Channels of a 3-D panel; the length of a 2-D one, which `transform` then requires.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[[1.0, 2.0, 3.0], [10.0, np.nan, 10.0]]])
    >>> PanelScaler().fit(X).mean_
    array([ 2., 10.])
    """

    mean_: Array
    scale_: Array
    n_channels_: int
    n_features_in_: int

    def __init__(self, over: str = "channel") -> None:
        self.over = over

    def fit(self, X: Any, y: Any = None) -> PanelScaler:
        """Learn mean and deviation from `X`, any panel that `as_panel` takes; `y` is ignored."""
        if self.over not in ("channel", "all"):
            raise ValueError(f"over is {self.over!r}; wanted 'channel' or 'all'")
        panel, self._flat = self._checked(X, reset=True)
        if self.over == "channel":
            scales = [Scale.of(panel[:, channel].reshape(-1, 1)) for channel in range(panel.shape[1])]
        else:
            scales = [Scale.of(panel.reshape(-1, 1))] * panel.shape[1]
        self.mean_, self.scale_ = (np.concatenate(moments) for moments in zip(*scales, strict=True))
        self.n_channels_ = panel.shape[1]
        self.n_features_in_ = panel.shape[2] if self._flat else panel.shape[1]
        return self

    def transform(self, X: Any) -> Array:
        """Standardised values: `(n, t)` for a 2-D table, else `(n, c, t)`; float32 stays float32."""
        panel, flat = self._checked(X)
        scaled = ((panel - self.mean_[:, None]) / self.scale_[:, None]).astype(panel.dtype)
        return scaled[:, 0] if flat else scaled

    def inverse_transform(self, X: Any) -> Array:
        """Standardised values back in the units of `fit`; shapes and types as in `transform`."""
        panel, flat = self._checked(X)
        raw = (panel * self.scale_[:, None] + self.mean_[:, None]).astype(panel.dtype)
        return raw[:, 0] if flat else raw

    def _checked(self, X: Any, *, reset: bool = False) -> tuple[Array, bool]:
        """The panel `(n, c, t)`, checked against that of `fit`, and whether `X` is a table `(n, t)`."""
        if not reset:
            check_is_fitted(self)
        X = as_pandas(X)
        named = X if isinstance(X, pd.DataFrame) else np.empty((1, 1))
        validate_data(self, named, skip_check_array=True, ensure_2d=False, reset=reset)  # column names
        panel, flat = as_panel(X), is_flat(X)
        if not reset:
            if panel.shape[1] != self.n_channels_:
                raise ValueError(
                    f"X has {panel.shape[1]} channels, {type(self).__name__} was fitted with {self.n_channels_}"
                )
            if flat and self._flat and panel.shape[2] != self.n_features_in_:
                raise ValueError(
                    f"X has {panel.shape[2]} features, but {type(self).__name__} is expecting "
                    f"{self.n_features_in_} features as input"
                )
        return panel, flat

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
