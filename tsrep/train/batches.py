"""Which instances come together, and when: a function of (seed, epoch) alone, so that a resumed run sees what an
unbroken one would have seen.

An epoch's shuffled instances are cut into batches of nearly equal size, none larger than `batch_size`. So no instance
is ever dropped (the TS2Vec authors' loader drops the last batch) and none is left alone in a batch, where it would
have nobody to be contrasted with.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


class Batches:
    """Shuffled mini-batches of a tensor's first axis."""

    def __init__(self, data: Tensor, batch_size: int, seed: int):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
        self.data = data
        self.seed = seed
        self.per_epoch = -(-len(data) // batch_size)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Tensor]:
        """The batches of epoch `number`, without its first `skip`."""
        order = np.random.default_rng([self.seed, number]).permutation(len(self.data))
        for chosen in np.array_split(order, self.per_epoch)[skip:]:
            yield self.data[torch.from_numpy(chosen)]
