"""Several trained networks as one: the mean of what they say.

Networks that differ in nothing but the weights that they began with and the order of what they saw err differently in
the gaps, and their mean errs less than each (an ensemble; Hansen and Salamon, 1990). It is no part of SSGAN's paper.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tsrep.ssgan.generator import Imputation


class MeanGenerator(nn.Module):
    """The mean of some generators' estimates, and of their scales where they have them."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(
        self, values: Tensor, observed: Tensor, times: Tensor, inside: Tensor | None = None
    ) -> Imputation:
        """Arguments as `RecurrentGenerator.forward`."""
        found = [member(values, observed, times, inside) for member in self.members]
        scales = [imputation.scale for imputation in found if imputation.scale is not None]
        return Imputation(
            torch.stack([imputation.estimate for imputation in found]).mean(0),
            scale=torch.stack(scales).mean(0) if scales else None,
        )


class MeanClassifier(nn.Module):
    """The mean of some classifiers' logits."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, completed: Tensor, inside: Tensor | None = None) -> Tensor:
        """As `RecurrentClassifier.forward`."""
        return torch.stack([member(completed, inside) for member in self.members]).mean(0)


def mean_generator(members: Sequence[nn.Module]) -> nn.Module:
    """The only one, or the mean of several."""
    return members[0] if len(members) == 1 else MeanGenerator(members)


def mean_classifier(members: Sequence[nn.Module]) -> nn.Module:
    """The only one, or the mean of several."""
    return members[0] if len(members) == 1 else MeanClassifier(members)
