"""Two overlapping random crops per series (TS2Vec, section 3.2), and the preparation of series for training.

All instances of a batch share the lengths of the crops; each instance has its own position:

    view 1   |-----------------|
    view 2          |----------------|
    overlap         |----------|           the contrasted steps

Shapes: B instances, T steps, C channels; NaN marks a value that was not observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Views:
    """Two views of a batch, and in each the steps that are contrasted with the other view's."""

    first: Tensor
    second: Tensor
    steps_of_first: slice
    steps_of_second: slice


class Crops(NamedTuple):
    """Positions of two overlapping crops, in steps: view 1 is start .. right - 1, view 2 left .. stop - 1.

    Both are moved in each instance by its own `shift` (B,).
    """

    start: int
    left: int
    right: int
    stop: int
    shift: Tensor


def draw_crops(
    instances: int, length: int, generator: torch.Generator, shortest: int = 2, crop: bool = True
) -> Crops:
    """Crops as in the paper, with an overlap of at least `shortest` steps, or of the whole series if it is shorter.

    `crop=False` makes both views the whole series.
    """
    if not crop:
        return Crops(0, 0, length, length, torch.zeros(instances, dtype=torch.int64))
    overlap = _draw(min(shortest, length), length + 1, generator)
    left = _draw(0, length - overlap + 1, generator)
    right = left + overlap
    start = _draw(0, left + 1, generator)
    stop = _draw(right, length + 1, generator)
    shift = torch.randint(-start, length - stop + 1, (instances,), generator=generator)
    return Crops(start, left, right, stop, shift)


def overlapping_crops(x: Tensor, generator: torch.Generator, shortest: int = 2) -> Views:
    """Contextual consistency, as in the paper: the overlap of two random crops of `x` (B, T, C)."""
    start, left, right, stop, shift = draw_crops(len(x), x.shape[1], generator, shortest)
    return Views(
        take_steps(x, shift + start, right - start),
        take_steps(x, shift + left, stop - left),
        slice(left - start, right - start),
        slice(0, right - left),
    )


def whole_series(x: Tensor) -> Views:
    """No cropping, the paper's ablation: both views are the whole series."""
    everything = slice(0, x.shape[1])
    return Views(x, x, everything, everything)


def neighbouring_crops(x: Tensor, generator: torch.Generator, shortest: int = 2) -> Views:
    """Temporal consistency (after Tonekaboni et al., ICLR 2021): the positive of a step is a nearby step.

    The second view is the first, moved by up to a tenth of the series.
    """
    length = x.shape[1]
    reach = max(1, length // 10) if length > shortest else 0
    crop = _draw(min(shortest, length - reach), length - reach + 1, generator)
    delta = _draw(0, reach + 1, generator)
    left = torch.randint(0, length - crop - delta + 1, (len(x),), generator=generator)
    everything = slice(0, crop)
    return Views(take_steps(x, left, crop), take_steps(x, left + delta, crop), everything, everything)


def nested_crops(x: Tensor, generator: torch.Generator, shortest: int = 2) -> Views:
    """Sub-series consistency (after Franceschi et al., NeurIPS 2019): a crop and a crop within it."""
    length = x.shape[1]
    outer = _draw(min(shortest, length), length + 1, generator)
    inner = _draw(min(shortest, outer), outer + 1, generator)
    left = torch.randint(0, length - outer + 1, (len(x),), generator=generator)
    within = torch.randint(0, outer - inner + 1, (len(x),), generator=generator)
    return Views(
        take_steps(x, left, outer), take_steps(x, left + within, inner), slice(0, outer), slice(0, inner)
    )


def take_steps(x: Tensor, start: Tensor, length: int) -> Tensor:
    """`length` steps of each instance from its own `start` (B,) on: (B, T, C) -> (B, length, C)."""
    steps = start.unsqueeze(1) + torch.arange(length)
    return x[torch.arange(len(x)).unsqueeze(1), steps.to(x.device)]


def centre(x: Tensor) -> Tensor:
    """Moves each instance so that equally many steps are missing at its two ends, as the authors' code does.

    Padding does not affect the encoder here, so the representation of a moved series is the moved representation, and
    `fit` and `encode` agree.
    """
    if not x[:, [0, -1]].isnan().all(-1).any():
        return x
    missing = x.isnan().all(-1)
    before, after = _leading(missing), _leading(missing.flip(1))
    shift = (before + after) // 2 - before
    steps = torch.arange(x.shape[1]) - shift.unsqueeze(1)
    outside = (steps < 0) | (steps >= x.shape[1])
    moved = x[torch.arange(len(x)).unsqueeze(1), steps.clamp(0, x.shape[1] - 1)]
    return moved.masked_fill(outside.unsqueeze(-1), torch.nan)


def split_long(x: Tensor, longest: int) -> Tensor:
    """Cuts series of at least twice `longest` steps into several instances, padded with NaN at the end.

    As in the authors' code, pieces may be longer than `longest`; `random_window` cuts them in each batch.
    """
    sections = x.shape[1] // longest
    if sections < 2:
        return x
    pieces = torch.tensor_split(x, sections, dim=1)
    padded = x.new_full((sections, len(x), pieces[0].shape[1], x.shape[2]), torch.nan)
    for place, piece in zip(padded, pieces, strict=True):
        place[:, : piece.shape[1]] = piece
    return padded.flatten(0, 1)


def random_window(x: Tensor, longest: int, generator: torch.Generator) -> Tensor:
    """One random window of `longest` steps, the same for the whole batch; `x` itself if it is not longer."""
    if x.shape[1] <= longest:
        return x
    start = _draw(0, x.shape[1] - longest + 1, generator)
    return x[:, start : start + longest]


def _leading(flags: Tensor) -> Tensor:
    """The number of True at the start of each row."""
    return flags.long().cumprod(1).sum(1)


def _draw(low: int, high: int, generator: torch.Generator) -> int:
    """A random integer from low to high - 1."""
    return int(torch.randint(low, high, (), generator=generator))
