"""The last step's representation of one window, in buffers that are made once: for points that come one at a time.

What a single window takes is calls into torch, not arithmetic. Of the three facts in `windows.py` only the first is
used here, that every second step is enough after each block, and a block is a few calls on tensors that lie ready: each
step's activations stand beside its neighbours' in memory, with zeros beyond the ends, so that the three taps are one
product with a view.

Shapes: P steps of the window that are left, H channels, D components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.ts2vec.convolution import DilatedConvolution
from tsrep.ts2vec.encoder import DilatedConvolutions, ResidualBlock


class LastStep:
    """Called with what the backbone sees of a window, (context + 1, H), gives the last step's (D,), in 32 bit."""

    def __init__(self, backbone: DilatedConvolutions, context: int):
        self.blocks: list[_Block] = []
        steps = context + 1
        for block in backbone.blocks:
            assert isinstance(block, ResidualBlock)
            self.blocks.append(_Block(block, steps))
            steps = -(-steps // 2)

    def __call__(self, latent: Tensor) -> Tensor:
        x = latent
        for block in self.blocks:
            x = block(x)
        return x[-1].clone()


class _Block:
    """A residual block as a convolution of dilation 1: (P, H) -> every second step up to the last, (P / 2, H')."""

    def __init__(self, block: ResidualBlock, steps: int):
        self.wanted = slice((steps - 1) % 2, None, 2)
        self.first = _Convolution(block.conv1, steps, slice(None))
        self.second = _Convolution(block.conv2, steps, self.wanted)
        self.shortcut = block.shortcut

    def __call__(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)).add_(self.shortcut(x[self.wanted]))


class _Convolution:
    """GELU and three taps, (P, H) -> (`wanted` of the P, H'): always the same tensor, so use it before the next."""

    def __init__(self, layer: DilatedConvolution, steps: int, wanted: slice):
        taps, width = layer.taps.detach(), layer.taps.shape[1]
        padded = taps.new_zeros(steps + 2, width)
        self.activations = padded[1:-1]
        if steps == 1:  # a step without neighbours meets the middle tap only
            self.around, self.taps = self.activations, taps[1]
        else:
            self.around = padded.as_strided((steps, 3 * width), (width, 1))[wanted]
            self.taps = taps.flatten(0, 1)
        self.bias = layer.bias.detach()
        self.out = taps.new_empty(len(self.around), taps.shape[2])

    def __call__(self, x: Tensor) -> Tensor:
        torch.mul(
            x, torch.special.ndtr(x), out=self.activations
        )  # GELU; torch's own takes 10 microseconds to begin
        return torch.addmm(self.bias, self.around, self.taps, out=self.out)
