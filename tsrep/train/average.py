"""The running mean of a network's weights, used for inference (stochastic weight averaging, Izmailov et al. 2018)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """The equal-weight mean of every snapshot since (and with) the initial weights.

    TS2Vec's authors count the random initial weights as the first snapshot, and so do we: after n steps the mean is
    over n + 1 sets of weights.
    """

    def __init__(self, network: nn.Module):
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.count = 1

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Adds a snapshot, the network's present weights: mean += (weights - mean) * share."""
        means, weights = self._pairs(network)
        torch._foreach_lerp_(means, weights, self.next_share())

    def next_share(self) -> float:
        """Counts one more snapshot and gives its share in the mean, 1 / count."""
        self.count += 1
        return 1.0 / self.count

    @torch.no_grad()
    def update_by(self, network: nn.Module, share: Tensor) -> None:
        """`update` with the `share` of the snapshot as a scalar on the device, without host synchronisation."""
        means, weights = self._pairs(network)
        towards = torch._foreach_sub(weights, means)
        torch._foreach_mul_(towards, share)
        torch._foreach_add_(means, towards)

    def _pairs(self, network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        return _averaged(self.network), _averaged(network)


def _averaged(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *running_statistics(network)]


def running_statistics(network: nn.Module) -> list[Tensor]:
    """The running means and variances of batch normalisations."""
    return [
        statistic
        for layer in network.modules()
        if isinstance(layer, nn.modules.batchnorm._NormBase)
        for statistic in (layer.running_mean, layer.running_var)
        if statistic is not None
    ]
