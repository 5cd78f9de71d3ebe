"""A dilated convolution of three taps over (B, T, H), zero-padded to keep the length: the encoder's building block.

`three_taps` is the definition. On a CPU in 32 bit `DilatedConvolution` uses `_ThreeTaps`, the same sums added up in
place, forward and backward written by hand: no padded copies, and one node in autograd's graph in place of a dozen.
A tap that meets no step of the series (its dilation is at least the length) is not computed by either.

The weights lie as three matrices (3, H_in, H_out), ready for a matrix product; `torch.nn.Conv1d` has (H_out, H_in, 3).
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DilatedConvolution(nn.Module):
    """(B, T, H_in) -> (B, T, H_out), each step from itself and the steps `dilation` before and after it."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int):
        super().__init__()
        self.dilation = dilation
        initial = nn.Conv1d(in_channels, out_channels, kernel_size=3)
        self.taps = nn.Parameter(as_taps(initial.weight.detach()))
        self.bias = cast(nn.Parameter, initial.bias)

    def forward(self, x: Tensor) -> Tensor:
        plain_cpu = x.is_cpu and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        convolve = _ThreeTaps.apply if plain_cpu else three_taps
        return convolve(x, self.taps, self.bias, self.dilation)


def as_taps(weight: Tensor) -> Tensor:
    """The weight of `torch.nn.Conv1d`, (H_out, H_in, 3), as taps (3, H_in, H_out)."""
    return weight.permute(2, 1, 0).contiguous()


def three_taps(x: Tensor, taps: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """y_t = x_(t - dilation) W_0 + x_t W_1 + x_(t + dilation) W_2 + bias; `taps` is W, (3, H_in, H_out)."""
    before, here, after = taps
    y = F.linear(x, here.T, bias)
    if dilation < x.shape[1]:
        y = y + F.pad(x[:, :-dilation] @ before, (0, 0, dilation, 0))
        y = y + F.pad(x[:, dilation:] @ after, (0, 0, 0, dilation))
    return y


class _ThreeTaps(torch.autograd.Function):
    """`three_taps` in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Tensor, bias: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, taps)
        ctx.dilation = dilation
        before, here, after = taps
        return _add_outer_taps(torch.addmm(bias, x.flatten(0, 1), here), x, before, after, dilation)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, taps = ctx.saved_tensors
        g, d = gradients[0].contiguous(), ctx.dilation
        before, here, after = taps.mT
        rows = g.flatten(0, 1)
        for_x = _add_outer_taps(rows @ here, g, after, before, d)
        for_taps = torch.zeros_like(taps)
        torch.mm(x.flatten(0, 1).T, rows, out=for_taps[1])
        if d < x.shape[1]:
            torch.sum(x[:, :-d].mT @ g[:, d:], 0, out=for_taps[0])
            torch.sum(x[:, d:].mT @ g[:, :-d], 0, out=for_taps[2])
        return for_x, for_taps, rows.sum(0), None


def _add_outer_taps(y: Tensor, x: Tensor, before: Tensor, after: Tensor, dilation: int) -> Tensor:
    """Adds x_(t - dilation) @ before + x_(t + dilation) @ after into `y` (B * T, H), in place."""
    batch, steps, _ = x.shape
    y = y.view(batch, steps, -1)
    if dilation < steps:
        y[:, dilation:].baddbmm_(x[:, :-dilation], before.expand(batch, -1, -1))
        y[:, :-dilation].baddbmm_(x[:, dilation:], after.expand(batch, -1, -1))
    return y
