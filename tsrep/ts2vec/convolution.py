"""GELU and a dilated convolution of three taps, zero-padded to keep the length: the encoder's building block.

`three_taps(activated(x))` is the definition. `DilatedConvolution` uses `_ActivatedThreeTaps`, which accumulates the
same sums in place and has its own backward pass: one node in autograd's graph instead of a dozen, no padded copies, and
large activations are recomputed in the backward pass instead of kept. On a GPU narrow layers are one kernel
(`fast/triton/convolution.py`). None of them computes a tap that reaches no step of the series (its dilation is at least
the length).

Steps come first, (T, B, H): a convolution then shifts whole rows, and each tap is one product over all instances.
The weights are three matrices (3, H_in, H_out); those of `torch.nn.Conv1d` are (H_out, H_in, 3).

Shapes: T steps, B instances, H channels.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ts2vec.fast import triton

KEPT_ACTIVATIONS = 2**18  # number up to which they are kept for the backward pass


class DilatedConvolution(nn.Module):
    """(T, B, H_in) -> (T, B, H_out): each step from its activation and those `dilation` steps before and after it."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int):
        super().__init__()
        self.dilation = dilation
        initial = nn.Conv1d(in_channels, out_channels, kernel_size=3)
        self.taps = nn.Parameter(as_taps(initial.weight.detach()))
        self.bias = cast(nn.Parameter, initial.bias)

    def forward(self, x: Tensor, inside: Tensor | None = None) -> Tensor:
        """Activations where `inside` (T, B, 1) is False count as zero."""
        if x.is_cpu and (x.dtype not in (torch.float32, torch.float64) or torch.is_autocast_enabled("cpu")):
            return three_taps(activated(x, inside), self.taps, self.bias, self.dilation)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        if triton.usable(x, *self.taps.shape):
            from tsrep.ts2vec.fast.triton.convolution import fused_three_taps

            return fused_three_taps(x, inside, self.taps, self.bias, self.dilation)
        return _ActivatedThreeTaps.apply(x, inside, self.taps, self.bias, self.dilation)


def as_taps(weight: Tensor) -> Tensor:
    """The weight of `torch.nn.Conv1d`, (H_out, H_in, 3), as taps (3, H_in, H_out)."""
    return weight.permute(2, 1, 0).contiguous()


def activated(x: Tensor, inside: Tensor | None) -> Tensor:
    """GELU, and zero where `inside` is False."""
    return _zero_outside(F.gelu(x), inside)


def three_taps(x: Tensor, taps: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """y_t = x_(t - dilation) W_0 + x_t W_1 + x_(t + dilation) W_2 + bias, t along the first axis of `x`."""
    before, here, after = taps
    y = F.linear(x, here.T, bias)
    if dilation < len(x):
        y = y + F.pad(x[:-dilation] @ before, (0, 0, 0, 0, dilation, 0))
        y = y + F.pad(x[dilation:] @ after, (0, 0, 0, 0, 0, dilation))
    return y


class _ActivatedThreeTaps(torch.autograd.Function):
    """`three_taps(activated(x, inside), ...)`, accumulated in place.

    Steps and instances are the rows of one matrix, so a shift by `dilation` steps is a shift by dilation * B rows.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, inside: Tensor | None, taps: Tensor, bias: Tensor, dilation: int
    ) -> Tensor:
        weights, bias = taps.to(x.dtype), bias.to(x.dtype)
        a = activated(x, inside)
        kept = a if a.numel() <= KEPT_ACTIVATIONS else None
        ctx.save_for_backward(x, inside, weights, kept)
        ctx.shift, ctx.dtype = dilation * x.shape[1], taps.dtype
        rows = a.flatten(0, 1)
        y = x.new_empty(*x.shape[:2], taps.shape[2])
        out = y.flatten(0, 1)
        torch.addmm(bias, rows, weights[1], out=out)
        _add_outer_taps(out, rows, weights[0], weights[2], ctx.shift)
        return y

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, Tensor, Tensor, None]:
        x, inside, weights, kept = ctx.saved_tensors
        rows = (activated(x, inside) if kept is None else kept).flatten(0, 1)
        grad_y, shift = grad_outputs[0].contiguous().flatten(0, 1), ctx.shift
        grad_taps = torch.zeros_like(weights)
        torch.mm(rows.T, grad_y, out=grad_taps[1])
        if shift < len(rows):
            torch.mm(rows[:-shift].T, grad_y[shift:], out=grad_taps[0])
            torch.mm(rows[shift:].T, grad_y[:-shift], out=grad_taps[2])
        grad_rows = grad_y @ weights[1].T
        _add_outer_taps(grad_rows, grad_y, weights[2].T, weights[0].T, shift)
        grad_a = _zero_outside(grad_rows.view_as(x), inside)
        grad_bias = grad_y.sum(0, dtype=ctx.dtype)
        grad_x = torch.ops.aten.gelu_backward(grad_a, x)
        return grad_x, None, grad_taps.to(ctx.dtype), grad_bias, None


def _add_outer_taps(y: Tensor, x: Tensor, before: Tensor, after: Tensor, shift: int) -> None:
    """Adds x_(i - shift) @ before + x_(i + shift) @ after to each row y_i, in place."""
    if shift < len(x):
        y[shift:].addmm_(x[:-shift], before)
        y[:-shift].addmm_(x[shift:], after)


def _zero_outside(x: Tensor, inside: Tensor | None) -> Tensor:
    return x if inside is None else torch.where(inside, x, 0.0)
