"""Encoding many series in batches that fit the processor's cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from tsrep.train.runtime import launch

# Per batch; on a CPU larger ones fall out of the cache and are slower.
STEPS_PER_BATCH = {"cpu": 2048, "cuda": 2**18}
MOST_PINNED_BYTES = 2**28


def steps_per_batch(device: torch.device) -> int:
    """The number of steps that a batch holds."""
    return STEPS_PER_BATCH.get(device.type, STEPS_PER_BATCH["cuda"])


def host_tensor(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """An empty tensor of the host for the results of `device`.

    Pinned memory, which a GPU writes without the processor's help, is kept by torch when it is freed and used again.
    Large results do without it, for it cannot be swapped out.
    """
    pinned = device.type == "cuda" and 4 * math.prod(shape) <= MOST_PINNED_BYTES
    return torch.empty(shape, pin_memory=pinned)


class Copies:
    """Copies from a device into tensors of the host, made while the device continues its work."""

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
        """Waits for all copies."""
        if self.stream is not None:
            self.stream.synchronize()


def move(encoder: nn.Module, device: torch.device) -> None:
    """Moves the encoder to `device` if it is not there: one weight is looked at instead of all."""
    weight = next(encoder.parameters(), None)
    if weight is not None and weight.device != device:
        encoder.to(device)


def on_device(encoder: nn.Module, device: str, precision: str) -> Callable[..., Tensor]:
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


def layers_on_device(
    encoder: nn.Module, device: str, precision: str
) -> Callable[[Tensor, Tensor | None], list[Tensor]]:
    """The outputs of all layers, (B, T, H_i) each, called with (x, inside)."""
    fabric = launch(device, precision)
    move(encoder, fabric.device)

    @torch.inference_mode()
    def layers(x: Tensor, inside: Tensor | None) -> list[Tensor]:
        x, inside = fabric.to_device((x, inside))
        with fabric.autocast():
            return [z.float() for z in cast(Any, encoder).layers(x, None, inside)]

    return layers


def in_batches(x: Tensor, encode: Callable[[slice], Any], steps_at_once: int) -> Iterator[tuple[slice, Any]]:
    """(rows, encode(rows)) over the instances of `x` (n, T, C), a few at a time."""
    rows = max(1, steps_at_once // x.shape[1])
    for start in range(0, len(x), rows):
        batch = slice(start, min(start + rows, len(x)))
        yield batch, encode(batch)


Part = TypeVar("Part", bound=tuple[Any, ...])


def with_progress(parts: Iterator[Part], total: int, description: str, verbose: int) -> Iterator[Part]:
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
