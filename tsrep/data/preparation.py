"""The TS2Vec authors' preparation of a series for anomaly detection (Yue et al., AAAI 2022, appendix)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrep.data.anomaly import AnomalySeries
from tsrep.data.stationarity import unit_root_p_value

SIGNIFICANCE_LEVEL = 0.05


def ts2vec_preparation(series: AnomalySeries) -> AnomalySeries:
    """A univariate series, differenced until it is stationary and then standardised, both by its training part.

    It is differenced until two augmented Dickey-Fuller tests, one with at most one lag and one with the lags of
    Akaike's criterion, find the training part stationary at the level 0.05. Each difference removes the first step,
    also of labels and times. Then the series is standardised by the mean and deviation of the training part. Missing
    rows stay missing, and a difference spans them, as in the authors' code. A training part that is or becomes constant
    is not differenced further, and the series is only centred.

    Raises
    ------
    ValueError
        The series has several channels.
    """
    if series.values.shape[1] != 1:
        raise ValueError(f"series has {series.values.shape[1]} channels; wanted 1")
    places = np.flatnonzero(~np.isnan(series.values[:, 0]))
    values = series.values[places, 0]
    train = int(np.searchsorted(places, series.train_length))
    while _has_unit_root(values[:train]):
        values, places, train = np.diff(values), places[1:], train - 1
    deviation = values[:train].std()
    values = (values - values[:train].mean()) / (deviation if deviation > 0 else 1.0)

    start = int(places[0])
    prepared = np.full((len(series.values) - start, 1), np.nan)
    prepared[places - start, 0] = values
    return replace(
        series,
        values=prepared,
        labels=series.labels[start:],
        train_length=series.train_length - start,
        times=None if series.times is None else series.times[start:],
    )


def _has_unit_root(train: np.ndarray) -> bool:
    if len(train) < 20 or train.min() == train.max():
        return False
    return unit_root_p_value(train, 1) > SIGNIFICANCE_LEVEL or unit_root_p_value(train) > SIGNIFICANCE_LEVEL
