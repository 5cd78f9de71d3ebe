"""Several series through an encoder at once: short ones share a panel, and one progress bar counts all of them.

A call of an encoder takes a few milliseconds however short its series is, so that 100,000 short series one by one would
take minutes for nothing. A series is padded at its end, and a causal encoding depends on no later step.

Shapes: t steps, c channels, D components.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator

from tsrep.encoding.batches import with_progress

Array = NDArray[Any]

STEPS_AT_ONCE = 8192
"""Steps of a panel of several series, padding included. A longer series is alone."""


def groups(lengths: Sequence[int]) -> Iterator[slice]:
    """Slices of consecutive series that share a panel, in order.

    >>> list(groups([100, 5000, 9000, 10]))
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None), slice(3, 4, None)]
    >>> list(groups([100] * 100))
    [slice(0, 81, None), slice(81, 100, None)]
    """
    start = longest = 0
    for place, length in enumerate(lengths):
        longest = max(longest, length)
        if place > start and (place + 1 - start) * longest > STEPS_AT_ONCE:
            yield slice(start, place)
            start, longest = place, length
    if start < len(lengths):
        yield slice(start, len(lengths))


def side_by_side(series: Sequence[Array]) -> Array:
    """Series (c, t_i) as a panel (n, c, t), NaN after the end of shorter ones."""
    panel = np.full((len(series), len(series[0]), max(each.shape[1] for each in series)), np.nan)
    for row, each in zip(panel, series, strict=True):
        row[:, : each.shape[1]] = each
    return panel


def groups_with_progress(encoder: Any, lengths: Sequence[int], description: str) -> Iterator[slice]:
    """`groups`; where the encoder is verbose, with a progress bar that shows the time left."""
    verbose = getattr(_own(encoder), "verbose", 0)
    parts = ((group, None) for group in groups(lengths))
    for group, _ in with_progress(parts, len(lengths), description, verbose if len(lengths) > 1 else 0):
        yield group


def quiet(encoder: Any) -> Any:
    """The encoder without progress bars of its own: a shallow copy where it is verbose."""
    own = _own(encoder)
    return copy.copy(own).set_params(verbose=0) if getattr(own, "verbose", 0) else encoder


def _own(encoder: Any) -> Any:
    return encoder.estimator if isinstance(encoder, FrozenEstimator) else encoder
