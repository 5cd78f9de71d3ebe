"""Panels that are read block by block.

Nothing is read before it is asked for, and what was read is not kept. `tsrep.data.stored` says what is read so, and
opens it.
"""

from __future__ import annotations

import hashlib
import mmap
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK_VALUES = 2**20
"""Values that are read at once: 4 MiB in 32 bit."""
SAMPLED = 64
"""Instances, and runs of steps of a long one, of a fingerprint."""


class LazyPanel(ABC):
    """A panel (n, c, t) that is read in parts. A subclass sets `shape` and `flat` and gives `read_as_stored`.

    Attributes
    ----------
    shape : (n, c, t).
    flat : whether it is a table (n, t), which fixes the length of series as scikit-learn's features do.
    """

    shape: tuple[int, int, int]
    flat: bool

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, rows: slice, steps: slice = slice(None)) -> Floats:
        """The instances `rows` at the `steps`, (rows, c, steps) in 32 bit, NaN where nothing was observed.

        Raises
        ------
        ValueError
            A value is infinite, or too large for 32 bit.
        """
        with np.errstate(over="ignore"):
            part = np.array(self.read_as_stored(rows, steps), dtype=np.float32, order="C")
        if np.isinf(part).any():
            row, step = np.argwhere(np.isinf(part).any(1))[0] + (rows.start, steps.start or 0)
            raise ValueError(
                f"X contains infinity, or a value too large for 32 bit, in instance {row} at step {step}"
            )
        return part

    @abstractmethod
    def read_as_stored(self, rows: slice, steps: slice = slice(None)) -> NDArray[Any]:
        """The instances `rows` at the `steps`, (rows, c, steps), in the type in which they are stored."""

    def blocks(self, start: int = 0, values: int = BLOCK_VALUES) -> Iterator[slice]:
        """Slices of instances from `start` on, in order, of about `values` values each."""
        n, channels, steps = self.shape
        height = max(1, min(values, BLOCK_VALUES) // (channels * steps))
        for first in range(start, n, height):
            yield slice(first, min(first + height, n))

    def sample(self, values: int, seed: int) -> Floats:
        """Some instances, drawn in runs from all over the panel and in its order: about `values` values, or all.

        Of instances that are longer than that, their first steps.
        """
        n, channels, steps = self.shape
        wanted = min(n, max(1, values // (channels * steps)))
        run = max(1, wanted // SAMPLED)
        starts = np.random.default_rng([seed, 7]).permutation(n // run)[: max(1, wanted // run)]
        begin = slice(0, steps if self.flat else min(steps, max(1, values // channels)))
        return np.concatenate(
            [self.read(slice(at, at + run), begin) for at in np.sort(starts * run).tolist()]
        )

    def fingerprint(self) -> str:
        """SHA-256 of the shape and of some instances from all over the panel; of long ones, of runs from all over."""
        n, channels, steps = self.shape
        hashed = hashlib.sha256(str(self.shape).encode())
        width = max(1, BLOCK_VALUES // (channels * SAMPLED)) if steps * channels > BLOCK_VALUES else steps
        starts = _spread(0, steps - width)
        for row in _spread(0, n - 1):
            for start in starts:
                hashed.update(self.read(slice(row, row + 1), slice(start, start + width)).data)
        return hashed.hexdigest()


class ArrayPanel(LazyPanel):
    """An array (n, c, t), or (n, t) for univariate series, that is sliced as NumPy's are: mapped, or of Zarr."""

    def __init__(self, array: Any):
        if array.ndim not in (2, 3) or 0 in array.shape:
            raise ValueError(f"X has shape {tuple(array.shape)}; wanted (n, c, t) or (n, t), none of them 0")
        if array.dtype.kind not in "biuf":
            raise ValueError(f"X has dtype {array.dtype}; wanted real numbers")
        self.array = array
        self.flat = array.ndim == 2
        n, t = array.shape[0], array.shape[-1]
        self.shape = int(n), 1 if self.flat else int(array.shape[1]), int(t)

    def read_as_stored(self, rows: slice, steps: slice = slice(None)) -> NDArray[Any]:
        part = np.array(self.array[rows, steps][:, None] if self.flat else self.array[rows, :, steps])
        forget_pages(self.array)
        return part


def _spread(first: int, last: int) -> list[int]:
    """Up to `SAMPLED` integers from `first` to `last`."""
    return np.unique(np.linspace(first, last, SAMPLED).astype(int)).tolist()


def forget_pages(array: Any) -> None:
    """Gives the pages of a memory-mapped file that were read back to the system: they count as this process's."""
    mapped = getattr(array, "_mmap", None)
    if (
        isinstance(array, np.memmap)
        and array.mode in ("r", "r+")
        and hasattr(mmap, "MADV_DONTNEED")
        and mapped
    ):
        mapped.madvise(mmap.MADV_DONTNEED)
