"""Windows that look back, of the paper's encoder: which of the fast ways is for which device and size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor

from tsrep.encoding.windows import tiles
from tsrep.ts2vec.fast.replay import encode_in_tiles, worth_capturing
from tsrep.ts2vec.fast.windows import SHORT_WINDOW, WindowEncoder

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from tsrep.encoding.encoder import SeriesEncoder

WINDOWS_ON_CPU = 512  # at once; what falls out of the cache is slower
STEPS_ON_GPU = 2**21  # of all windows worked on at once; there each window is computed by itself: fewer calls
SHORT_LIVE_WINDOW = 128  # steps of a window that are computed together in a live stream


class CausalWindows:
    """`tsrep.encoding.backbone.FastWindows` for an encoder whose backbone is `DilatedConvolutions`."""

    def encode(
        self, encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
    ) -> Iterator[tuple[slice, slice, Tensor]]:
        """(rows, steps, (V, rows, steps, D)) for `x` (n, T, C), one variant per entry of `hide_last`."""
        if worth_capturing(x, context, fabric):
            return encode_in_tiles(encoder, x, context, hide_last, fabric)
        return _side_by_side(encoder, x, context, hide_last, fabric)

    def follow(self, encoder: SeriesEncoder, context: int) -> WindowEncoder:
        """The state for one live series."""
        return WindowEncoder(encoder, context, short=SHORT_LIVE_WINDOW)


def _side_by_side(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    on_cpu = fabric.device.type == "cpu"
    at_once = WINDOWS_ON_CPU if on_cpu else max(1, STEPS_ON_GPU // (context + 1))
    short = SHORT_WINDOW if on_cpu else context + 1
    for rows, steps in tiles(x.shape[0], x.shape[1], at_once):
        with fabric.autocast():
            if steps.start == 0:
                windows = WindowEncoder(encoder, context, rows.stop - rows.start, short)
            z = windows.push(fabric.to_device(x[rows, steps]), hide_last)
        yield rows, steps, z.float()
