"""The encoder that the words of a constructor describe."""

from __future__ import annotations

from torch import nn

from tsrep.encoding.encoder import SeriesEncoder
from tsrep.ts2vec.backbones import LSTM, Transformer
from tsrep.ts2vec.encoder import DilatedConvolutions

BACKBONES = ("dilated_conv", "lstm", "transformer")


def build_encoder(
    channels: int,
    *,
    backbone: str,
    input_projection: bool,
    hidden_channels: int,
    n_components: int,
    depth: int,
) -> SeriesEncoder:
    """An encoder with random weights, in inference mode.

    Without the input projection the timestamp mask acts on the raw values and the backbone begins from them. `depth`
    is that of the dilated convolutions.
    """
    width = hidden_channels if input_projection else channels
    projection = nn.Linear(channels, width) if input_projection else nn.Identity()
    body: nn.Module
    if backbone == "lstm":
        body = LSTM(width, n_components)
    elif backbone == "transformer":
        body = Transformer(width, n_components)
    else:
        body = DilatedConvolutions(width, hidden_channels, n_components, depth)
    return SeriesEncoder(projection, body).eval().requires_grad_(False)
