"""The protocol of a generator. `brits.py` (the paper's) and `interpolating.py` (the default) implement it.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Imputation(NamedTuple):
    """The output of a generator.

    Attributes
    ----------
    estimate : (B, T, C), estimates of all entries, the observed ones too.
    stages : further tensors that the generator's own `reconstruction` uses.
    scale : (B, T, C), scale of a Laplace distribution of the estimate's error; None if the generator does not learn it.
    """

    estimate: Tensor
    stages: tuple[Tensor, ...] = ()
    scale: Tensor | None = None


class Generator(Protocol):
    """A `torch.nn.Module` that estimates all entries of series and has a reconstruction loss of its own."""

    def __call__(
        self,
        values: Tensor,
        observed: Tensor,
        times: Tensor,
        inside: Tensor | None = None,
        beyond: Tensor | None = None,
    ) -> Imputation:
        """Estimates of all entries from the observed ones.

        Parameters
        ----------
        values : (B, T, C), any finite number where not observed.
        observed : (B, T, C), True where a value is given.
        times : (B, T), time stamps in units of the median step, non-decreasing.
        inside : (B, T), False where a step is padding at either end; None: all inside. Estimates there are undefined.
        beyond : (B, 2, 2, C), the nearest observations outside the window, see `tsrep.ssgan.beyond`; None: whole
            series.
        """

    def reconstruction(
        self,
        imputation: Imputation,
        values: Tensor,
        observed: Tensor,
        hidden: Tensor,
        inside: Tensor | None = None,
    ) -> Tensor: ...


def filled(values: Tensor, observed: Tensor, estimate: Tensor) -> Tensor:
    """The observed values, and estimates elsewhere, (B, T, C)."""
    return torch.where(observed, values, estimate)
