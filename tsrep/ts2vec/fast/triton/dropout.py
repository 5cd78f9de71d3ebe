"""Dropout whose noise is made where it is used, forward and again backward, from a seed that lies on the device."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

A_PROGRAM = 512  # numbers of each of the four streams that the generator (Philox) gives at once


def fused_dropout(z: Tensor, p: float, seed: Tensor) -> Tensor:
    """Zero with probability `p`, else z / (1 - p); `seed` (1,) is an integer of 64 bit and decides on which."""
    return _FusedDropout.apply(z.contiguous(), p, seed)


class _FusedDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, p: float, seed: Tensor) -> Tensor:
        ctx.p, ctx.seed = p, seed
        return _dropped(z, p, seed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _dropped(gradients[0].contiguous(), ctx.p, ctx.seed), None, None


def _dropped(z: Tensor, p: float, seed: Tensor) -> Tensor:
    y = torch.empty_like(z)
    _drop[(triton.cdiv(z.numel(), 4 * A_PROGRAM),)](z, y, seed, p, z.numel(), SIZE=A_PROGRAM)
    return y


@triton.jit
def _drop(z, y, seed, p, n, SIZE: tl.constexpr):
    program, lane = tl.program_id(0), tl.arange(0, SIZE)
    first, second, third, fourth = tl.rand4x(tl.load(seed), program * SIZE + lane)
    _keep(z, y, first, 4 * program * SIZE + lane, p, n)
    _keep(z, y, second, (4 * program + 1) * SIZE + lane, p, n)
    _keep(z, y, third, (4 * program + 2) * SIZE + lane, p, n)
    _keep(z, y, fourth, (4 * program + 3) * SIZE + lane, p, n)


@triton.jit
def _keep(z, y, noise, at, p, n):
    value = tl.load(z + at, mask=at < n, other=0.0).to(tl.float32)
    tl.store(y + at, tl.where(noise < p, 0.0, value / (1.0 - p)), mask=at < n)
