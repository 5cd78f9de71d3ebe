"""Loads checkpoints of the TS2Vec authors' code: their key names to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tsrep.encoding.encoder import SeriesEncoder
from tsrep.train.checkpoint import ModelFileError
from tsrep.ts2vec.convolution import as_taps
from tsrep.ts2vec.encoder import paper_encoder

_NAMES = (
    (re.compile(r"^module\."), ""),  # they save the averaged weights, wrapped in a module
    (re.compile(r"^input_fc\."), "projection."),
    (re.compile(r"^feature_extractor\.net\."), "backbone.blocks."),
    (re.compile(r"\.conv\.weight$"), ".taps"),
    (re.compile(r"\.conv\.bias$"), ".bias"),
)


def encoder_from_official(state: Mapping[str, Any] | str | Path) -> tuple[SeriesEncoder, dict[str, int]]:
    """The encoder with the weights of a checkpoint, and its "channels", "n_components", "hidden_channels" and "depth".

    Parameters
    ----------
    state : the state dict (tensors or arrays), or the file written by the authors' `save`.

    Raises
    ------
    ModelFileError
        `state` is not such a checkpoint. A file is read as plain tensors; one that would run code is refused.
    """
    checkpoint = dict(_read(state) if isinstance(state, str | Path) else state)
    checkpoint.pop("n_averaged", None)
    try:
        weights = {_ours(name): torch.as_tensor(value).float() for name, value in checkpoint.items()}
        weights = {name: as_taps(w) if name.endswith(".taps") else w for name, w in weights.items()}
        hidden, channels = weights["projection.weight"].shape
        depth = max(int(name.split(".")[2]) for name in weights if name.startswith("backbone.blocks."))
        components = weights[f"backbone.blocks.{depth}.conv1.bias"].shape[0]
        if depth >= len(weights):
            raise ValueError(f"block {depth} is there, and others are not")
        with torch.device("meta"):  # what does not fit costs neither memory nor time
            sizes = {name: torch.empty(weight.shape) for name, weight in weights.items()}
            paper_encoder(channels, hidden, components, depth).load_state_dict(sizes)
        encoder = paper_encoder(channels, hidden, components, depth)
        encoder.load_state_dict(weights)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"not a checkpoint of the TS2Vec authors' encoder: {error}") from error
    shape = {"channels": channels, "n_components": components, "hidden_channels": hidden, "depth": depth}
    return encoder.eval().requires_grad_(False), shape


def _ours(name: str) -> str:
    for theirs, ours in _NAMES:
        name = theirs.sub(ours, name)
    return name


def _read(path: str | Path) -> Mapping[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file makes the unpickler raise many types of error
        raise ModelFileError(f"{path} is not a checkpoint of tensors: {error}") from error
    if not isinstance(state, Mapping):
        raise ModelFileError(f"{path} holds a {type(state).__name__}; wanted a state dict")
    return state
