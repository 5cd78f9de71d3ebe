"""Models as folders: safetensors weights, and the arguments that make the network as JSON. Nothing is pickled."""

from __future__ import annotations

import platform
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tsrep import __version__
from tsrep.base.parameters import as_json
from tsrep.train.checkpoint import ModelFileError, holds_model, read_folder, write_folder
from tsrep_vision.seeding import seeded

MODELS = {
    "MAE": "tsrep_vision.mae",
    "SimMIM": "tsrep_vision.simmim",
    "MaskFeat": "tsrep_vision.maskfeat",
    "ViT": "tsrep_vision.vit",
    "Swin": "tsrep_vision.swin",
    "Classifier": "tsrep_vision.classifier",
}
"""What can be saved, by class name. A folder that names anything else is refused."""


def save(model: nn.Module, path: str | Path) -> None:
    """Writes a model to the folder `path`; an earlier one there is replaced.

    Parameters
    ----------
    model : a `MAE`, `SimMIM`, `MaskFeat`, `ViT`, `Swin` or `Classifier`.

    Raises
    ------
    FileExistsError
        `path` holds something else than a saved model.
    ValueError
        `model` is of another class, or has a teacher.
    """
    versions = {"tsrep": __version__, "torch": torch.__version__, "python": platform.python_version()}
    described = {**describe(model), "versions": versions}
    write_folder(path, described, {"model": model.state_dict()})


def load(path: str | Path) -> Any:
    """The model that `save` wrote to the folder `path`, or to `model` in it, on the CPU and in evaluation mode.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged or foreign, or does not fit this version.
    """
    config, tensors = read_folder(Path(path) / "model" if holds_model(Path(path) / "model") else path)
    try:
        with seeded(0):  # weights that are replaced
            model = build(config)
        model.load_state_dict(tensors["model"])
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path} holds no image model of this version: {error}") from error
    return model.eval()


def describe(model: nn.Module) -> dict[str, Any]:
    """The class and the arguments of a model, as JSON holds them; an encoder among them is described too."""
    name = type(model).__name__
    if MODELS.get(name) != type(model).__module__:
        raise ValueError(f"model is a {name}; wanted one of {', '.join(MODELS)}")
    sizes = model.sizes()  # type: ignore[operator]
    plain = {
        name: describe(value) if isinstance(value, nn.Module) else as_json(value)
        for name, value in sizes.items()
    }
    return {"class": f"{type(model).__module__}:{name}", "parameters": plain}


def build(described: dict[str, Any]) -> nn.Module:
    """The inverse of `describe`: a model with other weights."""
    module, _, name = str(described.get("class")).partition(":")
    if MODELS.get(name) != module:
        raise ValueError(f"its class is {described.get('class')!r}; wanted one of {', '.join(MODELS)}")
    parameters = {
        argument: build(value) if isinstance(value, dict) and "class" in value else value
        for argument, value in described["parameters"].items()
    }
    model: nn.Module = getattr(import_module(module), name)(**parameters)
    return model
