"""Causal windows of the paper's encoder: chooses the fast implementation for a device and a size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor

from tsrep.encoding.windows import tiles
from tsrep.ts2vec.fast.replay import encode_in_tiles, worth_capturing
from tsrep.ts2vec.fast.window_encoder import SHORT_WINDOW, WindowEncoder

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from tsrep.encoding.encoder import SeriesEncoder

CPU_WINDOWS_AT_ONCE = 512  # larger batches fall out of the cache and are slower
GPU_STEPS_AT_ONCE = 2**21  # of all windows together; a GPU computes windows whole, which takes fewer calls
SHORT_LIVE_WINDOW = 128  # `short` of `WindowEncoder` for a live series


class CausalWindows:
    """`tsrep.encoding.backbone.FastWindows` for an encoder whose backbone is `DilatedConvolutions`."""

    def encode(
        self, encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
    ) -> Iterator[tuple[slice, slice, Tensor]]:
        """(rows, steps, (V, rows, steps, D)) for `x` (n, T, C), one variant per entry of `hide_last`."""
        if worth_capturing(x, context, fabric):
            return encode_in_tiles(encoder, x, context, hide_last, fabric)
        return _encode_in_batches(encoder, x, context, hide_last, fabric)

    def follow(self, encoder: SeriesEncoder, context: int) -> WindowEncoder:
        """The state for one live series."""
        return WindowEncoder(encoder, context, short=SHORT_LIVE_WINDOW)


def _encode_in_batches(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    on_cpu = fabric.device.type == "cpu"
    at_once = CPU_WINDOWS_AT_ONCE if on_cpu else max(1, GPU_STEPS_AT_ONCE // (context + 1))
    short = SHORT_WINDOW if on_cpu else context + 1
    for rows, steps in tiles(x.shape[0], x.shape[1], at_once):
        with fabric.autocast():
            if steps.start == 0:
                windows = WindowEncoder(encoder, context, rows.stop - rows.start, short)
            z = windows.push(fabric.to_device(x[rows, steps]), hide_last)
        yield rows, steps, z.float()
