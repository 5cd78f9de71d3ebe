"""`PanelEstimator`: an estimator that takes panels, around torch modules."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from tsrep.base.names import places_of_names
from tsrep.base.parameters import is_integer
from tsrep.base.saving import Folder, SavedEstimator, Tensors
from tsrep.data import as_panel, is_flat, warn_of_fill_values
from tsrep.data.containers import channel_names
from tsrep.data.frames import as_pandas
from tsrep.data.lazy import LazyPanel
from tsrep.data.panel import blocks_of

Floats = NDArray[np.float32]
RandomState = int | np.random.RandomState | np.random.Generator | None

ROUNDED_SHARE = 0.005  # of the range of a channel
CONSTANT = 1e-12  # range of a channel that does not change, as a share of its values

INPUT = ("n_channels_", "n_features_in_", "_fixes_length")


class PanelEstimator(SavedEstimator):
    """A scikit-learn estimator of panels (n, c, t), with the attributes that its input sets.

    A subclass gives `_fitted_state` and `_restore`.
    """

    n_channels_: int
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    _fixes_length: bool

    def _panel(self, X: Any, reset: bool, panel: NDArray[Any] | None = None) -> Floats:
        """`X` in 32 bit as a panel that fits what was fitted on; `reset`: it is what will be fitted on.

        The panel is for reading: it may share memory with `X`.

        A table (n, t) fixes the length, as scikit-learn's features do; a panel (n, c, t) fixes its channels only, by
        name where they have names: those of `X` are put in the order of the fit. `panel` is what `as_panel(X)` gave,
        where the caller has it already and computes with that: see `_channel_order`.
        """
        X = as_pandas(X)
        rounds = panel is None
        if panel is None:
            panel = as_panel(X)
        plain = panel.flags.writeable and panel.flags.c_contiguous  # torch takes no others as they are
        with np.errstate(over="ignore"):
            single = panel.astype(np.float32, copy=not plain)
        if any(np.isinf(part).any() for part in blocks_of(single)):
            raise ValueError("X has values too large for 32-bit floats (above 3.4e38); rescale it first")
        if rounds:
            _warn_if_rounded(panel, single)
        table = is_flat(X)
        if reset:
            warn_of_fill_values(panel, "X", channel_names(X), stacklevel=4)
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
            self.n_channels_ = panel.shape[1]
            self._fixes_length = table
        if table and self._fixes_length:
            validate_data(self, X, reset=reset, skip_check_array=True)
        if reset and not hasattr(self, "n_features_in_"):
            self.n_features_in_ = panel.shape[2] if table else panel.shape[1]
        order = self._channel_order(X, reset)
        self._check_channels(panel.shape[1])
        return single if order is None else single[:, order]

    def _check_lazy(self, panel: LazyPanel) -> None:
        """Raises a `ValueError` if a lazy panel does not fit what was fitted on; no value is read."""
        if panel.flat and self._fixes_length:
            table = np.broadcast_to(np.float32(0), panel.shape[::2])
            validate_data(self, table, reset=False, skip_check_array=True)
        self._check_channels(panel.shape[1])

    def _check_channels(self, channels: int) -> None:
        if channels != self.n_channels_:
            fitted = f"{type(self).__name__} was fitted with {self.n_channels_}"
            raise ValueError(f"X has {channels} channels, {fitted}")

    def _channel_order(self, X: Any, reset: bool = False) -> list[int] | None:
        """Where in `X` the fitted channels are, by their names, which a `reset` keeps; None: as they stand."""
        names = None if self._fixes_length else channel_names(X)
        if names is None or len(set(names)) < len(names):
            return None
        if reset:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        order = places_of_names(names, list(getattr(self, "feature_names_in_", names)))
        return None if order == sorted(order) else order

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def _to_folder(self) -> Folder:
        fitted, tensors = self._fitted_state()
        fitted |= {name: getattr(self, name) for name in INPUT}
        if hasattr(self, "feature_names_in_"):
            fitted["feature_names_in_"] = list(self.feature_names_in_)
        return {**self._description(), "fitted": fitted}, tensors

    @abstractmethod
    def _fitted_state(self) -> Folder:
        """Config and tensors, for `_restore`."""

    @abstractmethod
    def _restore(self, fitted: dict[str, Any], tensors: Tensors) -> None:
        """Sets the fitted attributes; those of the input are set already."""

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        estimator = cls(**config["parameters"])
        fitted = config["fitted"]
        for name in INPUT:
            setattr(estimator, name, fitted[name])
        if "feature_names_in_" in fitted:
            estimator.feature_names_in_ = np.asarray(fitted["feature_names_in_"], dtype=object)
        estimator._restore(fitted, tensors)
        return estimator


def _warn_if_rounded(panel: NDArray[Any], single: Floats) -> None:
    """Warns of channels (n, c, t) whose values lie so far from 0 that 32-bit floats hold little of what changes."""
    if panel.dtype == np.float32:
        return
    parts = list(zip(blocks_of(panel), blocks_of(single), strict=True))
    lost = np.fmax.reduce([np.fmax.reduce(np.abs(low - part), axis=(0, 2)) for part, low in parts])
    highest = np.fmax.reduce([np.fmax.reduce(part, axis=(0, 2)) for part, _ in parts])
    lowest = np.fmin.reduce([np.fmin.reduce(part, axis=(0, 2)) for part, _ in parts])
    changes = highest - lowest > CONSTANT * np.maximum(np.abs(highest), np.abs(lowest))
    for channel in np.flatnonzero(changes & (lost > ROUNDED_SHARE * (highest - lowest))):
        warnings.warn(
            f"channel {channel} of X goes from {lowest[channel]:.9g} to {highest[channel]:.9g}, and in 32-bit floats "
            f"its values move by up to {lost[channel]:.2g}: subtract its mean first, with tsrep.data.PanelScaler",
            stacklevel=6,
        )


def draw_seed(random_state: RandomState) -> int:
    """The integer that seeds a fit: the given one, one drawn from the given generator, or fresh entropy for None."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if is_integer(random_state) and random_state >= 0:
        return int(random_state)
    raise ValueError(
        f"random_state is {random_state!r}; wanted None, an integer of at least 0, or a numpy generator"
    )
