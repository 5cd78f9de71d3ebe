"""Estimators of sktime: its own checks, and that they give what the encoders and tasks of this package give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import accuracy_score
from sktime.datasets import load_airline, load_unit_test
from sktime.utils.estimator_checks import check_estimator

from tsrep import MaskedSeriesEncoder, SSGANImputer, TS2Vec
from tsrep.interop import sktime as interop
from tsrep.interop.sktime import (
    TSRepClassifier,
    TSRepClusterer,
    TSRepDetector,
    TSRepForecaster,
    TSRepImputer,
    TSRepRegressor,
    TSRepSeriesTransformer,
    TSRepTransformer,
)
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationForecaster

ESTIMATORS = [getattr(interop, name) for name in interop.__all__]
OF_THE_CLASS = [
    "test_class_has_doctest_example",
    "test_constructor",
    "test_detector_tags",
    "test_get_test_params",
    "test_get_test_params_coverage",
    "test_has_common_interface",
    "test_inheritance",
    "test_object_tags",
    "test_obj_vs_cls_signature",
    "test_pred_int_tag",
    "test_random_tags",
    "test_set_params_sklearn",
    "test_update_tag",
    "test_valid_object_class_tags",
    "test_valid_object_tags",
]


def small(**parameters: Any) -> TS2Vec:
    sizes = {"n_components": 8, "hidden_channels": 8, "depth": 3, "max_steps": 2, "random_state": 0}
    return TS2Vec(**{**sizes, **parameters})


def passed(estimator: Any, **which: Any) -> int:
    """How many of sktime's checks there were; all of them passed."""
    results = check_estimator(estimator, verbose=False, **which)
    assert {name: why for name, why in results.items() if why != "PASSED"} == {}
    return len(results)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_sktime_accepts_the_class(estimator: Any) -> None:
    assert passed(estimator, tests_to_run=OF_THE_CLASS) > 10


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_sktime_accepts_the_estimator(estimator: Any) -> None:
    assert passed(estimator) > 80


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return load_unit_test(split="train", return_type="pd-multiindex")[0]


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return load_unit_test(split="train", return_type="numpy3D")[1]


@pytest.fixture(scope="module")
def encoder(panel: pd.DataFrame) -> TS2Vec:
    return small().fit(panel)


def ragged() -> pd.DataFrame:
    """Three series of 12, 9 and 15 steps, two channels, in a hierarchy of two levels."""
    rng = np.random.default_rng(0)
    parts = {
        (group, name): pd.DataFrame(rng.normal(size=(steps, 2)), columns=["a", "b"])
        for group, name, steps in [("x", "p", 12), ("x", "q", 9), ("y", "p", 15)]
    }
    return pd.concat(parts, names=["group", "name", "time"])


class TestEncoder:
    def test_a_fitted_encoder_is_used_as_it_is_and_survives_clones(
        self, encoder: TS2Vec, panel: pd.DataFrame
    ) -> None:
        other = -panel
        expected = encoder.transform(other)
        for transformer in (TSRepTransformer(encoder), TSRepTransformer(encoder).clone().clone()):
            np.testing.assert_array_equal(transformer.fit(panel).transform(other).to_numpy(), expected)

    def test_an_unfitted_encoder_is_left_unfitted(self, panel: pd.DataFrame) -> None:
        unfitted = small()
        fitted = TSRepTransformer(unfitted).fit(panel)
        assert not hasattr(unfitted, "encoder_")
        np.testing.assert_array_equal(fitted.transform(panel), small().fit(panel).transform(panel))

    @pytest.mark.parametrize(("name", "cls"), [("ts2vec", TS2Vec), ("masked", MaskedSeriesEncoder)])
    def test_an_encoder_by_name(self, name: str, cls: type, panel: pd.DataFrame) -> None:
        transformer = TSRepTransformer(name, max_steps=1, random_state=3).fit(panel)
        assert type(transformer.encoder_) is cls
        assert (transformer.encoder_.n_steps_, transformer.encoder_.seed_) == (1, 3)

    def test_the_seed_is_for_an_encoder_without_one(self, panel: pd.DataFrame) -> None:
        seeds = [
            TSRepTransformer(small(random_state=own), random_state=5).fit(panel).encoder_.seed_
            for own in (None, 7)
        ]
        assert seeds == [5, 7]

    def test_global_generators_are_left_alone(self, panel: pd.DataFrame) -> None:
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        before = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
        TSRepTransformer(max_steps=1, random_state=0).fit_transform(panel)
        assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
        assert torch.equal(torch.random.get_rng_state(), before[1])

    @pytest.mark.parametrize("estimator", [TSRepTransformer, TSRepSeriesTransformer])
    def test_what_is_no_encoder_is_an_error(self, estimator: Any, panel: pd.DataFrame) -> None:
        with pytest.raises(ValueError, match=r"encoder is 'ts3vec'; wanted one of \['ts2vec', 'masked'\]"):
            estimator("ts3vec").fit(panel)


