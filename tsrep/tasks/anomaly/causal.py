"""Causal representations of a series from any encoder with `encode_causal`, in stretches of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STRETCH = 8192
"""Steps encoded at a time."""


class CausalViews:
    """Representations of each step of a series (t, c) from the step and the `context` steps before it.

    A stretch is encoded together with the `context` steps before it, so the stretches give what the whole series would.
    """

    def __init__(self, encoder: Any, context: int):
        self.encoder = encoder
        self.context = context
        self._last: tuple[NDArray[Any], Floats] | None = None

    def shown(self, values: NDArray[Any]) -> Floats:
        """(t, D) representations. Those of the last `values` are kept, since several scores use them."""
        if self._last is None or self._last[0] is not values:
            parts = [
                self.encoder.encode_causal(stretch, context=self.context)[0, before:]
                for stretch, before in self._stretches(values, 1)
            ]
            self._last = values, np.concatenate(parts)
        return self._last[1]

    def pairs(self, values: NDArray[Any], stride: int = 1) -> Iterator[tuple[Floats, Floats]]:
        """Per stretch the representations with the step itself shown and with it hidden, (length, D) each.

        With a `stride` only every `stride`-th step before a step is in its context, which then reaches `stride` times
        as far back.
        """
        surplus = -len(values) % stride
        for stretch, before in self._stretches(values, stride):
            if hasattr(self.encoder, "encode_causal_pair"):
                pair = self.encoder.encode_causal_pair(stretch, context=self.context)
            else:
                shown = self.encoder.encode_causal(stretch, context=self.context)
                pair = shown, self.encoder.encode_causal(stretch, context=self.context, hide_last=True)
            in_order = [z[:, before:].transpose(1, 0, 2).reshape(-1, z.shape[2])[surplus:] for z in pair]
            surplus = 0
            yield in_order[0], in_order[1]

    def _stretches(self, values: NDArray[Any], stride: int) -> Iterator[tuple[NDArray[Any], int]]:
        """Panels (stride, c, length) of a stretch and the steps before it, with the number of steps before it.

        Instance i of a panel has every `stride`-th step of the series, beginning with step i. If the length is not a
        multiple of `stride`, missing steps are inserted at the front.
        """
        surplus = -len(values) % stride
        padded = np.pad(values, ((surplus, 0), (0, 0)), constant_values=np.nan) if surplus else values
        interleaved = padded.reshape(-1, stride, values.shape[1]).transpose(1, 2, 0)
        length = interleaved.shape[2]
        stretch_length = max(1, STRETCH // stride)
        for start in range(0, length, stretch_length):
            begin = max(0, start - self.context)
            stretch = np.array(interleaved[:, :, begin : start + stretch_length])
            unobserved = np.isnan(stretch).all(axis=(1, 2))
            stretch[unobserved, :, -1] = 0.0  # an instance of a panel needs at least one value
            yield stretch, start - begin
