"""Dropout whose noise is generated in the kernel, once forward and once backward, from a seed on the device."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

VALUES_PER_STREAM = 512  # per program; the generator (Philox) gives four streams at once


def fused_dropout(z: Tensor, p: float, seed: Tensor) -> Tensor:
    """Zero with probability `p`, else z / (1 - p); `seed` is a scalar 64-bit integer that seeds the noise."""
    return _FusedDropout.apply(z.contiguous(), p, seed)


class _FusedDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, p: float, seed: Tensor) -> Tensor:
        ctx.p, ctx.seed = p, seed
        return _dropped(z, p, seed)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        return _dropped(grad_outputs[0].contiguous(), ctx.p, ctx.seed), None, None


def _dropped(z: Tensor, p: float, seed: Tensor) -> Tensor:
    y = torch.empty_like(z)
    _dropout_kernel[(triton.cdiv(z.numel(), 4 * VALUES_PER_STREAM),)](
        z, y, seed, p, z.numel(), SIZE=VALUES_PER_STREAM
    )
    return y


@triton.jit
def _dropout_kernel(z, y, seed, p, n, SIZE: tl.constexpr):
    program, lane = tl.program_id(0), tl.arange(0, SIZE)
    first, second, third, fourth = tl.rand4x(tl.load(seed), program * SIZE + lane)
    _store_dropped(z, y, first, 4 * program * SIZE + lane, p, n)
    _store_dropped(z, y, second, (4 * program + 1) * SIZE + lane, p, n)
    _store_dropped(z, y, third, (4 * program + 2) * SIZE + lane, p, n)
    _store_dropped(z, y, fourth, (4 * program + 3) * SIZE + lane, p, n)


@triton.jit
def _store_dropped(z, y, noise, at, p, n):
    value = tl.load(z + at, mask=at < n, other=0.0).to(tl.float32)
    tl.store(y + at, tl.where(noise < p, 0.0, value / (1.0 - p)), mask=at < n)
