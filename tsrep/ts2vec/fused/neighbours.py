"""A residual block among neighbouring steps, of which only some are wanted, as one kernel: `_Block.among` of
`ts2vec/windows.py`.

A program computes one wanted step for some windows. It needs two steps to either side, whose activations it computes
once; what the first convolution gives at the three steps that the second one sees is never stored.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from tsrep.ts2vec.fused.convolution import gelu

ROWS = 64  # windows of a program


def fused_among(x: Tensor, at: slice, taps1: Tensor, bias1: Tensor, taps2: Tensor, bias2: Tensor) -> Tensor:
    """The steps `at` of a block of equal widths on `x` (P, M, H), nothing beyond its ends; taps stacked (3 H, H)."""
    x = x.contiguous()
    steps, windows, width = x.shape
    wanted = range(steps)[at]
    y = torch.empty(len(wanted), windows, width, dtype=x.dtype, device=x.device)
    _among[(triton.cdiv(windows, ROWS), len(wanted))](
        x, taps1, bias1, taps2, bias2, y, steps, windows, wanted.start, wanted.step,
        H=width, W=max(16, triton.next_power_of_2(width)), ROWS=ROWS,
    )  # fmt: skip
    return y


@triton.jit
def _among(
    x, taps1, bias1, taps2, bias2, y, steps, windows, first, every,
    H: tl.constexpr, W: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    m = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    h = tl.arange(0, W)
    here = first + every * tl.program_id(1)
    a = _active(x, here - 2, steps, windows, m, h, H)
    b = _active(x, here - 1, steps, windows, m, h, H)
    c = _active(x, here, steps, windows, m, h, H)
    d = _active(x, here + 1, steps, windows, m, h, H)
    e = _active(x, here + 2, steps, windows, m, h, H)
    before, at, after = _taps(taps1, a.dtype, h, H)
    bias = tl.load(bias1 + h, mask=h < H, other=0.0).to(tl.float32)
    left = tl.where(here > 0, gelu(_three(a, b, c, before, at, after) + bias[None, :]), 0.0).to(a.dtype)
    middle = gelu(_three(b, c, d, before, at, after) + bias[None, :]).to(a.dtype)
    right = tl.where(here < steps - 1, gelu(_three(c, d, e, before, at, after) + bias[None, :]), 0.0).to(
        a.dtype
    )
    before, at, after = _taps(taps2, a.dtype, h, H)
    result = _three(left, middle, right, before, at, after)
    result += tl.load(bias2 + h, mask=h < H, other=0.0).to(tl.float32)[None, :]
    result += _take(x, here, steps, windows, m, h, H).to(tl.float32)
    tl.store(
        y + (tl.program_id(1) * windows + m)[:, None] * H + h[None, :],
        result,
        mask=(m < windows)[:, None] & (h < H)[None, :],
    )


@triton.jit
def _take(x, step, steps, windows, m, h, H: tl.constexpr):
    """A step of the windows `m`, zero beyond the ends."""
    limit = tl.where((step >= 0) & (step < steps), windows, 0)
    return tl.load(
        x + (step * windows + m)[:, None] * H + h[None, :],
        mask=(m < limit)[:, None] & (h < H)[None, :],
        other=0.0,
    )


@triton.jit
def _active(x, step, steps, windows, m, h, H: tl.constexpr):
    raw = _take(x, step, steps, windows, m, h, H)
    return gelu(raw.to(tl.float32)).to(raw.dtype)


@triton.jit
def _tap(taps, k, h, H: tl.constexpr):
    ok = h < H
    return tl.load(taps + (k * H + h[:, None]) * H + h[None, :], mask=ok[:, None] & ok[None, :], other=0.0)


@triton.jit
def _taps(taps, number: tl.constexpr, h, H: tl.constexpr):
    return _tap(taps, 0, h, H).to(number), _tap(taps, 1, h, H).to(number), _tap(taps, 2, h, H).to(number)


@triton.jit
def _three(a, b, c, before, at, after):
    total = tl.dot(a, before, input_precision="ieee")
    total = tl.dot(b, at, acc=total, input_precision="ieee")
    return tl.dot(c, after, acc=total, input_precision="ieee")
