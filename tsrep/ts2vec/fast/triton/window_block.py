"""A residual block on windows and on their interior: the methods of `_WindowBlock` in `fast/window_encoder.py`.

On windows it is two kernels, one per convolution. Their input is activated beforehand: a step is read three times, and
an activation costs more than the products in which it is used. The first kernel activates its result; the second
computes only the steps that are needed and adds the block's input.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor

from tsrep.ts2vec.fast.triton.convolution import ROWS, fused_three_taps, gelu, take, tap


def fused_on_interior(
    x: Tensor, d: int, taps1: Tensor, bias1: Tensor, taps2: Tensor, bias2: Tensor
) -> Tensor:
    """A block of equal widths, dilation `d`, without padding: (P, n, H) -> (P - 4d, n, H); taps stacked (3 H, H)."""
    y = x
    for taps, bias in ((taps1, bias1), (taps2, bias2)):
        y = fused_three_taps(y, None, taps.unflatten(0, (3, -1)), bias, d)
    return y[2 * d : -2 * d] + x[2 * d : -2 * d]


def fused_on_window(
    x: Tensor, at: slice, taps1: Tensor, bias1: Tensor, taps2: Tensor, bias2: Tensor
) -> Tensor:
    """The steps `at` of a block of equal widths on `x` (P, M, H), zero beyond its ends; taps stacked (3 H, H)."""
    x = x.contiguous()
    inner = _convolve(F.gelu(x), x, slice(None), taps1, bias1, FIRST=True)
    return _convolve(inner, x, at, taps2, bias2, FIRST=False)


def _convolve(x: Tensor, added: Tensor, at: slice, taps: Tensor, bias: Tensor, FIRST: bool) -> Tensor:
    steps, windows, width = x.shape
    steps_out = range(steps)[at]
    y = torch.empty(len(steps_out), windows, width, dtype=x.dtype, device=x.device)
    _window_convolution_kernel[(triton.cdiv(windows, ROWS), len(steps_out))](
        x, added, taps, bias, y, steps, windows, steps_out.start, steps_out.step,
        FIRST=FIRST, H=width, W=max(16, triton.next_power_of_2(width)), ROWS=ROWS,
    )  # fmt: skip
    return y


@triton.jit
def _window_convolution_kernel(
    x, added, taps, bias, y, steps, windows, first, every,
    FIRST: tl.constexpr, H: tl.constexpr, W: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """y_p = x_(s - 1) W_0 + x_s W_1 + x_(s + 1) W_2 + bias, s = first + p * every, for a tile of windows.

    FIRST activates y; the second convolution adds `added`_s instead.
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
