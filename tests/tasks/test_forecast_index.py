"""Forecasts of series with steps of any kind: their times follow the data, and a saved forecaster keeps them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationForecaster

INDICES = {
    "months on the 15th": pd.DatetimeIndex(
        pd.date_range("2000-01-01", periods=164, freq="MS") + pd.Timedelta(days=14)
    ),
    "last Fridays": pd.date_range("2000-01-01", periods=164, freq=pd.offsets.LastWeekOfMonth(weekday=4)),
    "quarters": pd.date_range("1980-01-01", periods=164, freq="QS"),
    "local days": pd.date_range("2024-01-01", periods=164, freq="D", tz="Europe/Berlin"),
    "fractions": pd.Index(np.round(np.arange(164) * 0.02, 2)),
    "time differences": pd.timedelta_range("0s", periods=164, freq="10s"),
    "step numbers": pd.RangeIndex(3, 331, 2),
}


@pytest.mark.parametrize("name", INDICES)
def test_forecasts_go_on_where_the_data_end(name: str, tmp_path: Path) -> None:
    index = INDICES[name]
    frame = pd.DataFrame({"y": np.sin(np.arange(160) / 3)}, index[:160]).drop(index=index[[20, 21]])
    encoder = TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1, random_state=0)
    fitted = RepresentationForecaster(encoder, horizons=4, context=12).fit(frame)
    forecast = fitted.predict()
    assert list(forecast.index) == list(index[160:])
    fitted.save(tmp_path / "model")
    pd.testing.assert_frame_equal(load(tmp_path / "model").predict(), forecast, check_freq=False)
