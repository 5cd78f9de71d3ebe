"""What a time index alone says about a step: the seven calendar features that TS2Vec gives its encoder beside the data.

They are plain numbers (an hour is 0 to 23), standardised by the mean and deviation of the training part, as in the
TS2Vec paper's forecasting protocol. They are known for the future too.
"""

from __future__ import annotations

import pandas as pd

CALENDAR = ("minute", "hour", "dayofweek", "day", "dayofyear", "month", "weekofyear")


def calendar_features(index: pd.Index) -> pd.DataFrame:
    """Minute, hour, day of the week (Monday 0), day, day of the year, month and ISO week of each step, (t, 7) floats.

    An index that holds no dates (step numbers) has no calendar: (t, 0).

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
