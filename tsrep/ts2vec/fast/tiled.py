"""The hierarchical contrastive loss and its gradient in tiles: `loss.py`, which defines it, in less time and memory.

With s = z z^T the similarities of a group's N rows and l_i = log sum_(j != i) exp(s_ij), the sum of all l_i has the
gradient W z, w_ij = exp(s_ij - l_i) + exp(s_ij - l_j). Hence:

- s is symmetric and so is W: only tiles on and above the diagonal are computed, once for rows and columns;
- the gradient is known as soon as the l are. It is added up in the forward pass, level by level, so that one tensor of
  the size of the representations is all that waits for the backward pass;
- tiles wait from the sum to the gradient as exp(s - c), one c a tile, so that one exponential an entry serves both
  (where entries are so far apart that some would vanish, s itself waits). If they are many they are computed again, so
  memory grows with N and not with its square.

Both views lie in one tensor (T, 2, B, D). The rows of the temporal loss (an instance's steps in both) and those of the
instance-wise one (a step's instances in both) are views of it, so nothing is copied.

Shapes: T steps, B instances, D components, `inside` (T, B); G groups of N rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from tsrep.ts2vec.fast.levels import Levels

MANY = 128  # rows of a tile, at least
REACH = 60.0  # exp(-REACH) is still an ordinary number in 32 bit, with room for what is added up


class Tiling(NamedTuple):
    """Sizes that suit a processor's caches; in values, but for `rows`."""

    rows: int  # of a tile, at most
    together: int  # of the groups worked on together
    kept: int  # of the tiles that wait for the gradient


CPU = Tiling(rows=384, together=2**19, kept=2**24)
GPU = Tiling(rows=4096, together=2**27, kept=2**30)


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

    `inside` (T, B); `tiling` None suits the device.
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
        value, ctx.gradient = _levels(z, inside, levels, weights, tiling, ctx.needs_input_grad[0])
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        dz, ctx.gradient = ctx.gradient, None  # used up: it is scaled in place
        if dz is None:
            raise RuntimeError("the loss was differentiated a second time; call it again")
        return dz.mul_(gradients[0]), None, None, None, None, None


def tiled_loss_of_first(z: Tensor, levels: Levels) -> Tensor:
    """`tiled_loss` of the first steps of `z` (T, 2, B, D), how many is up to `levels`: the host is not asked."""
    return _TiledLossOfFirst.apply(z.contiguous(), *levels)


class _TiledLossOfFirst(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, lengths: Tensor, weights: Tensor) -> Tensor:
        tiling = CPU if z.is_cpu else GPU
        pyramid = [z]
        while len(pyramid) < len(lengths):
            pyramid.append(higher_of_pairs(pyramid[-1], None)[0])
        value, dz = z.new_zeros(()), None
        for level in reversed(range(len(pyramid))):
            steps, upper_dz = pyramid.pop(), dz
            counts = torch.arange(len(steps), device=z.device) < lengths[level]
            steps = steps * counts.view(-1, 1, 1, 1)
            dz = torch.empty_like(steps)
            inside = counts.unsqueeze(1).expand(-1, z.shape[2])
            value += _terms(steps, dz, inside, weights[level, 0], weights[level, 1], tiling)
            if upper_dz is not None:
                _hand_down(upper_dz, steps, dz, None)
        ctx.gradient = dz
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.gradient * gradients[0], None, None


class _Weights(NamedTuple):
    """Of the instance-wise and of the temporal loss at each level; the latter begins at level `temporal_unit`."""

    across: float
    along: float
    temporal_unit: int


