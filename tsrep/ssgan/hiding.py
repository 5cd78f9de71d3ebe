"""Which observed values a training step hides from the generator, so that it learns to estimate them.

Single values are hidden at random, drawn anew for each batch (dynamic masking). But gaps of real series often come in
runs: a sensor fails for a day, a channel is never measured. A generator trained on single hidden values fills such gaps
badly. So if the gaps of the data come in runs, some series are hidden where another series of the batch has its gaps.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

MIN_STICKINESS = 0.2  # `stickiness` from which gaps count as runs


def stickiness(observed: Tensor, inside: Tensor | None = None) -> float:
    """How much more often than by chance a missing value follows a missing one: 0 at chance level, 1 if always.

    It is (q - p) / (1 - p), the correlation of neighbours, with p the share of missing values and q that share after a
    missing value. `observed` (B, T, C); `inside` (B, T), None: all steps.
    """
    within = torch.ones_like(observed) if inside is None else inside.unsqueeze(-1).expand_as(observed)
    missing = within & ~observed
    first = missing[:, :-1] & within[:, 1:]
    share = missing.sum() / within.sum().clamp(min=1)
    after = (first & missing[:, 1:]).sum() / first.sum().clamp(min=1)
    return float((after - share) / (1 - share).clamp(min=1e-9)) if bool(missing.any()) else 0.0


def borrow_rate(observed: Tensor, inside: Tensor | None, most: float) -> float:
    """Share of the series to hide by another's gaps: half of the stickiness.

    It is 0 if gaps are single values, or if more than the share `most` of all values is missing, since too few values
    would remain.
    """
    within = observed.numel() if inside is None else int(inside.sum()) * observed.shape[-1]
    sticky = stickiness(observed, inside)
    return sticky / 2 if sticky >= MIN_STICKINESS and 1 - int(observed.sum()) / within <= most else 0.0


def hide(
    observed: Tensor, rate: float, borrowed: float, randomness: torch.Generator, inside: Tensor | None = None
) -> Tensor:
    """(B, T, C), True where an observed value is hidden.

    Parameters
    ----------
    observed : (B, T, C).
    rate : probability of each observed value; 0 hides nothing, by gaps neither.
    borrowed : probability of each series to be hidden where another one has gaps instead.
    randomness : source of all random numbers.
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
    borrows = torch.rand(len(observed), 1, 1, generator=randomness, device=source) < borrowed
    return torch.where(borrows.to(observed.device), observed & gaps[other], hidden)
