"""The hierarchical contrastive loss and its gradient as GPU kernels, defined in `ts2vec/loss.py`.

Memory grows with the length and not with its square. The number of steps that count is on the device, so no host
synchronisation is needed.

With s = z z^T the similarities of a group's N rows and l_i = log sum_(j != i) exp(s_ij), the gradient of the sum of all
l_i is W z, w_ij = exp(s_ij - l_i) + exp(s_ij - l_j) (see `fast/tiled.py`). Tiles of s are in registers only, and are
computed twice: for l and for W z. A group that fits one tile needs one pass.

Shapes: T steps, of which the first `length` count; B instances, D components; z (T, 2, B, D) holds both views. The rows
of a group are the steps of an instance in both views (temporal loss) or the instances of a step in both views
(instance-wise loss).
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from tsrep.ts2vec.fast.levels import Levels

MAX_WHOLE_GROUP = 64  # rows of a group that is computed in one tile
VALUES_PER_PROGRAM = 1024


def fused_loss(z: Tensor, levels: Levels) -> Tensor:
    """`loss.hierarchical_loss`, or `loss.flat_loss` if there is one level, of both views `z` (T, 2, B, D).

    Products are in the precision of `z`, sums and exponentials in 32 bit.
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
        grad_z: Tensor | None = None
        for level in reversed(range(len(pyramid))):
            level_loss = _Level(pyramid[level], Levels(lengths[level:], weights[level:]), partial_sums)
            grad_z = level_loss.grad_z(grad_z)
            pyramid.pop()
        ctx.grad_z, ctx.dtype = grad_z, z.dtype
        return torch.cat(partial_sums).sum()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad_z, ctx.grad_z = ctx.grad_z, None
        if grad_z is None:
            raise RuntimeError("the loss was differentiated a second time; call it again")
        return grad_z.mul_(grad_outputs[0]).to(ctx.dtype), None, None


class _Level:
    """One level of the hierarchy: `z` (T, 2, B, D); its length and weights are the first of `levels`."""

    def __init__(self, z: Tensor, levels: Levels, partial_sums: list[Tensor]):
        self.z = z
        self.levels = levels
        self.partial_sums = partial_sums
        self.widths = _component_tiles(z.shape[3])

    def grad_z(self, grad_upper: Tensor | None) -> Tensor:
        """The gradient of the loss of this level and those above, (T, 2, B, D) in 32 bit; extends `partial_sums`."""
        steps, _, instances, width = self.z.shape
        grad_z = torch.empty(self.z.shape, dtype=torch.float32, device=self.z.device)
        step_values = 2 * instances * width
        pieces = triton.cdiv(step_values, VALUES_PER_PROGRAM)
        _attraction_kernel[(steps, pieces)](
            self.z,
            grad_z,
            grad_z if grad_upper is None else grad_upper,
            *self.levels,
            self._sums(steps * pieces),
            step_values,
            HAS_UPPER=grad_upper is not None,
            SIZE=VALUES_PER_PROGRAM,
        )
        self._repulsion(grad_z, steps, 2 * instances, step_values, width, temporal=False)
        if steps > 1:
            self._repulsion(grad_z, instances, 2 * steps, width, instances * width, temporal=True)
        return grad_z

    def _repulsion(
        self, grad_z: Tensor, groups: int, rows: int, group_stride: int, row_stride: int, temporal: bool
    ) -> None:
        width = self.z.shape[3]
        shape = (groups, rows, group_stride, row_stride, width)
        options = {
            "TEMPORAL": temporal,
            "D1": self.widths[0],
            "D2": self.widths[1],
        }
        if rows <= MAX_WHOLE_GROUP:
            tile = max(16, triton.next_power_of_2(rows))
            sums = self._sums(groups)
            _whole_groups_kernel[(groups,)](
                self.z,
                grad_z,
                *self.levels,
                sums,
                *shape,
                **options,
                ROWS=tile,
                num_warps=4 if tile > 16 else 2,
            )
            return
        high, wide, warps = _tile_size(self.z.dtype, width)
        blocks = triton.cdiv(rows, high)
        l_ = torch.empty(groups, rows, dtype=torch.float32, device=self.z.device)
        options |= {"ROWS": high, "COLUMNS": wide, "num_warps": warps, "num_stages": 2}
        sums = self._sums(blocks * groups)
        _log_sum_exp_kernel[(blocks, groups)](self.z, l_, *self.levels, sums, *shape, **options)
        _grad_z_kernel[(blocks, groups)](self.z, grad_z, l_, *self.levels, *shape, **options)

    def _sums(self, programs: int) -> Tensor:
        self.partial_sums.append(torch.empty(programs, dtype=torch.float32, device=self.z.device))
        return self.partial_sums[-1]


