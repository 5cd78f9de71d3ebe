"""GELU and a dilated convolution of three taps, defined in `ts2vec/convolution.py`: one kernel forward, two backward.

Activations are computed where they are read and never stored. Steps and instances are the rows of one matrix, (T B, H),
in which a shift by `dilation` steps is a shift by dilation * B rows. All input channels are in one tile, so the kernels
are for narrow layers; the outputs may be wider.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 64  # of a tile
MAX_PROGRAMS_PER_TAP = 96  # that share the rows in the gradient of a tap


def fused_three_taps(x: Tensor, inside: Tensor | None, taps: Tensor, bias: Tensor, dilation: int) -> Tensor:
    """`three_taps(activated(x, inside), taps, bias, dilation)`: x (T, B, H_in), inside (T, B, 1) -> (T, B, H_out).

    Products are in the precision of `x`, which may be lower than that of the weights; sums are in 32 bit.
    """
    return _FusedThreeTaps.apply(x.contiguous(), inside, taps, bias, dilation)


class _FusedThreeTaps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, inside: Tensor | None, taps: Tensor, bias: Tensor, dilation: int
    ) -> Tensor:
        inside = None if inside is None else inside.contiguous()
        ctx.save_for_backward(x, inside, taps)
        ctx.shift = dilation * x.shape[1]
        y = x.new_empty(*x.shape[:2], taps.shape[2])
        rows = x.shape[0] * x.shape[1]
        _forward_kernel[(triton.cdiv(rows, ROWS),)](
            x,
            x if inside is None else inside,
            taps,
            bias,
            y,
            rows,
            ctx.shift,
            **_sizes(x, inside, taps, ctx.shift),
        )
        return y

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        x, inside, taps = ctx.saved_tensors
        grad_y = grad_outputs[0].contiguous()
        rows = x.shape[0] * x.shape[1]
        sizes = _sizes(x, inside, taps, ctx.shift)
        inside_or_x = x if inside is None else inside
        grad_x = torch.empty_like(x)
        _grad_x_kernel[(triton.cdiv(rows, ROWS),)](
            x, inside_or_x, taps, grad_y, grad_x, rows, ctx.shift, **sizes
        )
        tiles = triton.cdiv(triton.cdiv(rows, ROWS), MAX_PROGRAMS_PER_TAP)
        programs = triton.cdiv(rows, ROWS * tiles)
        partial_taps = taps.new_empty((programs, *taps.shape), dtype=torch.float32)
        partial_bias = taps.new_empty((programs, taps.shape[2]), dtype=torch.float32)
        _grad_taps_kernel[(programs, 3)](
            x, inside_or_x, grad_y, partial_taps, partial_bias, rows, ctx.shift, tiles, **sizes
        )
        return grad_x, None, partial_taps.sum(0).to(taps.dtype), partial_bias.sum(0).to(taps.dtype), None


def _sizes(x: Tensor, inside: Tensor | None, taps: Tensor, shift: int) -> dict[str, Any]:
    _, width, out = taps.shape
    return {
        "HAS_INSIDE": inside is not None,
        "OUTER": shift < x.shape[0] * x.shape[1],
        "H_IN": width,
        "H_OUT": out,
        "W_IN": max(16, triton.next_power_of_2(width)),
        "W_OUT": max(16, triton.next_power_of_2(out)),
        "ROWS": ROWS,
    }


@triton.jit
def _normal(x):
    """(distribution, density) of the standard normal at x: Abramowitz & Stegun 7.1.26, with errors of at most 1e-7.

    It takes a third of the instructions of an exact error function.
    """
    kernel = tl.exp(-0.5 * x * x)
    t = 1.0 / (1.0 + 0.23164190 * tl.abs(x))
    series = t * (
        0.127414796 + t * (-0.142248368 + t * (0.7107068705 + t * (-0.7265760135 + t * 0.5307027145)))
    )
    tail = series * kernel
    return tl.where(x < 0.0, tail, 1.0 - tail), 0.3989422804 * kernel


@triton.jit
def gelu(x):
    """x times the normal distribution function at x."""
    below, _ = _normal(x)
    return x * below


@triton.jit
def _gelu_slope(x):
    below, density = _normal(x)
    return below + x * density


@triton.jit
def _present(inside, at, rows, HAS_INSIDE: tl.constexpr):
    """Which of the rows `at` exist and are inside."""
    ok = (at >= 0) & (at < rows)
    if HAS_INSIDE:
        ok = ok & (tl.load(inside + at, mask=ok, other=0) != 0)
    return ok


@triton.jit
def take(x, at, ok, h, H: tl.constexpr):
    """The channels `h` of the rows `at` of x (rows, H); 0 where `ok` is False or there is no such channel."""
    return tl.load(x + at[:, None] * H + h[None, :], mask=ok[:, None] & (h < H)[None, :], other=0.0)


@triton.jit
def active(x, at, ok, h, H: tl.constexpr):
    """`take`, then GELU in 32 bit, in the number format of x."""
    raw = take(x, at, ok, h, H)
    return gelu(raw.to(tl.float32)).to(raw.dtype)


@triton.jit
def tap(taps, k, h, o, H_IN: tl.constexpr, H_OUT: tl.constexpr):
    """The block (h, o) of tap `k` of taps (3, H_IN, H_OUT); 0 beyond its ends."""
    return tl.load(
        taps + (k * H_IN + h[:, None]) * H_OUT + o[None, :],
        mask=(h < H_IN)[:, None] & (o < H_OUT)[None, :],
        other=0.0,
    )


@triton.jit
def _forward_kernel(
    x, inside, taps, bias, y, rows, shift,
    HAS_INSIDE: tl.constexpr, OUTER: tl.constexpr, H_IN: tl.constexpr, H_OUT: tl.constexpr,
    W_IN: tl.constexpr, W_OUT: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """y_r = a_(r - shift) W_0 + a_r W_1 + a_(r + shift) W_2 + bias; the activations a are zero beyond the ends."""
    at = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    h, o = tl.arange(0, W_IN), tl.arange(0, W_OUT)
    summed = tl.zeros((ROWS, W_OUT), tl.float32)
    summed += tl.load(bias + o, mask=o < H_OUT, other=0.0)[None, :]
    for k in tl.static_range(3):
        if OUTER or k == 1:
            source = at + (k - 1) * shift
            a = active(x, source, _present(inside, source, rows, HAS_INSIDE), h, H_IN)
            w = tap(taps, k, h, o, H_IN, H_OUT).to(a.dtype)
            summed = tl.dot(a, w, acc=summed, input_precision="ieee")
    tl.store(y + at[:, None] * H_OUT + o[None, :], summed, mask=(at < rows)[:, None] & (o < H_OUT)[None, :])


@triton.jit
def _grad_x_kernel(
    x, inside, taps, grad_y, grad_x, rows, shift,
    HAS_INSIDE: tl.constexpr, OUTER: tl.constexpr, H_IN: tl.constexpr, H_OUT: tl.constexpr,
    W_IN: tl.constexpr, W_OUT: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """grad_x_r = gelu'(x_r) (g_(r + shift) W_0^T + g_r W_1^T + g_(r - shift) W_2^T), g = grad_y; zero outside."""
    at = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    h, o = tl.arange(0, W_IN), tl.arange(0, W_OUT)
    summed = tl.zeros((ROWS, W_IN), tl.float32)
    for k in tl.static_range(3):
        if OUTER or k == 1:
            source = at - (k - 1) * shift
            grad_there = take(grad_y, source, (source >= 0) & (source < rows), o, H_OUT)
            w = tap(taps, k, h, o, H_IN, H_OUT).to(grad_there.dtype)
            summed = tl.dot(grad_there, tl.trans(w), acc=summed, input_precision="ieee")
    ok = _present(inside, at, rows, HAS_INSIDE)
    slope = _gelu_slope(take(x, at, ok, h, H_IN).to(tl.float32))
    grad = tl.where(ok[:, None], summed * slope, 0.0)
    tl.store(grad_x + at[:, None] * H_IN + h[None, :], grad, mask=(at < rows)[:, None] & (h < H_IN)[None, :])


