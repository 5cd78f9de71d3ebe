"""Windows of long series on a CUDA device: tiles of two sizes, each captured once as a CUDA graph and replayed.

Encoding a few thousand windows takes a GPU less time than the host needs to launch it kernel by kernel. Later tiles, of
this series or of another, are one launch each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.train.cuda_graph import Captured
from tsrep.ts2vec.fast.windows import WindowEncoder

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from tsrep.encoding.encoder import SeriesEncoder

TILE, LARGE_TILE = 2048, 2**14  # windows; a large tile takes a GPU about three times the time of a small one
LONGEST_CONTEXT = 1023  # each tile encodes those steps again
SHORT_WINDOW = 13  # steps of a window that are computed together: fewer are less work in more kernels


def worth_capturing(x: Tensor, context: int, fabric: Fabric) -> bool:
    """Whether the series `x` (n, T, C) are long enough, and the windows not too long, for tiles."""
    return fabric.device.type == "cuda" and x.shape[1] >= TILE // 2 and context <= LONGEST_CONTEXT


def encode_in_tiles(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    """(rows, steps, (V, rows, steps, D)), as `tsrep.encoding.windows.encode_windows`; the encoder is on the device."""
    tile = _tile(encoder, context, hide_last, fabric, next(encoder.parameters()).data_ptr())
    length = x.shape[1]
    for row in range(len(x)):
        start = 0
        while start < length:
            size = LARGE_TILE if length - start > 2 * TILE else TILE
            stop = min(start + size, length)
            missing = max(0, context - start)  # steps before the series
            steps = x[row, start - context + missing : stop]
            z = tile(F.pad(steps, (0, 0, missing, start + size - stop), value=torch.nan))
            yield slice(row, row + 1), slice(start, stop), z[:, None, : stop - start]
            start = stop


@lru_cache(maxsize=2)
def _tile(
    encoder: SeriesEncoder, context: int, hide_last: tuple[bool, ...], fabric: Fabric, place: int
) -> Captured:
    """(context + m, C) -> (V, m, D), for weights that lie at `place` in the device's memory.

    They are held: an encoder that was moved away and back finds its weights in another place, and another graph.
    """

    @torch.inference_mode()
    def encode(x: Tensor) -> Tensor:
        with fabric.autocast():
            before, new = x[None, :context], x[None, context:]
            windows = WindowEncoder(encoder, context, short=SHORT_WINDOW, before=before)
            return windows.push(new, hide_last)[:, 0].float()

    held = [weight.detach() for weight in encoder.parameters()]
    return Captured(encode, fabric.device, held)
