"""The rhythm of a series, from its training part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 1000
LAST = 20_000
"""Steps of the training part that are looked at, the last ones."""
USUAL = 100
"""The period of a series that shows none."""
LEAST_CORRELATION = 0.1


def dominant_period(train: NDArray[Any]) -> int:
    """The lag of 10 to 1,000 steps at which the autocorrelation of (t, c), mean over channels, has its highest peak.

    100 where no peak is above 0.1. Missing values (NaN) count as the mean; of a short part no lag above a third of its
    length is tried.
    """
    x = np.asarray(train[-LAST:], dtype=np.float64)
    known = ~np.isnan(x)
    x = np.where(known, x - np.where(known, x, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)
    deviation = x.std(axis=0)
    x = x[:, deviation > 0] / deviation[deviation > 0]
    longest = min(LONGEST, len(x) // 3)
    if x.shape[1] == 0 or longest < 11:
        return min(USUAL, max(len(train) // 3, 1))
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x), axis=0)) ** 2
    correlation = np.fft.irfft(spectrum.mean(axis=1))[: longest + 2] / len(x)
    lags = np.arange(10, longest + 1)
    peaks = lags[(correlation[lags] > correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]
    peaks = peaks[correlation[peaks] > LEAST_CORRELATION]
    return int(peaks[np.argmax(correlation[peaks])]) if len(peaks) else min(USUAL, longest)
