"""The last step's representation of one window, in buffers that are made once: for points that come one at a time.

What a single window takes is calls into torch, not arithmetic. Of the three facts in `windows.py` only the first is
used here, that every second step is enough after each block, and a block is five calls on tensors that lie ready. Each
step's activations stand beside its neighbours' in memory, with zeros beyond the ends, so that the three taps are one
product with a view; GELU leaves the zeros zero, so it is called for them too.

Shapes: P steps of the window that are left, H channels, D components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from tsrep.ts2vec.convolution import DilatedConvolution
    from tsrep.ts2vec.encoder import DilatedConvolutions, ResidualBlock

SPARE = 16  # numbers between rows: what lies without gaps goes to oneDNN, whose GELU takes 10 microseconds to begin


class LastStep:
    """Called with what the backbone sees of a window, (context + 1, H), gives the last step's (D,), in 32 bit.

    It is made and called in `torch.inference_mode`.
    """

    def __init__(self, backbone: DilatedConvolutions, context: int):
        self.blocks: list[_Block] = []
        first = cast("ResidualBlock", backbone.blocks[0])
        x = padded = _padded(first.conv1.taps, context + 1, first.conv1.taps.shape[1])
        for block in backbone.blocks:
            self.blocks.append(_Block(cast("ResidualBlock", block), x))
            x = self.blocks[-1].padded
        self.window, self.out = padded[1:-1], x[-2]

    def __call__(self, latent: Tensor) -> Tensor:
        self.window.copy_(latent)
        for block in self.blocks:
            block()
        return self.out.clone()


class _Block:
    """A residual block as a convolution of dilation 1: of `x` (P + 2, H) to every second of the P steps up to the last.

    Called, it fills `padded`, (ceil(P / 2) + 2, H').
    """

    def __init__(self, block: ResidualBlock, x: Tensor):
        steps = len(x) - 2
        wanted = slice((steps - 1) % 2, None, 2)
        self.first = _Convolution(block.conv1, x, slice(None))
        self.second = _Convolution(block.conv2, self.first.padded, wanted)
        self.padded = self.second.padded
        self.kept, self.shortcut = x[1:-1][wanted], block.shortcut

    def __call__(self) -> None:
        self.first()
        self.second()
        self.second.out.add_(self.shortcut(self.kept))


class _Convolution:
    """GELU of `x` (P + 2, H) and three taps, for the `wanted` of the P steps. Called, it fills `padded` with them."""

    def __init__(self, layer: DilatedConvolution, x: Tensor, wanted: slice):
        taps, self.bias = layer.taps.detach(), layer.bias.detach()
        _, before, after = taps.shape
        steps = len(x) - 2
        self.x, self.active = x, taps.new_zeros(steps + 2, before)
        if steps == 1:  # a step without neighbours meets the middle tap only
            self.around, self.taps = self.active[1:2], taps[1]
        else:
            self.around = self.active.as_strided((steps, 3 * before), (before, 1))[wanted]
            self.taps = taps.flatten(0, 1)
        self.padded = _padded(taps, len(self.around), after)
        self.out = self.padded[1:-1]

    def __call__(self) -> None:
        F.gelu(self.x, out=self.active)  # type: ignore[call-arg]  # torch has `out` here, its types do not
        torch.addmm(self.bias, self.around, self.taps, out=self.out)


def _padded(like: Tensor, steps: int, width: int) -> Tensor:
    """Zeros (steps + 2, width), `SPARE` numbers between the rows."""
    return like.new_zeros(steps + 2, width + SPARE)[:, :width]
