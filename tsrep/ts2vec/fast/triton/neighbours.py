"""A residual block of windows: `_Block.within` and `_Block.among` of `fast/windows.py`.

Among neighbouring steps, of which only some are wanted, it is two kernels, one for each convolution, on activated
input: a step is read three times, and an activation costs more than the products that it enters. The first leaves its
result activated, the second computes wanted steps only and adds the block's input.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor

from tsrep.ts2vec.fast.triton.convolution import ROWS, fused_three_taps, gelu, take, tap


def fused_within(x: Tensor, d: int, taps1: Tensor, bias1: Tensor, taps2: Tensor, bias2: Tensor) -> Tensor:
    """A block of equal widths with its dilation `d` where both convolutions stay within `x` (P, n, H): P - 4d steps."""
    y = x
    for taps, bias in ((taps1, bias1), (taps2, bias2)):
        y = fused_three_taps(y, None, taps.unflatten(0, (3, -1)), bias, d)
    return y[2 * d : -2 * d] + x[2 * d : -2 * d]


def fused_among(x: Tensor, at: slice, taps1: Tensor, bias1: Tensor, taps2: Tensor, bias2: Tensor) -> Tensor:
    """The steps `at` of a block of equal widths on `x` (P, M, H), nothing beyond its ends; taps stacked (3 H, H)."""
    x = x.contiguous()
    inner = _convolved(F.gelu(x), x, slice(None), taps1, bias1, FIRST=True)
    return _convolved(inner, x, at, taps2, bias2, FIRST=False)


def _convolved(x: Tensor, added: Tensor, at: slice, taps: Tensor, bias: Tensor, FIRST: bool) -> Tensor:
    steps, windows, width = x.shape
    wanted = range(steps)[at]
    y = torch.empty(len(wanted), windows, width, dtype=x.dtype, device=x.device)
    _wanted_steps[(triton.cdiv(windows, ROWS), len(wanted))](
        x, added, taps, bias, y, steps, windows, wanted.start, wanted.step,
        FIRST=FIRST, H=width, W=max(16, triton.next_power_of_2(width)), ROWS=ROWS,
    )  # fmt: skip
    return y


@triton.jit
def _wanted_steps(
    x, added, taps, bias, y, steps, windows, first, every,
    FIRST: tl.constexpr, H: tl.constexpr, W: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """y_p = x_(s - 1) W_0 + x_s W_1 + x_(s + 1) W_2 + bias, s = first + p * every, for some windows.

    FIRST gives y activated; the other kind adds `added`_s.
    """
    m = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    h = tl.arange(0, W)
    here = first + tl.program_id(1) * every
    summed = tl.zeros((ROWS, W), tl.float32)
    summed += tl.load(bias + h, mask=h < H, other=0.0).to(tl.float32)[None, :]
    for k in tl.static_range(3):
        step = here + k - 1
        there = m < tl.where((step >= 0) & (step < steps), windows, 0)
        a = take(x, step * windows + m, there, h, H)
        summed = tl.dot(a, tap(taps, k, h, h, H, H).to(a.dtype), acc=summed, input_precision="ieee")
    if FIRST:
        summed = gelu(summed)
    else:
        summed += take(added, here * windows + m, m < windows, h, H).to(tl.float32)
    tl.store(
        y + (tl.program_id(1) * windows + m)[:, None] * H + h[None, :],
        summed,
        mask=(m < windows)[:, None] & (h < H)[None, :],
    )
