"""The encoder for the constructor's parameters."""

from __future__ import annotations

import copy

from torch import nn

from tsrep.encoding.encoder import SeriesEncoder
from tsrep.ts2vec.backbones import LSTM, Transformer
from tsrep.ts2vec.encoder import DilatedConvolutions

BACKBONES = ("dilated_conv", "lstm", "transformer")


def build_encoder(
    channels: int,
    *,
    backbone: str | nn.Module,
    input_projection: bool,
    hidden_channels: int,
    n_components: int,
    depth: int,
) -> SeriesEncoder:
    """An encoder with random weights, in inference mode.

    Without the input projection the timestamp mask acts on the raw values, which are the backbone's input. `depth` is
    that of the dilated convolutions. Of a module that is given as the backbone, a copy is taken with its weights.
    """
    width = hidden_channels if input_projection else channels
    projection = nn.Linear(channels, width) if input_projection else nn.Identity()
    network: nn.Module
    if isinstance(backbone, nn.Module):
        network = copy.deepcopy(backbone)
    elif backbone == "lstm":
        network = LSTM(width, n_components)
    elif backbone == "transformer":
        network = Transformer(width, n_components)
    else:
        network = DilatedConvolutions(width, hidden_channels, n_components, depth)
    return SeriesEncoder(projection, network).eval().requires_grad_(False)
