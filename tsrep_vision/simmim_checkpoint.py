"""Key names of SimMIM's own checkpoints, of its ViT and of its Swin Transformer, both ways.

Its ViT has separate biases of query and value and none of the key (see `vit.py`). Its Swin merges patches at the end of
a stage, timm's at the beginning of the next: SimMIM's `layers.0.downsample` is timm's `layers.1.downsample`. Tables
that follow from the sizes (indices, attention masks) are written, and ignored on loading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision.checkpoint import load_renamed, read_checkpoint
from tsrep_vision.mae_checkpoint import BLOCK_NAMES
from tsrep_vision.vit import ViT

if TYPE_CHECKING:
    from tsrep_vision.simmim import SimMIM

_QKV = re.compile(r"(.*\.attn\.)qkv\.bias$")
_TABLES = ("relative_position_index", "attn_mask", "relative_coords_table")
_VIT_NAMES = (
    ("head.pixels.", "decoder.0."),
    ("mask_token", "encoder.mask_token"),
    ("encoder.class_token", "encoder.cls_token"),
    ("encoder.patch_embed.", "encoder.patch_embed.proj."),
    ("encoder.relative_bias.table", "encoder.rel_pos_bias.relative_position_bias_table"),
)
_VIT_BLOCK = {**BLOCK_NAMES, "attended_scale": "gamma_1", "perceptron_scale": "gamma_2"}
_BLOCK = re.compile(r"^(encoder\.blocks\.\d+\.)(.*)$")
_MERGING = re.compile(r"^encoder\.layers\.(\d+)\.downsample\.")


def from_official(model: SimMIM, checkpoint: Mapping[str, Any] | str | Path) -> None:
    """Loads a checkpoint into a `SimMIM`; see `SimMIM.load_official`."""
    state = read_checkpoint(checkpoint)
    state = {name: value for name, value in state.items() if name.rpartition(".")[2] not in _TABLES}
    ignored = () if _is_linear(model) else ("decoder.",)
    load_renamed(model, _with_joint_bias(state), _names(model), ignored=ignored)


def to_official(model: SimMIM) -> dict[str, Tensor]:
    """The weights of a `SimMIM` under the names of its own code; see `SimMIM.official_state`."""
    if not _is_linear(model):
        raise ValueError(f"head is {model.head_kind!r}; wanted 'linear', the only one that SimMIM's code has")
    own = model.state_dict()
    state = {}
    for name, official in _names(model).items():
        value = own[name]
        tokens = name.rpartition(".")[2] in ("class_token", "mask_token")
        bias = _QKV.match(official)
        if bias and isinstance(model.encoder, ViT):
            query, _, of_value = value.chunk(3)
            state[f"{bias[1]}q_bias"], state[f"{bias[1]}v_bias"] = query.clone(), of_value.clone()
        else:
            state[official] = value[None, None].clone() if tokens else value.clone()
    return {**state, **_tables(model)}


def _names(model: SimMIM) -> dict[str, str]:
    """Our name -> the official one, of all weights that SimMIM's code has."""
    vit = isinstance(model.encoder, ViT)
    own = [name for name in model.state_dict() if _is_linear(model) or not name.startswith("head.")]
    return {name: _of_vit(name) if vit else _of_swin(name) for name in own}


def _of_vit(name: str) -> str:
    if block := _BLOCK.match(name):
        start = next(start for start in _VIT_BLOCK if block[2].startswith(start))
        return block[1] + _VIT_BLOCK[start] + block[2][len(start) :]
    for ours, theirs in _VIT_NAMES:
        if name.startswith(ours):
            return theirs + name[len(ours) :]
    return name


def _of_swin(name: str) -> str:
    if name == "mask_token":
        return "encoder.mask_token"
    name = name.replace("head.pixels.", "decoder.0.").replace("encoder.network.", "encoder.")
    return _MERGING.sub(lambda found: f"encoder.layers.{int(found[1]) - 1}.downsample.", name)


def _with_joint_bias(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Biases of query and value as one of query, key (zeros) and value."""
    joint = dict(state)
    for name in [name for name in state if name.endswith(".q_bias")]:
        of_value = name.replace(".q_bias", ".v_bias")
        if of_value not in joint:
            raise ModelFileError(f"the checkpoint has {name!r} and lacks {of_value!r}")
        query = joint.pop(name)
        parts = [query, torch.zeros_like(query), joint.pop(of_value)]
        joint[name.replace(".q_bias", ".qkv.bias")] = torch.cat(parts)
    return joint


def _tables(model: SimMIM) -> dict[str, Tensor]:
    """What SimMIM's code keeps beside the weights: relative positions, attention masks of shifted windows."""
    if isinstance(model.encoder, ViT):
        bias = model.encoder.relative_bias
        return {} if bias is None else {"encoder.rel_pos_bias.relative_position_index": bias.index.clone()}
    tables = {}
    for stage, layer in enumerate(model.encoder.network.layers):
        for number, block in enumerate(layer.blocks):
            start = f"encoder.layers.{stage}.blocks.{number}."
            tables[f"{start}attn.relative_position_index"] = block.attn.relative_position_index.clone()
            if block.attn_mask is not None:
                tables[f"{start}attn_mask"] = block.attn_mask.clone()
    return tables


def _is_linear(model: SimMIM) -> bool:
    return model.head_kind == "linear"
