"""Representations that look back only: of whole panels in one go, and of a live series point by point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tsrep.base.panels import Floats
from tsrep.train.runtime import launch
from tsrep.ts2vec.encoder import DilatedConvolutions, SeriesEncoder
from tsrep.ts2vec.inference import STEPS_AT_ONCE, last_of_windows, move, steps_at_once, tiles
from tsrep.ts2vec.masks import last
from tsrep.ts2vec.replay import encode_in_tiles, worth_recording
from tsrep.ts2vec.windows import SHORT, WindowEncoder

if TYPE_CHECKING:
    from lightning.fabric import Fabric

AT_ONCE = 512  # windows on a CPU, where what falls out of the cache is slower
# On a GPU, where each window is computed by itself, for that takes fewer calls: steps of all windows worked on at once.
STEPS_ON_GPU = 2**21
FEW_AT_A_TIME = 128  # of a window's steps are computed together in a live stream


def encode_windows(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    """(rows, steps, (V, rows, steps, D)): for each step of `x` (n, T, C) the window that ends there, encoded alone.

    One variant for each of `hide_last`: True hides every window's last step. A few windows, or those of another
    backbone than the dilated convolutions, are encoded by the definition.
    """
    move(encoder, fabric.device)
    windows = x.shape[0] * x.shape[1]
    if windows * (context + 1) <= STEPS_AT_ONCE["cpu"] or not isinstance(
        encoder.backbone, DilatedConvolutions
    ):
        return _one_by_one(encoder, x, context, hide_last, fabric)
    if worth_recording(x, context, fabric):
        return encode_in_tiles(encoder, x, context, hide_last, fabric)
    return _side_by_side(encoder, x, context, hide_last, fabric)


def _one_by_one(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    @torch.inference_mode()
    def encode(batch: Tensor) -> Tensor:
        only_last = slice(context, None)
        keeps = [last(*batch.shape[:2]) if hidden else None for hidden in hide_last]
        with fabric.autocast():
            batch, keeps = fabric.to_device((batch, keeps))
            return torch.stack([encoder(batch, keep, steps=only_last).float() for keep in keeps])

    yield from last_of_windows(x, encode, context, max(1, steps_at_once(fabric.device) // (context + 1)))


def _side_by_side(
    encoder: SeriesEncoder, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    on_cpu = fabric.device.type == "cpu"
    at_once = AT_ONCE if on_cpu else max(1, STEPS_ON_GPU // (context + 1))
    short = SHORT if on_cpu else context + 1
    for rows, steps in tiles(x.shape[0], x.shape[1], at_once):
        with fabric.autocast():
            if steps.start == 0:
                windows = WindowEncoder(encoder, context, rows.stop - rows.start, short)
            z = windows.push(fabric.to_device(x[rows, steps]), hide_last)
        yield rows, steps, z.float()


class OnlineEncoder:
    """The representation of each new point of a series as it arrives: what `encode_causal` gives for that step.

    Made by `TS2Vec.online`. It remembers the last `context` points and nothing else, so time and memory for a point do
    not grow; of many at once a few hundred are computed together. To go on after an interruption, give a new one the
    last `context` points first.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> X = np.random.default_rng(0).normal(size=(1, 2, 60))
    >>> encoder = TS2Vec(n_components=16, max_steps=0, random_state=0).fit(X)
    >>> live = encoder.online(context=20)
    >>> Z = np.stack([live.update(point) for point in X[0].T])
    >>> bool(np.allclose(Z, encoder.encode_causal(X, context=20)[0], atol=1e-5))
    True
    """

    def __init__(self, encoder: SeriesEncoder, context: int, channels: int, device: str, precision: str):
        self.context = context
        self.channels = channels
        self._fabric = launch(device, precision)
        move(encoder, self._fabric.device)
        self._windows = WindowEncoder(encoder, context, short=FEW_AT_A_TIME)

    def update(self, points: ArrayLike) -> Floats:
        """The representation (D,) of one new point (channels,), or (k, D) of a few, (k, channels), oldest first.

        A number is a point of a univariate series; NaN is a missing value.

        Raises
        ------
        ValueError
            The points have another number of channels than the encoder was fitted with, or are infinite.
        """
        return self._push(points, (False,))[0]

    def update_pair(self, points: ArrayLike) -> tuple[Floats, Floats]:
        """What `update` gives, and the same with each point itself hidden: see `TS2Vec.encode_causal_pair`."""
        shown, hidden = self._push(points, (False, True))
        return shown, hidden

    def _push(self, points: ArrayLike, hide_last: tuple[bool, ...]) -> Floats:
        x = np.asarray(points, dtype=np.float32)
        if x.ndim > 2 or (x.shape[-1:] or (1,)) != (self.channels,):
            raise ValueError(
                f"points has shape {x.shape}; wanted ({self.channels},) for one point or (k, {self.channels})"
            )
        if np.isinf(x).any():
            raise ValueError("points holds infinite values; NaN marks a missing one")
        batch = torch.from_numpy(np.atleast_2d(x))[None]
        with self._fabric.autocast():
            batch = self._fabric.to_device(batch)
            z = torch.cat([self._windows.push(few, hide_last) for few in batch.split(AT_ONCE, dim=1)], dim=2)
        return z.float().cpu().numpy()[:, 0].reshape(len(hide_last), *x.shape[:-1], -1)
