"""The forecaster: no look ahead, the paper's protocol, intervals, gaps, many series, known columns, bad input."""

import json
from pathlib import Path
from typing import Any

import dateutil.tz
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge

from tsrep import TS2Vec, load
from tsrep.data import calendar_features, to_long
from tsrep.metrics import coverage, mae, mse
from tsrep.tasks import RepresentationForecaster
from tsrep.tasks.forecast.folder import series_from_arrays, series_to_arrays
from tsrep.tasks.forecast.intervals import widening

HOURS = pd.date_range("2026-03-02", periods=900, freq="h", name="time")


class MovingMeans(BaseEstimator):
    """A representation without learning: means of the last 1, 3 and `context` + 1 steps of every channel."""

    def fit(self, X: Any, y: Any = None) -> "MovingMeans":
        self.n_channels_ = np.asarray(X[0]).shape[0]
        return self

    def encode_causal(self, X: Any, context: int) -> NDArray[np.float32]:
        filled = np.nan_to_num(np.asarray(X, dtype=np.float64))
        sums = np.cumsum(np.concatenate([np.zeros((*filled.shape[:2], context + 2)), filled], axis=2), axis=2)
        means = [
            (sums[..., context + 2 :] - sums[..., context + 2 - w : -w]) / w for w in (1, 3, context + 1)
        ]
        return np.concatenate(means, axis=1).transpose(0, 2, 1).astype(np.float32)


def hourly(rows: int = 900, seed: int = 0, noise: float = 0.3) -> pd.DataFrame:
    """A daily wave on a slow wander, and a second column."""
    rng = np.random.default_rng(seed)
    hour = np.arange(rows)
    wander = rng.normal(scale=0.05, size=rows).cumsum()
    load = 10 + 3 * np.sin(hour * np.pi / 12) + wander + rng.normal(scale=noise, size=rows)
    heat = 2 * np.cos(hour * np.pi / 12) + rng.normal(scale=0.2, size=rows)
    return pd.DataFrame(
        {"load": load, "heat": heat}, pd.date_range(HOURS[0], periods=rows, freq="h", name="time")
    )


def forecaster(**options: Any) -> RepresentationForecaster:
    return RepresentationForecaster(MovingMeans(), **{"horizons": (6, 24), "context": 48} | options)


RECIPES = pytest.mark.parametrize("recipe", ["best", "paper"])


# No look ahead


@RECIPES
def test_nothing_after_the_cut_changes_a_forecast_made_at_the_cut(recipe: str) -> None:
    data = hourly()
    other = data.copy()
    other.iloc[700:] = np.random.default_rng(1).normal(scale=50, size=(200, 2))
    fitted = forecaster(recipe=recipe).fit(data.iloc[:600])
    cut = data.index[699]
    pd.testing.assert_frame_equal(fitted.predict(data.loc[:cut]), fitted.predict(other.loc[:cut]))
    # A backtest of both until the cut sees nothing of the difference either, nor the forecast of its last origin.
    origins = slice(None, data.index[699])
    pd.testing.assert_frame_equal(
        fitted.backtest(data.loc[origins], data.index[620]),
        fitted.backtest(other.loc[origins], data.index[620]),
    )


@RECIPES
def test_a_backtest_makes_the_forecasts_that_predict_makes(recipe: str) -> None:
    data = hourly()
    fitted = forecaster(recipe=recipe, horizons=24).fit(data.iloc[:600], targets=["load"])
    start = data.index[860]
    errors, within = [], []
    for cut in data.index[860:876]:  # the last has exactly 24 steps after it
        forecast = fitted.predict(data.loc[:cut])
        truth = data["load"].reindex(forecast.index)
        errors.append(truth - forecast["load"])
        within.append(truth.between(forecast["load_lower"], forecast["load_upper"]))
    row = fitted.backtest(data, start).iloc[0]
    assert row["origins"] == 16 and row["horizon"] == 24
    unit = data["load"].iloc[:450].std(ddof=0)
    assert row["mse_raw"] == pytest.approx(np.mean(np.square(errors)), rel=1e-5)
    assert row["mae_raw"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-5)
    assert row["mse"] == pytest.approx(np.mean(np.square(errors)) / unit**2, rel=1e-5)
    assert row["coverage"] == pytest.approx(np.mean(within))


