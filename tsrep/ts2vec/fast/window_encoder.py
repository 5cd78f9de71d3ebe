"""The last step of every window of a long series, in a hundredth of the work of encoding each window.

`WindowEncoder` computes what `tsrep.encoding.windows` defines: for each step t the window t - context .. t is encoded
alone and the representation of t is kept. Three facts about a stack of blocks with dilations 1, 2, 4, ... make this
cheap. None of them is an approximation:

1. The last step of a window needs, from the input of block i, only the steps a multiple of d = 2^i before it. Number
   them k = 0 (the last step), 1, 2, ... K: on these steps block i is a convolution of dilation 1.
2. A block moves the influence of a window's edge 2d steps inwards. Before block i the edges reach 2d - 2 steps, so of
   the steps k only two at either end depend on an edge. All others are the same in every window that contains them:
   the *interior*, computed once for the series.
3. So each window needs only two steps of its own at either end, block after block, until few steps remain and the
   window is computed whole.

No step depends on a later one, so the same state serves a live series: `push` takes any number of new steps and keeps
at most `context` of them.

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

SHORT_WINDOW = 9  # steps up to which a window is computed whole
CALL_BOUND_VALUES = 2**13  # values up to which a call costs more than its arithmetic


class WindowEncoder:
    """The representation of the last step of every window of growing series; a missing step (NaN) has a zero latent.

    Parameters
    ----------
    encoder : an encoder whose backbone is `DilatedConvolutions`.
    context : number of steps of a window before its last one.
    n : number of series that grow together.
    short : number of steps up to which a window is computed whole; larger is better if `push` gets few steps at a time.
    before : (n, context, C), the steps before the first `push`; None: the series begin there.
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
        self.blocks = _window_blocks([cast("ResidualBlock", block) for block in backbone.blocks])
        self.n_wide = sum(context // 2**i >= short for i in range(len(self.blocks)))
        entered = self.blocks[: self.n_wide + 1]  # blocks whose input has an interior
        nothing = [block.taps1.new_zeros(0, n, len(block.taps1) // 3) for block in entered]
        self._before = before
        self.interior = nothing
        if before is None:
            # Missing steps have a zero latent, and so do the steps before the series.
            self.interior[0] = nothing[0].new_zeros(context, n, nothing[0].shape[-1])
            self._extend_interior()
        self._last_step = LastStep(backbone, context) if n == 1 and nothing[0].is_cpu else None

    @torch.inference_mode()
    def push(self, x: Tensor, hide_last: tuple[bool, ...] = (False,)) -> Tensor:
        """Representations (V, n, m, D) of the windows that end at the m new steps `x` (n, m, C).

        There is one variant per entry of `hide_last`; True hides the last step of each window from the encoder.
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

    def state_dict(self) -> dict[str, Tensor]:
        """See `tsrep.encoding.backbone.WindowState`; for series that begin with the first `push`."""
        return {f"interior.{i}": level for i, level in enumerate(self.interior)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        device = self.interior[0].device
        self.interior = [state[f"interior.{i}"].to(device) for i in range(len(self.interior))]

    def _single(self, last_step: LastStep, hide_last: tuple[bool, ...]) -> Tensor:
        """(V, 1, 1, D) for one new step of one series. The interior is extended once more than one step arrives."""
        shown = self.interior[0][:, 0]
        hidden = torch.cat([shown[:-1], torch.zeros_like(shown[-1:])]) if any(hide_last) else shown
        return torch.stack([last_step(hidden if hide else shown) for hide in hide_last])[:, None, None]

    def _extend_interior(self) -> None:
        """Applies blocks 0, 1, ... to the interior, as far as the known steps allow."""
        for i in range(len(self.interior) - 1):
            edge = 4 * 2**i  # a block shortens its input by 2d steps at either end
            known, done = self.interior[i], self.interior[i + 1]
            new = known[len(done) :]
            if len(new) > edge:
                self.interior[i + 1] = torch.cat([done, self.blocks[i].on_interior(new, 2**i)])

    def _last_steps(self, m: int, hide_last: tuple[bool, ...]) -> Tensor:
        """Representations (V, m, n, D) of the m newest steps."""
        shape = (len(hide_last), m, self.interior[0].shape[1])
        last = self.interior[0][self.context :]
        ends = torch.stack([torch.zeros_like(last) if hidden else last for hidden in hide_last])
        steps = self._window(ends.view(1, -1, last.shape[-1]), shape)
        for block in self.blocks[self.n_wide :]:
            steps = block.on_window(steps, slice((len(steps) - 1) % 2, None, 2))
        return steps[-1].view(*shape, -1)

    def _window(self, last: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """Steps k = K, ... 1, 0 of each window after the first `n_wide` blocks, given its `last` step before them."""
        K = self.context
        if self.n_wide == 0:
            return torch.cat([self._steps(0, K, 1, shape), last])
        unvaried = (1, *shape[1:])  # steps at the window's start do not depend on its last step
        left = self._steps(0, K, K - 1, unvaried)
        right = torch.cat([self._steps(0, 1, 1, shape), last])
        for i, block in enumerate(self.blocks[: self.n_wide]):
            odd = K % 2
            left = torch.cat([left, self._steps(i, K - 2, K - 4 - odd, unvaried)])
            left = block.on_window(left, slice(odd, odd + 3, 2))
            right = torch.cat([self._steps(i, 4, 2, shape), right])
            right = block.on_window(right, slice(2, 5, 2))
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


class _WindowBlock(NamedTuple):
    """The weights of a residual block, the three taps of a convolution stacked as (3 H, H')."""

    taps1: Tensor
    bias1: Tensor
    taps2: Tensor
    bias2: Tensor
    shortcut: Callable[[Tensor], Tensor]

    def on_window(self, x: Tensor, at: slice) -> Tensor:
        """The steps `at` of the block with dilation 1 on steps `x` (P, M, H) of windows, zero beyond their ends."""
        if self._fits_kernels(x):
            from tsrep.ts2vec.fast.triton.window_block import fused_on_window

            return fused_on_window(x, at, *self[:-1])
        if x.shape[0] == 1:
            return self._single_step(x)
        y = _convolve(_activated_neighbours(x, slice(None)), self.taps1, self.bias1)
        y = _convolve(_activated_neighbours(y, at), self.taps2, self.bias2)
        return y + self.shortcut(x[at])

    def _single_step(self, x: Tensor) -> Tensor:
        """A step without neighbours needs the middle taps only."""
        width, wider = self.taps1.shape[0] // 3, self.taps2.shape[0] // 3
        y = torch.addmm(self.bias1, F.gelu(x[0]), self.taps1[width : 2 * width])
        y = torch.addmm(self.bias2, F.gelu(y), self.taps2[wider : 2 * wider])
        return y + self.shortcut(x)

    def on_interior(self, x: Tensor, d: int) -> Tensor:
        """The block with dilation `d`, without padding: (P, n, H) -> (P - 4d, n, H)."""
        if self._fits_kernels(x):
            from tsrep.ts2vec.fast.triton.window_block import fused_on_interior

            return fused_on_interior(x, d, *self[:-1])
        y = _convolve(_dilated_neighbours(F.gelu(x), d), self.taps1, self.bias1)
        y = _convolve(_dilated_neighbours(F.gelu(y), d), self.taps2, self.bias2)
        return y + self.shortcut(x[2 * d : -2 * d])

    def _fits_kernels(self, x: Tensor) -> bool:
        return x.shape[-1] == len(self.bias2) and triton.usable(x, len(self.bias2))


def _window_blocks(blocks: list[ResidualBlock]) -> list[_WindowBlock]:
    """With autocast the weights of all blocks are cast together, not once per product."""
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
    return [_WindowBlock(*parts) for parts in zip(*(weights[i::4] for i in range(4)), shortcuts, strict=True)]


def _activated_neighbours(x: Tensor, at: slice) -> Tensor:
    """GELU of the steps `at` of `x` and of their neighbours, (P, M, 3, H)."""
    if x.numel() <= CALL_BOUND_VALUES:
        return F.gelu(_neighbours(x)[at])
    return _neighbours(F.gelu(x))[at]


def _neighbours(x: Tensor) -> Tensor:
    """Each step with the steps before and after it, zero beyond the ends: (P, M, H) -> (P, M, 3, H), a view."""
    nothing = x.new_zeros((1, *x.shape[1:]))
    return torch.cat([nothing, x, nothing]).unfold(0, 3, 1).mT


def _dilated_neighbours(x: Tensor, d: int) -> Tensor:
    """Each step with the steps `d` before and after it, where both exist: (P, n, H) -> (P - 2d, n, 3, H), a view."""
    return x.unfold(0, 2 * d + 1, 1)[..., ::d].mT


def _convolve(neighbours: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
    """One product for the three taps: (P, M, 3, H) -> (P, M, H')."""
    return torch.addmm(bias, neighbours.reshape(-1, taps.shape[0]), taps).view(*neighbours.shape[:2], -1)
