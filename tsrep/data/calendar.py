"""Features of a time index, which are known for future steps too.

`calendar_features` are the seven integers (an hour is 0 to 23) that TS2Vec's encoder gets in addition to the data in
the paper's forecasting protocol. `cycle_features` are sine and cosine of the position within the day, the week and
the year, for the cycles that the training part contains at least twice: a feature that grows through the whole
training part, as the day of the year does within one year, is a trend that a linear model extrapolates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CALENDAR = ("minute", "hour", "dayofweek", "day", "dayofyear", "month", "weekofyear")
"""The columns of `calendar_features`."""

CYCLES = {"day": pd.Timedelta(days=1), "week": pd.Timedelta(days=7), "year": pd.Timedelta(days=365.2425)}


def calendar_features(index: pd.Index) -> pd.DataFrame:
    """Minute, hour, day of the week (Monday 0), day, day of the year, month and ISO week of each step, (t, 7) floats.

    (t, 0) for an index without dates (step numbers).

    Examples
    --------
    >>> import pandas as pd
    >>> calendar_features(pd.date_range("2026-02-01 13:30", periods=1, freq="h")).iloc[0].astype(int).to_dict()
    {'minute': 30, 'hour': 13, 'dayofweek': 6, 'day': 1, 'dayofyear': 32, 'month': 2, 'weekofyear': 5}
    """
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        return pd.DataFrame(index=index)
    features = {name: getattr(index, name) for name in CALENDAR[:-1]}
    features["weekofyear"] = index.isocalendar()["week"].to_numpy()
    return pd.DataFrame(features, index=index, dtype=float)


def cycles_within(index: pd.Index) -> tuple[str, ...]:
    """Which of "day", "week" and "year" a regular index contains at least twice, with more than two steps each."""
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 3:
        return ()
    span, step = index[-1] - index[0], index[1] - index[0]
    return tuple(name for name, length in CYCLES.items() if span >= 2 * length and length > 2 * step)


def cycle_features(index: pd.Index, cycles: tuple[str, ...]) -> pd.DataFrame:
    """Sine and cosine of the position of each step in each of `cycles`, (t, 2 * len(cycles)).

    Examples
    --------
    >>> import pandas as pd
    >>> cycle_features(pd.date_range("2026-01-05", periods=3, freq="6h"), ("day",)).round(6).to_numpy().tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]
    """
    features: dict[str, Any] = {}
    if isinstance(index, pd.DatetimeIndex) and cycles:
        in_day = (index.hour * 3600 + index.minute * 60 + index.second) / 86400
        place = {
            "day": in_day,
            "week": (index.dayofweek + in_day) / 7,
            "year": (index.dayofyear - 1 + in_day) / 365.2425,
        }
        for name in cycles:
            features[f"{name}_sine"] = np.sin(2 * np.pi * place[name])
            features[f"{name}_cosine"] = np.cos(2 * np.pi * place[name])
    return pd.DataFrame(features, index=index, dtype=float)