def _levels(
    z: Tensor, inside: Tensor | None, levels: int, weights: _Weights, tiling: Tiling, want_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The loss of `levels` levels from this one on, and its gradient.

    The levels above go first, so that what they need is freed before the largest is worked on.
    """
    value, upper_dz = z.new_zeros(()), None
    if levels > 1:
        upper, upper_inside = higher_of_pairs(z, inside)
        later = weights._replace(temporal_unit=weights.temporal_unit - 1)
        value, upper_dz = _levels(upper, upper_inside, levels - 1, later, tiling, want_gradient)
        del upper
    dz = torch.empty_like(z) if want_gradient else None
    across, along = weights.across, weights.along if weights.temporal_unit <= 0 and len(z) > 1 else 0.0
    n = 2 * (z.shape[0] * z.shape[2] if inside is None else max(1, int(inside.sum())))
    value += _terms(z, dz, inside, across / n, along / n, tiling)
    if dz is not None and upper_dz is not None:
        _hand_down(upper_dz, z, dz, inside)
    return value, dz


def _terms(
    z: Tensor,
    dz: Tensor | None,
    inside: Tensor | None,
    across: float | Tensor,
    along: float | Tensor,
    tiling: Tiling,
) -> Tensor:
    """One level: attraction, and the repulsion across instances and along time by their weights. Writes `dz`."""
    value = _attraction(z, dz, across + along)
    if isinstance(across, Tensor) or across > 0:
        instances, into = z.flatten(1, 2), None if dz is None else dz.flatten(1, 2)
        both = None if inside is None else inside.repeat(1, 2)
        value += _repulsion(instances, into, both, across, tiling)
    if isinstance(along, Tensor) or along > 0:
        steps = z.flatten(0, 1).transpose(0, 1)
        into = None if dz is None else dz.flatten(0, 1).transpose(0, 1)
        both = None if inside is None else inside.T.repeat_interleave(2, dim=1)
        value += _repulsion(steps, into, both, along, tiling)
    return value


def _attraction(z: Tensor, dz: Tensor | None, weight: float | Tensor) -> Tensor:
    """-weight * sum over rows of the similarity to the positive, the same step and instance in the other view."""
    first, second = z.unbind(1)
    if dz is not None:
        torch.mul(second, -2 * weight, out=dz[:, 0])
        torch.mul(first, -2 * weight, out=dz[:, 1])
    return -2 * weight * (first * second).sum()


def higher_of_pairs(z: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Max over pairs of steps of both views and which of the pairs lie inside; what does not is zero."""
    even = len(z) // 2 * 2
    if inside is None:
        return torch.maximum(z[0:even:2], z[1:even:2]), None
    low = z.masked_fill(~inside[:, None, :, None], -torch.inf)
    upper = torch.maximum(low[0:even:2], low[1:even:2])
    return upper.masked_fill_(upper.isneginf(), 0.0), inside[0:even:2] | inside[1:even:2]


def _hand_down(upper_dz: Tensor, z: Tensor, dz: Tensor, inside: Tensor | None) -> None:
    """Adds a level's gradient to that of the one below: to the higher of each pair of steps, of equals the first."""
    even = len(z) // 2 * 2
    from_second = torch.empty_like(
        upper_dz
    )  # 1 or 0 as numbers: a product is several times faster than a choice
    torch.gt(z[1:even:2], z[0:even:2], out=from_second)
    if inside is not None:
        here, there = inside[0:even:2, None, :, None], inside[1:even:2, None, :, None]
        from_second.masked_fill_(~there, 0.0).masked_fill_(there & ~here, 1.0)
    second = from_second.mul_(upper_dz)
    dz[1:even:2] += second
    dz[0:even:2] += upper_dz.sub_(second)


def _repulsion(
    z: Tensor, dz: Tensor | None, inside: Tensor | None, weight: float | Tensor, tiling: Tiling
) -> Tensor:
    """weight * sum over rows of log sum exp of their similarities to the others of their group.

    `z` (G, N, D), `inside` (G, N); the gradient is added to `dz`.
    """
    n_groups, n, width = z.shape
    rows = min(tiling.rows, max(MANY, -(-n // 4)))
    at_once = max(1, tiling.together // max(min(n, rows) ** 2, n * width))
    value = z.new_zeros(())
    for start in range(0, n_groups, at_once):
        chosen = slice(start, start + at_once)
        tiles = _Tiles(z[chosen], None if inside is None else inside[chosen], rows, tiling.kept)
        of_rows = tiles.log_sum_exp()
        for part in of_rows:
            value += part.sum() if inside is None else part.masked_fill(part.isneginf(), 0.0).sum()
        if dz is not None:
            tiles.add_gradient(dz[chosen], of_rows, weight)
    return value * weight


class _Tiles:
    """The upper half of the similarities of a few groups, (G, N, D), in tiles."""

    def __init__(self, z: Tensor, inside: Tensor | None, rows: int, kept: int):
        self.rows = z.split(rows, dim=1)
        self.inside = None if inside is None else inside.split(rows, dim=1)
        self.places = [(i, j) for i in range(len(self.rows)) for j in range(i, len(self.rows))]
        self.waiting: dict[tuple[int, int], tuple[Tensor, Tensor | None]] = {}
        self.keep = len(z) * z.shape[1] ** 2 // 2 <= kept

    def log_sum_exp(self) -> list[Tensor]:
        """l of the rows of each block, (G, rows); -inf where a row lies outside."""
        l_ = [row.new_full(row.shape[:2], -torch.inf) for row in self.rows]
        for i, j in self.places:
            tile, c = self._tile(i, j)
            l_[i] = torch.logaddexp(l_[i], _sum_over(2, tile, c))
            if i != j:
                l_[j] = torch.logaddexp(l_[j], _sum_over(1, tile, c))
            if self.keep:
                self.waiting[i, j] = tile, c
        return l_

    def add_gradient(self, dz: Tensor, of_rows: list[Tensor], weight: float | Tensor) -> None:
        """Adds weight * W z to `dz`, (G, N, D)."""
        into = dz.split(self.rows[0].shape[1], dim=1)
        l_ = [part.masked_fill(part.isneginf(), torch.inf) for part in of_rows]  # exp(-inf - inf) is 0
        for i, j in self.places:
            tile, c = self.waiting.pop((i, j)) if self.keep else self._tile(i, j)
            if c is None:
                w = (tile - l_[i].unsqueeze(2)).exp_()
                w += tile.sub_(l_[j].unsqueeze(1)).exp_()
            else:
                w = tile.mul_((c - l_[i]).exp().unsqueeze(2) + (c - l_[j]).exp().unsqueeze(1))
            if isinstance(weight, Tensor):
                w, alpha = w.mul_(weight), 1.0
            else:
                alpha = weight
            into[i].baddbmm_(w, self.rows[j], alpha=alpha)
            if i != j:
                into[j].baddbmm_(w.mT, self.rows[i], alpha=alpha)

    def _tile(self, i: int, j: int) -> tuple[Tensor, Tensor | None]:
        """(exp(s - c), c), c (G, 1), or (s, None): s between blocks i and j, -inf for a row with itself or outside."""
        s = self.rows[i] @ self.rows[j].mT
        if i == j:
            s.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
        if self.inside is not None:
            s.masked_fill_(~(self.inside[i].unsqueeze(2) & self.inside[j].unsqueeze(1)), -torch.inf)
        if not s.is_cpu:  # asking whether an exponential would vanish makes an accelerator wait
            return s, None
        highest = torch.cat([s.amax(2), s.amax(1)], dim=1)
        c = highest.amax(1, keepdim=True).clamp(min=torch.finfo(s.dtype).min)
        if bool(((highest > c - REACH) | highest.isneginf()).all()):
            return s.sub_(c.unsqueeze(2)).exp_(), c
        return s, None


def _sum_over(dim: int, tile: Tensor, c: Tensor | None) -> Tensor:
    return tile.logsumexp(dim) if c is None else tile.sum(dim).log_() + c
