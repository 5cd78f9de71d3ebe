"""The state of a live detector as a folder, and back: a program that is started again goes on with the next point."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsrep.train.checkpoint import ModelFileError, read_folder, write_folder

Arrays = dict[str, NDArray[Any]]

KIND = "live detector"


def identity_of(parameters: dict[str, Any], encoder: Any, arrays: Arrays) -> str:
    """SHA-256 of what a detector scores by, one series of it: a state fits no other."""
    hashed = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    network = getattr(encoder, "encoder_", None)
    if isinstance(network, torch.nn.Module):
        arrays = {**arrays, **{name: t.detach().cpu().numpy() for name, t in network.state_dict().items()}}
    for name, array in sorted(arrays.items()):
        hashed.update(name.encode() + str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()


def write_state(path: str | Path, state: Arrays, identity: str) -> None:
    """Writes the state of a live detector to the folder `path`, whole or not at all."""
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in state.items()}
    write_folder(path, {"class": KIND, "of": identity}, {"state": tensors})


def read_state(path: str | Path, identity: str) -> Arrays:
    """What `write_state` wrote.

    Raises
    ------
    ModelFileError
        `path` holds something else, or the state of another detector or series.
    """
    config, tensors = read_folder(path)
    if config.get("class") != KIND:
        raise ModelFileError(f"{path} holds no state of a live detector")
    if config.get("of") != identity:
        raise ModelFileError(f"{path} holds the state of another detector, or of another series")
    return {name: tensor.numpy() for name, tensor in tensors["state"].items()}