@RECIPES
def test_a_backtest_of_a_series_that_was_not_fitted_is_standardised_by_what_precedes_it(recipe: str) -> None:
    data = hourly()
    shops = pd.concat(data.iloc[:600].assign(unique_id=name).rename_axis("ds").reset_index() for name in "ab")
    fitted = forecaster(recipe=recipe, horizons=12).fit(shops)
    start = data.index[700]
    errors = []
    for later in (1.0, 20.0):
        new = data.copy()
        new.iloc[713:] *= later
        long = new.iloc[:760].assign(unique_id="c").rename_axis("ds").reset_index()
        frame = long.drop(columns="unique_id").set_index("ds")
        history = fitted._history("c", frame, upto=701)
        errors.append(history.in_units(np.zeros((1, 1, len(fitted.targets_)))))
        assert fitted.backtest(long, start)["origins"].iloc[0] == 48
    np.testing.assert_array_equal(*errors)


@RECIPES
def test_the_last_quarter_sets_no_scale_and_teaches_no_encoder(recipe: str) -> None:
    data = hourly(600)
    other = data.copy()
    other.iloc[450:] += 100.0

    class Listener(MovingMeans):
        def fit(self, X: Any, y: Any = None) -> "Listener":
            self.heard_ = np.array(X)
            return self

    first, second = (
        RepresentationForecaster(Listener(), horizons=6, context=48, recipe=recipe).fit(d)
        for d in (data, other)
    )
    np.testing.assert_allclose(first.scales_[""].mean, data.iloc[:450].mean())
    np.testing.assert_array_equal(first.scales_[""].deviation, second.scales_[""].deviation)
    assert first.encoder_.heard_.shape[2] == 450
    np.testing.assert_array_equal(first.encoder_.heard_, second.encoder_.heard_)


@RECIPES
def test_context_within_a_part_only(recipe: str) -> None:
    data = hourly()
    other = data.copy()
    other.iloc[600:700] = 0.0
    for across in (True, False):
        fitted = forecaster(recipe=recipe, context_across_split=across).fit(data.iloc[:600])
        first, second = (
            fitted.backtest(d.iloc[:800], data.index[700])["mse"].to_numpy() for d in (data, other)
        )
        assert np.allclose(first, second) is not across


# The recipes


def test_the_paper_is_the_papers_ridge() -> None:
    data = hourly(500)
    fitted = forecaster(recipe="paper", horizons=(5, 12)).fit(data.iloc[:400])
    scaled = ((data - data.iloc[:300].mean()) / data.iloc[:300].std(ddof=0)).to_numpy()
    calendar = calendar_features(data.index)
    deviation = calendar.iloc[:300].std(ddof=0).replace(0.0, 1.0)
    X = np.hstack([((calendar - calendar.iloc[:300].mean()) / deviation).to_numpy(), scaled])
    Z = MovingMeans().encode_causal(X.T[None], 48)[0].astype(float)
    for horizon in (5, 12):
        Y = np.stack([scaled[t + 1 : t + 1 + horizon].ravel() for t in range(500 - horizon)])
        best: tuple[float, Any] = (np.inf, None)
        for penalty in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
            ridge = Ridge(alpha=penalty).fit(Z[48 : 300 - horizon], Y[48 : 300 - horizon])
            chosen_on = slice(300, 400 - horizon)
            predicted = ridge.predict(Z[chosen_on])
            score = np.sqrt(mse(Y[chosen_on], predicted)) + mae(Y[chosen_on], predicted)
            best = min(best, (score, ridge), key=lambda found: found[0])
        test = slice(400, 500 - horizon)
        predicted = best[1].predict(Z[test])
        row = fitted.backtest(data, data.index[400]).set_index("horizon").loc[horizon]
        assert fitted.recipe_.penalties_[horizon] == best[1].alpha and row["origins"] == 100 - horizon
        assert row["mse"] == pytest.approx(mse(Y[test], predicted), rel=1e-4)
        assert row["mae"] == pytest.approx(mae(Y[test], predicted), rel=1e-4)


def test_best_follows_a_level_that_training_never_saw() -> None:
    data = hourly(900, noise=0.05)
    data.iloc[650:] += 40.0
    errors = {
        recipe: forecaster(recipe=recipe, horizons=24)
        .fit(data.iloc[:600])
        .backtest(data, data.index[720])["mse"][0]
        for recipe in ("best", "paper")
    }
    assert errors["best"] < 0.1 < errors["paper"]


