"""Networks over the steps of a series in the interpolating generator: a Transformer or a recurrent network.

Shapes: B instances, T steps, H hidden size.
"""

from __future__ import annotations

from torch import Tensor, nn

from tsrep.nn.position import log_spaced_frequencies, sinusoids
from tsrep.nn.transformer import Transformer
from tsrep.ssgan.loops.recurrence import BidirectionalGRU

CORES = ("transformer", "recurrent")
PERIOD_RATIO = 1000.0  # of the slowest to the fastest sine of the position code


class RecurrentCore(nn.Module):
    """A stack of bidirectional GRUs, (B, T, H) -> (B, T, 2 H)."""

    def __init__(self, hidden_size: int, depth: int):
        super().__init__()
        widths = [hidden_size] + [2 * hidden_size] * (depth - 1)
        self.layers = nn.ModuleList(BidirectionalGRU(width, hidden_size) for width in widths)
        self.width = 2 * hidden_size

    def forward(self, x: Tensor, inside: Tensor | None) -> Tensor:
        for layer in self.layers:
            x = layer(x, inside=inside)
        return x


def make_core(core: str, hidden_size: int, depth: int, n_heads: int) -> Transformer | RecurrentCore:
    """The network named `core`, one of `CORES`; its attribute `width` is the size of its output."""
    if core == "transformer":
        return Transformer(hidden_size, depth, n_heads)
    return RecurrentCore(hidden_size, depth)


def elapsed_code(times: Tensor, width: int) -> Tensor:
    """(B, T, width): sines and cosines of the time since the first step, with periods from 6 to 6,000 steps."""
    return sinusoids(times - times[:, :1], log_spaced_frequencies(width, PERIOD_RATIO, times.device))