def _component_tiles(width: int) -> tuple[int, int]:
    """Two powers of two, the second may be 0, whose sum is `width` or little more: 320 = 256 + 64."""
    first = max(16, 2 ** (width.bit_length() - 1))
    rest = width - first
    return (first, 0) if rest <= 0 else (first, max(16, triton.next_power_of_2(rest)))


def _tile_size(dtype: torch.dtype, width: int) -> tuple[int, int, int]:
    """Rows and columns of a tile, and warps per program, that fit a processor's memory."""
    if dtype == torch.float32:
        return (32, 32, 4) if width <= 512 else (16, 16, 4)
    return (128, 64, 8) if width <= 384 else (32, 32, 4)


@triton.jit
def _attraction_kernel(
    z, grad_z, grad_upper, lengths, weights, sums, step_values, HAS_UPPER: tl.constexpr, SIZE: tl.constexpr
):
    """grad_z = the gradient of -w * similarity to the positive, plus the upper level's for the larger of a pair.

    It is the first kernel of a level: it writes grad_z, zero beyond the length; the next kernels add to it.
    """
    t = tl.program_id(0)
    at = tl.program_id(1) * SIZE + tl.arange(0, SIZE)
    ok = at < step_values
    length = tl.load(lengths)
    weight = tl.load(weights) + tl.load(weights + 1)
    counts = at < tl.where(t < length, step_values, 0)
    here = tl.load(z + t * step_values + at, mask=counts, other=0.0).to(tl.float32)
    positive = tl.load(z + t * step_values + (at + step_values // 2) % step_values, mask=counts, other=0.0)
    grad = -2.0 * weight * positive.to(tl.float32)
    if HAS_UPPER:
        paired = at < tl.where(t < length // 2 * 2, step_values, 0)
        mate = tl.load(z + (t ^ 1) * step_values + at, mask=paired, other=0.0).to(tl.float32)
        from_upper = tl.load(grad_upper + (t // 2) * step_values + at, mask=paired, other=0.0)
        larger = (mate < here) | ((mate == here) & (at * 0 + t % 2 == 0))  # the first of equals
        grad += tl.where(larger, from_upper, 0.0)
    tl.store(grad_z + t * step_values + at, grad, mask=ok)
    total = -weight * tl.sum(here * positive.to(tl.float32), 0)
    tl.store(sums + t * tl.num_programs(1) + tl.program_id(1), total)


@triton.jit
def _group_numbers(lengths, weights, groups, n_rows, TEMPORAL: tl.constexpr):
    """(rows that count in a group, first group that does not count, weight)."""
    length = tl.load(lengths)
    if TEMPORAL:
        n, beyond, weight = 2 * length, groups, tl.load(weights + 1)
    else:
        n, beyond, weight = n_rows, length, tl.load(weights)
    return n, beyond, weight


@triton.jit
def _load(base, rows, d, ok, row_stride, width):
    return tl.load(
        base + rows[:, None] * row_stride + d[None, :], mask=ok[:, None] & (d < width)[None, :], other=0.0
    )


@triton.jit
def _load_both(base, rows, ok, row_stride, width, D1: tl.constexpr, D2: tl.constexpr):
    """The first D1 components of the rows and the next D2; if D2 is 0, the first twice."""
    first = _load(base, rows, tl.arange(0, D1), ok, row_stride, width)
    second = first
    if D2 > 0:
        second = _load(base, rows, D1 + tl.arange(0, D2), ok, row_stride, width)
    return first, second


@triton.jit
def _add(base, rows, d, ok, row_stride, width, value):
    at = base + rows[:, None] * row_stride + d[None, :]
    within = ok[:, None] & (d < width)[None, :]
    tl.store(at, tl.load(at, mask=within, other=0.0) + value, mask=within)


@triton.jit
def _similarities(a1, a2, b1, b2, rows, columns, n, D2: tl.constexpr):
    """Similarities of rows and columns, -inf for a row with itself and for columns that do not count."""
    s = tl.dot(a1, tl.trans(b1), input_precision="ieee")
    if D2 > 0:
        s = tl.dot(a2, tl.trans(b2), acc=s, input_precision="ieee")
    return tl.where((rows[:, None] != columns[None, :]) & (columns < n)[None, :], s, -float("inf"))


@triton.jit
def _whole_groups_kernel(
    z, grad_z, lengths, weights, sums, groups, n_rows, group_stride, row_stride, width,
    TEMPORAL: tl.constexpr, D1: tl.constexpr, D2: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """One group per program, its rows in one tile: grad_z += weight * W z, and the sum of weight * l."""
    group = tl.program_id(0)
    n, beyond, weight = _group_numbers(lengths, weights, groups, n_rows, TEMPORAL)
    total = 0.0
    if (group < beyond) & (weight != 0.0):
        rows = tl.arange(0, ROWS)
        ok = rows < n
        z1, z2 = _load_both(z + group * group_stride, rows, ok, row_stride, width, D1, D2)
        s = _similarities(z1, z2, z1, z2, rows, rows, n, D2)
        highest = tl.max(s, 1)
        shifted = tl.exp(s - highest[:, None])
        l_ = highest + tl.log(tl.sum(shifted, 1))
        total = weight * tl.sum(tl.where(ok, l_, 0.0), 0)
        share = tl.where(ok[:, None], tl.exp(s - l_[:, None]), 0.0)
        w = (share + tl.trans(share)).to(z1.dtype)
        _add(grad_z + group * group_stride, rows, tl.arange(0, D1), ok, row_stride, width,
             weight * tl.dot(w, z1, input_precision="ieee"))  # fmt: skip
        if D2 > 0:
            _add(grad_z + group * group_stride, rows, D1 + tl.arange(0, D2), ok, row_stride, width,
                 weight * tl.dot(w, z2, input_precision="ieee"))  # fmt: skip
    tl.store(sums + group, total)


@triton.jit
def _log_sum_exp_kernel(
    z, l_, lengths, weights, sums, groups, n_rows, group_stride, row_stride, width,
    TEMPORAL: tl.constexpr, D1: tl.constexpr, D2: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """l of a block of rows, over blocks of columns, and the sum of weight * l."""
    block, group = tl.program_id(0), tl.program_id(1)
    n, beyond, weight = _group_numbers(lengths, weights, groups, n_rows, TEMPORAL)
    total = 0.0
    if (group < beyond) & (weight != 0.0) & (block * ROWS < n):
        base = z + group * group_stride
        rows = block * ROWS + tl.arange(0, ROWS)
        a1, a2 = _load_both(base, rows, rows < n, row_stride, width, D1, D2)
        highest = tl.full((ROWS,), -float("inf"), tl.float32)
        summed = tl.zeros((ROWS,), tl.float32)
        for start in range(0, n, COLUMNS):
            columns = start + tl.arange(0, COLUMNS)
            b1, b2 = _load_both(base, columns, columns < n, row_stride, width, D1, D2)
            s = _similarities(a1, a2, b1, b2, rows, columns, n, D2)
            now = tl.maximum(highest, tl.max(s, 1))
            shift = tl.where(now == -float("inf"), 0.0, now)
            summed = summed * tl.exp(highest - shift) + tl.sum(tl.exp(s - shift[:, None]), 1)
            highest = now
        row_log_sums = highest + tl.log(summed)
        tl.store(l_ + group * n_rows + rows, row_log_sums, mask=rows < n)
        total = weight * tl.sum(tl.where(rows < n, row_log_sums, 0.0), 0)
    tl.store(sums + group * tl.num_programs(0) + block, total)


@triton.jit
def _grad_z_kernel(
    z, grad_z, l_, lengths, weights, groups, n_rows, group_stride, row_stride, width,
    TEMPORAL: tl.constexpr, D1: tl.constexpr, D2: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """grad_z += weight * W z for a block of rows, given l."""
    block, group = tl.program_id(0), tl.program_id(1)
    n, beyond, weight = _group_numbers(lengths, weights, groups, n_rows, TEMPORAL)
    if (group < beyond) & (weight != 0.0) & (block * ROWS < n):
        base = z + group * group_stride
        rows = block * ROWS + tl.arange(0, ROWS)
        a1, a2 = _load_both(base, rows, rows < n, row_stride, width, D1, D2)
        summed1 = tl.zeros((ROWS, D1), tl.float32)
        if D2 > 0:
            summed2 = tl.zeros((ROWS, D2), tl.float32)
        row_log_sums = tl.load(l_ + group * n_rows + rows, mask=rows < n, other=0.0)
        for start in range(0, n, COLUMNS):
            columns = start + tl.arange(0, COLUMNS)
            b1, b2 = _load_both(base, columns, columns < n, row_stride, width, D1, D2)
            s = _similarities(a1, a2, b1, b2, rows, columns, n, D2)
            column_log_sums = tl.load(l_ + group * n_rows + columns, mask=columns < n, other=0.0)
            w = (tl.exp(s - row_log_sums[:, None]) + tl.exp(s - column_log_sums[None, :])).to(a1.dtype)
            summed1 = tl.dot(w, b1, acc=summed1, input_precision="ieee")
            if D2 > 0:
                summed2 = tl.dot(w, b2, acc=summed2, input_precision="ieee")
        base = grad_z + group * group_stride
        _add(base, rows, tl.arange(0, D1), rows < n, row_stride, width, weight * summed1)
        if D2 > 0:
            _add(base, rows, D1 + tl.arange(0, D2), rows < n, row_stride, width, weight * summed2)
