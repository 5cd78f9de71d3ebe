"""A series that does not fit in memory, encoded in stretches into a file.

A step's representation depends on no step further away than the backbone's reach. So a stretch that is read with that
many more steps at both ends gives exactly what the whole series gives.

Shapes: t steps, C channels, D components.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsrep.data.plain import plain
from tsrep.encoding.backbone import reach_of
from tsrep.encoding.batches import on_device
from tsrep.encoding.windows import encode_windows
from tsrep.train.runtime import launch

STRETCH_STEPS = 2**15


class LongSeries:
    """A series (t, C) read slice by slice: an array, a memory-mapped file, a data frame or anything sliced alike.

    Raises
    ------
    ValueError
        It is not (t,) or (t, channels) numbers, or nothing in it was observed.
    """

    def __init__(self, values: Any, channels: int):
        values = values.to_numpy() if hasattr(values, "to_numpy") else values
        shape = tuple(values.shape)
        if len(shape) not in (1, 2) or (shape[1:] or (1,)) != (channels,) or shape[0] == 0:
            raise ValueError(f"the series has shape {shape}; wanted (t, {channels}), time down")
        if not np.issubdtype(values.dtype, np.number) or np.issubdtype(values.dtype, np.complexfloating):
            raise ValueError(f"the series has dtype {values.dtype}; wanted real numbers")
        self.values = values
        self.steps = shape[0]

    def read(self, start: int, stop: int) -> Tensor:
        """Steps start to stop - 1 as (1, steps, C) in 32 bit."""
        part = np.array(plain(self.values[start:stop]), dtype=np.float32).reshape(stop - start, -1)
        if np.isinf(part).any():
            first = start + int(np.isinf(part).any(1).argmax())
            raise ValueError(f"the series is infinite, or too large for 32 bit, at step {first}")
        return torch.from_numpy(part)[None]

    def observed(self) -> tuple[int, int]:
        """The first step on which anything was observed, and the one after the last."""
        first = self._first_observed(range(0, self.steps, STRETCH_STEPS))
        backwards = range((self.steps - 1) // STRETCH_STEPS * STRETCH_STEPS, -1, -STRETCH_STEPS)
        return first, self._first_observed(backwards, from_end=True) + 1

    def _first_observed(self, starts: range, from_end: bool = False) -> int:
        for start in starts:
            seen = ~self.read(start, min(start + STRETCH_STEPS, self.steps))[0].isnan().all(-1)
            if seen.any():
                places = seen.nonzero().flatten()
                return start + int(places[-1 if from_end else 0])
        raise ValueError("the series holds no observed value")


def encoded_stretches(
    encoder: nn.Module, series: LongSeries, device: str, precision: str
) -> Iterator[tuple[slice, Tensor]]:
    """(steps, (steps, D)) in order: what encoding the whole series gives, from its first observed step to its last.

    Raises
    ------
    TypeError
        The backbone's reach is unlimited.
    """
    reach = reach_of(encoder)
    if reach is None:
        raise TypeError(
            f"each output of the backbone {type(encoder.backbone).__name__} depends on the whole series: it cannot be "
            "encoded in stretches; give context= to look back only"
        )
    network = on_device(encoder, device, precision)
    first, end = series.observed()
    for start in range(first, end, STRETCH_STEPS):
        stop = min(start + STRETCH_STEPS, end)
        begin = max(first, start - reach)
        x = series.read(begin, min(end, stop + reach))
        yield slice(start, stop), network(x, steps=slice(start - begin, stop - begin))[0].cpu()


def encoded_windows(
    encoder: nn.Module, series: LongSeries, context: int, device: str, precision: str
) -> Iterator[tuple[slice, Tensor]]:
    """(steps, (steps, D)) in order, of what `encode_causal` gives."""
    series.observed()
    fabric = launch(device, precision)
    for start in range(0, series.steps, STRETCH_STEPS):
        stop = min(start + STRETCH_STEPS, series.steps)
        begin = max(0, start - context)
        parts = encode_windows(encoder, series.read(begin, stop), context, (False,), fabric)
        z = torch.cat([part[0, 0].cpu() for _, _, part in parts])
        yield slice(start, stop), z[start - begin :]


def write(
    path: str | Path, parts: Iterator[tuple[slice, Tensor]], steps: int, width: int, dtype: str
) -> NDArray[np.floating[Any]]:
    """Writes the parts into the array file `path` (.npy), NaN where there is none, and opens it, memory-mapped.

    The file appears when it is whole; until then `path` with ".part" behind it grows.
    """
    target = Path(path)
    growing = target.with_name(target.name + ".part")
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (int(steps), int(width))}
    try:
        with open(growing, "wb") as file:  # written in order, not mapped: mapped pages would count as memory
            np.lib.format.write_array_header_1_0(file, header)
            done = 0
            for place, z in parts:
                _write_nan(file, place.start - done, width, dtype)
                file.write(np.ascontiguousarray(z.numpy(), dtype).data)
                done = place.stop
                del z  # before the next is made, which needs the room
            _write_nan(file, steps - done, width, dtype)
        growing.replace(target)
    finally:
        growing.unlink(missing_ok=True)
    return np.load(target, mmap_mode="r")


def _write_nan(file: BinaryIO, steps: int, width: int, dtype: str) -> None:
    for start in range(0, steps, STRETCH_STEPS):
        file.write(np.full((min(STRETCH_STEPS, steps - start), width), np.nan, dtype).data)
