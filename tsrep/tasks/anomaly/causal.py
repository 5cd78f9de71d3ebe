"""A series through any encoder with `encode_causal`, in stretches, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STRETCH = 8192
"""Steps encoded at once."""


class CausalViews:
    """What an encoder says of each step of a series (t, c) from that step and the `context` steps before it.

    Each stretch is encoded with the `context` steps before it in front, so the stretches give what the whole would.
    """

    def __init__(self, encoder: Any, context: int):
        self.encoder = encoder
        self.context = context
        self._last: tuple[NDArray[Any], Floats] | None = None

    def shown(self, values: NDArray[Any]) -> Floats:
        """(t, D) representations. Those of the last `values` are remembered, since scores ask for them again."""
        if self._last is None or self._last[0] is not values:
            parts = [
                self.encoder.encode_causal(stretch, context=self.context)[0, before:]
                for stretch, before in self._stretches(values, 1)
            ]
            self._last = values, np.concatenate(parts)
        return self._last[1]

    def pairs(self, values: NDArray[Any], stride: int = 1) -> Iterator[tuple[Floats, Floats]]:
        """Stretch after stretch: representations with the step itself shown and hidden, each (length, D).

        With a `stride` a step's series is that of every `stride`-th step up to it, so that `context` reaches so much
        further back.
        """
        surplus = -len(values) % stride
        for stretch, before in self._stretches(values, stride):
            if hasattr(self.encoder, "encode_causal_pair"):
                pair = self.encoder.encode_causal_pair(stretch, context=self.context)
            else:
                shown = self.encoder.encode_causal(stretch, context=self.context)
                pair = shown, self.encoder.encode_causal(stretch, context=self.context, hide_last=True)
            in_turn = [z[:, before:].transpose(1, 0, 2).reshape(-1, z.shape[2])[surplus:] for z in pair]
            surplus = 0
            yield in_turn[0], in_turn[1]

    def _stretches(self, values: NDArray[Any], stride: int) -> Iterator[tuple[NDArray[Any], int]]:
        """(panel (stride, c, length) of a stretch and what lies before it, how many steps lie before).

        Instance i of the panel has every `stride`-th step of the series; where they do not come out even, missing steps
        are put in front.
        """
        surplus = -len(values) % stride
        padded = np.pad(values, ((surplus, 0), (0, 0)), constant_values=np.nan) if surplus else values
        interleaved = padded.reshape(-1, stride, values.shape[1]).transpose(1, 2, 0)
        length = interleaved.shape[2]
        for start in range(0, length, max(1, STRETCH // stride)):
            begin = max(0, start - self.context)
            stretch = np.array(interleaved[:, :, begin : start + max(1, STRETCH // stride)])
            unmeasured = np.isnan(stretch).all(
                axis=(1, 2)
            )  # for longer than an encoder looks: a panel must hold a value
            stretch[unmeasured, :, -1] = 0.0
            yield stretch, start - begin
