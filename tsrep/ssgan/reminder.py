"""The temporal reminder matrix of SSGAN (Miao et al., AAAI 2021): what the discriminator is told of the mask.

Without help a discriminator leaves many generators equally good. The reminder tells it most of the truth, entry by
entry:

    R = b * M + (1 - b) * 0.5,      b ~ Bernoulli(rate), drawn anew for every step of the training,

so R is 1 (observed), 0 (imputed), or 1/2 (find out for yourself). The optimum of the game is then the data's
distribution given what is observed. Three kinds are told apart:

    "hint"      R alone, GAIN's hint (Yoon et al., ICML 2018), which both ports of the paper have;
    "temporal"  the discriminator's state decays besides, with the time since a value was last seen;
    None        no reminder: R is 1/2 everywhere.

The released code of the authors declares a rate and never uses it, and the paper's text could not be had, so the
temporal kind is our reading of the name. The time since a value was last seen counts from the last entry that R says
was observed, not from M: the elapsed times would otherwise give away what R withholds.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Kind = Literal["hint", "temporal"] | None
KINDS: tuple[Kind, ...] = ("temporal", "hint", None)


def draw_reminder(observed: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """R for a mask, both (B, T, C): 1, 0 or 1/2; `rate` is the probability that an entry is told.

    It is drawn on the generator's device and then goes to the mask's.
    """
    chance = torch.rand(observed.shape, generator=generator, device=generator.device).to(observed.device)
    return torch.where(chance < rate, observed.to(chance), 0.5)


def reminded(reminder: Tensor) -> Tensor:
    """Where R says "observed": True, (B, T, C)."""
    return reminder == 1
