"""The dominant period of a series, from its training part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data import Scale

LONGEST = 1000
LAST_STEPS = 20_000
"""Steps at the end of the training part that are used."""
DEFAULT_PERIOD = 100
"""The period of a series without a peak."""
LEAST_CORRELATION = 0.1


def dominant_period(train: NDArray[Any]) -> int:
    """The lag of the highest autocorrelation peak of (t, c), mean over channels, from 10 to 1,000 steps.

    100 where no peak is above 0.1. Missing values (NaN) count as the mean. Lags above a third of the length are not
    considered.
    """
    x = np.asarray(train[-LAST_STEPS:], dtype=np.float64)
    x = np.nan_to_num(Scale.of(x).apply(x))
    x = x[:, x.any(axis=0)]
    longest = min(LONGEST, len(x) // 3)
    if x.shape[1] == 0 or longest < 11:
        return min(DEFAULT_PERIOD, max(len(train) // 3, 1))
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x), axis=0)) ** 2
    correlation = np.fft.irfft(spectrum.mean(axis=1))[: longest + 2] / len(x)
    lags = np.arange(10, longest + 1)
    peaks = lags[(correlation[lags] > correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]
    peaks = peaks[correlation[peaks] > LEAST_CORRELATION]
    return int(peaks[np.argmax(correlation[peaks])]) if len(peaks) else min(DEFAULT_PERIOD, longest)
