"""The hierarchical contrastive loss of TS2Vec (Yue et al., AAAI 2022, section 3.3 and algorithm 1).

Both of the paper's losses are one function, `contrast`. Each row of a group has one positive, the same row of the
other view; all other rows of both views of the group are its negatives (equations 1 and 2). In the temporal loss a
group is an instance and its rows are the steps. In the instance-wise loss a group is a step and its rows are the
instances of the batch.

Departure: steps outside an instance are neither anchors nor negatives and do not enter the pooling; the mean is over
the steps inside. On complete series nothing differs from the authors' code.

This is the definition. Training computes the same loss in `fast/tiled.py`, except on tiny input.

Shapes: G groups, M rows of one view; B instances, T steps, D components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.nn.masking import masked_mean


def hierarchical_loss(
    z1: Tensor, z2: Tensor, *, alpha: float = 0.5, temporal_unit: int = 0, inside: Tensor | None = None
) -> Tensor:
    """Algorithm 1: both losses at every level of a max-pooling hierarchy over time, averaged over the levels.

    Parameters
    ----------
    z1, z2 : (B, T, D), representations of the same steps in the two views.
    alpha : weight of the instance-wise loss; the temporal loss has the weight 1 - alpha.
    temporal_unit : the temporal loss begins at resolution 2 ** temporal_unit steps.
    inside : (B, T), False where a step is padding; None: all inside.
    """
    total, level = 0 * z1.sum(), 0  # has a gradient even if no term applies: one step and alpha = 0
    while True:
        if alpha > 0:
            total = total + alpha * instance_loss(z1, z2, inside)
        top = z1.shape[1] == 1
        if alpha < 1 and level >= temporal_unit and not top:
            total = total + (1 - alpha) * temporal_loss(z1, z2, inside)
        level += 1
        if top:
            return total / level
        z1, z2, inside = halve(z1, inside), halve(z2, inside), _halve_mask(inside)


def flat_loss(z1: Tensor, z2: Tensor, *, alpha: float = 0.5, inside: Tensor | None = None) -> Tensor:
    """Equation 3 at full resolution only: the ablation without the hierarchy."""
    return alpha * instance_loss(z1, z2, inside) + (1 - alpha) * temporal_loss(z1, z2, inside)


def temporal_loss(z1: Tensor, z2: Tensor, inside: Tensor | None = None) -> Tensor:
    """Equation 1: the same step in both views, against the other steps of its instance."""
    return contrast(z1, z2, inside)


def instance_loss(z1: Tensor, z2: Tensor, inside: Tensor | None = None) -> Tensor:
    """Equation 2: the same step in both views, against the same step of the batch's other instances."""
    return contrast(z1.transpose(0, 1), z2.transpose(0, 1), None if inside is None else inside.T)


def contrast(z1: Tensor, z2: Tensor, inside: Tensor | None = None) -> Tensor:
    """Mean over rows of log sum exp(similarity to all others) - similarity to the positive; (G, M, D) -> scalar."""
    rows = torch.cat([z1, z2], dim=1)
    positive = (z1 * z2).sum(-1).repeat(1, 2)
    similarity = rows @ rows.mT
    excluded = torch.eye(rows.shape[1], dtype=torch.bool, device=rows.device)
    if inside is None:
        return (similarity.masked_fill(excluded, -torch.inf).logsumexp(-1) - positive).mean()
    valid = torch.cat([inside, inside], dim=1)
    excluded = (excluded | ~valid.unsqueeze(1)) & valid.unsqueeze(2)  # a row outside has a finite sum
    error = similarity.masked_fill(excluded, -torch.inf).logsumexp(-1) - positive
    return masked_mean(error, valid)


def halve(z: Tensor, inside: Tensor | None = None) -> Tensor:
    """Max over pairs of steps, (B, T, D) -> (B, T // 2, D); an odd last step is dropped, as in the authors' code."""
    if inside is not None:
        z = z.masked_fill(~inside.unsqueeze(-1), -torch.inf)
    even = z.shape[1] // 2 * 2
    z = torch.maximum(z[:, 0:even:2], z[:, 1:even:2])
    return z if inside is None else z.masked_fill(z.isneginf(), 0.0)


def _halve_mask(inside: Tensor | None) -> Tensor | None:
    if inside is None:
        return None
    even = inside.shape[1] // 2 * 2
    return inside[:, :even].unflatten(1, (-1, 2)).any(-1)
