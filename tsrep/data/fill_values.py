"""Values that stand for a missing one, such as 1e20: beside them all others are constant once they are standardised."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data.wording import option, worded_as_call

Array = NDArray[Any]

FAR = 1e6
"""A value is a fill value if it is this many times as far from the median as half of the values are."""
SAMPLE = 2**18
"""Values of all channels from which the medians are taken, or a little more."""


class FillValueWarning(UserWarning):
    """A value lies so far from all others that it may stand for a missing one."""


def warn_of_fill_values(
    panel: Array, series: str, names: Sequence[Any] | None = None, stacklevel: int = 2
) -> None:
    """Warns of a channel whose largest or smallest value is a fill value.

    Parameters
    ----------
    panel : (n, c, t), NaN where missing.
    series : how the message calls it.
    names : of the channels; None: their numbers.
    """
    values = _sample(panel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of channels without any value
        median = np.nanmedian(values, axis=1)
        usual = np.nanmedian(np.abs(values - median[:, None]), axis=1)
    extremes = np.stack([reduce(panel, axis=(0, 2)) for reduce in (np.fmin.reduce, np.fmax.reduce)])
    distances = np.abs(extremes - median)
    for channel in np.flatnonzero((usual > 0) & (distances > FAR * usual).any(axis=0)).tolist():
        value = extremes[int(np.argmax(distances[:, channel])), channel]
        with worded_as_call("as_regular"):
            missing = option("missing", float(value))
        warnings.warn(
            f"{series} has the value {value:g} in the channel {channel if names is None else names[channel]!r}, beside "
            "which the others are constant; if it stands for a missing value, make it NaN, "
            f"which {missing} does in a table",
            FillValueWarning,
            stacklevel=stacklevel + 1,
        )


def _sample(panel: Array) -> NDArray[np.float64]:
    """(c, k) evenly spaced values of each channel."""
    instances, channels, steps = panel.shape
    wanted = max(SAMPLE // channels, 64)
    every_instance = max(1, instances // wanted)
    every_step = max(1, min(instances, wanted) * steps // wanted)
    return panel[::every_instance, :, ::every_step].transpose(1, 0, 2).reshape(channels, -1).astype(float)
