"""The hierarchical contrastive loss and its gradient (`ts2vec/loss.py` defines them) in kernels whose memory grows with
the length, and for any number of steps up to that of the tensor without a word to the host.

With s = z z^T the similarities of a group's N rows and l_i = log sum_(j != i) exp(s_ij), the sum of all l_i has the
gradient W z, w_ij = exp(s_ij - l_i) + exp(s_ij - l_j) (see `ts2vec/tiled.py`). Tiles of s live in registers only: once
for l, and once more for W z. Groups that fit one tile need one visit.

Shapes: T steps, of which the first `length` count; B instances, D components; z (T, 2, B, D) holds both views. The rows
of the temporal loss are an instance's steps in both views, those of the instance-wise loss a step's instances in both.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from tsrep.ts2vec.fast.levels import Levels

ONE_TILE = 64  # rows of a group that are worked on at once
A_PROGRAM = 1024  # values


def fused_loss(z: Tensor, levels: Levels) -> Tensor:
    """`loss.hierarchical_loss`, or `loss.flat_loss` where there is one level, of both views `z` (T, 2, B, D).

    Products are of numbers as `z` has them, sums and exponentials in 32 bit.
    """
    return _FusedLoss.apply(z.contiguous(), *levels)


class _FusedLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, lengths: Tensor, weights: Tensor) -> Tensor:
        pyramid = [z]
        for _ in range(len(lengths) - 1):
            below = pyramid[-1]
            even = len(below) // 2 * 2
            pyramid.append(torch.maximum(below[0:even:2], below[1:even:2]))
        partial_sums: list[Tensor] = []
        dz: Tensor | None = None
        for level in reversed(range(len(pyramid))):
            of_level = _Level(pyramid[level], Levels(lengths[level:], weights[level:]), partial_sums)
            dz = of_level.gradient(dz)
            pyramid.pop()
        ctx.gradient, ctx.dtype = dz, z.dtype
        return torch.cat(partial_sums).sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        dz, ctx.gradient = ctx.gradient, None
        if dz is None:
            raise RuntimeError("the loss was differentiated a second time; call it again")
        return dz.mul_(gradients[0]).to(ctx.dtype), None, None


class _Level:
    """One level of the hierarchy: `z` (T, 2, B, D), with its numbers first in `levels`."""

    def __init__(self, z: Tensor, levels: Levels, partial_sums: list[Tensor]):
        self.z = z
        self.levels = levels
        self.partial_sums = partial_sums
        self.widths = _powers(z.shape[3])

    def gradient(self, upper: Tensor | None) -> Tensor:
        """Of this level's terms and, handed down, of those above: (T, 2, B, D) in 32 bit. The terms are summed up."""
        steps, _, instances, width = self.z.shape
        dz = torch.empty(self.z.shape, dtype=torch.float32, device=self.z.device)
        a_step = 2 * instances * width
        pieces = triton.cdiv(a_step, A_PROGRAM)
        _attraction[(steps, pieces)](
            self.z,
            dz,
            dz if upper is None else upper,
            *self.levels,
            self._sums(steps * pieces),
            a_step,
            HAS_UPPER=upper is not None,
            SIZE=A_PROGRAM,
        )
        self._repulsion(dz, steps, 2 * instances, a_step, width, temporal=False)
        if steps > 1:
            self._repulsion(dz, instances, 2 * steps, width, instances * width, temporal=True)
        return dz

    def _repulsion(
        self, dz: Tensor, groups: int, rows: int, group_stride: int, row_stride: int, temporal: bool
    ) -> None:
        width = self.z.shape[3]
        shape = (groups, rows, group_stride, row_stride, width)
        options = {
            "TEMPORAL": temporal,
            "D1": self.widths[0],
            "D2": self.widths[1],
        }
        if rows <= ONE_TILE:
            tile = max(16, triton.next_power_of_2(rows))
            sums = self._sums(groups)
            _whole_groups[(groups,)](
                self.z, dz, *self.levels, sums, *shape, **options, ROWS=tile, num_warps=4 if tile > 16 else 2
            )
            return
        high, wide, warps = _tile(self.z.dtype, width)
        blocks = triton.cdiv(rows, high)
        l_ = torch.empty(groups, rows, dtype=torch.float32, device=self.z.device)
        options |= {"ROWS": high, "COLUMNS": wide, "num_warps": warps, "num_stages": 2}
        sums = self._sums(blocks * groups)
        _log_sum_exp[(blocks, groups)](self.z, l_, *self.levels, sums, *shape, **options)
        _weighted_rows[(blocks, groups)](self.z, dz, l_, *self.levels, *shape, **options)

    def _sums(self, programs: int) -> Tensor:
        self.partial_sums.append(torch.empty(programs, dtype=torch.float32, device=self.z.device))
        return self.partial_sums[-1]


