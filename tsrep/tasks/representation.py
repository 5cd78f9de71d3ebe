"""The encoder of a task: any object with the methods that the task needs, fitted before or fitted here."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import has_fit_parameter

from tsrep.data import FillValueWarning

Array = NDArray[Any]

WINDOW = "max_train_length"
"""The encoder's parameter for the longest window that it is trained on."""


def check_encoder(encoder: Any, *methods: str) -> None:
    """Raises `TypeError` if the encoder lacks one of the methods."""
    if not all(hasattr(encoder, method) for method in methods):
        raise TypeError(f"encoder is {encoder!r}; wanted an object with {' and '.join(methods)}")


def fit_encoder(encoder: Any, X: Any, *, prefit: bool, window: int | None = None, told: bool = False) -> Any:
    """The encoder that a task computes with.

    Parameters
    ----------
    encoder : an encoder, fitted if `prefit`.
    X : what to fit on, a panel (n, c, t) or whatever else the encoder takes.
    prefit : True gives `encoder` itself. False fits a copy of it, which is scikit-learn's `clone`, or a deep copy of an
        object without `get_params`.
    window : training window in steps that fits the task. The copy's parameter `max_train_length` is set to it, if it
        has this parameter and the parameter is at its default. None leaves the copy as it is.
    told : the task has told of fill values, in the units of the data: the encoder does not tell again.
    """
    if prefit:
        return encoder
    unfitted = clone(encoder) if hasattr(encoder, "get_params") else copy.deepcopy(encoder)
    if window is not None and _has_default_window(unfitted):
        unfitted.set_params(**{WINDOW: window})
    with warnings.catch_warnings():
        if told:
            warnings.simplefilter("ignore", FillValueWarning)
        return unfitted.fit(X, None) if has_fit_parameter(unfitted, "y") else unfitted.fit(X)


def with_read_out(encoder: Any, pool: Any) -> Any:
    """A fitted encoder that reads out `pool` in `transform`, if that is the encoder's to choose.

    It is a shallow copy of an encoder with a parameter `pool` that is None, and otherwise, or where `pool` is None,
    `encoder` itself.
    """
    own = encoder.estimator if isinstance(encoder, FrozenEstimator) else encoder
    if (
        pool is None
        or not hasattr(own, "get_params")
        or own.get_params(deep=False).get("pool", pool) is not None
    ):
        return encoder
    return copy.copy(own).set_params(pool=pool)


def as_panel_of_series(series: Sequence[Array]) -> Any:
    """Series (c, t_i) as a panel: an array (1, c, t) for one series, a list for several."""
    return series[0][None] if len(series) == 1 else list(series)


def _has_default_window(encoder: Any) -> bool:
    if not hasattr(encoder, "get_params") or WINDOW not in encoder.get_params(deep=False):
        return False
    parameter = inspect.signature(type(encoder)).parameters.get(WINDOW)
    return parameter is not None and getattr(encoder, WINDOW) == parameter.default
