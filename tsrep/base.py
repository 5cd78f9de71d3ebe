"""What estimators share: the fitted state on disk, and, around a torch module, what they take in and the seed."""

from __future__ import annotations

import importlib
import platform
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from tsrep.data import as_panel, is_flat
from tsrep.train.checkpoint import ModelFileError, read_folder, write_folder

Floats = NDArray[np.float32]
Folder = tuple[dict[str, Any], dict[str, dict[str, Tensor]]]
RandomState = int | np.random.RandomState | np.random.Generator | None


INPUT = ("n_channels_", "n_features_in_", "_fixes_length")


class SavedEstimator(BaseEstimator, ABC):
    """A scikit-learn estimator that `save` writes to a folder and `load` reads back. Nothing is pickled."""

    def save(self, path: str | Path) -> None:
        """Writes the fitted estimator to the folder `path`: safetensors files and `config.json`.

        An earlier model at `path` is replaced; anything else there raises `FileExistsError`.
        """
        check_is_fitted(self)
        write_folder(path, *self._to_folder())

    @abstractmethod
    def _to_folder(self) -> Folder:
        """(what JSON can hold, tensors by file and name): what `_from_folder` takes."""

    @classmethod
    @abstractmethod
    def _from_folder(cls, config: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> Self:
        """The fitted estimator."""

    def _description(self, *without: str) -> dict[str, Any]:
        """Class, parameters (but for some) and versions, as JSON holds them."""
        kind = type(self)
        held = {name: value for name, value in self.get_params(deep=False).items() if name not in without}
        parameters = {name: _as_json(value) for name, value in held.items()}
        described = {"class": f"{kind.__module__}:{kind.__qualname__}", "parameters": parameters}
        return {**described, "versions": _versions()}


class TorchEstimator(SavedEstimator):
    """A scikit-learn estimator of panels around a torch module.

    A subclass gives `_fitted_state` and `_restore`, and sets what it fits only when the fit has succeeded.
    """

    n_channels_: int
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    _fixes_length: bool

    def _panel(self, X: Any, reset: bool) -> Floats:
        """A float32 copy of `X` as a panel that fits what was fitted on; `reset`: it is what will be fitted on.

        A table (n, t) fixes the length, as scikit-learn's features do; a panel (n, c, t) fixes its channels only.
        """
        panel = as_panel(X)
        with np.errstate(over="ignore"):
            single = panel.astype(np.float32)
        if np.isinf(single).any():
            raise ValueError("X has values too large for 32-bit floats (above 3.4e38); rescale it first")
        table = is_flat(X)
        if reset:
            self.n_channels_ = panel.shape[1]
            self._fixes_length = table
        if table and self._fixes_length:
            validate_data(self, X, reset=reset, skip_check_array=True)
        elif reset:
            self.n_features_in_ = panel.shape[1]
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
        if panel.shape[1] != self.n_channels_:
            fitted = f"{type(self).__name__} was fitted with {self.n_channels_}"
            raise ValueError(f"X has {panel.shape[1]} channels, {fitted}")
        return single

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
    def _fitted_state(self) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
        """(what JSON can hold, tensors by file and name)."""

    @abstractmethod
    def _restore(self, fitted: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
        """Sets the fitted attributes from what `_fitted_state` gave; those of the input are set already."""

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> Self:
        estimator = cls(**config["parameters"])
        fitted = config["fitted"]
        for name in INPUT:
            setattr(estimator, name, fitted[name])
        if "feature_names_in_" in fitted:
            estimator.feature_names_in_ = np.asarray(fitted["feature_names_in_"], dtype=object)
        estimator._restore(fitted, tensors)
        return estimator


def load(path: str | Path) -> Any:
    """The estimator that `save` wrote to the folder `path`, ready to transform and to train on.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged, was written by something else, or does not fit this version.
    """
    config, tensors = read_folder(path)
    kind = class_named(str(config.get("class")), path)
    try:
        return kind._from_folder(config, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path} does not fit this version of {kind.__name__}: {error}") from error


def draw_seed(random_state: RandomState) -> int:
    """The integer that seeds a fit: the given one, one drawn from the given generator, or fresh entropy for None."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state)
    raise ValueError(
        f"random_state is {random_state!r}; wanted None, an integer of at least 0, or a numpy generator"
    )


def class_named(name: str, path: str | Path) -> type[SavedEstimator]:
    """The estimator class of this package that a saved model names; anything else is a `ModelFileError`."""
    module, _, kind = name.partition(":")
    found: Any = None
    if module.startswith("tsrep."):
        try:
            found = getattr(importlib.import_module(module), kind, None)
        except ImportError:
            found = None
    if not (isinstance(found, type) and issubclass(found, SavedEstimator)):
        raise ModelFileError(f"{path} holds a {name!r}, which is no estimator of this package")
    return found


def _as_json(value: Any) -> Any:
    """A parameter as JSON holds it; a generator has no such form and was used up by the fit."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.random.RandomState | np.random.Generator):
        return None
    return value


def _versions() -> dict[str, str]:
    import sklearn
    import torch

    from tsrep import __version__

    found = {"tsrep": __version__, "torch": torch.__version__, "numpy": np.__version__}
    return {**found, "scikit-learn": sklearn.__version__, "python": platform.python_version()}
