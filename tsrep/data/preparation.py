"""How the TS2Vec authors prepare a series before they look for anomalies in it (Yue et al., AAAI 2022, appendix)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrep.data.anomaly import AnomalySeries
from tsrep.data.stationarity import unit_root_p_value

LEVEL = 0.05


def ts2vec_preparation(series: AnomalySeries) -> AnomalySeries:
    """A univariate series made stationary by differencing and standardised, both judged by its training part.

    It is differenced until the augmented Dickey-Fuller test, once with at most one lag and once with as many as
    Akaike's criterion likes, finds the training part stationary at the level 0.05. Each time the series loses its
    first step, labels and times with it. Then the training part's mean and deviation are taken out. Rows that are
    missing stay missing; a difference reaches over them, as in the authors' code. A training part that is or becomes
    constant is differenced no further and only centred.

    Raises
    ------
    ValueError
        The series has several channels.
    """
    if series.values.shape[1] != 1:
        raise ValueError(f"series has {series.values.shape[1]} channels, wanted 1")
    places = np.flatnonzero(~np.isnan(series.values[:, 0]))
    values = series.values[places, 0]
    train = int(np.searchsorted(places, series.train_length))
    while _wanders(values[:train]):
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


def _wanders(train: np.ndarray) -> bool:
    if len(train) < 20 or train.min() == train.max():
        return False
    return unit_root_p_value(train, 1) > LEVEL or unit_root_p_value(train) > LEVEL