class Oracle(MovingMeans):
    """Knows whether this hour's column `heat` announces a jump of `load` in the next hours; lags of `load` do not."""

    def encode_causal(self, X: Any, context: int) -> NDArray[np.float32]:
        return np.asarray(X, dtype=np.float32)[:, -1:].transpose(0, 2, 1)


def test_the_representation_counts_where_it_helps_and_nowhere_else() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=1200)
    load = np.concatenate([[0.0], signal[:-1]]) + rng.normal(scale=0.1, size=1200)
    data = pd.DataFrame({"load": load, "signal": signal})
    fitted = RepresentationForecaster(Oracle(), horizons=24, context=24).fit(data, targets="load")
    stretches = fitted.recipe_.stretches_[0]
    assert stretches[0].weight > 0 and [(stretch.start, stretch.stop) for stretch in stretches] == [
        (0, 6),
        (6, 12),
        (12, 24),
    ]
    assert {stretch.weight for stretch in stretches[1:]} == {0.0}
    first = fitted.backtest(data, 1000)
    blind = (
        RepresentationForecaster(Oracle(), horizons=24, context=24).fit(data[["load"]]).backtest(data, 1000)
    )
    assert first["mse"][0] < 0.99 * blind["mse"][0]


# Intervals


@RECIPES
def test_intervals_hold_as_many_values_as_they_say(recipe: str) -> None:
    data = hourly(3000, noise=1.0)[["load"]]
    for level in (0.5, 0.9):
        fitted = forecaster(recipe=recipe, level=level, horizons=12).fit(data.iloc[:2000])
        assert fitted.backtest(data, data.index[2000])["coverage"][0] == pytest.approx(level, abs=0.04)


def test_intervals_grow_with_uncertainty_and_are_infinite_without_evidence() -> None:
    data = pd.Series(np.random.default_rng(0).normal(size=600).cumsum(), name="walk")
    forecast = forecaster(horizons=24, level=0.8).fit(data).predict()
    width = (forecast["walk_upper"] - forecast["walk_lower"]).to_numpy()
    assert width[0] > 0 and width[-6:].mean() > 2 * width[0]
    few = forecaster(horizons=4, level=0.99, validation=8).fit(data).predict()
    assert np.isinf(few["walk_upper"]).all() and np.isfinite(few["walk"]).all()


# Data as they come


@RECIPES
def test_gaps_are_forecast_and_count_in_no_error(recipe: str) -> None:
    data = hourly()
    rng = np.random.default_rng(3)
    gappy = data.mask(rng.random(data.shape) < 0.1)
    gappy.iloc[100:130] = np.nan
    gappy = gappy.drop(index=gappy.index[[200, 201, 750]])  # absent rows are gaps too
    fitted = forecaster(recipe=recipe).fit(gappy.iloc[:600])
    found = fitted.backtest(gappy, data.index[620])
    complete = forecaster(recipe=recipe).fit(data.iloc[:600]).backtest(data, data.index[620])
    assert found["mse"].notna().all() and (found["mse"] < 2.5 * complete["mse"]).all()
    assert fitted.predict(gappy.iloc[:-1]).notna().all(axis=None)
    worse = gappy.copy()
    worse.iloc[-5:] = np.nan
    assert fitted.backtest(worse, data.index[880])["mse"].notna().tolist() == [True, False]
    assert fitted.predict(worse).notna().all(axis=None)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(400),
        pd.RangeIndex(1000, 1800, 2),
        pd.Index(np.arange(50, 450)),
        pd.date_range("1990-01-01", periods=400, freq="MS"),
        pd.period_range("1990-01", periods=400, freq="M"),
        pd.date_range("2020-01-01", periods=400, freq="B"),
        pd.date_range("2020-01-01", periods=400, freq="15min", tz="Europe/Paris"),
    ],
)
def test_every_kind_of_index_goes_on(index: pd.Index) -> None:
    data = pd.Series(np.sin(np.arange(400) / 3), index, name="wave")
    forecast = forecaster(horizons=5, context=20).fit(data).predict()
    stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    step = getattr(stamps, "freq", None)
    expected = (
        pd.date_range(stamps[-1], periods=6, freq=step)[1:]
        if isinstance(stamps, pd.DatetimeIndex)
        else stamps[-1] + (stamps[1] - stamps[0]) * np.arange(1, 6)
    )
    assert list(forecast.index) == list(expected)
    np.testing.assert_allclose(forecast["wave"], np.sin(np.arange(400, 405) / 3), atol=0.05)