@triton.jit
def _grad_taps_kernel(
    x, inside, grad_y, grad_taps, grad_bias, rows, shift, tiles,
    HAS_INSIDE: tl.constexpr, OUTER: tl.constexpr, H_IN: tl.constexpr, H_OUT: tl.constexpr,
    W_IN: tl.constexpr, W_OUT: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """A program's part of grad_W_k = sum_r a_(r + (k - 1) shift)^T g_r and of grad_bias = sum_r g_r, g = grad_y."""
    program, k = tl.program_id(0), tl.program_id(1)
    h, o = tl.arange(0, W_IN), tl.arange(0, W_OUT)
    summed = tl.zeros((W_IN, W_OUT), tl.float32)
    summed_bias = tl.zeros((W_OUT,), tl.float32)
    if OUTER or k == 1:
        for tile in range(tiles):
            at = (program * tiles + tile) * ROWS + tl.arange(0, ROWS)
            source = at + (k - 1) * shift
            a = active(x, source, _present(inside, source, rows, HAS_INSIDE) & (at < rows), h, H_IN)
            here = take(grad_y, at, at < rows, o, H_OUT)
            summed = tl.dot(tl.trans(a), here, acc=summed, input_precision="ieee")
            summed_bias += tl.sum(here.to(tl.float32), 0)
    within = (h < H_IN)[:, None] & (o < H_OUT)[None, :]
    tl.store(grad_taps + ((program * 3 + k) * H_IN + h[:, None]) * H_OUT + o[None, :], summed, mask=within)
    if k == 1:
        tl.store(grad_bias + program * H_OUT + o, summed_bias, mask=o < H_OUT)
