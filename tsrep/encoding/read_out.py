"""The read-out: one vector per series, from statistics over time of the layers' outputs.

TS2Vec's read-out is the maximum over time of the last layer (section 3.1). A richer one joins several statistics, over
the whole series and over its halves and quarters, of several layers; it is what random-convolution methods do with
their features (ROCKET, Dempster et al., 2020; QUANT, Dempster et al., 2024), and often worth more than training.

Shapes: B instances, T steps; layers (B, T, H_i); features (B, F).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsrep.base.parameters import is_integer, out_of_range
from tsrep.encoding.pooling import STATISTICS

MOST_PARTS = 64
RICH = tuple(f"{name}/{parts}" for parts in (1, 2, 4) for name in STATISTICS)
"""Each statistic over the whole, the halves and the quarters: 28 numbers per component."""


class ReadOut(NamedTuple):
    """Which statistics of which layers.

    Attributes
    ----------
    layers : indices of layers, negative ones from the last.
    pools : pairs of a statistic of `tsrep.encoding.pooling.STATISTICS` and the number of equal parts of the series it
        is taken over.
    """

    layers: tuple[int, ...]
    pools: tuple[tuple[str, int], ...]

    def __call__(self, layers: Sequence[Tensor], where: Tensor | None = None) -> Tensor:
        """Features (B, F) from the outputs of the layers; `where` (B, T) are the steps that count, None: all.

        Raises
        ------
        ValueError
            An index is of no layer.
        """
        self.check(layers)
        features = [
            STATISTICS[name](z, part)
            for index in self.layers
            for name, parts in self.pools
            for z, part in _parts_of(layers[index], where, parts)
        ]
        return features[0] if len(features) == 1 else torch.cat(features, dim=1)

    def check(self, layers: Sequence[Tensor]) -> None:
        """Raises a `ValueError` if an index is of none of the `layers`."""
        if not all(-len(layers) <= index < len(layers) for index in self.layers):
            raise out_of_range("layers", list(self.layers), f"indices of the encoder's {len(layers)} layers")

    @property
    def last_layer_only(self) -> bool:
        """Whether the encoder's own output is all that is needed."""
        return self.layers == (-1,)


def read_out(layers: int | Sequence[int] | None, pool: str | Sequence[str]) -> ReadOut:
    """The read-out that the parameters `layers` and `pool` of an encoder describe.

    Parameters
    ----------
    layers : index or indices of layers, negative ones from the last; None: the last one.
    pool : "max", "mean", "deviation" (standard deviation) or "positive" (share of positive values), over the whole
        series; "max/2" over each of its halves, "max/4" over its quarters; "rich" for all four over all three; or a
        list of these.

    Raises
    ------
    ValueError
        `layers` or `pool` is none of these.

    Examples
    --------
    >>> read_out(None, ["max", "mean/2"])
    ReadOut(layers=(-1,), pools=(('max', 1), ('mean', 2)))
    """
    indices = [-1] if layers is None else _as_list(layers)
    if not indices or not all(is_integer(index) for index in indices):
        raise out_of_range("layers", layers, "None, an index of a layer or a list of them")
    entries = _as_list(pool)
    if not entries:
        raise out_of_range("pool", pool, "a statistic or a list of them")
    pools = tuple(_pool(name, pool) for entry in entries for name in _expanded(entry))
    return ReadOut(tuple(int(index) for index in indices), pools)


def equal_parts(where: Tensor, parts: int) -> Tensor:
    """The True steps of each row cut into `parts` runs of nearly equal length, (B, T) -> (parts, B, T).

    No run is empty where a row has a True step: of fewer steps than `parts` some are used twice.
    """
    rank = where.long().cumsum(1) - 1
    length = where.sum(1, keepdim=True)
    number = torch.arange(parts, device=where.device).view(-1, 1, 1)
    start = number * length // parts
    stop = torch.maximum((number + 1) * length // parts, start + 1)
    return where & (rank >= start) & (rank < stop)


def _parts_of(z: Tensor, where: Tensor | None, parts: int) -> list[tuple[Tensor, Tensor | None]]:
    """(steps, which of them count) of each part; without `where` a part is a slice."""
    if parts == 1:
        return [(z, where)]
    if where is not None:
        return [(z, part) for part in equal_parts(where, parts)]
    starts = [number * z.shape[1] // parts for number in range(parts + 1)]
    return [
        (z[:, start : max(stop, start + 1)], None)
        for start, stop in zip(starts[:-1], starts[1:], strict=True)
    ]


def _as_list(value: Any) -> list[Any]:
    """One value, or those of a list, a tuple, an array or a series."""
    if isinstance(value, str | bytes) or not np.iterable(value):
        return [value]
    return list(value)


def _expanded(entry: Any) -> Sequence[Any]:
    return RICH if isinstance(entry, str) and entry == "rich" else [entry]


def _pool(entry: Any, pool: Any) -> tuple[str, int]:
    name, slash, parts = entry.partition("/") if isinstance(entry, str) else ("", "", "")
    counted = parts.isascii() and parts.isdecimal() and 1 <= int(parts) <= MOST_PARTS
    if name not in STATISTICS or (slash and not counted):
        wanted = f"one of {[*STATISTICS, 'rich']}, one of the first four with a number of parts ('max/2')"
        raise out_of_range("pool", pool, f"{wanted}, or a list of these")
    return str(name), int(parts or 1)