def test_predict_goes_on_from_the_end_of_what_was_fitted() -> None:
    data = hourly(600)
    fitted = forecaster().fit(data, targets="load")
    pd.testing.assert_frame_equal(fitted.predict(), fitted.predict(data))
    assert list(fitted.predict()) == ["load", "load_lower", "load_upper"] and len(fitted.predict()) == 24
    assert np.isfinite(fitted.predict(data.iloc[-20:]).to_numpy()).all()  # less than a context


def test_many_series_share_an_encoder_and_have_scales_of_their_own() -> None:
    first, second = hourly(500, seed=1)["load"], hourly(500, seed=2)["load"] * 1000
    short = first.iloc[:40].rename("short")
    wide = pd.concat([first.rename("a"), second.rename("b")], axis=1)
    long = pd.concat([to_long(wide), to_long(short.to_frame())])
    fitted = forecaster().fit(long)
    forecast = fitted.predict()
    assert list(forecast) == ["unique_id", "ds", "y", "y_lower", "y_upper"]
    assert forecast["unique_id"].tolist() == ["a"] * 24 + ["b"] * 24 + ["short"] * 24
    by_name = forecast.groupby("unique_id")["y"].mean()
    assert 5 < by_name["a"] < 15 and 5_000 < by_name["b"] < 15_000 and 5 < by_name["short"] < 15
    table = fitted.backtest(to_long(wide), wide.index[400], by_series=True)
    together = fitted.backtest(to_long(wide), wide.index[400])
    assert table["unique_id"].tolist() == ["a", "a", "b", "b"]
    np.testing.assert_allclose(together["mse"], table.groupby("horizon")["mse"].mean(), rtol=1e-9)
    np.testing.assert_allclose(table["mse_raw"][2] / table["mse_raw"][0], 1e6, rtol=0.9)
    new = to_long(hourly(300, seed=5)[["load"]].rename(columns={"load": "unseen"}) + 500)
    assert 505 < fitted.predict(new)["y"].mean() < 515


def test_a_file_is_what_is_in_it(tmp_path: Path) -> None:
    data = hourly(300)
    data.to_csv(tmp_path / "wide.csv")
    to_long(data).to_csv(tmp_path / "long.csv", index=False)
    fitted = forecaster().fit(tmp_path / "wide.csv")
    pd.testing.assert_frame_equal(fitted.predict(), forecaster().fit(data).predict(), check_freq=False)
    assert forecaster().fit(str(tmp_path / "long.csv")).predict()["unique_id"].unique().tolist() == [
        "load",
        "heat",
    ]


