"""Lengths and weights of the levels of the hierarchical loss, as tensors.

With them the loss of the first `length` steps of a longer tensor is computed without `length` being known on the host,
so one CUDA graph serves all lengths.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Levels(NamedTuple):
    """One entry per level of a tensor of full length, the lowest level first.

    Attributes
    ----------
    lengths : (levels,) integers, number of steps that count: length, length // 2, ... ; 0 beyond the last level.
    weights : (levels, 2), weights of a row's log-sum-exp in the instance-wise and in the temporal loss.
    """

    lengths: Tensor
    weights: Tensor


def levels_of(
    length: int, capacity: int, instances: int, alpha: float, temporal_unit: int, hierarchical: bool
) -> Levels:
    """The levels for the first `length` steps of a tensor of `capacity` steps, on the CPU."""
    count = length.bit_length() if hierarchical else 1
    beyond = (capacity.bit_length() if hierarchical else 1) - count
    lengths, weights = [0] * (count + beyond), [(0.0, 0.0)] * (count + beyond)
    for level in range(count):
        steps = length >> level
        rows = count * 2 * instances * steps
        temporal = steps > 1 and (level >= temporal_unit or not hierarchical)
        lengths[level], weights[level] = steps, (alpha / rows, (1 - alpha) / rows if temporal else 0.0)
    return Levels(torch.tensor(lengths, dtype=torch.int32), torch.tensor(weights))
