"""What the game asks of a generator. Two meet it: `brits.py` (the paper's) and `interpolating.py` (the default).

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Imputation(NamedTuple):
    """What a generator gives.

    Attributes
    ----------
    estimate : (B, T, C), its own estimate of every entry, the observed ones too.
    stages : what else its `reconstruction` looks at; each generator knows its own.
    scale : (B, T, C), of a Laplace distribution of the estimate's error, where the generator learns it.
    """

    estimate: Tensor
    stages: tuple[Tensor, ...] = ()
    scale: Tensor | None = None


class Generator(Protocol):
    """What the training asks of a generator; a `torch.nn.Module` besides."""

    def __call__(
        self, values: Tensor, observed: Tensor, times: Tensor, inside: Tensor | None = None
    ) -> Imputation: ...

    def reconstruction(
        self,
        imputation: Imputation,
        values: Tensor,
        observed: Tensor,
        hidden: Tensor,
        inside: Tensor | None = None,
    ) -> Tensor: ...


def filled(values: Tensor, observed: Tensor, estimate: Tensor) -> Tensor:
    """Observed values as they are, estimates elsewhere; (B, T, C)."""
    return torch.where(observed, values, estimate)
