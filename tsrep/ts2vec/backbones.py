"""Backbones of the paper's ablation: an LSTM and a Transformer of about the size of the dilated convolutions.

With the paper's widths (64 hidden channels, 320 components, depth 10) the three have 0.64 million parameters each.
The paper states neither architecture; these are ours. Both see the whole series, as the convolutions do. Padding moves
neither: steps outside an instance are cut off before the LSTM and masked in the attention.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tsrep.nn.position import paper_frequencies, sinusoids


class LSTM(nn.Module):
    """One bidirectional layer and a linear map: (B, T, H) -> (B, T, D)."""

    reach = None

    def __init__(self, hidden_channels: int, n_components: int):
        super().__init__()
        width = max(1, round(0.69 * n_components))
        self.recurrence = nn.LSTM(hidden_channels, width, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, n_components)

    def forward(self, latent: Tensor, inside: Tensor | None, steps: slice) -> Tensor:
        if inside is None:
            return self.out(self.recurrence(latent)[0][:, steps])
        length = latent.shape[1]
        order = (torch.arange(length, device=latent.device) + _first(inside).unsqueeze(1)) % length
        lengths = inside.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(_take(latent, order), lengths, batch_first=True, enforce_sorted=False)
        z, _ = pad_packed_sequence(self.recurrence(packed)[0], batch_first=True, total_length=length)
        return self.out(_take(z, order.argsort(1))[:, steps])


class Transformer(nn.Module):
    """Pre-norm self-attention over steps with sinusoidal positions: (B, T, H) -> (B, T, D).

    The layers are torch's own, those with which the ablation was measured.
    """

    reach = None

    def __init__(self, hidden_channels: int, n_components: int, layers: int = 3, heads: int = 4):
        super().__init__()
        width = heads * max(2, round(0.4 * n_components / heads / 2) * 2)
        self.width = width
        self.into = nn.Linear(hidden_channels, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.attention = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(width, n_components)

    def forward(self, latent: Tensor, inside: Tensor | None, steps: slice) -> Tensor:
        position = torch.arange(latent.shape[1], device=latent.device).expand(latent.shape[:2])
        if inside is not None:
            position = position - _first(inside).unsqueeze(1)
            inside = inside | ~inside.any(1, keepdim=True)  # attention over no step would be NaN
        code = sinusoids(position, paper_frequencies(self.width, position.device))
        x = self.into(latent) + code
        hidden = None if inside is None else ~inside
        return self.out(self.attention(x, src_key_padding_mask=hidden)[:, steps])


def _first(inside: Tensor) -> Tensor:
    """The first step inside each instance, (B, T) -> (B,)."""
    return inside.int().argmax(1)


def _take(x: Tensor, steps: Tensor) -> Tensor:
    """The `steps` (B, T) of each instance of `x` (B, T, H)."""
    return x.gather(1, steps.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
