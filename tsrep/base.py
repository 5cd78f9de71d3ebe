"""What the estimators that train a torch module share: the seed, the fitted state on disk, and reading it back."""

from __future__ import annotations

import importlib
import platform
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from tsrep.train.checkpoint import ModelFileError, read_folder, write_folder

RandomState = int | np.random.RandomState | np.random.Generator | None


class TorchEstimator(BaseEstimator):
    """A scikit-learn estimator around a torch module.

    A subclass gives `_fitted_state` and `_restore`; saving, loading and seeding are here.
    """

    def save(self, path: str | Path) -> None:
        """Writes the fitted estimator to the folder `path`: `model.safetensors`, `training.safetensors`, `config.json`.

        An earlier model at `path` is replaced; anything else there raises `FileExistsError`.
        """
        check_is_fitted(self)
        config, tensors = self._fitted_state()
        kind = type(self)
        parameters = {name: _as_json(value) for name, value in self.get_params(deep=False).items()}
        described = {"class": f"{kind.__module__}:{kind.__qualname__}", "parameters": parameters}
        write_folder(path, {**described, "versions": _versions(), **config}, tensors)

    def _fitted_state(self) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
        """(what JSON can hold, tensors by file and name)."""
        raise NotImplementedError(f"{type(self).__name__} cannot be saved")

    def _restore(self, config: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
        """Sets the fitted attributes from what `_fitted_state` gave."""
        raise NotImplementedError(f"{type(self).__name__} cannot be loaded")

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> Self:
        estimator = cls(**config["parameters"])
        estimator._restore(config, tensors)
        return estimator


def load(path: str | Path) -> Any:
    """The estimator that `save` wrote to the folder `path`, ready to transform and to train on.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged, was written by something else, or does not fit this version.
    """
    config, tensors = read_folder(path)
    kind = _class_named(str(config.get("class")), path)
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


def _class_named(name: str, path: str | Path) -> type[TorchEstimator]:
    module, _, kind = name.partition(":")
    found: Any = None
    if module.startswith("tsrep."):
        try:
            found = getattr(importlib.import_module(module), kind, None)
        except ImportError:
            found = None
    if not (isinstance(found, type) and issubclass(found, TorchEstimator)):
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
