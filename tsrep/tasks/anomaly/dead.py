"""Dead channels: those that are missing for long while others are measured count as their training mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SHARE_OF_CONTEXT = 0.1
"""A channel is dead when it was missing for more than this share of the context."""


class DeadChannels:
    """Which channels are dead, step by step of one series.

    A channel that was never measured is dead from the start. A step at which no channel was measured stays missing.

    Parameters
    ----------
    context : number of steps before a step that its score depends on.
    channels : number of channels.
    """

    def __init__(self, context: int, channels: int):
        self.limit = max(1, int(SHARE_OF_CONTEXT * context))
        self.missing = np.full(channels, self.limit)  # steps since a channel was last measured

    def at_mean(self, values: Floats) -> tuple[Floats, Flags]:
        """The next steps, standardised values (t, c) with NaN where missing: with 0 where a channel is dead, and where.

        Returns
        -------
        (t, c) values and (t, c) whether the channel is dead.
        """
        if len(values) == 0:
            return values, np.zeros(values.shape, dtype=bool)
        missing = np.isnan(values)
        steps = np.arange(1, len(values) + 1)[:, None]
        last = np.maximum.accumulate(np.where(missing, 0, steps), axis=0)
        run = steps - last + np.where(last == 0, self.missing, 0)
        self.missing = run[-1]
        dead = (run > self.limit) & ~missing.all(axis=1, keepdims=True)
        return np.where(dead, 0.0, values), dead


def spans(dead: Flags, index: Any, names: Sequence[str]) -> str:
    """The dead channels of `dead` (t, c) by name, each with its first and last dead step in `index`; empty if none."""
    described = []
    for channel in np.flatnonzero(dead.any(axis=0)).tolist():
        steps = np.flatnonzero(dead[:, channel])
        count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
        described.append(f"{names[channel]!r} ({count} from {index[steps[0]]} to {index[steps[-1]]})")
    return ", ".join(described)
