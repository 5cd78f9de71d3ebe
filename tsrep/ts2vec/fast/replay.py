"""Windows of long series on a CUDA device: tiles of two sizes, each captured once as a CUDA graph and replayed.

A GPU encodes a few thousand windows in less time than the host needs to launch the kernels one by one. A replayed tile,
of this series or another, is one launch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.train.cuda_graph import Captured
from tsrep.ts2vec.fast.window_encoder import WindowEncoder

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from tsrep.encoding.encoder import SeriesEncoder

TILE_WINDOWS, LARGE_TILE_WINDOWS = (
    2048,
    2**14,
)  # a large tile takes a GPU about three times as long as a small one
LONGEST_CONTEXT = 1023  # steps; each tile encodes them again
SHORT_WINDOW = 13  # `short` of `WindowEncoder`: fewer steps are less work in more kernels


def worth_capturing(x: Tensor, context: int, fabric: Fabric) -> bool:
    """Whether the series `x` (n, T, C) are long enough for tiles, and the windows short enough."""
    return fabric.device.type == "cuda" and x.shape[1] >= TILE_WINDOWS // 2 and context <= LONGEST_CONTEXT


def encode_in_tiles(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    """(rows, steps, (V, rows, steps, D)), as `tsrep.encoding.windows.encode_windows`; the encoder is on the device."""
    tile = _tile(encoder, context, hide_last, fabric, next(encoder.parameters()).data_ptr())
    length = x.shape[1]
    for row in range(len(x)):
        start = 0
        while start < length:
            size = LARGE_TILE_WINDOWS if length - start > 2 * TILE_WINDOWS else TILE_WINDOWS
            stop = min(start + size, length)
            missing = max(0, context - start)  # steps before the series
            steps = x[row, start - context + missing : stop]
            z = tile(F.pad(steps, (0, 0, missing, start + size - stop), value=torch.nan))
            yield slice(row, row + 1), slice(start, stop), z[:, None, : stop - start]
            start = stop


@lru_cache(maxsize=2)
def _tile(
    encoder: SeriesEncoder, context: int, hide_last: tuple[bool, ...], fabric: Fabric, address: int
) -> Captured:
    """(context + m, C) -> (V, m, D), for weights at `address` in the device's memory.

    The graph keeps the weights alive. An encoder that was moved away and back has its weights at another address, and
    gets another graph.
    """

    @torch.inference_mode()
    def encode(x: Tensor) -> Tensor:
        with fabric.autocast():
            before, new = x[None, :context], x[None, context:]
            windows = WindowEncoder(encoder, context, short=SHORT_WINDOW, before=before)
            return windows.push(new, hide_last)[:, 0].float()

    weights = [weight.detach() for weight in encoder.parameters()]
    return Captured(encode, fabric.device, weights)