def test_an_array_is_read_as_numbered_columns() -> None:
    data = hourly(300)
    fitted = forecaster(horizons=6).fit(data.to_numpy(), targets=["0"])
    numbered = data.set_axis(["0", "1"], axis=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(fitted.predict(), forecaster(horizons=6).fit(numbered, ["0"]).predict())
    assert list(forecaster(horizons=6).fit(data["load"].to_numpy()).predict()) == ["y", "y_lower", "y_upper"]


def test_known_columns_act_on_the_steps_to_come() -> None:
    rng = np.random.default_rng(4)
    data = hourly(800, noise=0.2)[["load"]]
    data["holiday"] = (rng.random(800) < 0.2).astype(float)
    data["load"] -= 8 * data["holiday"]
    past, ahead = data.iloc[:776], data.iloc[776:]
    blind = forecaster(horizons=24).fit(past[["load"]]).predict()["load"]
    fitted = forecaster(horizons=24).fit(past, known=["holiday"])
    forecast = fitted.predict(future=ahead[["holiday"]])["load"]
    assert mae(ahead["load"], forecast) < 0.4 * mae(ahead["load"], blind)
    assert fitted.backtest(data, data.index[700])["mse_raw"][0] < 1.0
    with pytest.raises(ValueError, match="future is None; wanted holiday from 2026-04-03 08:00"):
        fitted.predict()
    with pytest.raises(ValueError, match="no value at 2026-04-03 18:00"):
        fitted.predict(future=ahead[["holiday"]].iloc[:10])


def test_a_refit_learns_from_the_validation_part_too() -> None:
    data = hourly(600)
    data.iloc[450:, 0] += 4 * np.sin(np.arange(150) * np.pi / 6)  # a new wave
    once, twice = (forecaster(horizons=12, refit=again).fit(data) for again in (False, True))
    changed = data.iloc[:580].copy()
    assert (
        twice.backtest(changed, data.index[540])["mse"][0] < once.backtest(changed, data.index[540])["mse"][0]
    )
    np.testing.assert_array_equal(once.radii_[12], twice.radii_[12])


def test_a_trained_encoder_can_be_used_as_it_is() -> None:
    data = hourly(400)
    encoder = TS2Vec(n_components=8, depth=2, max_steps=3, random_state=0)
    own = forecaster(horizons=6)
    own.set_params(encoder=encoder).fit(data)
    assert (
        not hasattr(encoder, "encoder_") and own.encoder_.n_channels_ == 4
    )  # a clone; the day's circle, two columns
    again = RepresentationForecaster(own.encoder_, horizons=6, context=48, prefit=True).fit(data)
    pd.testing.assert_frame_equal(own.predict(), again.predict())


@RECIPES
def test_saved_and_loaded_it_forecasts_the_same(recipe: str, tmp_path: Path) -> None:
    encoder = TS2Vec(n_components=8, depth=2, max_steps=1, random_state=0)
    single = RepresentationForecaster(encoder, horizons=(6, 12), context=30, recipe=recipe).fit(
        hourly(300), "load"
    )
    several = to_long(hourly(300).set_axis([7, 9], axis=1).set_axis(pd.RangeIndex(300), axis=0))
    many = RepresentationForecaster(encoder, horizons=5, context=30, recipe=recipe).fit(several)
    for fitted in (single, many):
        fitted.save(tmp_path / "model")
        again = load(tmp_path / "model")
        pd.testing.assert_frame_equal(again.predict(), fitted.predict())
    assert again.get_params(deep=False).keys() == many.get_params(deep=False).keys()
    with pytest.raises(TypeError, match="MovingMeans, which cannot be saved"):
        forecaster(recipe=recipe).fit(hourly(300)).save(tmp_path / "other")


def test_plot_draws_past_forecast_and_truth() -> None:
    data = hourly(600)
    fitted = forecaster().fit(data.iloc[:500])
    figure = fitted.plot(data.iloc[:500], truth=data.iloc[500:524], title="load and heat")
    assert isinstance(figure, Figure) and len(figure.axes) == 2
    drawn = {line.get_label() for line in figure.axes[0].get_lines()}
    assert {"known", "truth", "forecast"} <= drawn


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "good"}, r"recipe is 'good'; wanted one of \['best', 'paper'\]"),
        ({"context": 0}, "context is 0"),
        ({"horizons": ()}, "horizons is ()"),
        ({"horizons": (0, 3)}, r"horizons is \(0, 3\)"),
        ({"level": 1.0}, "level is 1.0"),
        ({"validation": 1.5}, "validation is 1.5"),
        ({"validation": 1}, "validation is 1"),
        ({"recipe": "paper", "refit": True}, "refit is True; wanted False with recipe='paper'"),
    ],
)
def test_parameters_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("()", r"\(\)")):
        forecaster(**options).fit(hourly(300))


def test_data_that_cannot_be_forecast() -> None:
    data = hourly(300)
    with pytest.raises(
        ValueError,
        match="too short: 300 rows, 225 for training and 75 for validation; wanted at least 150 and 101 for",
    ):
        forecaster(horizons=100).fit(data)
    with pytest.raises(ValueError, match="targets has 'price'; wanted columns of data: 'load', 'heat'"):
        forecaster().fit(data, targets="price")
    with pytest.raises(ValueError, match="none that is known"):
        forecaster().fit(data, targets="load", known=["load"])
    with pytest.raises(ValueError, match="wanted no column with recipe='paper'"):
        forecaster(recipe="paper").fit(data, known=["heat"])
    with pytest.raises(ValueError, match="'heat' has gaps"):
        forecaster().fit(
            data.assign(heat=np.nan).fillna({"heat": data["load"].where(data["load"] > 9)}), known=["heat"]
        )
    with pytest.raises(
        TypeError, match=r"data is a dict; wanted an array \(t,\) or \(t, c\), a pandas Series"
    ):
        forecaster().fit({"load": data["load"]})
    with pytest.raises(TypeError, match="fit and encode_causal"):
        RepresentationForecaster(Ridge()).fit(data)
    fitted = forecaster().fit(data)
    with pytest.raises(ValueError, match="data: .*\n.*now missing:\n- heat"):
        fitted.predict(data[["load"]])
    with pytest.raises(ValueError, match="wanted a step with at least 6 steps after it"):
        fitted.backtest(data, data.index[-3])


