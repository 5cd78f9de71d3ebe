"""What the hierarchical loss of a given number of steps depends on, beside the representations, as tensors.

So it can be computed of the first steps of a longer tensor without the number being known to whoever asks for it: one
recording on a GPU serves all.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Levels(NamedTuple):
    """Level by level, the lowest first; one for each that a tensor of the full length has.

    Attributes
    ----------
    lengths : (levels,) integers, steps that count: length, length // 2, ... ; 0 beyond the topmost.
    weights : (levels, 2), of a row's log-sum-exp in the instance-wise and in the temporal loss.
    """

    lengths: Tensor
    weights: Tensor


def levels_of(
    length: int, capacity: int, instances: int, alpha: float, temporal_unit: int, hierarchical: bool
) -> Levels:
    """Of the first `length` steps of a tensor of `capacity` steps, on the CPU."""
    count = length.bit_length() if hierarchical else 1
    beyond = (capacity.bit_length() if hierarchical else 1) - count
    lengths, weights = [0] * (count + beyond), [(0.0, 0.0)] * (count + beyond)
    for level in range(count):
        steps = length >> level
        rows = count * 2 * instances * steps
        temporal = steps > 1 and (level >= temporal_unit or not hierarchical)
        lengths[level], weights[level] = steps, (alpha / rows, (1 - alpha) / rows if temporal else 0.0)
    return Levels(torch.tensor(lengths, dtype=torch.int32), torch.tensor(weights))
