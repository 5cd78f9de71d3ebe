"""The representation of each new point of a live series as it arrives."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from tsrep.base.panels import Floats
from tsrep.data.plain import real_numbers
from tsrep.encoding.windows import follow
from tsrep.train.runtime import launch

POINTS_AT_ONCE = 512


class OnlineEncoder:
    """The representation of each new point of a series as it arrives: what `encode_causal` gives for that step.

    Made by an encoder's `online`. It remembers the last `context` points and nothing else, so time and memory per point
    do not grow; of many points at once a few hundred are computed together. To continue after an interruption, give a
    new one the `state_dict` of this one, or the last `context` points, which gives the same up to rounding.

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

    def __init__(self, encoder: nn.Module, context: int, channels: int, device: str, precision: str):
        self.context = context
        self.channels = channels
        self._encoder = encoder
        self._fabric = launch(device, precision)
        self._windows = follow(encoder, context, channels, self._fabric)

    def update(self, points: ArrayLike) -> Floats:
        """The representation (D,) of one new point (channels,), or (k, D) of k points (k, channels), oldest first.

        A number is a point of a univariate series; NaN is a missing value.

        Raises
        ------
        ValueError
            The points have another number of channels than the encoder was fitted with, or are infinite.
        """
        return self._push(points, (False,))[0]

    def update_pair(self, points: ArrayLike) -> tuple[Floats, Floats]:
        """`update`, and the same with each point itself hidden: see `encode_causal_pair`."""
        shown, hidden = self._push(points, (False, True))
        return shown, hidden

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that the next representations depend on, as `torch.nn.Module.state_dict` gives it."""
        return self._windows.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Goes on, to the bit, from the `state_dict` of one with the same encoder and context."""
        self._windows.load_state_dict(state)

    def _push(self, points: ArrayLike, hide_last: tuple[bool, ...]) -> Floats:
        x = np.asarray(real_numbers(points, "points", np.float32), order="C")
        if x.ndim > 2 or (x.shape[-1:] or (1,)) != (self.channels,):
            raise ValueError(
                f"points has shape {x.shape}; wanted ({self.channels},) for one point or (k, {self.channels})"
            )
        if np.isinf(x).any():
            raise ValueError("points holds infinite values; NaN marks a missing one")
        batch = torch.from_numpy(np.atleast_2d(x))[None]
        z = self._of_none(len(hide_last)) if x.size == 0 else self._of_points(batch, hide_last)
        return z.float().cpu().numpy()[:, 0].reshape(len(hide_last), *x.shape[:-1], z.shape[-1])

    def _of_points(self, batch: Tensor, hide_last: tuple[bool, ...]) -> Tensor:
        """(V, 1, k, D)."""
        with self._fabric.autocast():
            batch = self._fabric.to_device(batch)
            few_at_a_time = batch.split(POINTS_AT_ONCE, dim=1)
            return torch.cat([self._windows.push(few, hide_last) for few in few_at_a_time], dim=2)

    @torch.inference_mode()
    def _of_none(self, variants: int) -> Tensor:
        """(V, 1, 0, D), of no point."""
        z = self._encoder(self._fabric.to_device(torch.full((1, 1, self.channels), torch.nan)))
        return z.new_empty(variants, 1, 0, z.shape[-1])
