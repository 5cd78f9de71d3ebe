"""Causal representations of a series from any encoder with `encode_causal`, in stretches of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.together import groups_with_progress, quiet, side_by_side

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
            pair = _pair(self.encoder, stretch, self.context)
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
            yield _encodable(np.array(interleaved[:, :, begin : start + stretch_length])), start - begin


class Panel:
    """Short series encoded as one panel, when the first of them asks for it."""

    def __init__(self, encoder: Any, context: int, series: Sequence[NDArray[Any]]):
        self.encoder = encoder
        self.context = context
        self.values = _encodable(side_by_side([values.T for values in series]))

    @cached_property
    def shown(self) -> Floats:
        """(n, t, D)."""
        return self.encoder.encode_causal(self.values, context=self.context)

    @cached_property
    def pair(self) -> tuple[Floats, Floats]:
        """(n, t, D) with each step itself shown, and with it hidden."""
        return _pair(self.encoder, self.values, self.context)


class ViewsInPanel(CausalViews):
    """Representations of one series `values` (t, c) that is a row of a panel; those of other values are its own."""

    def __init__(self, panel: Panel, row: int, values: NDArray[Any]):
        super().__init__(panel.encoder, panel.context)
        self.panel, self.row, self.values = panel, row, values

    def shown(self, values: NDArray[Any]) -> Floats:
        if values is not self.values:
            return super().shown(values)
        return self.panel.shown[self.row, : len(values)]

    def pairs(self, values: NDArray[Any], stride: int = 1) -> Iterator[tuple[Floats, Floats]]:
        if values is not self.values or stride > 1:
            yield from super().pairs(values, stride)
        else:
            shown, hidden = (z[self.row, : len(values)] for z in self.panel.pair)
            yield shown, hidden


def views_of_each(encoder: Any, context: int, series: Sequence[NDArray[Any]]) -> Iterator[CausalViews]:
    """The views of each of `series` (t_i, c), in order; short ones are encoded together."""
    silent = encoder if len(series) == 1 else quiet(encoder)
    for group in groups_with_progress(encoder, [len(values) for values in series], "Scoring"):
        together = series[group]
        if len(together) == 1:
            yield CausalViews(silent, context)
            continue
        panel = Panel(silent, context, together)
        for row, values in enumerate(together):
            yield ViewsInPanel(panel, row, values)


def _pair(encoder: Any, panel: NDArray[Any], context: int) -> tuple[Floats, Floats]:
    """(n, t, D) with each step itself shown, and with it hidden, of a panel (n, c, t)."""
    if hasattr(encoder, "encode_causal_pair"):
        return encoder.encode_causal_pair(panel, context=context)
    shown = encoder.encode_causal(panel, context=context)
    return shown, encoder.encode_causal(panel, context=context, hide_last=True)


def _encodable(panel: NDArray[Any]) -> NDArray[Any]:
    """A panel (n, c, t) in which every instance has a value, as encoders ask for; it is written to."""
    panel[np.isnan(panel).all(axis=(1, 2)), :, -1] = 0.0
    return panel