class TestTransformers:
    def test_features_of_series(self, encoder: TS2Vec, panel: pd.DataFrame) -> None:
        Z = TSRepTransformer(encoder).fit_transform(panel)
        np.testing.assert_array_equal(Z.to_numpy(), encoder.transform(panel))
        assert list(Z.columns) == [f"z{i}" for i in range(8)]

    def test_one_series_gives_one_row(self) -> None:
        assert TSRepTransformer(small()).fit_transform(load_airline()).shape == (1, 8)

    def test_unequal_lengths_in_a_hierarchy_share_an_encoder(self) -> None:
        X = ragged()
        Z = TSRepTransformer(small()).fit_transform(X)
        series = [part.to_numpy().T for _, part in X.groupby(level=[0, 1])]
        np.testing.assert_allclose(Z.to_numpy(), small().fit(series).transform(series), atol=1e-6)

    @pytest.mark.parametrize("context", [None, 4])
    def test_features_of_steps(self, context: int | None) -> None:
        X = ragged()
        Z = TSRepSeriesTransformer(small(), context=context).fit_transform(X)
        assert Z.index.equals(X.index)
        series = [part.to_numpy().T for _, part in X.groupby(level=[0, 1])]
        alone = small().fit(series)
        for i, (_, part) in enumerate(Z.groupby(level=[0, 1])):
            expected = alone.encode(series) if context is None else alone.encode_causal(series, context)
            np.testing.assert_allclose(part.to_numpy(), expected[i, : len(part)], atol=1e-6)

    def test_features_of_steps_keep_the_index_of_a_series(self) -> None:
        series = load_airline()
        Z = TSRepSeriesTransformer(small()).fit_transform(series)
        assert Z.index.equals(series.index)
        assert Z.shape == (144, 8)

    def test_pipelines(self, encoder: TS2Vec, panel: pd.DataFrame, labels: np.ndarray) -> None:
        from sktime.transformations.series.exponent import ExponentTransformer

        pipeline = ExponentTransformer(1.0) * TSRepTransformer(encoder) * RidgeClassifierCV()
        predicted = pipeline.fit(panel, labels).predict(panel)
        Z = encoder.transform(panel)
        np.testing.assert_array_equal(predicted, RidgeClassifierCV().fit(Z, labels).predict(Z))


class TestClassifierRegressorClusterer:
    def test_every_label_counts(self, encoder: TS2Vec, panel: pd.DataFrame, labels: np.ndarray) -> None:
        numbers = np.where(labels == labels[0], -1, 1)
        named = TSRepClassifier(encoder, probe="ridge").fit(panel, labels)
        classifier = TSRepClassifier(encoder, probe="ridge").fit(panel, numbers)
        np.testing.assert_array_equal(classifier.predict(panel) == -1, named.predict(panel) == labels[0])
        probabilities = classifier.predict_proba(panel)
        np.testing.assert_array_equal(classifier.classes_[probabilities.argmax(1)], classifier.predict(panel))

    def test_unequal_lengths_are_classified(self) -> None:
        parts = ragged().groupby(level=[0, 1])
        X = pd.concat({number: part.droplevel([0, 1]) for number, (_, part) in enumerate(parts)})
        y = np.array(["a", "b", "a"])
        assert set(TSRepClassifier(small(), probe="knn").fit(X, y).predict(X)) == {"a", "b"}

    def test_regression(self, encoder: TS2Vec, panel: pd.DataFrame) -> None:
        from tsrep.tasks import RepresentationRegressor

        y = panel.groupby(level=0).max().to_numpy().ravel()
        expected = RepresentationRegressor(encoder, prefit=True).fit(panel, y).predict(panel)
        np.testing.assert_allclose(TSRepRegressor(encoder).fit(panel, y).predict(panel), expected)

    def test_clusters(self, encoder: TS2Vec, panel: pd.DataFrame) -> None:
        clusterer = TSRepClusterer(2, encoder, random_state=0).fit(panel)
        np.testing.assert_array_equal(clusterer.predict(panel), clusterer.labels_)
        assert set(clusterer.labels_) == {0, 1}

    def test_classifiers_run_in_a_benchmark(self, tmp_path: Any) -> None:
        from sklearn.model_selection import KFold
        from sktime.benchmarking.classification import ClassificationBenchmark

        benchmark = ClassificationBenchmark()
        benchmark.add_estimator(TSRepClassifier(small(), probe="knn"))
        benchmark.add_task(
            lambda: load_unit_test(split="train", return_type="numpy3D"), KFold(2), [accuracy_score]
        )
        results = benchmark.run(str(tmp_path / "results.csv"))
        assert len(results) == 1