def _powers(width: int) -> tuple[int, int]:
    """Two powers of two, the second may be 0, that hold `width` components with little waste: 320 = 256 + 64."""
    first = max(16, 2 ** (width.bit_length() - 1))
    rest = width - first
    return (first, 0) if rest <= 0 else (first, max(16, triton.next_power_of_2(rest)))


def _tile(dtype: torch.dtype, width: int) -> tuple[int, int, int]:
    """Rows and columns of a tile, and warps to a program, so that it fits the processor's memory."""
    if dtype == torch.float32:
        return (32, 32, 4) if width <= 512 else (16, 16, 4)
    return (128, 64, 8) if width <= 384 else (32, 32, 4)


@triton.jit
def _attraction(z, dz, upper, lengths, weights, sums, a_step, HAS_UPPER: tl.constexpr, SIZE: tl.constexpr):
    """dz = the gradient of -w * similarity to the positive, and what the level above hands down to a pair's higher.

    The first kernel of a level: it writes dz, zero beyond the length; those that follow add to it.
    """
    t = tl.program_id(0)
    at = tl.program_id(1) * SIZE + tl.arange(0, SIZE)
    ok = at < a_step
    length = tl.load(lengths)
    weight = tl.load(weights) + tl.load(weights + 1)
    counts = at < tl.where(t < length, a_step, 0)
    here = tl.load(z + t * a_step + at, mask=counts, other=0.0).to(tl.float32)
    positive = tl.load(z + t * a_step + (at + a_step // 2) % a_step, mask=counts, other=0.0)
    gradient = -2.0 * weight * positive.to(tl.float32)
    if HAS_UPPER:
        paired = at < tl.where(t < length // 2 * 2, a_step, 0)
        mate = tl.load(z + (t ^ 1) * a_step + at, mask=paired, other=0.0).to(tl.float32)
        handed = tl.load(upper + (t // 2) * a_step + at, mask=paired, other=0.0)
        higher = (mate < here) | ((mate == here) & (at * 0 + t % 2 == 0))  # of equals the first
        gradient += tl.where(higher, handed, 0.0)
    tl.store(dz + t * a_step + at, gradient, mask=ok)
    total = -weight * tl.sum(here * positive.to(tl.float32), 0)
    tl.store(sums + t * tl.num_programs(1) + tl.program_id(1), total)


@triton.jit
def _numbers_of(lengths, weights, groups, n_rows, TEMPORAL: tl.constexpr):
    """(rows that count in a group, first group that does not count, weight)."""
    length = tl.load(lengths)
    if TEMPORAL:
        n, beyond, weight = 2 * length, groups, tl.load(weights + 1)
    else:
        n, beyond, weight = n_rows, length, tl.load(weights)
    return n, beyond, weight


@triton.jit
def _take(base, rows, d, ok, row_stride, width):
    return tl.load(
        base + rows[:, None] * row_stride + d[None, :], mask=ok[:, None] & (d < width)[None, :], other=0.0
    )


@triton.jit
def _take_both(base, rows, ok, row_stride, width, D1: tl.constexpr, D2: tl.constexpr):
    """The first D1 components of the rows and the D2 that follow; without those the second is the first again."""
    first = _take(base, rows, tl.arange(0, D1), ok, row_stride, width)
    second = first
    if D2 > 0:
        second = _take(base, rows, D1 + tl.arange(0, D2), ok, row_stride, width)
    return first, second


@triton.jit
def _add(base, rows, d, ok, row_stride, width, value):
    at = base + rows[:, None] * row_stride + d[None, :]
    within = ok[:, None] & (d < width)[None, :]
    tl.store(at, tl.load(at, mask=within, other=0.0) + value, mask=within)


@triton.jit
def _similarities(a1, a2, b1, b2, rows, columns, n, D2: tl.constexpr):
    """Of rows with columns, -inf for a row with itself and beyond the rows that count."""
    s = tl.dot(a1, tl.trans(b1), input_precision="ieee")
    if D2 > 0:
        s = tl.dot(a2, tl.trans(b2), acc=s, input_precision="ieee")
    return tl.where((rows[:, None] != columns[None, :]) & (columns < n)[None, :], s, -float("inf"))


@triton.jit
def _whole_groups(
    z, dz, lengths, weights, sums, groups, n_rows, group_stride, row_stride, width,
    TEMPORAL: tl.constexpr, D1: tl.constexpr, D2: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """A group a program, all of its rows in one tile: dz += weight * W z, and the sum of weight * l."""
    group = tl.program_id(0)
    n, beyond, weight = _numbers_of(lengths, weights, groups, n_rows, TEMPORAL)
    total = 0.0
    if (group < beyond) & (weight != 0.0):
        rows = tl.arange(0, ROWS)
        ok = rows < n
        z1, z2 = _take_both(z + group * group_stride, rows, ok, row_stride, width, D1, D2)
        s = _similarities(z1, z2, z1, z2, rows, rows, n, D2)
        highest = tl.max(s, 1)
        shifted = tl.exp(s - highest[:, None])
        l_ = highest + tl.log(tl.sum(shifted, 1))
        total = weight * tl.sum(tl.where(ok, l_, 0.0), 0)
        share = tl.where(ok[:, None], tl.exp(s - l_[:, None]), 0.0)
        w = (share + tl.trans(share)).to(z1.dtype)
        _add(dz + group * group_stride, rows, tl.arange(0, D1), ok, row_stride, width,
             weight * tl.dot(w, z1, input_precision="ieee"))  # fmt: skip
        if D2 > 0:
            _add(dz + group * group_stride, rows, D1 + tl.arange(0, D2), ok, row_stride, width,
                 weight * tl.dot(w, z2, input_precision="ieee"))  # fmt: skip
    tl.store(sums + group, total)


@triton.jit
def _log_sum_exp(
    z, l_, lengths, weights, sums, groups, n_rows, group_stride, row_stride, width,
    TEMPORAL: tl.constexpr, D1: tl.constexpr, D2: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """l of a block of rows, column block after column block, and the sum of weight * l."""
    block, group = tl.program_id(0), tl.program_id(1)
    n, beyond, weight = _numbers_of(lengths, weights, groups, n_rows, TEMPORAL)
    total = 0.0
    if (group < beyond) & (weight != 0.0) & (block * ROWS < n):
        base = z + group * group_stride
        rows = block * ROWS + tl.arange(0, ROWS)
        a1, a2 = _take_both(base, rows, rows < n, row_stride, width, D1, D2)
        highest = tl.full((ROWS,), -float("inf"), tl.float32)
        summed = tl.zeros((ROWS,), tl.float32)
        for start in range(0, n, COLUMNS):
            columns = start + tl.arange(0, COLUMNS)
            b1, b2 = _take_both(base, columns, columns < n, row_stride, width, D1, D2)
            s = _similarities(a1, a2, b1, b2, rows, columns, n, D2)
            now = tl.maximum(highest, tl.max(s, 1))
            shift = tl.where(now == -float("inf"), 0.0, now)
            summed = summed * tl.exp(highest - shift) + tl.sum(tl.exp(s - shift[:, None]), 1)
            highest = now
        of_rows = highest + tl.log(summed)
        tl.store(l_ + group * n_rows + rows, of_rows, mask=rows < n)
        total = weight * tl.sum(tl.where(rows < n, of_rows, 0.0), 0)
    tl.store(sums + group * tl.num_programs(0) + block, total)


@triton.jit
def _weighted_rows(
    z, dz, l_, lengths, weights, groups, n_rows, group_stride, row_stride, width,
    TEMPORAL: tl.constexpr, D1: tl.constexpr, D2: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """dz += weight * W z for a block of rows, given l."""
    block, group = tl.program_id(0), tl.program_id(1)
    n, beyond, weight = _numbers_of(lengths, weights, groups, n_rows, TEMPORAL)
    if (group < beyond) & (weight != 0.0) & (block * ROWS < n):
        base = z + group * group_stride
        rows = block * ROWS + tl.arange(0, ROWS)
        a1, a2 = _take_both(base, rows, rows < n, row_stride, width, D1, D2)
        summed1 = tl.zeros((ROWS, D1), tl.float32)
        if D2 > 0:
            summed2 = tl.zeros((ROWS, D2), tl.float32)
        of_rows = tl.load(l_ + group * n_rows + rows, mask=rows < n, other=0.0)
        for start in range(0, n, COLUMNS):
            columns = start + tl.arange(0, COLUMNS)
            b1, b2 = _take_both(base, columns, columns < n, row_stride, width, D1, D2)
            s = _similarities(a1, a2, b1, b2, rows, columns, n, D2)
            of_columns = tl.load(l_ + group * n_rows + columns, mask=columns < n, other=0.0)
            w = (tl.exp(s - of_rows[:, None]) + tl.exp(s - of_columns[None, :])).to(a1.dtype)
            summed1 = tl.dot(w, b1, acc=summed1, input_precision="ieee")
            if D2 > 0:
                summed2 = tl.dot(w, b2, acc=summed2, input_precision="ieee")
        base = dz + group * group_stride
        _add(base, rows, tl.arange(0, D1), rows < n, row_stride, width, weight * summed1)
        if D2 > 0:
            _add(base, rows, D1 + tl.arange(0, D2), rows < n, row_stride, width, weight * summed2)
