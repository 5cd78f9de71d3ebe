"""Both directions of time in one tensor, so that one loop and one matrix product serve both.

The layout is (2, T, B, F): forward and backward, steps *in the order of the direction*, instances, features. The
weights of a layer are stacked the same way. A bidirectional network then needs T batched products instead of 2 T.

Shapes: B instances, T steps, F features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.elapsed import elapsed, elapsed_backward


def both_ways(x: Tensor) -> Tensor:
    """(B, T, F) -> (2, T, B, F): the steps in the order of time and in reverse."""
    x = x.transpose(0, 1)
    return torch.stack([x, x.flip(0)])


def in_time(x: Tensor) -> Tensor:
    """(2, T, B, F) in the order of each direction -> (2, B, T, F), both in the order of time."""
    forward, backward = x
    return torch.stack([forward, backward.flip(0)]).transpose(1, 2)


def before(x: Tensor) -> Tensor:
    """The values of the step before in each direction, 0 at its first step: (2, T, B, F) of the same shape."""
    return F.pad(x[:, :-1], (0, 0, 0, 0, 1, 0))


def elapsed_both_ways(times: Tensor, observed: Tensor, inside: Tensor | None) -> Tensor:
    """Time since the last observation in each direction: (2, T, B, C)."""
    since = torch.stack([elapsed(times, observed, inside), elapsed_backward(times, observed, inside)])
    return since.transpose(1, 2)


class Affine(nn.Module):
    """x W + b with a W and a b per direction: (2, ..., n_in) -> (2, ..., n_out).

    Weights are drawn uniformly from -1 / sqrt(fan) to 1 / sqrt(fan); `fan` None is n_in.
    """

    def __init__(self, n_in: int, n_out: int, fan: int | None = None):
        super().__init__()
        bound = (fan or n_in) ** -0.5
        self.weight = nn.Parameter(torch.empty(2, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(2, 1, n_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        product = torch.baddbmm(self.bias, x.flatten(1, -2), self.weight)
        return product.unflatten(1, x.shape[1:-1])


def affine_gradients(x: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of an affine map's weight and bias, from its input and the gradient of its output."""
    return x.flatten(1, 2).mT @ grad_out.flatten(1, 2), grad_out.sum((1, 2)).unsqueeze(1)


class Decay(nn.Module):
    """The decay of a state after the elapsed times d: exp(-relu(d W + b)), (2, T, B, C) -> (2, T, B, H)."""

    def __init__(self, n_channels: int, hidden_size: int):
        super().__init__()
        self.rate = Affine(n_channels, hidden_size, fan=hidden_size)

    def forward(self, since: Tensor) -> Tensor:
        return torch.exp(-self.rate(since).relu())
