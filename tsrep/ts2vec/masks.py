"""Timestamp masks (TS2Vec, section 3.2): (B, T) booleans, True where a step stays visible."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Mask = Callable[[int, int, torch.Generator], Tensor]


def binomial(batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """Keeps each step of each instance with probability 1/2: the paper's mask."""
    return torch.rand(batch, steps, generator=generator) < 0.5


def continuous(batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """Hides five runs of a tenth of the series in each instance; they may overlap."""
    length = max(1, steps // 10)
    starts = torch.randint(0, steps - length + 1, (batch, 5), generator=generator)
    position = torch.arange(steps)
    hidden = (position >= starts.unsqueeze(-1)) & (position < starts.unsqueeze(-1) + length)
    return ~hidden.any(1)


def all_true(batch: int, steps: int, generator: torch.Generator | None = None) -> Tensor:
    """Hides no step."""
    return torch.ones(batch, steps, dtype=torch.bool)


def all_false(batch: int, steps: int, generator: torch.Generator | None = None) -> Tensor:
    """Hides all steps."""
    return torch.zeros(batch, steps, dtype=torch.bool)


def last(batch: int, steps: int, generator: torch.Generator | None = None) -> Tensor:
    """Hides the last step only, as the paper's anomaly score does."""
    keep = all_true(batch, steps)
    keep[:, -1] = False
    return keep


MASKS: dict[str, Mask] = {
    "binomial": binomial,
    "continuous": continuous,
    "all_true": all_true,
    "all_false": all_false,
    "last": last,
}


def masks_by_instance(mask: str, seed: int) -> Callable[[range, int], Tensor]:
    """(which instances, T) -> their masks; each is drawn by the number of its instance, in whatever batch that is."""

    def masks(instances: range, steps: int) -> Tensor:
        each = [torch.Generator().manual_seed(_mixed(seed, instance)) for instance in instances]
        return torch.cat([MASKS[mask](1, steps, generator) for generator in each])

    return masks


def _mixed(seed: int, instance: int) -> int:
    return int(np.random.SeedSequence((seed, instance)).generate_state(1, np.uint64)[0])
