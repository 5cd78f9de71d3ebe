"""A pre-trained Vision Transformer from a checkpoint alone: its sizes are read from the shapes of its weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision.checkpoint import load_renamed, read_checkpoint
from tsrep_vision.mae_checkpoint import CLASSIFIER, as_official, official_name
from tsrep_vision.seeding import seeded
from tsrep_vision.vit import ViT

HEAD_WIDTH = 64  # of the published ViTs: B, L and S have this width; H has 80
PRETRAINING = ("decoder", "mask_token")  # weights that belong to MAE's pre-training and not to the encoder


def load_vit(
    checkpoint: Mapping[str, Any] | str | Path, image_size: int | None = None, num_heads: int | None = None
) -> ViT:
    """The encoder of a MAE checkpoint, or a ViT of timm with a class token.

    Parameters
    ----------
    checkpoint : a state dict or a file, as `MAE.load_official` takes it. Decoder and classifier in it are left out.
    image_size : S; None: that of the checkpoint. Positions are interpolated to another one.
    num_heads : attention heads, the one size that shapes do not tell; None: heads of 64 channels.

    Raises
    ------
    ModelFileError
        The file cannot be read safely, or it does not hold a ViT with a class token and positions.
    ValueError
        `num_heads` does not divide the width, or `image_size` is no multiple of the patch.

    Examples
    --------
    >>> from tsrep_vision import MAE
    >>> model = MAE(image_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=4, decoder_dim=32, decoder_depth=1,
    ...             decoder_heads=4)
    >>> encoder = load_vit(model.official_state(), image_size=64, num_heads=4)
    >>> len(encoder.blocks), encoder.width, encoder.grid
    (2, 48, 8)
    """
    state = as_official(read_checkpoint(checkpoint))
    width, channels, patch, grid, depth, mlp_ratio = _sizes(state)
    if num_heads is None:
        if width % HEAD_WIDTH:
            raise ValueError(
                f"num_heads is None; wanted a number for a checkpoint of width {width}, no multiple of 64"
            )
        num_heads = width // HEAD_WIDTH
    with seeded(0):  # weights that are replaced
        vit = ViT(grid * patch, patch, width, depth, num_heads, channels=channels, mlp_ratio=mlp_ratio)
    names = {own: official_name(f"encoder.{own}") for own in vit.state_dict()}
    load_renamed(vit, state, names, ignored=(*CLASSIFIER, *PRETRAINING))
    return vit if image_size is None else vit.resized(image_size)


def encoder_of(backbone: nn.Module) -> ViT:
    """The ViT in `backbone`: itself, or the `encoder` of a masked model.

    Raises
    ------
    ValueError
        There is none.
    """
    encoder = getattr(backbone, "encoder", backbone)
    if not isinstance(encoder, ViT):
        name = type(encoder).__name__
        raise ValueError(f"backbone is a {name}; wanted a ViT, or a MAE, SimMIM or MaskFeat around one")
    return encoder


def _sizes(state: Mapping[str, Tensor]) -> tuple[int, int, int, int, int, int]:
    """Width, channels, patch, grid, depth and the perceptrons' ratio, from the shapes of official weights."""
    for name in ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.mlp.fc1.weight"):
        if name not in state:
            raise ModelFileError(
                f"the checkpoint lacks {name!r}; wanted a ViT with a class token and positions"
            )
    embedding = state["patch_embed.proj.weight"]
    if embedding.ndim != 4 or state["pos_embed"].ndim < 2:
        raise ModelFileError(
            f"'patch_embed.proj.weight' of the checkpoint has shape {tuple(embedding.shape)} and 'pos_embed' "
            f"{tuple(state['pos_embed'].shape)}; wanted (D, C, P, P) and (1, 1 + N, D)"
        )
    width, channels, patch = embedding.shape[:3]
    grid = math.isqrt(state["pos_embed"].shape[-2] - 1)
    blocks = {match[1] for name in state if (match := re.match(r"blocks\.(\d+)\.", name))}
    return width, channels, patch, grid, len(blocks), len(state["blocks.0.mlp.fc1.weight"]) // width