class TestForecaster:
    @pytest.fixture(scope="class")
    def fitted(self) -> TSRepForecaster:
        return TSRepForecaster(small(), context=12).fit(load_airline().iloc[:-12], fh=[1, 2, 12])

    def test_it_forecasts_what_the_task_forecasts(self, fitted: TSRepForecaster) -> None:
        y = load_airline().iloc[:-12]
        task = RepresentationForecaster(small(), horizons=12, context=12)
        frame = y.to_frame("y").set_axis(y.index.to_timestamp())
        expected = task.fit(frame).predict().iloc[[0, 1, 11]]
        np.testing.assert_allclose(fitted.predict(), expected["y"])
        interval = fitted.predict_interval(coverage=0.9)
        np.testing.assert_allclose(interval.iloc[:, 0], expected["y_lower"])
        np.testing.assert_allclose(interval.iloc[:, 1], expected["y_upper"])

    def test_intervals_of_more_coverage_are_wider(self, fitted: TSRepForecaster) -> None:
        bounds = fitted.predict_interval(coverage=[0.5, 0.8])
        width = (bounds.xs("upper", axis=1, level=2) - bounds.xs("lower", axis=1, level=2)).to_numpy()
        assert (width[:, 0] < width[:, 1]).all()
        centre = bounds.T.groupby(level=1).mean().T.to_numpy()
        np.testing.assert_allclose(centre, np.stack([fitted.predict()] * 2, axis=1))

    def test_the_median_is_the_forecast(self, fitted: TSRepForecaster) -> None:
        quantiles = fitted.predict_quantiles(alpha=[0.05, 0.5, 0.95]).to_numpy()
        np.testing.assert_allclose(quantiles[:, 1], fitted.predict())
        assert (np.diff(quantiles, axis=1) > 0).all()

    @pytest.mark.parametrize("refit", [False, True])
    def test_an_update_moves_the_origin(self, fitted: TSRepForecaster, refit: bool) -> None:
        y = load_airline()
        forecaster = fitted.clone().fit(y.iloc[:-12], fh=[1, 2, 12])
        before = forecaster.forecaster_
        forecaster.update(y.iloc[-12:], update_params=refit)
        forecasts = forecaster.predict()
        assert list(forecasts.index) == [y.index[-1] + step for step in (1, 2, 12)]
        assert (forecaster.forecaster_ is before) is not refit
        weights = [f.encoder_ for f in (before, forecaster.forecaster_)]
        pairs = zip(*(e.encoder_.parameters() for e in weights), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)

    def test_series_of_a_panel_share_an_encoder(self) -> None:
        from sktime.utils._testing.hierarchical import _make_hierarchical

        y = _make_hierarchical((2, 2), n_columns=2, min_timepoints=30, max_timepoints=30, random_state=0)
        forecasts = TSRepForecaster(small()).fit(y, fh=[1, 3]).predict()
        assert forecasts.shape == (8, 2)
        assert list(forecasts.columns) == list(y.columns)
        assert forecasts.index.droplevel(-1).unique().equals(y.index.droplevel(-1).unique())

    def test_known_columns_help(self) -> None:
        rng = np.random.default_rng(0)
        X = pd.DataFrame({"price": rng.normal(size=120)}, pd.date_range("2026-01-01", periods=120))
        y = 3 * X["price"].rename("sales") + 0.01 * rng.normal(size=120)
        forecaster = TSRepForecaster(small(), context=5).fit(y[:110], X[:110], fh=np.arange(1, 11))
        assert np.abs(forecaster.predict(X=X[110:]) - y[110:]).max() < 1
        with pytest.raises(ValueError, match="recipe='paper'"):
            TSRepForecaster(small(), recipe="paper").fit(y, X, fh=[1])

    def test_a_grid_search(self) -> None:
        from sktime.forecasting.model_selection import ForecastingGridSearchCV
        from sktime.split import ExpandingWindowSplitter

        y = load_airline()
        cv = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=100, step_length=40)
        search = ForecastingGridSearchCV(TSRepForecaster(small()), cv, {"context": [3, 12]}, backend=None)
        search.fit(y, fh=[1, 2, 3])
        assert search.best_params_["context"] in (3, 12)
        assert search.predict().notna().all()


