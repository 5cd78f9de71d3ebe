"""Which patches of an image are hidden.

"random" hides single units (MAE, He et al., CVPR 2022; SimMIM, Xie et al., CVPR 2022), "square" one square at a random
place, "block" rectangles until the count is reached (BEiT, Bao et al., ICLR 2022; MaskFeat, Wei et al., CVPR 2022). A
unit is one patch or a square of several patches.

The papers round differently, and so do the functions: MAE rounds the visible patches down (`visible_count`), SimMIM
the hidden units up (`random_units`), MaskFeat hides the nearest count (78 of 196 at 0.4; `blocks`). Departures: a
product that is whole but for the error of its floating-point numbers is not rounded away (the papers' code keeps 1 of
10 patches at a ratio of 0.8), and at least one patch is visible and one is hidden. BEiT's sampler gives up where no
rectangle fits, short of the count; here single patches make up the rest, so that all images of a batch agree.

Shapes: B images, G x G the grid of units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import torch
from torch import Tensor

from tsrep.base.parameters import number
from tsrep.nn.masking import hidden_count, lowest

SHARE = number(above=0, below=1)
ASPECT = (0.3, 1 / 0.3)  # of a rectangle: BEiT's range
ATTEMPTS = 10  # to place one rectangle: BEiT's number
WHOLE = 1e-6  # a product this close to a whole number is that number


def visible_count(total: int, mask_ratio: float) -> int:
    """How many of `total` patches stay visible: MAE's rule, rounded down, at least one and not all.

    Examples
    --------
    >>> visible_count(196, 0.75), visible_count(10, 0.8), visible_count(4, 0.99)
    (49, 2, 1)
    """
    check_ratio(mask_ratio)
    return min(max(math.floor(total * (1 - mask_ratio) + WHOLE), 1), total - 1)


def random_units(
    batch: int, grid: int, mask_ratio: float, generator: torch.Generator | None = None
) -> Tensor:
    """Single units, as many as `mask_ratio` says, rounded up: (B, G, G), True where hidden."""
    total = grid * grid
    count = min(max(math.ceil(total * mask_ratio - WHOLE), 1), total - 1)
    noise = torch.rand(batch, total, generator=generator)
    return lowest(noise, torch.tensor(count)).view(batch, grid, grid)


def square(batch: int, grid: int, mask_ratio: float, generator: torch.Generator | None = None) -> Tensor:
    """One square per image, of the side whose area is nearest to `mask_ratio`: (B, G, G), True where hidden."""
    side = min(max(round(grid * math.sqrt(mask_ratio)), 1), grid - 1)
    corner = torch.randint(grid - side + 1, (2, batch, 1), generator=generator)
    places = torch.arange(grid)
    rows, columns = (places >= corner) & (places < corner + side)
    return rows.unsqueeze(2) & columns.unsqueeze(1)


def blocks(
    batch: int,
    grid: int,
    mask_ratio: float,
    generator: torch.Generator | None = None,
    smallest: int | None = None,
) -> Tensor:
    """Rectangles of random area and aspect ratio at random places, which may overlap: (B, G, G), True where hidden.

    Parameters
    ----------
    smallest : lower end of the range from which areas are drawn, in units; the upper end is what remains to be hidden.
        None: a fifth of the hidden units, as MaskFeat's code has it.
    """
    count = int(hidden_count(torch.tensor(grid * grid), mask_ratio))
    smallest = max(1, count // 5) if smallest is None else smallest
    draw = Random(int(torch.randint(2**62, (), generator=generator)))
    hidden = [_blocks_of_one(grid, count, smallest, draw) for _ in range(batch)]
    return torch.tensor(hidden).view(batch, grid, grid)


MASKS: dict[str, Callable[[int, int, float, torch.Generator | None], Tensor]] = {
    "random": random_units,
    "square": square,
    "block": blocks,
}


def draw_mask(
    kind: str, batch: int, grid: int, unit: int, mask_ratio: float, generator: torch.Generator | None = None
) -> Tensor:
    """`hidden` (B, grid, grid) of patches on the CPU, drawn in units of `unit` x `unit` patches.

    Parameters
    ----------
    kind : a name in `MASKS`.
    generator : a CPU generator; None: torch's own.

    Raises
    ------
    ValueError
        The grid has fewer than two units, or `mask_ratio` is not between 0 and 1.
    """
    check_ratio(mask_ratio)
    if grid % unit or grid < 2 * unit:
        raise ValueError(
            f"the image has {grid} patches per side and a mask unit {unit}; wanted at least two whole units per side"
        )
    hidden = MASKS[kind](batch, grid // unit, mask_ratio, generator)
    return hidden.repeat_interleave(unit, 1).repeat_interleave(unit, 2)


def check_ratio(mask_ratio: float) -> None:
    if not SHARE.holds(mask_ratio):
        raise ValueError(f"mask_ratio is {mask_ratio!r}; wanted a number between 0 and 1")


def check_kind(kind: str, argument: str = "mask") -> None:
    if kind not in MASKS:
        raise ValueError(f"{argument} is {kind!r}; wanted one of {', '.join(map(repr, MASKS))}")


def _blocks_of_one(grid: int, count: int, smallest: int, draw: Random) -> list[bool]:
    """The hidden units of one image, row by row."""
    hidden = [False] * (grid * grid)
    left = count
    while left > 0:
        new = _fitting_rectangle(hidden, grid, left, smallest, draw)
        if not new:
            break
        for place in new:
            hidden[place] = True
        left -= len(new)
    visible = [place for place, is_hidden in enumerate(hidden) if not is_hidden]
    for place in draw.sample(visible, left):
        hidden[place] = True
    return hidden


def _fitting_rectangle(hidden: list[bool], grid: int, left: int, smallest: int, draw: Random) -> list[int]:
    """The visible units of a random rectangle that has some and at most `left` of them; empty if none was found."""
    for _ in range(ATTEMPTS):
        area = draw.uniform(smallest, max(smallest, left))
        aspect = math.exp(draw.uniform(*map(math.log, ASPECT)))
        height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if height >= grid or width >= grid:
            continue
        top, first = draw.randint(0, grid - height), draw.randint(0, grid - width)
        inside = [
            row * grid + column for row in range(top, top + height) for column in range(first, first + width)
        ]
        new = [place for place in inside if not hidden[place]]
        if 0 < len(new) <= left:
            return new
    return []
