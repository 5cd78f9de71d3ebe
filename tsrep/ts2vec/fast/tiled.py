"""The hierarchical contrastive loss and its gradient in tiles: the loss of `loss.py` in less time and memory.

With s = z z^T the similarities of a group's N rows and l_i = log sum_(j != i) exp(s_ij), the gradient of the sum of all
l_i is W z, w_ij = exp(s_ij - l_i) + exp(s_ij - l_j). Hence:

- s and W are symmetric: only tiles on and above the diagonal are computed, once for rows and columns;
- the gradient is known as soon as the l_i are. The forward pass accumulates it level by level, so only one tensor of
  the size of the representations is kept for the backward pass;
- tiles are kept between the two passes over them as exp(s - c), one c per tile, so that both need one exponential per
  entry (s itself is kept if some of the exponentials would vanish). Beyond `kept_values` tiles are recomputed, so
  memory grows with N and not with its square.

Both views are in one tensor (T, 2, B, D). The rows of the temporal loss (the steps of an instance in both views) and of
the instance-wise loss (the instances of a step in both views) are views of this tensor, so nothing is copied.

Shapes: T steps, B instances, D components, `inside` (T, B); G groups of N rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from tsrep.ts2vec.fast.levels import Levels

MIN_TILE_ROWS = 128
MAX_EXPONENT = 60.0  # exp(-60) is a normal number in 32 bit, and so are sums of such numbers


class Tiling(NamedTuple):
    """Sizes that suit a processor's caches."""

    rows: int  # at most, of a tile
    values_at_once: int  # of the groups that are computed together
    kept_values: int  # of the tiles that are kept for the gradient


CPU = Tiling(rows=384, values_at_once=2**19, kept_values=2**24)
GPU = Tiling(rows=4096, values_at_once=2**27, kept_values=2**30)


def tiled_loss(
    z: Tensor,
    *,
    alpha: float,
    temporal_unit: int = 0,
    inside: Tensor | None = None,
    hierarchical: bool = True,
    tiling: Tiling | None = None,
) -> Tensor:
    """`loss.hierarchical_loss`, or `loss.flat_loss` if not `hierarchical`, of both views `z` (T, 2, B, D).

    `inside` (T, B), False where a step is padding; `tiling` None: that of the device.
    """
    if inside is not None:
        z = z.masked_fill(~inside[:, None, :, None], 0.0)
    if tiling is None:
        tiling = CPU if z.is_cpu else GPU
    return _TiledLoss.apply(z.contiguous(), inside, alpha, temporal_unit, hierarchical, tiling)


def both_views(z1: Tensor, z2: Tensor) -> Tensor:
    """Two views (B, T, D) as one tensor (T, 2, B, D)."""
    return torch.stack([z1.transpose(0, 1), z2.transpose(0, 1)], dim=1)


class _TiledLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        inside: Tensor | None,
        alpha: float,
        temporal_unit: int,
        hierarchical: bool,
        tiling: Tiling,
    ) -> Tensor:
        levels = len(z).bit_length() if hierarchical else 1
        weights = _Weights(alpha / levels, (1 - alpha) / levels, temporal_unit if hierarchical else 0)
        value, ctx.grad_z = _loss_of_levels(z, inside, levels, weights, tiling, ctx.needs_input_grad[0])
        return value

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad_z, ctx.grad_z = ctx.grad_z, None  # freed, since it is scaled in place
        if grad_z is None:
            raise RuntimeError("the loss was differentiated a second time; call it again")
        return grad_z.mul_(grad_outputs[0]), None, None, None, None, None


def tiled_loss_of_prefix(z: Tensor, levels: Levels) -> Tensor:
    """`tiled_loss` of the first `levels.lengths[0]` steps of `z` (T, 2, B, D), without host synchronisation."""
    return _TiledLossOfPrefix.apply(z.contiguous(), *levels)


class _TiledLossOfPrefix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, lengths: Tensor, weights: Tensor) -> Tensor:
        tiling = CPU if z.is_cpu else GPU
        pyramid = [z]
        while len(pyramid) < len(lengths):
            pyramid.append(max_over_pairs(pyramid[-1], None)[0])
        value, grad_z = z.new_zeros(()), None
        for level in reversed(range(len(pyramid))):
            steps, grad_upper = pyramid.pop(), grad_z
            counts = torch.arange(len(steps), device=z.device) < lengths[level]
            steps = steps * counts.view(-1, 1, 1, 1)
            grad_z = torch.empty_like(steps)
            inside = counts.unsqueeze(1).expand(-1, z.shape[2])
            value += _loss_of_level(steps, grad_z, inside, weights[level, 0], weights[level, 1], tiling)
            if grad_upper is not None:
                _add_upper_gradient(grad_upper, steps, grad_z, None)
        ctx.grad_z = grad_z
        return value

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.grad_z * grad_outputs[0], None, None


