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
        """Takes in the network's present weights: mean += (weights - mean) / (count + 1)."""
        self.count += 1
        means: list[Tensor] = list(self.network.parameters())
        weights: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(means, weights, 1.0 / self.count)
