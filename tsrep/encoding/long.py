"""Series that are encoded in stretches, so that memory does not grow with their length.

A step's representation depends on its surroundings alone, with most networks: the steps within the backbone's reach, or
those of its window. So a stretch that is read together with them gives exactly what the whole series gives.

Shapes: n series, t steps, C channels, D components. The steps of a panel are counted through: step s of series r is
number r t + s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsrep.data.lazy import LazyPanel, forget_pages
from tsrep.data.plain import plain
from tsrep.encoding.backbone import Surroundings, surroundings_of
from tsrep.encoding.batches import layers_on_device, on_device
from tsrep.encoding.pooling import pooling_over
from tsrep.encoding.read_out import ReadOut
from tsrep.encoding.running import RunningReadOut
from tsrep.encoding.windows import encode_windows
from tsrep.train.runtime import launch

STRETCH_STEPS = 2**15
LEAST_STRETCH = 4  # times the surroundings to one side, which are encoded twice

Floats = NDArray[np.float32]
Keep = Callable[[range, int], Tensor]  # (which B instances, T) -> (B, T), False where a step is hidden
Layers = Callable[
    [Tensor, Tensor | None, slice], list[Tensor]
]  # (x, keep, steps) -> (1, len(steps), H_i) per layer
Parts = Iterator[tuple[slice, Floats]]  # (which of the result, its values)


class LongSeries(LazyPanel):
    """One series (t, C), time down, as a panel: an array, a memory-mapped file, a data frame or anything sliced alike.

    Raises
    ------
    ValueError
        It is not (t,) or (t, channels) numbers.
    """

    flat = False

    def __init__(self, values: Any, channels: int):
        values = values.to_numpy() if hasattr(values, "to_numpy") else values
        shape = tuple(values.shape)
        if len(shape) not in (1, 2) or (shape[1:] or (1,)) != (channels,) or shape[0] == 0:
            raise ValueError(f"the series has shape {shape}; wanted (t, {channels}), time down")
        if not np.issubdtype(values.dtype, np.number) or np.issubdtype(values.dtype, np.complexfloating):
            raise ValueError(f"the series has dtype {values.dtype}; wanted real numbers")
        self.values = values
        self.shape = 1, channels, int(shape[0])

    def read_as_stored(self, rows: slice, steps: slice = slice(None)) -> NDArray[Any]:
        part = np.array(plain(self.values[steps]))
        forget_pages(self.values)
        return part.reshape(len(part), -1).T[None]


class Stretches:
    """The representations of the series of a panel, one stretch after the other.

    Parameters
    ----------
    encoder : (B, T, C) -> (B, T, D).
    panel : its series are read a stretch at a time.
    device, precision : what is computed on, and in.
    """

    def __init__(self, encoder: nn.Module, panel: LazyPanel, device: str, precision: str):
        self.encoder, self.panel = encoder, panel
        self.where = device, precision
        self.n, _, self.t = panel.shape

    def vectors(self, statistics: ReadOut, keep: Keep | None = None, start: int = 0) -> Parts:
        """(series, (1, F)) from series `start` on: the read-out of each."""
        if statistics.last_layer_only:
            last = on_device(self.encoder, *self.where)
            network: Layers = lambda x, keep, steps: [last(x, keep, steps=steps)]  # noqa: E731
        else:
            every = layers_on_device(self.encoder, *self.where)
            network = lambda x, keep, steps: [z[:, steps] for z in every(x, None)]  # noqa: E731
        for series in self._series(network, keep, start):
            running = RunningReadOut(statistics, series.end - series.first)
            for steps in stretches(series.first, series.end, series.least):
                running.add(series.encoded(steps.start, steps.stop))
            yield slice(series.row, series.row + 1), running.features().numpy()

    def steps(self, window: int | None, keep: Keep | None = None, start: int = 0) -> Parts:
        """(steps, (steps, D)) from step `start` on: what `encode` gives, pooled over windows around each step."""
        network = on_device(self.encoder, *self.where)
        width = network(torch.full((1, 1, self.panel.shape[1]), torch.nan)).shape[-1]
        pool = pooling_over(window)
        back, ahead = (0, 0) if window is None else (window // 2, (window - 1) // 2)
        row, begin = divmod(start, self.t)
        for series in self._series(lambda x, keep, steps: [network(x, keep, steps=steps)], keep, row):
            least = max(series.least, back + ahead)  # no step is encoded for the windows of many stretches
            for steps in stretches(begin if series.row == row else 0, self.t, least):
                Z = np.full((steps.stop - steps.start, width), np.nan, dtype=np.float32)
                first, end = max(steps.start, series.first), min(steps.stop, series.end)
                if first < end:
                    left, right = max(series.first, first - back), min(series.end, end + ahead)
                    z = pool(series.encoded(left, right)[0], None)
                    Z[first - steps.start : end - steps.start] = z[0, first - left : end - left].cpu()
                yield _counted_through(series.row, self.t, steps), Z

    def causal(self, context: int, hide_last: bool, start: int = 0) -> Parts:
        """(steps, (steps, D)) from step `start` on: what `encode_causal` gives."""
        fabric = launch(*self.where)
        first_row, begin = divmod(start, self.t)
        for row in range(first_row, self.n):
            observed(self.panel, row)
            for steps in stretches(begin if row == first_row else 0, self.t):
                known = max(0, steps.start - context)
                x = read_steps(self.panel, row, known, steps.stop)
                parts = encode_windows(self.encoder, x, context, (hide_last,), fabric)
                z = torch.cat([part[0, 0].cpu() for _, _, part in parts])
                yield _counted_through(row, self.t, steps), z[steps.start - known :].numpy()

    def _series(self, network: Layers, keep: Keep | None, start: int) -> Iterator[_EncodedSeries]:
        around = surroundings_of(self.encoder)
        assert around is not None
        for row in range(start, self.n):
            mask = None if keep is None else keep(range(row, row + 1), self.t)
            yield _EncodedSeries(network, around, self.panel, row, mask)


class _EncodedSeries:
    """One series of a panel, of which any steps are encoded as they are within the whole.

    Attributes
    ----------
    first, end : from the first observed step to the one after the last; encoded ones lie within.
    least : steps of which a stretch should have no fewer.
    """

    def __init__(
        self, network: Layers, around: Surroundings, panel: LazyPanel, row: int, mask: Tensor | None
    ):
        self.network, self.around, self.panel, self.row, self.mask = network, around, panel, row, mask
        self.first, self.end = observed(panel, row)
        self.least = LEAST_STRETCH * max(around.reach, around.window or 0)

    def encoded(self, start: int, stop: int) -> list[Tensor]:
        """The outputs (1, stop - start, H_i) of the layers for the steps start to stop - 1."""
        begin, until = self.around.of(start, stop, self.first, self.end)
        x = read_steps(self.panel, self.row, begin, until)
        keep = None if self.mask is None else self.mask[:, begin:until]
        return self.network(x, keep, slice(start - begin, stop - begin))


def is_long(steps: int) -> bool:
    """Whether series of `steps` steps are longer than a stretch."""
    return steps > STRETCH_STEPS


def encodes_in_stretches(encoder: nn.Module, steps: int) -> bool:
    """Whether series of `steps` steps are longer than a stretch, and a step does not depend on all of its series."""
    return is_long(steps) and surroundings_of(encoder) is not None


def stretches(start: int, end: int, least: int = 1) -> Iterator[slice]:
    """Slices from `start` to `end`, in order, of `STRETCH_STEPS` or `least` steps."""
    length = max(STRETCH_STEPS, least)
    for first in range(start, end, length):
        yield slice(first, min(first + length, end))


def read_steps(panel: LazyPanel, row: int, start: int, stop: int) -> Tensor:
    """Steps start to stop - 1 of one series, (1, steps, C)."""
    return torch.from_numpy(panel.read(slice(row, row + 1), slice(start, stop))).transpose(1, 2)


def observed(panel: LazyPanel, row: int) -> tuple[int, int]:
    """The first step of a series on which anything was observed, and the one after the last.

    Raises
    ------
    ValueError
        Nothing was observed.
    """
    places = list(stretches(0, panel.shape[2]))
    first = _first_seen(panel, row, places)[0]
    return first, _first_seen(panel, row, places[::-1])[-1] + 1


def _first_seen(panel: LazyPanel, row: int, places: list[slice]) -> list[int]:
    """The observed steps of the first of these stretches that has one."""
    for steps in places:
        seen = ~read_steps(panel, row, steps.start, steps.stop)[0].isnan().all(-1)
        if seen.any():
            return [steps.start + place for place in seen.nonzero().flatten().tolist()]
    raise ValueError(f"instance {row} of X holds no observed value")


def _counted_through(row: int, t: int, steps: slice) -> slice:
    return slice(row * t + steps.start, row * t + steps.stop)