class TestDetector:
    @pytest.fixture(scope="class")
    def series(self) -> pd.Series:
        values = np.sin(np.arange(300) / 5) + 0.05 * np.random.default_rng(0).normal(size=300)
        values[250] += 4
        return pd.Series(values, pd.date_range("2026-01-01", periods=300, freq="h"))

    @pytest.fixture(scope="class")
    def fitted(self, series: pd.Series) -> TSRepDetector:
        return TSRepDetector(small(max_steps=10), context=20).fit(series[:200])

    def test_it_raises_the_alarms_of_the_task(self, fitted: TSRepDetector, series: pd.Series) -> None:
        task = RepresentationAnomalyDetector(small(max_steps=10), context=20).fit(series[:200])
        scores, alarms = task.scores_and_alarms(series[200:])
        assert alarms[50] == 1
        np.testing.assert_array_equal(fitted.predict(series[200:])["ilocs"], np.flatnonzero(alarms))
        np.testing.assert_array_equal(fitted.predict_points(series[200:])["ilocs"], np.flatnonzero(alarms))
        np.testing.assert_array_equal(fitted.transform(series[200:])["labels"], alarms)
        np.testing.assert_allclose(fitted.transform_scores(series[200:])["scores"], scores)
        np.testing.assert_allclose(fitted.predict_scores(series[200:]).iloc[:, 0], scores[alarms == 1])
        assert fitted.transform_scores(series[200:]).index.equals(series.index[200:])

    def test_step_numbers_that_go_on_have_the_training_before_them(self, fitted, series: pd.Series) -> None:
        numbered = series.reset_index(drop=True)
        detector = fitted.clone().fit(numbered[:200])
        np.testing.assert_allclose(
            detector.transform_scores(numbered[200:]), fitted.transform_scores(series[200:])
        )

    def test_segments_lie_between_the_alarms(self, fitted: TSRepDetector, series: pd.Series) -> None:
        segments = fitted.predict_segments(series[200:])["ilocs"]
        assert 50 in [segment.left for segment in segments]
        assert segments.iloc[-1].right == 100

    def test_an_update_keeps_the_encoder(self, fitted: TSRepDetector, series: pd.Series) -> None:
        detector = fitted.clone().fit(series[:150])
        before = detector.detector_
        detector.update(series[150:200])
        assert len(detector._seen) == 200
        assert detector.detector_ is not before
        parts = zip(*(d.encoder_.encoder_.parameters() for d in (before, detector.detector_)), strict=True)
        assert all(torch.equal(a, b) for a, b in parts)
        assert 50 in detector.predict(series[200:])["ilocs"].tolist()

    def test_a_pipeline(self, series: pd.Series) -> None:
        from sktime.transformations.series.exponent import ExponentTransformer

        pipeline = ExponentTransformer(1.0) * TSRepDetector(small(max_steps=10), context=20)
        frame = series.to_frame()
        assert 250 in pipeline.fit(frame[:200]).predict(frame)["ilocs"].tolist()


class TestImputer:
    @pytest.mark.parametrize("imputer", ["ssgan", "masked"])
    def test_gaps_are_filled_and_observed_values_kept(self, imputer: str) -> None:
        X = ragged()
        gaps = X.mask(np.random.default_rng(1).random(X.shape) < 0.2)
        filled = TSRepImputer(imputer, max_steps=1, random_state=0).fit_transform(gaps)
        assert filled.notna().all(axis=None)
        assert filled.index.equals(X.index)
        pd.testing.assert_frame_equal(filled.where(gaps.notna()), gaps)

    def test_a_series_stays_a_series(self) -> None:
        series = load_airline()
        series.iloc[20:25] = np.nan
        imputer = SSGANImputer(max_steps=1, random_state=0)
        filled = TSRepImputer(imputer).fit_transform(series)
        assert isinstance(filled, pd.Series)
        assert filled.index.equals(series.index)
        frame = pd.concat({0: series.to_frame()})
        np.testing.assert_array_equal(filled, imputer.fit(frame).transform(frame).iloc[:, 0])

    def test_it_fills_before_a_forecaster(self) -> None:
        from sktime.forecasting.naive import NaiveForecaster

        y = load_airline()
        y.iloc[50:55] = np.nan
        pipeline = TSRepImputer(max_steps=1, random_state=0) * NaiveForecaster(sp=12)
        assert pipeline.fit(y, fh=[1, 2]).predict().notna().all()

    def test_what_is_no_imputer_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"imputer is 'ts2vec'; wanted one of \['ssgan', 'masked'\]"):
            TSRepImputer("ts2vec").fit(load_airline())
