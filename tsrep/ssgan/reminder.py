"""The temporal reminder matrix of SSGAN (Miao et al., AAAI 2021): what the discriminator is told of the mask.

Without a reminder many generators are optimal against a discriminator. The reminder R tells it most of the mask M,
entry by entry:

    R = b * M + (1 - b) * 0.5,      b ~ Bernoulli(rate), drawn anew for each update,

so R is 1 (observed), 0 (imputed) or 1/2 (not told). The optimum of the game is then the distribution of the data given
the observed values. There are three kinds:

    "hint"      R alone: the hint of GAIN (Yoon et al., ICML 2018), which both ports of the paper use;
    "temporal"  in addition, the state of the discriminator decays with the time since a value was last observed;
    None        no reminder: R is 1/2 everywhere.

The authors' released code declares a rate and never uses it, and the text of the paper was not available, so the
temporal kind is our interpretation of the name. The time since a value was last observed counts from the last entry
that R marks as observed, not from M: otherwise the elapsed times would reveal entries that R withholds.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Kind = Literal["hint", "temporal"] | None
KINDS: tuple[Kind, ...] = ("temporal", "hint", None)


def draw_reminder(observed: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """R for the mask `observed`, both (B, T, C): 1, 0 or 1/2; `rate` is the probability that an entry is told.

    It is drawn on the device of `generator` and moved to that of `observed`.
    """
    chance = torch.rand(observed.shape, generator=generator, device=generator.device).to(observed.device)
    return torch.where(chance < rate, observed.to(chance), 0.5)


def reminded(reminder: Tensor) -> Tensor:
    """(B, T, C), True where R marks an entry as observed."""
    return reminder == 1
