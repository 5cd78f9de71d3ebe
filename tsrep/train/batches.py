"""Which instances come together, and when: a function of (seed, epoch) alone, so that a resumed run sees the batches
that an unbroken one would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

Data = TypeVar("Data", bound=Tensor | tuple[Any, ...])
Batch = TypeVar("Batch", covariant=True)


class Batches(Protocol[Batch]):
    """Batches per epoch, for the training loop. `per_epoch` is their number."""

    @property
    def per_epoch(self) -> int: ...

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number`, without its first `skip`."""


class TensorBatches(Generic[Data]):
    """Shuffled mini-batches of the first axis of a tensor, or of the tensors in a `NamedTuple` together.

    The batches of a `NamedTuple` are such tuples too; a field that is None stays None. An epoch's shuffled instances
    are cut into batches of nearly equal size, none larger than `batch_size`. So no instance is ever dropped (the
    TS2Vec authors' loader drops the last batch), and none is alone in a batch, without others to contrast it with.

    Attributes
    ----------
    prepare : applied to each batch; None: nothing is.
    """

    prepare: Callable[[Data], Data] | None = None

    def __init__(self, data: Data, batch_size: int, seed: int):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
        self.data = data
        self.seed = seed
        self.instances = len(data if isinstance(data, Tensor) else data[0])
        self.per_epoch = -(-self.instances // batch_size)

    @classmethod
    def for_processes(cls, data: Data, batch_size: int, seed: int, processes: int) -> Self:
        """The batches that `processes` processes share, with `batch_size` instances for each of them.

        Each has at least one instance for each process; so some batches may hold more if `batch_size` is 1.

        Raises
        ------
        ValueError
            There are fewer instances than processes.
        """
        batches = cls(data, batch_size * processes, seed)
        if batches.instances < processes:
            raise ValueError(
                f"X has {batches.instances} series; wanted one for each of {processes} processes"
            )
        batches.per_epoch = min(batches.per_epoch, batches.instances // processes)
        return batches

    def epoch(self, number: int, skip: int = 0) -> Iterator[Data]:
        """The batches of epoch `number`, without its first `skip`."""
        order = np.random.default_rng([self.seed, number]).permutation(self.instances)
        for rows in np.array_split(order, self.per_epoch)[skip:]:
            batch = take(self.data, torch.from_numpy(rows))
            yield batch if self.prepare is None else self.prepare(batch)


def take(data: Any, rows: Tensor | slice) -> Any:
    """The instances `rows` (a slice or indices) of a tensor, or of each tensor in a `NamedTuple`."""
    if isinstance(data, Tensor):
        return data[rows]
    return data._make(None if part is None else part[rows] for part in data)