class _Weights(NamedTuple):
    """Weights of the two losses at each level; the temporal loss begins at level `temporal_unit`."""

    instance: float
    temporal: float
    temporal_unit: int


def _loss_of_levels(
    z: Tensor, inside: Tensor | None, levels: int, weights: _Weights, tiling: Tiling, needs_grad: bool
) -> tuple[Tensor, Tensor | None]:
    """The loss of this level and the levels above, `levels` in all, and its gradient.

    The upper levels come first, so that their memory is freed before the largest level is computed.
    """
    value, grad_upper = z.new_zeros(()), None
    if levels > 1:
        upper, upper_inside = max_over_pairs(z, inside)
        later = weights._replace(temporal_unit=weights.temporal_unit - 1)
        value, grad_upper = _loss_of_levels(upper, upper_inside, levels - 1, later, tiling, needs_grad)
        del upper
    grad_z = torch.empty_like(z) if needs_grad else None
    temporal_weight = weights.temporal if weights.temporal_unit <= 0 and len(z) > 1 else 0.0
    n = 2 * (z.shape[0] * z.shape[2] if inside is None else max(1, int(inside.sum())))
    value += _loss_of_level(z, grad_z, inside, weights.instance / n, temporal_weight / n, tiling)
    if grad_z is not None and grad_upper is not None:
        _add_upper_gradient(grad_upper, z, grad_z, inside)
    return value, grad_z


def _loss_of_level(
    z: Tensor,
    grad_z: Tensor | None,
    inside: Tensor | None,
    instance_weight: float | Tensor,
    temporal_weight: float | Tensor,
    tiling: Tiling,
) -> Tensor:
    """One level: attraction, and repulsion over instances and over time, each with its weight. Writes `grad_z`."""
    value = _attraction(z, grad_z, instance_weight + temporal_weight)
    if isinstance(instance_weight, Tensor) or instance_weight > 0:
        instances, grad_rows = z.flatten(1, 2), None if grad_z is None else grad_z.flatten(1, 2)
        both = None if inside is None else inside.repeat(1, 2)
        value += _repulsion(instances, grad_rows, both, instance_weight, tiling)
    if isinstance(temporal_weight, Tensor) or temporal_weight > 0:
        steps = z.flatten(0, 1).transpose(0, 1)
        grad_rows = None if grad_z is None else grad_z.flatten(0, 1).transpose(0, 1)
        both = None if inside is None else inside.T.repeat_interleave(2, dim=1)
        value += _repulsion(steps, grad_rows, both, temporal_weight, tiling)
    return value


def _attraction(z: Tensor, grad_z: Tensor | None, weight: float | Tensor) -> Tensor:
    """-weight * sum over rows of the similarity to the positive, the same step and instance in the other view."""
    first, second = z.unbind(1)
    if grad_z is not None:
        torch.mul(second, -2 * weight, out=grad_z[:, 0])
        torch.mul(first, -2 * weight, out=grad_z[:, 1])
    return -2 * weight * (first * second).sum()


