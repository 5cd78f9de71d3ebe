"""Many short series: encoded together they get what each gets alone, and regressions learn from some of them."""

import numpy as np
import pandas as pd
import pytest

from tsrep import TS2Vec
from tsrep.data.columns import TableError
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationForecaster, together
from tsrep.tasks.anomaly import detector as detector_module
from tsrep.tasks.anomaly import scores
from tsrep.tasks.forecast import estimator, paper
from tsrep.tasks.series import read_series

LENGTHS = [90, 130, 90, 70, 110]


def long_table(seed=0):
    random = np.random.default_rng(seed)
    parts = []
    for number, length in enumerate(LENGTHS):
        y = 10 * number + np.sin(np.arange(length) / (2 + number)) + random.normal(0, 0.1, length)
        parts.append(pd.DataFrame({"unique_id": f"s{number}", "ds": np.arange(length), "y": y}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def table():
    return long_table()


@pytest.fixture(scope="module")
def encoder():
    X = np.sin(np.arange(200) / 3)[None, None]
    settings = {"n_components": 8, "hidden_channels": 4, "depth": 2, "random_state": 0, "device": "cpu"}
    return TS2Vec(**settings, max_steps=2).fit(X)


class Counted:
    """An encoder that counts its calls, without the fast pair."""

    def __init__(self, encoder):
        self.encoder, self.calls = encoder, 0

    def fit(self, X):
        return self

    def encode_causal(self, X, context, hide_last=False):
        self.calls += 1
        return self.encoder.encode_causal(X, context, hide_last)


@pytest.mark.parametrize("score", ["hidden", "scales", "combined"])
def test_scores_of_series_together_are_those_of_each_alone(score, table, encoder, monkeypatch):
    def scored():
        counted = Counted(encoder)
        detector = RepresentationAnomalyDetector(counted, context=10, score=score, prefit=True).fit(table)
        return detector.decision_function(long_table(1)), list(detector.threshold_.values()), counted.calls

    of_all, thresholds, calls = scored()
    monkeypatch.setattr(together, "STEPS_AT_ONCE", 1)
    alone, thresholds_alone, calls_alone = scored()
    np.testing.assert_allclose(of_all, alone, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(thresholds, thresholds_alone, rtol=1e-4)
    assert calls < calls_alone


def test_forecasts_of_series_together_are_those_of_each_alone(table, monkeypatch):
    small = TS2Vec(n_components=8, hidden_channels=4, depth=2, max_steps=2, random_state=0, device="cpu")
    forecaster = RepresentationForecaster(small, horizons=3, context=10).fit(table)
    of_all = forecaster.predict()
    monkeypatch.setattr(together, "STEPS_AT_ONCE", 1)
    np.testing.assert_allclose(forecaster.predict()["y"], of_all["y"], rtol=1e-4)
    again = RepresentationForecaster(small, horizons=3, context=10).fit(table).predict()
    np.testing.assert_allclose(again["y"], of_all["y"], rtol=1e-3)
    assert of_all["unique_id"].unique().tolist() == [f"s{number}" for number in range(len(LENGTHS))]


def test_regressions_learn_from_some_of_very_many_series(table, monkeypatch):
    encoder = TS2Vec(n_components=8, hidden_channels=4, depth=1, max_steps=1, random_state=0, device="cpu")
    monkeypatch.setattr(estimator, "MOST_SERIES", 2)
    learnt = []
    recipe_fit = estimator.BestRecipe.fit

    def fit(self, training, validation):
        learnt.append((len(training), len(validation)))
        return recipe_fit(self, training, validation)

    monkeypatch.setattr(estimator.BestRecipe, "fit", fit)
    forecaster = RepresentationForecaster(encoder, horizons=3, context=10).fit(table)
    assert learnt == [(2, 2)]  # the first and the fourth
    assert len(forecaster.predict()) == 3 * len(LENGTHS) and len(forecaster.scales_) == len(LENGTHS)


def test_a_verbose_encoder_shows_one_bar_for_all_series(table, encoder, capsys):
    detector = RepresentationAnomalyDetector(encoder, context=10, score="hidden", prefit=True).fit(table)
    encoder.set_params(verbose=1)
    try:
        detector.predict(table)
    finally:
        encoder.set_params(verbose=0)
    shown = capsys.readouterr().out
    assert "Scoring" in shown and "100%" in shown and "Encoding" not in shown


def test_a_sample_of_rows_is_drawn_from_the_blocks_in_order():
    blocks = [(np.full((n, 1), float(n)), np.arange(n)[:, None]) for n in (5, 0, 300, 7)]
    sampled = paper._at_most(blocks, 100)
    drawn = np.random.default_rng(0).choice(312, 100, replace=False)
    assert [len(X) for X, _ in sampled] == [
        ((drawn >= low) & (drawn < high)).sum() for low, high in ((0, 5), (5, 5), (5, 305), (305, 312))
    ]
    assert np.array_equal(sampled[2][1][:, 0], np.sort(drawn[(drawn >= 5) & (drawn < 305)]) - 5)


def test_a_fault_in_one_of_many_series_is_told_of_that_series(table):
    spoilt = table.copy()
    spoilt.loc[spoilt.index[95], "y"] = np.inf
    with pytest.raises(TableError, match=r"series 's1': column 'y' holds an infinite value in row 6"):
        read_series(spoilt)
    with pytest.raises(TableError, match="holds no column of values except the time"):
        read_series(table[["unique_id", "ds"]])
    with pytest.raises(TableError, match="series 's2': column 'y' holds no value"):
        read_series(table.assign(y=table["y"].where(table["unique_id"] != "s2")))


@pytest.mark.parametrize("score", ["hidden", "scales", "pooled", "window", "combined"])
def test_a_long_series_is_scored_in_stretches(score, encoder, monkeypatch):
    series = np.sin(np.arange(700) / 6) + np.random.default_rng(0).normal(0, 0.1, 700)
    series[333] = np.nan
    detector = RepresentationAnomalyDetector(encoder, context=10, score=score, prefit=True).fit(series[:300])
    whole = detector.decision_function(series[300:], history=series[:300])
    monkeypatch.setattr(scores, "STEPS_AT_ONCE", 64)
    parts = detector.decision_function(series[300:], history=series[:300])
    np.testing.assert_allclose(parts, whole, rtol=1e-3, atol=1e-4)


def test_of_a_very_long_series_the_last_steps_are_learnt_from(encoder, monkeypatch):
    series = np.sin(np.arange(900) / 6) + np.random.default_rng(0).normal(0, 0.1, 900)
    later = RepresentationAnomalyDetector(encoder, context=10, prefit=True).fit(series[-300:])
    ahead = RepresentationForecaster(encoder, horizons=3, context=10, recipe="paper", prefit=True)
    forecast = ahead.fit(series[-300:]).predict().to_numpy()
    for module in (estimator, detector_module):
        monkeypatch.setattr(module, "MOST_LEARNT", 300)
    long = RepresentationAnomalyDetector(encoder, context=10, prefit=True).fit(series)
    assert long.threshold_ == later.threshold_
    assert np.array_equal(ahead.fit(series).predict().to_numpy(), forecast)
