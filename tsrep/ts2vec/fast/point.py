"""The representation of the last step of one window, in buffers allocated once: for points that arrive one at a time.

For a single window calls into torch cost more than the arithmetic. Of the three facts in `window_encoder.py` only the
first is used here: after each block every second step is enough. A block is five calls on allocated tensors. In memory
a step's activations are next to those of its neighbours, with zeros beyond the ends, so the three taps are one product
with a view. GELU maps the zeros to zero, so it is applied to them too.

Shapes: P remaining steps of the window, H channels, D components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from tsrep.ts2vec.convolution import DilatedConvolution
    from tsrep.ts2vec.encoder import DilatedConvolutions, ResidualBlock

# Numbers between rows: contiguous tensors go to oneDNN, whose GELU takes 10 microseconds to start.
ROW_GAP = 16


class LastStep:
    """Called with the latents of a window, (context + 1, H), returns its last step's representation, (D,) in 32 bit.

    It is constructed and called in `torch.inference_mode`.
    """

    def __init__(self, backbone: DilatedConvolutions, context: int):
        self.blocks: list[_PointBlock] = []
        first = cast("ResidualBlock", backbone.blocks[0])
        x = padded = _padded(first.conv1.taps, context + 1, first.conv1.taps.shape[1])
        for block in backbone.blocks:
            self.blocks.append(_PointBlock(cast("ResidualBlock", block), x))
            x = self.blocks[-1].padded
        self.window, self.out = padded[1:-1], x[-2]

    def __call__(self, latent: Tensor) -> Tensor:
        self.window.copy_(latent)
        for block in self.blocks:
            block()
        return self.out.clone()


class _PointBlock:
    """A residual block with dilation 1, from `x` (P + 2, H) to every second of the P steps, the last one included.

    A call writes to `padded`, (ceil(P / 2) + 2, H').
    """

    def __init__(self, block: ResidualBlock, x: Tensor):
        steps = len(x) - 2
        remaining = slice((steps - 1) % 2, None, 2)
        self.first = _PointConvolution(block.conv1, x, slice(None))
        self.second = _PointConvolution(block.conv2, self.first.padded, remaining)
        self.padded = self.second.padded
        self.remaining, self.shortcut = x[1:-1][remaining], block.shortcut

    def __call__(self) -> None:
        self.first()
        self.second()
        self.second.out.add_(self.shortcut(self.remaining))


class _PointConvolution:
    """GELU of `x` (P + 2, H) and three taps, for the steps `at` of the P steps. A call writes to `padded`."""

    def __init__(self, layer: DilatedConvolution, x: Tensor, at: slice):
        taps, self.bias = layer.taps.detach(), layer.bias.detach()
        _, before, after = taps.shape
        steps = len(x) - 2
        self.x, self.active = x, taps.new_zeros(steps + 2, before)
        if steps == 1:  # a step without neighbours needs the middle tap only
            self.around, self.taps = self.active[1:2], taps[1]
        else:
            self.around = self.active.as_strided((steps, 3 * before), (before, 1))[at]
            self.taps = taps.flatten(0, 1)
        self.padded = _padded(taps, len(self.around), after)
        self.out = self.padded[1:-1]

    def __call__(self) -> None:
        F.gelu(self.x, out=self.active)  # type: ignore[call-arg]  # torch has `out` here, its stubs do not
        torch.addmm(self.bias, self.around, self.taps, out=self.out)


def _padded(like: Tensor, steps: int, width: int) -> Tensor:
    """Zeros (steps + 2, width), `ROW_GAP` numbers between rows."""
    return like.new_zeros(steps + 2, width + ROW_GAP)[:, :width]
