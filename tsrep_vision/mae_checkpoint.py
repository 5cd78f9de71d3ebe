"""Key names of MAE checkpoints: those of MAE's own code, of timm's ViT and of transformers' ViTMAE, both ways.

timm's names are MAE's without the decoder. transformers has other names and separate projections of query, key and
value: `vit.layers.i` in the memory of its version 5, `vit.encoder.layer.i` in the files of all versions.
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

if TYPE_CHECKING:
    from tsrep_vision.mae import MAE

LAYOUTS = ("official", "timm", "transformers")
CLASSIFIER = ("head.", "head_drop.")  # of a checkpoint that was fine-tuned or probed; not loaded

BLOCK_NAMES = {  # ours -> MAE's, timm's and SimMIM's
    "before_attention.": "norm1.",
    "query_key_value.": "attn.qkv.",
    "attended.": "attn.proj.",
    "perceptron.0.": "norm2.",
    "perceptron.1.": "mlp.fc1.",
    "perceptron.3.": "mlp.fc2.",
}
_NAMES = {
    "encoder.class_token": "cls_token",
    "encoder.position": "pos_embed",
    "encoder.patch_embed.": "patch_embed.proj.",
    "encoder.norm.": "norm.",
    "encoder.blocks.": "blocks.",
    "decoder.embed.": "decoder_embed.",
    "decoder.mask_token": "mask_token",
    "decoder.position": "decoder_pos_embed",
    "decoder.norm.": "decoder_norm.",
    "decoder.pixels.": "decoder_pred.",
    "decoder.blocks.": "decoder_blocks.",
}
_TRANSFORMERS = {  # MAE's -> transformers' (version 5)
    "cls_token": "vit.embeddings.cls_token",
    "pos_embed": "vit.embeddings.position_embeddings",
    "patch_embed.proj.": "vit.embeddings.patch_embeddings.projection.",
    "norm.": "vit.layernorm.",
    "blocks.": "vit.layers.",
    "decoder_embed.": "decoder.decoder_embed.",
    "mask_token": "decoder.mask_token",
    "decoder_pos_embed": "decoder.decoder_pos_embed",
    "decoder_norm.": "decoder.decoder_norm.",
    "decoder_pred.": "decoder.decoder_pred.",
    "decoder_blocks.": "decoder.decoder_layers.",
}
_TRANSFORMERS_BLOCK = {
    "norm1.": "layernorm_before.",
    "attn.q.": "attention.q_proj.",
    "attn.k.": "attention.k_proj.",
    "attn.v.": "attention.v_proj.",
    "attn.proj.": "attention.o_proj.",
    "norm2.": "layernorm_after.",
    "mlp.fc1.": "mlp.fc1.",
    "mlp.fc2.": "mlp.fc2.",
}
_FILES_OF_TRANSFORMERS = (  # names in its files -> names in its memory
    (re.compile(r"^(?=embeddings\.|encoder\.|layers\.|layernorm\.)"), "vit."),  # an encoder saved alone
    (re.compile(r"^vit\.encoder\.layer\."), "vit.layers."),
    (re.compile(r"^decoder\.decoder_encoder\.layer\."), "decoder.decoder_layers."),
    (re.compile(r"\.attention\.attention\.query\."), ".attention.q_proj."),
    (re.compile(r"\.attention\.attention\.key\."), ".attention.k_proj."),
    (re.compile(r"\.attention\.attention\.value\."), ".attention.v_proj."),
    (re.compile(r"\.attention\.output\.dense\."), ".attention.o_proj."),
    (re.compile(r"\.intermediate\.dense\."), ".mlp.fc1."),
    (re.compile(r"\.output\.dense\."), ".mlp.fc2."),
)


def from_official(model: MAE, checkpoint: Mapping[str, Any] | str | Path) -> None:
    """Loads a checkpoint of any layout into a `MAE`; see `MAE.load_official`."""
    state = as_official(read_checkpoint(checkpoint))
    names = {own: official_name(own) for own in model.state_dict()}
    load_renamed(model, state, names, optional=("decoder.",), ignored=CLASSIFIER)


def to_official(model: MAE, layout: str = "official") -> dict[str, Tensor]:
    """The weights of a `MAE` under the names of `layout`; see `MAE.official_state`."""
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}; wanted one of {', '.join(map(repr, LAYOUTS))}")
    state = {}
    for own, value in model.state_dict().items():
        if layout == "timm" and own.startswith("decoder."):
            continue
        leading = {"class_token": 2, "mask_token": 2, "position": 1}.get(own.rpartition(".")[2], 0)
        state[official_name(own)] = value[(None,) * leading].clone()
    return _to_transformers(state) if layout == "transformers" else state


def as_official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of any layout under the names of MAE's own code."""
    return _from_transformers(state) if any("embeddings." in name for name in state) else state


def official_name(own: str) -> str:
    """The name of a weight of `MAE` in MAE's own code."""
    return _translated(own, _NAMES, BLOCK_NAMES)


def _from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """transformers' names -> MAE's."""
    renamed = {}
    for name, value in state.items():
        for pattern, replacement in _FILES_OF_TRANSFORMERS:
            name = pattern.sub(replacement, name)
        renamed[name] = value
    outer = {theirs: ours for ours, theirs in _TRANSFORMERS.items()}
    inner = {theirs: ours for ours, theirs in _TRANSFORMERS_BLOCK.items()}
    official = {_translated(name, outer, inner): value for name, value in renamed.items()}
    for name in [name for name in official if ".attn.q." in name]:
        parts = [name.replace(".attn.q.", f".attn.{part}.") for part in "qkv"]
        if missing := [part for part in parts if part not in official]:
            raise ModelFileError(f"the checkpoint lacks {missing[0]!r}, a part of the attention's projection")
        official[name.replace(".attn.q.", ".attn.qkv.")] = torch.cat([official.pop(part) for part in parts])
    return official


def _to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """MAE's names -> transformers'."""
    split = {}
    for name, value in state.items():
        if ".attn.qkv." in name:
            for part, rows in zip("qkv", value.chunk(3), strict=True):
                split[name.replace(".qkv.", f".{part}.")] = rows.clone()
        else:
            split[name] = value
    return {_translated(name, _TRANSFORMERS, _TRANSFORMERS_BLOCK): value for name, value in split.items()}


def _translated(name: str, outer: Mapping[str, str], inner: Mapping[str, str]) -> str:
    """`name` with its beginning replaced by `outer`, and behind the number of a block by `inner`; else unchanged."""
    beginning = next(
        (start for start in sorted(outer, key=len, reverse=True) if name.startswith(start)), None
    )
    if beginning is None:
        return name
    rest = name[len(beginning) :]
    number, dot, behind = rest.partition(".")
    if number.isdecimal() and dot:
        start = next((start for start in inner if behind.startswith(start)), "")
        rest = f"{number}.{inner.get(start, '')}{behind[len(start) :]}"
    return outer[beginning] + rest