def test_coverage_is_the_metric() -> None:
    truth = np.random.default_rng(0).normal(size=(40, 3))
    assert coverage(truth, truth - 1, truth + 1) == 1.0


@pytest.mark.parametrize("horizons", ["24", 24.0, [3.7], True, None, [], [0], (2, -1), {2, 4}])
def test_what_is_no_horizon_is_refused(horizons):
    with pytest.raises(ValueError, match="horizons is .*; wanted an integer of at least 1, or several"):
        forecaster(horizons=horizons).fit(hourly(300))


def test_a_parameter_that_changed_since_the_fit_is_said(tmp_path):
    data = hourly(400)
    fitted = forecaster(horizons=(3, 6)).fit(data)
    for name, value in {"horizons": (3, 9), "context": 5, "recipe": "paper", "level": 0.5}.items():
        before = getattr(fitted, name)
        fitted.set_params(**{name: value})
        for use in (
            fitted.predict,
            lambda: fitted.backtest(data, data.index[350]),
            lambda: fitted.save(tmp_path / "f"),
        ):
            with pytest.raises(ValueError, match=f"{name} is .*, as in the fit"):
                use()
        fitted.set_params(**{name: before})
    for same in (np.array([3, 6]), [3, 6], pd.Index([3, 6])):
        assert len(fitted.set_params(horizons=same).predict()) == 6


@pytest.mark.parametrize("value", [0.0, 0.1, 14.62, 1e6 + 0.1])
@RECIPES
def test_a_column_that_changes_only_after_the_fit_is_no_explosion(recipe, value):
    """Rounding noise of a constant column is not standardised, so a small change of it later is a small change."""
    frame = hourly().assign(constant=value)
    fitted = forecaster(recipe=recipe).fit(frame, targets="load")
    later = frame.copy()
    later.iloc[-100:, 2] += 0.01
    z = fitted.recipe_.encoder_input(fitted._history("", later))
    assert np.abs(z).max() < 20
    np.testing.assert_allclose(fitted.predict(later)["load"], fitted.predict(frame)["load"], atol=1.0)


def test_columns_are_put_in_the_order_of_the_fit():
    fitted = forecaster().fit(hourly())
    pd.testing.assert_frame_equal(fitted.predict(hourly()[["heat", "load"]]), fitted.predict(hourly()))


@pytest.mark.parametrize(("recipe", "dated"), [("best", False), ("paper", False), ("paper", True)])
def test_intervals_of_short_series_hold_what_they_promise(recipe, dated):
    """The share of values inside, over 70 autoregressive series and 50 origins after each."""
    noise = np.random.default_rng(0).normal(size=(560, 70))
    series = noise.copy()
    for step in range(1, 560):
        series[step] += 0.9 * series[step - 1]
    index = pd.date_range("2026-01-05", periods=360, freq="h") if dated else pd.RangeIndex(360)
    inside = []
    for values in series[200:].T:
        data = pd.Series(values, index)
        fitted = forecaster(horizons=12, context=24, recipe=recipe).fit(data[:300])
        inside.append(fitted.backtest(data, index[299])["coverage"][0])
    assert 0.88 < np.mean(inside) < 0.92


def test_widening_of_intervals():
    many, few = widening(np.full((12, 1), 10**6), 0.9), widening(np.full((12, 1), 60), 0.9)
    np.testing.assert_allclose(many, 1, atol=1e-3)
    assert (np.diff(few[:, 0]) > 0).all() and 1 < few[0, 0] < 1.02 and 1.1 < few[-1, 0] < 1.2
    assert np.isfinite(widening(np.zeros((2, 1)), 0.9)).all()


