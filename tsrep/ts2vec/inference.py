"""Encoding many series, or every window of a long one, in batches that fit the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.train.runtime import launch
from tsrep.ts2vec.encoder import SeriesEncoder

STEPS_AT_ONCE = 4096  # per batch on a CPU: larger ones fall out of the cache and are slower

Encode = Callable[[Tensor], Tensor]


def on_device(encoder: SeriesEncoder, device: str, precision: str) -> Callable[..., Tensor]:
    """`encoder` on its device, called as itself with tensors of any device, without gradients."""
    fabric = launch(device, precision)
    encoder.to(fabric.device)

    @torch.inference_mode()
    def network(
        x: Tensor, keep: Tensor | None = None, inside: Tensor | None = None, steps: slice = slice(None)
    ) -> Tensor:
        x, keep, inside = fabric.to_device((x, keep, inside))
        with fabric.autocast():
            return encoder(x, keep, inside, steps).float()

    return network


def in_batches(
    x: Tensor, encode: Encode, steps_at_once: int = STEPS_AT_ONCE
) -> Iterator[tuple[slice, Tensor]]:
    """(rows, encode(x[rows])) over the instances of `x` (n, T, C), a few at a time."""
    rows = max(1, steps_at_once // x.shape[1])
    for start in range(0, len(x), rows):
        chosen = slice(start, min(start + rows, len(x)))
        yield chosen, encode(x[chosen])


def last_of_windows(
    x: Tensor, encode: Encode, context: int, steps_at_once: int = STEPS_AT_ONCE
) -> Iterator[tuple[slice, Tensor]]:
    """For every step of `x` (n, T, C), encodes the window of that step and the `context` before it.

    `encode` takes windows (B, context + 1, C) and gives the last step's representation of each, (B, 1, D).

    Yields (places, (len, D)): the last step's representation at those places of the flattened (n * T). Where a window
    begins before its series, the steps before are missing (NaN), as in the authors' code.
    """
    n, steps, _ = x.shape
    padded = F.pad(x, (0, 0, context, 0), value=torch.nan)
    windows = padded.unfold(1, context + 1, 1)  # (n, T, C, context + 1), a view
    at_once = max(1, steps_at_once // (context + 1))
    for start in range(0, n * steps, at_once):
        places = slice(start, min(start + at_once, n * steps))
        flat = torch.arange(places.start, places.stop)
        batch = windows[flat // steps, flat % steps].transpose(1, 2)
        yield places, encode(batch)[:, 0]


def shown(
    batches: Iterator[tuple[slice, Tensor]], total: int, description: str, verbose: int
) -> Iterator[tuple[slice, Tensor]]:
    """The batches themselves, with a progress bar on the terminal if `verbose` is above 0."""
    if verbose <= 0:
        yield from batches
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task(description, total=total)
        for rows, z in batches:
            yield rows, z
            bar.update(task, completed=rows.stop)
