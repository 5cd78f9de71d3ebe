"""Series cut into patches, and back.

Patches are counted from the end: the last patch ends with the last step of its series, and the first one is padded
where the length is no multiple of P. So the newest steps of a live series always fill their patch, and padding at
either end of a series moves no patch.

    steps      0 1 2 3 4 5 6 7 8 9          T = 10, P = 4
    patches  |- - 0 1|2 3 4 5|6 7 8 9|      N = 3; - is NaN

Shapes: B series, T steps, C channels, N patches of P steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def to_patches(x: Tensor, length: int, last: Tensor | None = None, fill: float = torch.nan) -> Tensor:
    """(B, T, C) -> (B, N, P, C) with P = `length`; the inverse is `to_steps`.

    Parameters
    ----------
    last : (B,), the last step of each series, which ends its last patch; None: T - 1 in all.
    fill : value of the entries before the series.
    """
    steps = x.shape[1]
    n = -(-steps // length)
    framed = F.pad(x, (0, 0, n * length - steps, 0), value=fill) if n * length > steps else x
    if last is not None:
        moved = torch.arange(n * length, device=x.device) - (steps - 1 - last).unsqueeze(1)
        rows = torch.arange(len(x), device=x.device).unsqueeze(1)
        framed = framed[rows, moved.clamp(min=0)].masked_fill((moved < 0).unsqueeze(-1), fill)
    return framed.unflatten(1, (n, length))


def patch_of_step(steps: Tensor, total: int, length: int, last: Tensor | None = None) -> Tensor:
    """The patch in which each of the `steps` of a series of `total` steps lies: (S,) -> (S,), or (B, S) with `last`.

    A step outside its series has the patch that is nearest.
    """
    n = -(-total // length)
    place = steps + n * length - total
    if last is not None:
        place = place + (total - 1 - last).unsqueeze(1)
    return (place // length).clamp(0, n - 1)


def to_steps(patches: Tensor, total: int, last: Tensor | None = None) -> Tensor:
    """(B, N, P, C) -> (B, T, C) with T = `total`; the inverse of `to_patches`, undefined outside a series."""
    framed = patches.flatten(1, 2)
    beyond = framed.shape[1] - total
    if last is None:
        return framed[:, beyond:]
    steps = torch.arange(total, device=patches.device) + beyond
    place = (steps + (total - 1 - last).unsqueeze(1)).clamp(max=framed.shape[1] - 1)
    return framed[torch.arange(len(framed), device=patches.device).unsqueeze(1), place]
