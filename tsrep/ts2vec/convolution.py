"""A dilated convolution of three taps over (B, T, H), zero-padded to keep the length: the encoder's building block.

`three_taps` is the definition. On a CPU in 32 bit `DilatedConvolution` uses `_ThreeTaps`, the same sums added up in
place, forward and backward written by hand: no padded copies, and one node in autograd's graph in place of a dozen.
A tap that meets no step of the series (its dilation is at least the length) is not computed by either.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DilatedConvolution(nn.Module):
    """(B, T, H_in) -> (B, T, H_out), each step from itself and the steps `dilation` before and after it."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int):
        super().__init__()
        self.dilation = dilation
        self.conv = nn.Conv1d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        plain_cpu = x.is_cpu and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        convolve = _ThreeTaps.apply if plain_cpu else three_taps
        return convolve(x, self.conv.weight, self.conv.bias, self.dilation)


def three_taps(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """y_t = bias + W_0 x_(t - dilation) + W_1 x_t + W_2 x_(t + dilation); `weight` is (H_out, H_in, 3)."""
    before, here, after = weight.unbind(-1)
    y = F.linear(x, here, bias)
    if dilation < x.shape[1]:
        y = y + F.pad(F.linear(x[:, :-dilation], before), (0, 0, dilation, 0))
        y = y + F.pad(F.linear(x[:, dilation:], after), (0, 0, 0, dilation))
    return y


class _ThreeTaps(torch.autograd.Function):
    """`three_taps` in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        taps = weight.permute(2, 1, 0).contiguous()  # (3, H_in, H_out)
        return _add_outer_taps(torch.addmm(bias, x.flatten(0, 1), taps[1]), x, taps[0], taps[2], dilation)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        g, d = gradients[0].contiguous(), ctx.dilation
        taps = weight.permute(2, 0, 1).contiguous()  # (3, H_out, H_in)
        rows = g.flatten(0, 1)
        for_x = _add_outer_taps(rows @ taps[1], g, taps[2], taps[0], d)
        for_taps = torch.zeros_like(taps)
        for_taps[1] = rows.T @ x.flatten(0, 1)
        if d < x.shape[1]:
            for_taps[0] = (g[:, d:].mT @ x[:, :-d]).sum(0)
            for_taps[2] = (g[:, :-d].mT @ x[:, d:]).sum(0)
        return for_x, for_taps.permute(1, 2, 0), rows.sum(0), None


def _add_outer_taps(y: Tensor, x: Tensor, before: Tensor, after: Tensor, dilation: int) -> Tensor:
    """Adds x_(t - dilation) @ before + x_(t + dilation) @ after into `y` (B * T, H), in place."""
    batch, steps, _ = x.shape
    y = y.view(batch, steps, -1)
    if dilation < steps:
        y[:, dilation:].baddbmm_(x[:, :-dilation], before.expand(batch, -1, -1))
        y[:, :-dilation].baddbmm_(x[:, dilation:], after.expand(batch, -1, -1))
    return y
