"""Images cut into square patches, and back.

The values of a patch are ordered by row, then column, then channel (p, q, c), as MAE and its checkpoints have them.

Shapes: B images, C channels, H and W pixels, P the side of a patch, N = (H / P) (W / P) patches, row by row.
"""

from __future__ import annotations

from torch import Tensor


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """(B, C, H, W) -> (B, N, P P C) with P = `patch_size`; the inverse is `unpatchify`.

    Raises
    ------
    ValueError
        The height or the width is no multiple of `patch_size`.

    Examples
    --------
    >>> import torch
    >>> patchify(torch.arange(16.0).view(1, 1, 4, 4), 2)[0, 1]
    tensor([2., 3., 6., 7.])
    """
    height, width = images.shape[-2:]
    if height % patch_size or width % patch_size:
        raise ValueError(
            f"images has {height} x {width} pixels; wanted multiples of patch_size, {patch_size}"
        )
    rows = images.unflatten(3, (-1, patch_size)).unflatten(2, (-1, patch_size))
    return rows.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def unpatchify(patches: Tensor, patch_size: int, height: int | None = None) -> Tensor:
    """(B, N, P P C) -> (B, C, H, W); the inverse of `patchify`.

    Parameters
    ----------
    height : H; None: the images are square.

    Raises
    ------
    ValueError
        N patches do not fill an image of that height, or their values no patch of that size.
    """
    total, values = patches.shape[1:]
    rows = round(total**0.5) if height is None else height // patch_size
    if rows == 0 or total % rows or (height is None and rows * rows != total):
        raise ValueError(
            f"patches has {total} patches; wanted {'a square number' if height is None else f'a multiple of {rows}'}"
        )
    if values % patch_size**2:
        raise ValueError(
            f"patches has {values} values per patch; wanted a multiple of patch_size ** 2, {patch_size**2}"
        )
    grid = patches.unflatten(2, (patch_size, patch_size, -1)).unflatten(1, (rows, -1))
    return grid.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
