"""Which observed values a training step hides from the generator: what it hides is what it learns to find.

Single values at random, anew for every batch (dynamic masking). But gaps of real series often stick together: a sensor
fails for a day, a channel is never measured. A generator that has only seen single values hidden fills those badly, so
where they do, some series are hidden where another one of the batch has its gaps: those are of the right kind.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

STICKING = 0.2  # least `stickiness` of gaps that are more than single values


def stickiness(observed: Tensor, inside: Tensor | None = None) -> float:
    """How much more often than by chance a missing value follows a missing one: 0 if it is chance, 1 if it always does.

    With p the share of missing values and q that after a missing one it is (q - p) / (1 - p), the correlation of
    neighbours. `observed` (B, T, C); `inside` (B, T), None: all.
    """
    within = torch.ones_like(observed) if inside is None else inside.unsqueeze(-1).expand_as(observed)
    missing = within & ~observed
    first = missing[:, :-1] & within[:, 1:]
    share = missing.sum() / within.sum().clamp(min=1)
    after = (first & missing[:, 1:]).sum() / first.sum().clamp(min=1)
    return float((after - share) / (1 - share).clamp(min=1e-9)) if bool(missing.any()) else 0.0


def borrow_rate(observed: Tensor, inside: Tensor | None, most: float) -> float:
    """Share of series to hide by another's gaps: half of the stickiness; 0 where gaps are single values, or where more
    than the share `most` of all values is missing, which would leave too little to see."""
    within = observed.numel() if inside is None else int(inside.sum()) * observed.shape[-1]
    sticking = stickiness(observed, inside)
    return sticking / 2 if sticking >= STICKING and 1 - int(observed.sum()) / within <= most else 0.0


def hide(
    observed: Tensor, rate: float, borrowed: float, randomness: torch.Generator, inside: Tensor | None = None
) -> Tensor:
    """(B, T, C), True where an observed value is to be hidden.

    Parameters
    ----------
    observed : (B, T, C).
    rate : chance of each observed value; 0 hides nothing, by gaps neither.
    borrowed : chance of each series to be hidden where another one has gaps instead.
    randomness : where all chance comes from.
    inside : (B, T), False where a step is padding, which is no gap; None: all inside.
    """
    if rate == 0:
        return torch.zeros_like(observed)
    source = randomness.device
    chance = torch.rand(observed.shape, generator=randomness, device=source)
    hidden = observed & (chance < rate).to(observed.device)
    if borrowed == 0:
        return hidden
    gaps = ~observed if inside is None else ~observed & inside.unsqueeze(-1)
    other = torch.randperm(len(observed), generator=randomness, device=source).to(observed.device)
    chosen = torch.rand(len(observed), 1, 1, generator=randomness, device=source) < borrowed
    return torch.where(chosen.to(observed.device), observed & gaps[other], hidden)
