"""Batches of instances that are read from a disk: shuffled by blocks, with memory that does not grow with the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

POOLED_BLOCKS = 8


class Instances(Protocol):
    """Instances on a disk; neighbouring ones are cheap to read together."""

    block: int  # instances that are read at once

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Tensor:
        """The instances start to stop - 1, (stop - start, T, C)."""


class BlockBatches:
    """Shuffled mini-batches of instances that are read in blocks, a function of (seed, epoch) alone.

    The blocks of an epoch come in random order. A few of them are in memory at a time, and the instances of these are
    shuffled together. As with `tsrep.train.batches.TensorBatches`, batches are of nearly equal size and no instance is
    dropped.

    Parameters
    ----------
    instances : what is read.
    batch_size : of all processes together.
    seed : of the order.
    processes : each of which has at least one instance of every batch.
    prepare : applied to each batch; what leaves none of its instances is not applied.
    """

    def __init__(
        self,
        instances: Instances,
        batch_size: int,
        seed: int,
        processes: int = 1,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ):
        self.instances, self.seed, self.prepare = instances, seed, prepare
        self.count = len(instances)
        if self.count < processes:
            raise ValueError(f"X has {self.count} series; wanted one for each of {processes} processes")
        self.per_epoch = min(-(-self.count // batch_size), self.count // processes)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Tensor]:
        """The batches of epoch `number`, without its first `skip`."""
        pools = self._pools(number, self._begin(skip))
        pool: _Shuffled | None = None
        for batch in range(skip, self.per_epoch):
            parts, missing = [], self._begin(batch + 1) - self._begin(batch)
            while missing:
                if pool is None or not len(pool):
                    pool = None  # freed before the next is read
                    pool = next(pools)
                parts.append(pool.take(min(missing, len(pool))))
                missing -= len(parts[-1])
            yield self._prepared(parts[0] if len(parts) == 1 else torch.cat(parts))

    def _prepared(self, batch: Tensor) -> Tensor:
        prepared = batch if self.prepare is None else self.prepare(batch)
        return prepared if len(prepared) else batch

    def _begin(self, batch: int) -> int:
        """The number of instances before a batch."""
        return batch * self.count // self.per_epoch

    def _pools(self, number: int, begin: int) -> Iterator[_Shuffled]:
        """The instances of an epoch from the one in place `begin` on, some blocks at a time."""
        size = self.instances.block
        blocks = np.random.default_rng([self.seed, number]).permutation(-(-self.count // size))
        place = 0
        for first in range(0, len(blocks), POOLED_BLOCKS):
            bounds = [
                (b * size, min((b + 1) * size, self.count))
                for b in blocks[first : first + POOLED_BLOCKS].tolist()
            ]
            rows = sum(stop - start for start, stop in bounds)
            if place + rows > begin:
                order = np.random.default_rng([self.seed, number, first]).permutation(rows)
                yield _Shuffled(self._together(bounds, rows), torch.from_numpy(order), max(0, begin - place))
            place += rows

    def _together(self, bounds: list[tuple[int, int]], rows: int) -> Tensor:
        """The blocks in one tensor."""
        pool, filled = torch.empty(0), 0
        for start, stop in bounds:
            block = self.instances.read(start, stop)
            if not filled:
                pool = block.new_empty(rows, *block.shape[1:])
            pool[filled : filled + len(block)] = block
            filled += len(block)
        return pool


class _Shuffled:
    """A pool of instances that are taken one after the other in an `order`."""

    def __init__(self, pool: Tensor, order: Tensor, taken: int):
        self.pool, self.order, self.taken = pool, order, taken

    def __len__(self) -> int:
        return len(self.order) - self.taken

    def take(self, count: int) -> Tensor:
        """The next instances."""
        self.taken += count
        return self.pool[self.order[self.taken - count : self.taken]]
