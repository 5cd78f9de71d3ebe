"""Names of columns in a forecaster: one or several, text, numbers or tuples; never letter by letter."""

import numpy as np
import pandas as pd
import pytest

from tsrep import TS2Vec
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationForecaster

STEPS = np.arange(160)
HOURS = pd.date_range("2026-01-01", periods=160, freq="h")
FRAME = pd.DataFrame({"load": np.sin(STEPS / 5), "price": np.cos(STEPS / 5)}, HOURS)
AHEAD = pd.DataFrame({"price": [1.0, 2.0]}, pd.date_range(HOURS[-1], periods=3, freq="h")[1:])
TUPLES = FRAME.set_axis(pd.MultiIndex.from_tuples([("a", "load"), ("a", "price")]), axis=1)
LOAD, PRICE = "('a', 'load')", "('a', 'price')"
NUMBERED = FRAME.set_axis([0, 1], axis=1)


def encoder():
    return TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=0, random_state=0)


def fitted(data, **names):
    return RepresentationForecaster(encoder(), horizons=2, context=8).fit(data, **names)


@pytest.mark.parametrize(
    ("data", "targets", "found"),
    [
        (FRAME, "load", ["load"]),
        (FRAME, ("price", "load"), ["price", "load"]),
        (FRAME, FRAME.columns[1:], ["price"]),
        (FRAME, np.array(["price"]), ["price"]),
        (FRAME.to_numpy(), [0], ["0"]),
        (FRAME.to_numpy(), 1, ["1"]),
        (NUMBERED, [0], ["0"]),
        (NUMBERED, [np.int64(1)], ["1"]),
        (NUMBERED, "1", ["1"]),
        (FRAME["load"].rename(5), 5, ["5"]),
        (TUPLES, ("a", "load"), [LOAD]),
        (TUPLES, [("a", "price")], [PRICE]),
        (TUPLES, None, [LOAD, PRICE]),
    ],
)
def test_targets_by_name(data, targets, found):
    forecaster = fitted(data, targets=targets)
    assert forecaster.targets_ == found
    assert all(type(name) is str for name in forecaster.targets_)
    assert list(forecaster.predict().columns[::3]) == found


@pytest.mark.parametrize(
    ("data", "known", "ahead"),
    [
        (FRAME, "price", AHEAD),
        (FRAME, ["price"], AHEAD),
        (TUPLES, ("a", "price"), AHEAD.set_axis([("a", "price")], axis=1)),
        (NUMBERED, 1, AHEAD.set_axis([1], axis=1)),
    ],
)
def test_columns_known_for_the_future_by_name(data, known, ahead):
    forecaster = fitted(data, known=known)
    expected = fitted(FRAME, known=["price"]).predict(future=AHEAD)
    np.testing.assert_array_equal(forecaster.predict(future=ahead), expected)
    assert len(forecaster.targets_) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"known": "prise"}, "known has 'prise'; wanted columns of data: 'load', 'price'"),
        ({"targets": {"load"}}, "targets is {'load'}; wanted a name or a list of names"),
        ({"targets": 3.5}, "targets is 3.5; wanted a name or a list of names"),
        ({"targets": ["load", "load"]}, "targets has 'load' twice; wanted each name once"),
    ],
)
def test_names_that_are_refused(names, said):
    with pytest.raises(ValueError) as caught:
        fitted(FRAME, **names)
    assert said in str(caught.value)


def test_a_target_with_the_name_of_a_bound_is_refused():
    with pytest.raises(ValueError, match="targets has 'load' and 'load_lower'.* rename one"):
        fitted(FRAME.rename(columns={"price": "load_lower"}))


def test_a_detector_takes_tuples_as_names():
    detectors = [
        RepresentationAnomalyDetector(encoder(), context=8).fit(frame).decision_function(frame)
        for frame in (TUPLES, FRAME)
    ]
    np.testing.assert_array_equal(*detectors)
