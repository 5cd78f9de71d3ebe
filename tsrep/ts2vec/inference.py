"""Encoding many series, or every window of a long one, in batches that fit the processor's cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.train.runtime import launch
from tsrep.ts2vec.encoder import SeriesEncoder

# Per batch; on a CPU larger ones fall out of the cache and are slower.
STEPS_AT_ONCE = {"cpu": 2048, "cuda": 2**18}
MOST_PINNED = 2**28  # bytes

Encode = Callable[[Tensor], Tensor]


def steps_at_once(device: torch.device) -> int:
    """How many steps a batch holds."""
    return STEPS_AT_ONCE.get(device.type, STEPS_AT_ONCE["cuda"])


def host_tensor(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """An empty tensor for what `device` gives. What a GPU writes without the processor's help is pinned memory; that
    is kept by torch when it is freed and serves again. Large results do without it, for it cannot be swapped out."""
    pinned = device.type == "cuda" and 4 * math.prod(shape) <= MOST_PINNED
    return torch.empty(shape, pin_memory=pinned)


class Copies:
    """Copies from a device into tensors of the host, made while the device goes on with its work."""

    def __init__(self, device: torch.device):
        self.device = device
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def make(self, into: Tensor, z: Tensor) -> None:
        """`into` holds `z` after `finish`."""
        if self.stream is None:
            into.copy_(z)
            return
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            into.copy_(z, non_blocking=True)
        z.record_stream(self.stream)

    def finish(self) -> None:
        if self.stream is not None:
            self.stream.synchronize()


def move(encoder: SeriesEncoder, device: torch.device) -> None:
    """To `device`, if it is not there: a look at one weight in place of a walk through all."""
    if next(encoder.parameters()).device != device:
        encoder.to(device)


def on_device(encoder: SeriesEncoder, device: str, precision: str) -> Callable[..., Tensor]:
    """`encoder` on its device, called as itself with tensors of any device, without gradients."""
    fabric = launch(device, precision)
    move(encoder, fabric.device)

    @torch.inference_mode()
    def network(
        x: Tensor, keep: Tensor | None = None, inside: Tensor | None = None, steps: slice = slice(None)
    ) -> Tensor:
        x, keep, inside = fabric.to_device((x, keep, inside))
        with fabric.autocast():
            return encoder(x, keep, inside, steps).float()

    return network


def in_batches(x: Tensor, encode: Encode, steps_at_once: int) -> Iterator[tuple[slice, Tensor]]:
    """(rows, encode(x[rows])) over the instances of `x` (n, T, C), a few at a time."""
    rows = max(1, steps_at_once // x.shape[1])
    for start in range(0, len(x), rows):
        chosen = slice(start, min(start + rows, len(x)))
        yield chosen, encode(x[chosen])


def last_of_windows(
    x: Tensor, encode: Encode, context: int, windows_at_once: int
) -> Iterator[tuple[slice, slice, Tensor]]:
    """For every step of `x` (n, T, C), encodes the window of that step and the `context` before it, each alone.

    `encode` takes windows (B, context + 1, C) and gives the last step's representation of each, (..., B, 1, D).

    Yields (rows, steps, (..., rows, steps, D)). Where a window begins before its series, the steps before are missing
    (NaN), as in the authors' code. This is the definition; `WindowEncoder` gives the same in far less work.
    """
    padded = F.pad(x, (0, 0, context, 0), value=torch.nan)
    windows = padded.unfold(1, context + 1, 1).mT  # (n, T, context + 1, C), a view
    for rows, steps in tiles(x.shape[0], x.shape[1], windows_at_once):
        chosen = windows[rows, steps]
        z = encode(chosen.flatten(0, 1))
        yield rows, steps, z.view(*z.shape[:-3], *chosen.shape[:2], -1)


def tiles(n: int, steps: int, at_once: int) -> Iterator[tuple[slice, slice]]:
    """(rows, steps) that cover n series of so many steps: as many steps of a series at a time as possible, in order."""
    wide = min(steps, at_once)
    high = max(1, at_once // wide)
    for row in range(0, n, high):
        for step in range(0, steps, wide):
            yield slice(row, min(row + high, n)), slice(step, min(step + wide, steps))


Part = TypeVar("Part", bound=tuple[Any, ...])


def shown(parts: Iterator[Part], total: int, description: str, verbose: int) -> Iterator[Part]:
    """The parts (slices ..., representations) themselves, with a progress bar if `verbose` is above 0."""
    if verbose <= 0:
        yield from parts
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task(description, total=total)
        for part in parts:
            yield part
            bar.advance(task, math.prod(piece.stop - piece.start for piece in part[:-1]))
