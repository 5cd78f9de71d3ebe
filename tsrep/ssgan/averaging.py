"""Several trained networks as one: the mean of their outputs.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tsrep.ssgan.generator import Imputation


class MeanGenerator(nn.Module):
    """The mean of several generators' estimates, and of their scales if they have any."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(
        self,
        values: Tensor,
        observed: Tensor,
        times: Tensor,
        inside: Tensor | None = None,
        beyond: Tensor | None = None,
    ) -> Imputation:
        """The mean imputation; see `Generator` for the arguments."""
        imputations = [member(values, observed, times, inside, beyond) for member in self.members]
        scales = [imputation.scale for imputation in imputations if imputation.scale is not None]
        return Imputation(
            torch.stack([imputation.estimate for imputation in imputations]).mean(0),
            scale=torch.stack(scales).mean(0) if scales else None,
        )


class MeanClassifier(nn.Module):
    """The mean of several classifiers' logits."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, completed: Tensor, inside: Tensor | None = None) -> Tensor:
        """See `RecurrentClassifier.forward`."""
        return torch.stack([member(completed, inside) for member in self.members]).mean(0)
