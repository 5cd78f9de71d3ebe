"""A value beside which all others are constant is told, once, by everything that learns from it."""

import warnings

import numpy as np
import pandas as pd
import pytest

from tsrep import MaskedSeriesEncoder, SSGANImputer, TS2Vec
from tsrep.data import FillValueWarning, warn_of_fill_values
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationForecaster

SERIES = np.sin(np.arange(120) / 5) + np.random.default_rng(0).normal(scale=0.1, size=120)
TINY = {"max_steps": 1, "random_state": 0, "device": "cpu"}


def encoder():
    return TS2Vec(n_components=4, hidden_channels=4, depth=2, **TINY)


def told(panel, names=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_fill_values(panel, "X", names)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("value", [1e20, -1e300, 2.0**62, np.float32(3e38), -9_999_999.0])
@pytest.mark.parametrize("place", [(0, 0, 0), (2, 1, 99), (4, 1, 50)])
def test_one_value_among_many_is_told_with_its_channel(value, place):
    panel = np.random.default_rng(0).normal(size=(5, 2, 100))
    panel[place] = value
    (message,) = told(panel)
    assert message.startswith(f"X has the value {value:g} in the channel {place[1]}, beside which")
    assert f" in the channel {['aa', 'ab'][place[1]]!r}, " in told(panel, ["aa", "ab"])[0]


@pytest.mark.parametrize(
    "panel",
    [
        np.random.default_rng(0).normal(size=(3, 1, 50)) * 1e300,
        np.random.default_rng(0).standard_t(1.5, size=(1, 2, 20_000)),
        np.zeros((2, 1, 10)),
        np.where(np.arange(40).reshape(2, 1, 20) == 7, 1e9, 0.0),  # rare counts
        np.full((2, 2, 5), np.nan),
        np.arange(12, dtype=np.int64).reshape(2, 2, 3),
        np.array([[[True, False, True]]]),
        1e12 + np.random.default_rng(0).normal(size=(2, 1, 30)),
    ],
    ids=["huge", "heavy tails", "zeros", "rare", "missing", "integers", "booleans", "offset"],
)
def test_ordinary_values_are_not(panel):
    assert told(panel) == []


def test_the_middle_is_that_of_a_sample_and_the_extremes_are_of_all():
    panel = np.random.default_rng(0).normal(size=(3, 1, 100_000))
    panel[1, 0, 77_777] = 1e9
    assert len(told(panel)) == 1


@pytest.mark.parametrize(
    "estimator, name",
    [
        (encoder(), "0"),
        (MaskedSeriesEncoder(n_components=8, depth=1, **TINY), "0"),
        (SSGANImputer(hidden_size=4, **TINY), "0"),
        (RepresentationAnomalyDetector(encoder(), context=10), "'y'"),
        (RepresentationForecaster(encoder(), horizons=2, context=10), "'y'"),
    ],
    ids=["ts2vec", "masked", "imputer", "detector", "forecaster"],
)
def test_every_estimator_tells_once(estimator, name):
    struck = SERIES.copy()
    struck[30] = 3e7
    task = hasattr(estimator, "context")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(struck if task else struck[None, None])
    (message,) = (str(each.message) for each in caught if each.category is FillValueWarning)
    assert f"has the value 3e+07 in the channel {name}, " in message
    with warnings.catch_warnings():
        warnings.simplefilter("error", FillValueWarning)
        missing = np.where(struck == 3e7, np.nan, struck)
        estimator.fit(missing if task else missing[None, None])


def test_a_forecast_from_a_fill_value_is_told():
    frame = pd.DataFrame({"load": SERIES}, index=pd.date_range("2026-01-01", periods=120, freq="h"))
    forecaster = RepresentationForecaster(encoder(), horizons=2, context=10).fit(frame)
    frame.iloc[-2] = -1e15
    with pytest.warns(FillValueWarning, match=r"data has the value -1e\+15 in the channel 'load'"):
        forecaster.predict(frame)