# Time zones, other series, columns without values


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+05:30"])
def test_the_first_origin_of_a_backtest_is_a_date_in_the_zone_of_the_data(zone):
    data = hourly() if zone is None else hourly().tz_localize("UTC").tz_convert(zone)
    fitted = forecaster().fit(data[:700])
    wanted = fitted.backtest(data, data.index[700])
    naive = data.index[700].tz_localize(None)
    for start in (str(naive), naive, str(data.index[700]), data.index[700].to_pydatetime()):
        pd.testing.assert_frame_equal(fitted.backtest(data, start), wanted)
    for start in (700, "yesterday's", None):
        with pytest.raises(ValueError, match="start is .*wanted a date, from 2026-03-02"):
            fitted.backtest(data, start)
    if zone is None:
        with pytest.raises(ValueError, match="without a time zone"):
            fitted.backtest(data, "2026-03-31T00:00:00Z")
    with pytest.raises(ValueError, match="wanted a step number, from 0 to 899"):
        forecaster().fit(data.to_numpy()[:700]).backtest(data.to_numpy(), "2026-03-31")


@pytest.mark.parametrize("first", ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"])
@pytest.mark.parametrize("freq", ["h", "15min"])
def test_rows_that_begin_in_the_hour_that_comes_twice_are_saved(tmp_path, first, freq):
    """The index ends so that the rows that are kept begin at `first`."""
    kept = 3 * 48 + 1
    last = pd.date_range(first, periods=kept, freq=freq)[-1]
    index = pd.date_range(end=last, periods=900, freq=freq).tz_convert("Europe/Berlin")
    fitted = forecaster(prefit=True).set_params(encoder=MovingMeans().fit(np.zeros((1, 2, 3))))
    fitted.fit(hourly().set_axis(index, axis=0))
    assert fitted._ends[""].index[0] == pd.Timestamp(first)
    described, arrays = series_to_arrays(fitted.scales_, fitted._ends)
    _, ends = series_from_arrays(json.loads(json.dumps(described)), arrays, fitted.columns_)
    pd.testing.assert_index_equal(ends[""].index, fitted._ends[""].index, check_names=False)
    assert ends[""].index.tz == index.tz


def test_what_could_not_be_loaded_is_not_saved():
    data = hourly()
    unnamed = forecaster().fit(data.tz_localize(dateutil.tz.tzoffset(None, 3600)))
    with pytest.raises(ValueError, match="the time zone of the series is .*wanted one such as"):
        series_to_arrays(unnamed.scales_, unnamed._ends)
    day = pd.Timestamp("2026-01-01")
    with pytest.raises(ValueError, match="a series is named Timestamp.*wanted text or a number"):
        series_to_arrays({day: unnamed.scales_[""]}, {day: data})
    old = {"index": None, "start": "2026-03-02T00:00:00", "zone": "Europe/Berlin", "step": "h", "name": ""}
    _, ends = series_from_arrays([old], {"0.end": np.zeros((3, 1)), "0.mean": 0, "0.deviation": 1}, ["y"])
    assert ends[""].index[0] == pd.Timestamp("2026-03-02", tz="Europe/Berlin")  # as version 0.1 wrote it


@RECIPES
def test_a_target_that_begins_after_training_is_refused(recipe):
    data = hourly()
    late = data.assign(load=data["load"].where(np.arange(900) > 680))
    with pytest.raises(ValueError, match="the target 'load' has no value in the rows for training"):
        forecaster(recipe=recipe).fit(late, targets="load")
    forecaster(recipe=recipe).fit(late, targets="heat")


def test_another_series_by_the_same_name_is_said():
    fitted = forecaster().fit(hourly()["load"])
    with pytest.warns(UserWarning, match="data is .* deviations away from the series that was fitted"):
        fitted.predict(1000 + 50 * hourly(seed=1)["load"])


def test_a_column_without_values_at_prediction_is_said():
    data = hourly()
    fitted = forecaster().fit(data, targets="load")
    with pytest.warns(UserWarning, match="data has no value of 'heat', which counts as its training mean"):
        forecast = fitted.predict(data.assign(heat=np.nan))
    assert np.isfinite(forecast).all(axis=None)
    with pytest.raises(ValueError, match="data has no value of the target 'load'"):
        fitted.predict(data.assign(load=np.nan))