def max_over_pairs(z: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Max over pairs of steps of both views, 0 for a pair outside, and which of the pairs are inside."""
    even = len(z) // 2 * 2
    if inside is None:
        return torch.maximum(z[0:even:2], z[1:even:2]), None
    low = z.masked_fill(~inside[:, None, :, None], -torch.inf)
    upper = torch.maximum(low[0:even:2], low[1:even:2])
    return upper.masked_fill_(upper.isneginf(), 0.0), inside[0:even:2] | inside[1:even:2]


def _add_upper_gradient(grad_upper: Tensor, z: Tensor, grad_z: Tensor, inside: Tensor | None) -> None:
    """Adds the gradient of the level above: to the larger step of each pair, to the first if both are equal."""
    even = len(z) // 2 * 2
    from_second = torch.empty_like(grad_upper)  # 1 or 0: a product is several times faster than `where`
    torch.gt(z[1:even:2], z[0:even:2], out=from_second)
    if inside is not None:
        first_inside, second_inside = inside[0:even:2, None, :, None], inside[1:even:2, None, :, None]
        from_second.masked_fill_(~second_inside, 0.0).masked_fill_(second_inside & ~first_inside, 1.0)
    second = from_second.mul_(grad_upper)
    grad_z[1:even:2] += second
    grad_z[0:even:2] += grad_upper.sub_(second)


def _repulsion(
    z: Tensor, grad_z: Tensor | None, inside: Tensor | None, weight: float | Tensor, tiling: Tiling
) -> Tensor:
    """weight * sum over rows of log sum exp of their similarities to the other rows of the group.

    `z` (G, N, D), `inside` (G, N); the gradient is added to `grad_z`.
    """
    n_groups, n, width = z.shape
    rows = min(tiling.rows, max(MIN_TILE_ROWS, -(-n // 4)))
    at_once = max(1, tiling.values_at_once // max(min(n, rows) ** 2, n * width))
    value = z.new_zeros(())
    for start in range(0, n_groups, at_once):
        groups = slice(start, start + at_once)
        tiles = _Tiles(z[groups], None if inside is None else inside[groups], rows, tiling.kept_values)
        log_sums = tiles.log_sum_exp()
        for part in log_sums:
            value += part.sum() if inside is None else part.masked_fill(part.isneginf(), 0.0).sum()
        if grad_z is not None:
            tiles.add_grad_z(grad_z[groups], log_sums, weight)
    return value * weight


class _Tiles:
    """The similarities of the rows of groups `z` (G, N, D), in tiles on and above the diagonal."""

    def __init__(self, z: Tensor, inside: Tensor | None, rows: int, kept_values: int):
        self.rows = z.split(rows, dim=1)
        self.inside = None if inside is None else inside.split(rows, dim=1)
        self.tile_indices = [(i, j) for i in range(len(self.rows)) for j in range(i, len(self.rows))]
        self.kept_tiles: dict[tuple[int, int], tuple[Tensor, Tensor | None]] = {}
        self.keeps_tiles = len(z) * z.shape[1] ** 2 // 2 <= kept_values

    def log_sum_exp(self) -> list[Tensor]:
        """l of the rows of each block, (G, rows); -inf for a row outside."""
        l_ = [row.new_full(row.shape[:2], -torch.inf) for row in self.rows]
        for i, j in self.tile_indices:
            tile, c = self._tile(i, j)
            l_[i] = torch.logaddexp(l_[i], _sum_over(2, tile, c))
            if i != j:
                l_[j] = torch.logaddexp(l_[j], _sum_over(1, tile, c))
            if self.keeps_tiles:
                self.kept_tiles[i, j] = tile, c
        return l_

    def add_grad_z(self, grad_z: Tensor, log_sums: list[Tensor], weight: float | Tensor) -> None:
        """Adds weight * W z to `grad_z`, (G, N, D)."""
        grad_rows = grad_z.split(self.rows[0].shape[1], dim=1)
        l_ = [part.masked_fill(part.isneginf(), torch.inf) for part in log_sums]  # exp(-inf - inf) is 0
        for i, j in self.tile_indices:
            tile, c = self.kept_tiles.pop((i, j)) if self.keeps_tiles else self._tile(i, j)
            if c is None:
                w = (tile - l_[i].unsqueeze(2)).exp_()
                w += tile.sub_(l_[j].unsqueeze(1)).exp_()
            else:
                w = tile.mul_((c - l_[i]).exp().unsqueeze(2) + (c - l_[j]).exp().unsqueeze(1))
            if isinstance(weight, Tensor):
                w, alpha = w.mul_(weight), 1.0
            else:
                alpha = weight
            grad_rows[i].baddbmm_(w, self.rows[j], alpha=alpha)
            if i != j:
                grad_rows[j].baddbmm_(w.mT, self.rows[i], alpha=alpha)

    def _tile(self, i: int, j: int) -> tuple[Tensor, Tensor | None]:
        """(exp(s - c), c (G, 1)) or (s, None): s between blocks i and j, -inf for a row with itself or outside."""
        s = self.rows[i] @ self.rows[j].mT
        if i == j:
            s.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
        if self.inside is not None:
            s.masked_fill_(~(self.inside[i].unsqueeze(2) & self.inside[j].unsqueeze(1)), -torch.inf)
        if not s.is_cpu:  # there the test below would need host synchronisation
            return s, None
        highest = torch.cat([s.amax(2), s.amax(1)], dim=1)
        c = highest.amax(1, keepdim=True).clamp(min=torch.finfo(s.dtype).min)
        if bool(((highest > c - MAX_EXPONENT) | highest.isneginf()).all()):
            return s.sub_(c.unsqueeze(2)).exp_(), c
        return s, None


def _sum_over(dim: int, tile: Tensor, c: Tensor | None) -> Tensor:
    return tile.logsumexp(dim) if c is None else tile.sum(dim).log_() + c
