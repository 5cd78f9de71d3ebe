"""Published checkpoints: files read without running their code, and weights copied under other names.

A checkpoint is a mapping of names to tensors, alone or wrapped in one of `WRAPPERS`, perhaps more than once; all names
may begin with one of `PREFIXES`.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from tsrep.train.checkpoint import ModelFileError

WRAPPERS = ("model", "state_dict", "model_state")  # MAE and SimMIM; mmpretrain and timm; SlowFast
PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
)  # of DistributedDataParallel, torch.compile, and Lightning modules


def read_checkpoint(checkpoint: Mapping[str, Any] | str | Path) -> dict[str, Tensor]:
    """The tensors of a state dict or of a file of one.

    Parameters
    ----------
    checkpoint : a mapping of tensors or arrays; or a path, of a safetensors file by its ending or else of one that
        `torch.save` wrote, read with `weights_only`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelFileError
        It is a folder or no file of the two kinds, it holds objects other than tensors, or no state dict.
    """
    source = checkpoint if isinstance(checkpoint, str | Path) else "checkpoint"
    state = _read_file(Path(checkpoint)) if isinstance(checkpoint, str | Path) else checkpoint
    while (inner := _wrapped(state)) is not None:
        state = inner
    if not isinstance(state, Mapping) or not state:
        kind = type(state).__name__
        raise ModelFileError(f"{source} holds a {kind} of no tensors; wanted a state dict")
    try:
        tensors = {str(name): torch.as_tensor(value) for name, value in state.items()}
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"{source} is not a state dict of tensors: {error}") from error
    while prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None):
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def load_renamed(
    module: nn.Module,
    state: Mapping[str, Tensor],
    names: Mapping[str, str],
    optional: Iterable[str] = (),
    ignored: Iterable[str] = (),
) -> None:
    """Copies the tensors of a foreign state dict into a module, all or none.

    Parameters
    ----------
    names : the module's own name -> the foreign name, of all its tensors that are to be loaded. A foreign tensor may
        have additional leading axes of size 1.
    optional : beginnings of own names that may be absent, all of one beginning together.
    ignored : beginnings of foreign names that the module has no place for.

    Raises
    ------
    ModelFileError
        A tensor is missing, unknown, or of another shape. The module is unchanged.
    """
    absent = [own for own, name in names.items() if name not in state]
    for beginning in optional:
        if all(own in absent for own in names if own.startswith(beginning)):
            absent = [own for own in absent if not own.startswith(beginning)]
            names = {own: name for own, name in names.items() if not own.startswith(beginning)}
    if absent:
        raise ModelFileError(f"the checkpoint lacks {names[absent[0]]!r} and {len(absent) - 1} more")
    known = set(names.values())
    unknown = [name for name in state if name not in known and not name.startswith(tuple(ignored))]
    if unknown:
        raise ModelFileError(
            f"the checkpoint has {unknown[0]!r} and {len(unknown) - 1} more that the model has no place for"
        )
    own_state = module.state_dict()
    renamed = {}
    for own, name in names.items():
        value, shape = state[name], own_state[own].shape
        while value.ndim > len(shape) and value.shape[0] == 1:
            value = value[0]
        if value.shape != shape:
            raise ModelFileError(
                f"{name!r} of the checkpoint has shape {tuple(state[name].shape)}; the model has {tuple(shape)}"
            )
        renamed[own] = value
    module.load_state_dict({**own_state, **renamed})


def _wrapped(state: Any) -> Mapping[str, Any] | None:
    """The mapping inside of a wrapper."""
    if not isinstance(state, Mapping):
        return None
    return next((state[name] for name in WRAPPERS if isinstance(state.get(name), Mapping)), None)


def _read_file(path: Path) -> Any:
    if path.is_dir():
        raise ModelFileError(
            f"{path} is a folder; wanted a file of weights, or what tsrep_vision.load reads from the folder"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ModelFileError(f"{path} is not a safetensors file: {error}") from error
    try:
        # The arguments of a training script lie beside the weights in some files; a Namespace runs no code.
        with torch.serialization.safe_globals([Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes the unpickler raise many types of error
        raise ModelFileError(
            f"{path} is neither a safetensors file nor a file of tensors alone; a file that you trust can be read "
            f"with torch.load(path, weights_only=False) and its state dict passed instead ({error})"
        ) from error
