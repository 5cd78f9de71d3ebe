"""A fitted estimator as a folder, and back: `save`, `load`, and an estimator inside another. Nothing is pickled."""

from __future__ import annotations

import importlib
import platform
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from tsrep.base.parameters import as_json
from tsrep.train.checkpoint import ModelFileError, read_folder, write_folder

Tensors = dict[str, dict[str, Tensor]]
Folder = tuple[dict[str, Any], Tensors]
"""What JSON can hold, and tensors by file and name."""


class SavedEstimator(BaseEstimator, ABC):
    """A scikit-learn estimator that `save` writes to a folder and `load` reads back."""

    def save(self, path: str | Path) -> None:
        """Writes the fitted estimator to the folder `path`: safetensors files and `config.json`.

        An earlier model at `path` is replaced; anything else there raises `FileExistsError`.
        """
        check_is_fitted(self)
        write_folder(path, *self._to_folder())

    @abstractmethod
    def _to_folder(self) -> Folder:
        """Config and tensors, for `_from_folder`."""

    @classmethod
    @abstractmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        """The fitted estimator."""

    def _description(self, *without: str) -> dict[str, Any]:
        """Class, parameters (except those named) and versions, as JSON holds them."""
        cls = type(self)
        parameters = self.get_params(deep=False).items()
        described = {name: as_json(value) for name, value in parameters if name not in without}
        return {
            "class": f"{cls.__module__}:{cls.__qualname__}",
            "parameters": described,
            "versions": _versions(),
        }


def load(path: str | Path, module: Any = None) -> Any:
    """The estimator that `save` wrote to the folder `path`, ready to transform and to train on.

    Parameters
    ----------
    path : the folder.
    module : where the estimator, or one within it, was built around a torch module of yours, such a module; its
        weights are replaced.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged, was written by something else, or does not fit this version.
    """
    config, tensors = read_folder(path)
    cls = _class_named(str(config.get("class")), path)
    if module is not None:
        given = _with_module(config, module)
        if given == config:
            raise ValueError(f"module is given, and {path} holds a {cls.__name__} without a module of yours")
        config = given
    try:
        return cls._from_folder(_with_current_names(config), tensors)
    except ModelFileError:
        raise
    except Exception as error:  # a foreign config may raise anything
        raise ModelFileError(f"{path} does not fit this version of {cls.__name__}: {error}") from error


def inner_to_folder(estimator: Any, name: str) -> Folder:
    """An estimator inside another: its config, and its tensors in files whose names begin with `name`.

    Raises
    ------
    TypeError
        It is not an estimator of this package.
    """
    if isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    if not isinstance(estimator, SavedEstimator):
        raise TypeError(f"{name}_ is a {type(estimator).__name__}, which cannot be saved in a folder")
    config, tensors = estimator._to_folder()
    return config, {f"{name}.{file}": named_tensors for file, named_tensors in tensors.items()}


def inner_from_folder(config: dict[str, Any], tensors: Tensors, name: str) -> Any:
    """The inverse of `inner_to_folder`; `tensors` are all those of the outer estimator."""
    start = f"{name}."
    inner = {file.removeprefix(start): t for file, t in tensors.items() if file.startswith(start)}
    return _class_named(str(config["class"]), name)._from_folder(_with_current_names(config), inner)


def _class_named(name: str, path: str | Path) -> type[SavedEstimator]:
    """The estimator class that a saved model names; one that is not ours is a `ModelFileError`."""
    module, _, qualname = name.partition(":")
    cls: Any = None
    if module.startswith(("tsrep.", "tsrep_vision.")):
        try:
            cls = getattr(importlib.import_module(module), qualname, None)
        except ImportError:
            cls = None
    estimator = isinstance(cls, type) and issubclass(cls, SavedEstimator)
    if not estimator or cls.__abstractmethods__:
        raise ModelFileError(f"{path} holds a {name!r}, which is no estimator of this package")
    return cls


def _with_module(config: dict[str, Any], module: Any) -> dict[str, Any]:
    """A config in which each estimator that was built around a module of the user, inner ones too, has `module`."""
    inner = {name: _with_module(value, module) for name, value in config.items() if isinstance(value, dict)}
    own = {"given_module": module} if {"class", "module"} <= config.keys() else {}
    return {**config, **inner, **own}


def _with_current_names(config: dict[str, Any]) -> dict[str, Any]:
    """A config whose parameters have the names and values of this version.

    Up to version 0.1 the parameter `recipe` was called `preset` or `mode`, and its value "paper" "faithful".
    """
    parameters = {
        "recipe" if name in ("mode", "preset") else name: value
        for name, value in config["parameters"].items()
    }
    if parameters.get("recipe") == "faithful":
        parameters["recipe"] = "paper"
    return {**config, "parameters": parameters}


def _versions() -> dict[str, str]:
    import sklearn
    import torch

    from tsrep import __version__

    versions = {"tsrep": __version__, "torch": torch.__version__, "numpy": np.__version__}
    return {**versions, "scikit-learn": sklearn.__version__, "python": platform.python_version()}
