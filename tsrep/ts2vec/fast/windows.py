"""Every window of a long series encoded for its last step, in a hundredth of the work of encoding each window.

`WindowEncoder` gives what `tsrep.encoding.windows` defines: for each step t the window
t - context .. t is encoded alone and the representation of t kept. Three facts about a stack of blocks with dilations
1, 2, 4, ... make it cheap, and none of them is an approximation:

1. The last step of a window needs, from the input of block i, only the steps a multiple of d = 2^i before it. Call them
   k = 0 (the last step), 1, 2, ... K: among them block i is a convolution of dilation 1.
2. A block carries an edge of the window 2d steps inwards; before block i the edges reach 2d - 2 steps far, so that
   of the steps k only two at either end know of an edge. All others are the same in every window that holds
   them: the *interior*, computed once for the series.
3. So a window of its own needs two steps at either end, block after block, until so few steps are left that
   they are computed together.

A step t sees nothing later than t here by construction, so the same state serves a live stream: `push` takes the new
steps, a million or one, and remembers no more than `context` steps.

Shapes: m new steps, n series, V variants of the last step (shown, hidden), H hidden channels, D components. Tensors
have the steps first: (steps, V, m, n, H) for the windows of the m new steps, (steps, n, H) for the interior.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.ts2vec.fast import triton
from tsrep.ts2vec.fast.point import LastStep

if TYPE_CHECKING:
    from tsrep.encoding.encoder import SeriesEncoder
    from tsrep.ts2vec.encoder import DilatedConvolutions, ResidualBlock

SHORT_WINDOW = 9  # steps
VALUES_PER_CALL = 2**13  # values up to which a call costs more than its arithmetic


class WindowEncoder:
    """The last step's representation of every window of series that grow; a missing step (NaN) has a zero latent.

    Parameters
    ----------
    encoder : with the dilated convolutions as its backbone.
    context : steps a window holds before its last one.
    n : number of series that grow side by side.
    short : so few steps of a window are computed all together; more is better where `push` gets few steps at a time.
    before : (n, context, C), the steps before those that will come; None: the series begin with what comes.
    """

    @torch.inference_mode()
    def __init__(
        self,
        encoder: SeriesEncoder,
        context: int,
        n: int = 1,
        short: int = SHORT_WINDOW,
        before: Tensor | None = None,
    ):
        backbone = cast("DilatedConvolutions", encoder.backbone)
        self.encoder = encoder
        self.context = context
        self.blocks = _as_multiplied([cast("ResidualBlock", block) for block in backbone.blocks])
        self.n_wide = sum(context // 2**i >= short for i in range(len(self.blocks)))
        entered = self.blocks[: self.n_wide + 1]  # the blocks whose input the windows take interior steps of
        nothing = [block.taps1.new_zeros(0, n, len(block.taps1) // 3) for block in entered]
        self._before = before
        self.interior = nothing
        if before is None:
            # Missing steps have a zero latent, and so have those before a series begins.
            self.interior[0] = nothing[0].new_zeros(context, n, nothing[0].shape[-1])
            self._extend_interior()
        self._last_step = LastStep(backbone, context) if n == 1 and nothing[0].is_cpu else None

    @torch.inference_mode()
    def push(self, x: Tensor, hide_last: tuple[bool, ...] = (False,)) -> Tensor:
        """Representations (V, n, m, D) of the windows that end at the m new steps `x` (n, m, C).

        `hide_last` names the variants: True hides the last step of every window from the encoder.
        """
        m = x.shape[1]
        if self._before is not None:
            x, self._before = torch.cat([self._before, x], 1), None
        latent = self.encoder.latent(x).transpose(0, 1)
        self.interior[0] = torch.cat([self.interior[0], latent])
        if m == 1 and self._last_step is not None and latent.dtype == torch.float32:
            z = self._single(self._last_step, hide_last)
        else:
            self._extend_interior()
            z = self._last_steps(m, hide_last)
        self.interior = [level[m:] for level in self.interior]
        return z.transpose(1, 2)

    def _single(self, last_step: LastStep, hide_last: tuple[bool, ...]) -> Tensor:
        """(V, 1, 1, D) of one new step of one series. The interior is extended when more than one step comes."""
        shown = self.interior[0][:, 0]
        hidden = torch.cat([shown[:-1], torch.zeros_like(shown[-1:])]) if any(hide_last) else shown
        return torch.stack([last_step(hidden if hide else shown) for hide in hide_last])[:, None, None]

    def _extend_interior(self) -> None:
        """Blocks 0, 1, ... over the interior, as far as the steps known by now allow."""
        for i in range(len(self.interior) - 1):
            edge = 4 * 2**i  # a block takes 2d steps from either end
            known, done = self.interior[i], self.interior[i + 1]
            new = known[len(done) :]
            if len(new) > edge:
                self.interior[i + 1] = torch.cat([done, self.blocks[i].within(new, 2**i)])

    def _last_steps(self, m: int, hide_last: tuple[bool, ...]) -> Tensor:
        """(V, m, n, D)."""
        shape = (len(hide_last), m, self.interior[0].shape[1])
        last = self.interior[0][self.context :]
        ends = torch.stack([torch.zeros_like(last) if hidden else last for hidden in hide_last])
        steps = self._window(ends.view(1, -1, last.shape[-1]), shape)
        for block in self.blocks[self.n_wide :]:
            steps = block.among(steps, slice((len(steps) - 1) % 2, None, 2))
        return steps[-1].view(*shape, -1)

    def _window(self, last: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """Steps k = K, ... 1, 0 of each window after the wide blocks, given its `last` one before them."""
        K = self.context
        if self.n_wide == 0:
            return torch.cat([self._steps(0, K, 1, shape), last])
        unvaried = (1, *shape[1:])  # what comes from the window's beginning knows nothing of its last step
        left = self._steps(0, K, K - 1, unvaried)
        right = torch.cat([self._steps(0, 1, 1, shape), last])
        for i, block in enumerate(self.blocks[: self.n_wide]):
            odd = K % 2
            left = torch.cat([left, self._steps(i, K - 2, K - 4 - odd, unvaried)])
            left = block.among(left, slice(odd, odd + 3, 2))
            right = torch.cat([self._steps(i, 4, 2, shape), right])
            right = block.among(right, slice(2, 5, 2))
            K //= 2
        if self.n_wide == len(self.blocks):
            return right
        return torch.cat([left.repeat(1, shape[0], 1), self._steps(self.n_wide, K - 2, 2, shape), right])

    def _steps(self, i: int, first: int, last: int, shape: tuple[int, int, int]) -> Tensor:
        """Steps k = first, first - 1, ... last of the interior before block i, (steps, V * m * n, H)."""
        d = 2**i
        level = self.interior[i]
        step, series, channel = level.stride()
        start = self.context - first * d - (2 * d - 2)
        size, stride = (
            (max(0, first - last + 1), *shape, level.shape[-1]),
            (d * step, 0, step, series, channel),
        )
        return level.as_strided(size, stride, level.storage_offset() + start * step).flatten(1, 3)


class _Block(NamedTuple):
    """A residual block's weights as they are multiplied with: the three taps stacked, (3 H, H')."""

    taps1: Tensor
    bias1: Tensor
    taps2: Tensor
    bias2: Tensor
    shortcut: Callable[[Tensor], Tensor]

    def among(self, x: Tensor, at: slice) -> Tensor:
        """The block on neighbours, all of (P, M, H) with nothing beyond its ends, for the steps `at` of them."""
        if self._fits_kernels(x):
            from tsrep.ts2vec.fast.triton.neighbours import fused_among

            return fused_among(x, at, *self[:-1])
        if x.shape[0] == 1:
            return self._alone(x)
        y = _weigh(_active_neighbours(x, slice(None)), self.taps1, self.bias1)
        y = _weigh(_active_neighbours(y, at), self.taps2, self.bias2)
        return y + self.shortcut(x[at])

    def _alone(self, x: Tensor) -> Tensor:
        """A step without neighbours meets the middle taps only."""
        width, wider = self.taps1.shape[0] // 3, self.taps2.shape[0] // 3
        y = torch.addmm(self.bias1, F.gelu(x[0]), self.taps1[width : 2 * width])
        y = torch.addmm(self.bias2, F.gelu(y), self.taps2[wider : 2 * wider])
        return y + self.shortcut(x)

    def within(self, x: Tensor, d: int) -> Tensor:
        """The block with its dilation `d` where both its convolutions stay within `x`: (P, n, H) -> (P - 4d, n, H)."""
        if self._fits_kernels(x):
            from tsrep.ts2vec.fast.triton.neighbours import fused_within

            return fused_within(x, d, *self[:-1])
        y = _weigh(_around(F.gelu(x), d), self.taps1, self.bias1)
        y = _weigh(_around(F.gelu(y), d), self.taps2, self.bias2)
        return y + self.shortcut(x[2 * d : -2 * d])

    def _fits_kernels(self, x: Tensor) -> bool:
        return x.shape[-1] == len(self.bias2) and triton.usable(x, len(self.bias2))


def _as_multiplied(blocks: list[ResidualBlock]) -> list[_Block]:
    """With autocast the weights of all blocks are cast at once, and not each for every product."""
    weights = [
        weight
        for block in blocks
        for conv in (block.conv1, block.conv2)
        for weight in (conv.taps.flatten(0, 1), conv.bias)
    ]
    device = weights[0].device.type
    if torch.is_autocast_enabled(device):
        cast = [torch.empty_like(weight, dtype=torch.get_autocast_dtype(device)) for weight in weights]
        torch._foreach_copy_(cast, weights)
        weights = cast
    shortcuts = [block.shortcut for block in blocks]
    return [_Block(*of) for of in zip(*(weights[i::4] for i in range(4)), shortcuts, strict=True)]


def _active_neighbours(x: Tensor, at: slice) -> Tensor:
    """GELU of the steps `at` of `x` and of their neighbours, (P, M, 3, H)."""
    if x.numel() <= VALUES_PER_CALL:
        return F.gelu(_neighbours(x)[at])
    return _neighbours(F.gelu(x))[at]


def _neighbours(x: Tensor) -> Tensor:
    """Each step with the one before and the one after it, zeros beyond the ends: (P, M, H) -> (P, M, 3, H), a view."""
    nothing = x.new_zeros((1, *x.shape[1:]))
    return torch.cat([nothing, x, nothing]).unfold(0, 3, 1).mT


def _around(x: Tensor, d: int) -> Tensor:
    """Each step with those `d` before and after it, where both exist: (P, n, H) -> (P - 2d, n, 3, H), a view."""
    return x.unfold(0, 2 * d + 1, 1)[..., ::d].mT


def _weigh(around: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
    """One product for the three taps: (P, M, 3, H) -> (P, M, H')."""
    return torch.addmm(bias, around.reshape(-1, taps.shape[0]), taps).view(*around.shape[:2], -1)
