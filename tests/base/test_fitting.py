"""A `fit` succeeds whole or changes nothing: one contract for every estimator.

A refit that raises, diverges, or is interrupted at any step leaves the old model, its outputs to the bit, and its
checkpoint.
"""

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

import tsrep
from tsrep import MaskedSeriesEncoder, SSGANImputer, TS2Vec, load
from tsrep.encoding.finetune import FineTunedClassifier, FineTunedRegressor
from tsrep.tasks import (
    RepresentationAnomalyDetector,
    RepresentationClassifier,
    RepresentationClusterer,
    RepresentationForecaster,
    RepresentationRegressor,
    SeriesIndex,
)
from tsrep.train import loop
from tsrep.train.step import Descent, NonFiniteLossError

random = np.random.default_rng(0)
X = random.normal(size=(6, 1, 60)).cumsum(axis=-1)
X[:, :, 9] = np.nan
OTHER = random.normal(size=(8, 2, 60))
OTHER[:, :, 5] = np.nan
SERIES = np.sin(np.arange(300) / 4) + 0.1 * random.normal(size=300)
OTHER_SERIES = random.normal(size=(300, 2)).cumsum(axis=0)


SMALL = {"n_components": 6, "hidden_channels": 4, "depth": 2, "max_steps": 6, "random_state": 0}


def encoder(**parameters):
    return TS2Vec(**{**SMALL, **parameters})


def frame(values):
    return pd.DataFrame(values, pd.date_range("2026-01-01", periods=len(values), freq="h")).rename(
        columns=str
    )


CASES = {
    "TS2Vec": (encoder(), (X,), (OTHER,), lambda e: e.transform(X)),
    "MaskedSeriesEncoder": (MaskedSeriesEncoder(**SMALL), (X,), (OTHER,), lambda e: e.transform(X)),
    "FineTunedClassifier": (
        FineTunedClassifier(encoder(max_steps=1).fit(X), max_steps=6, random_state=0),
        (X, ["a", "b"] * 3),
        (X[:, :, ::-1], ["c", "d"] * 3),
        lambda e: e.predict_proba(X),
    ),
    "FineTunedRegressor": (
        FineTunedRegressor(encoder(max_steps=1).fit(X), max_steps=6, random_state=0),
        (X, np.linspace(0, 1, 6)),
        (X[:, :, ::-1], np.linspace(5, 9, 12).reshape(6, 2)),
        lambda e: e.predict(X),
    ),
    "SSGANImputer": (
        SSGANImputer(hidden_size=8, max_steps=6, random_state=0),
        (X, [0, 1] * 3),
        (OTHER, ["a", "b"] * 4),
        lambda e: np.concatenate([e.transform(X).ravel(), e.predict_proba(X).ravel()]),
    ),
    "RepresentationClassifier": (
        RepresentationClassifier(encoder(), probe="knn"),
        (X, ["a", "b"] * 3),
        (OTHER, ["c", "d"] * 4),
        lambda e: e.predict_proba(X),
    ),
    "RepresentationRegressor": (
        RepresentationRegressor(encoder()),
        (X, np.linspace(0, 1, 6)),
        (OTHER, np.linspace(5, 9, 16).reshape(8, 2)),
        lambda e: e.predict(X),
    ),
    "RepresentationClusterer": (
        RepresentationClusterer(encoder(), n_clusters=2, random_state=0),
        (X,),
        (OTHER,),
        lambda e: e.predict(X),
    ),
    "SeriesIndex": (
        SeriesIndex(encoder(), window=20),
        (X,),
        (OTHER,),
        lambda e: np.concatenate(e.query(X[:2, :, :20], k=2)),
    ),
    "RepresentationForecaster": (
        RepresentationForecaster(encoder(), horizons=4, context=12),
        (frame(SERIES),),
        (frame(OTHER_SERIES),),
        lambda e: e.predict().to_numpy(),
    ),
    "RepresentationAnomalyDetector": (
        RepresentationAnomalyDetector(encoder(), context=12),
        (SERIES,),
        (OTHER_SERIES,),
        lambda e: e.decision_function(SERIES),
    ),
}


def estimators():
    """Every concrete estimator class of the package."""
    for module in pkgutil.walk_packages(tsrep.__path__, "tsrep."):
        if module.name.split(".")[1] in {"base", "encoding", "ts2vec", "ssgan", "masked", "tasks"}:
            for _, value in inspect.getmembers(import_module(module.name), inspect.isclass):
                room = value.__module__.split(".")[:2]
                ours = issubclass(value, BaseEstimator) and room[0] == "tsrep" and room[1] != "data"
                if ours and not inspect.isabstract(value):
                    yield value


def test_every_estimator_is_held_to_the_contract():
    assert {kind.__name__ for kind in estimators()} == set(CASES)


@pytest.fixture(params=CASES)
def case(request):
    estimator, first, second, outputs = CASES[request.param]
    fitted = type(estimator)(**estimator.get_params(deep=False)).fit(*first)
    return fitted, second, lambda: np.array(outputs(fitted))


def training_steps(monkeypatch, at, error):
    """Raises `error` at the training step `at`, counted over all trainings from now on."""
    calls = [0]
    read = loop._read

    def interrupted(*args):
        calls[0] += 1
        if calls[0] == at:
            raise error
        return read(*args)

    monkeypatch.setattr(loop, "_read", interrupted)


@pytest.mark.parametrize("at", sorted({1, int(np.random.default_rng().integers(2, 6)), 6}))
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, RuntimeError("out of memory")], ids=["interrupt", "error"]
)
def test_an_interrupted_refit_leaves_the_old_model(case, at, error, monkeypatch):
    fitted, second, outputs = case
    before, state = outputs(), dict(vars(fitted))
    training_steps(monkeypatch, at, error)
    with pytest.raises(BaseException, match="out of memory" if isinstance(error, RuntimeError) else ""):
        fitted.fit(*second)
    assert vars(fitted) == state
    np.testing.assert_array_equal(outputs(), before)


def test_a_diverged_refit_leaves_the_old_model(case, monkeypatch):
    fitted, second, outputs = case
    if isinstance(fitted, SSGANImputer):
        pytest.skip("its training recovers from divergence")
    before = outputs()
    training_steps(monkeypatch, 3, NonFiniteLossError("loss became nan"))
    with pytest.raises(NonFiniteLossError):
        fitted.fit(*second)
    np.testing.assert_array_equal(outputs(), before)


def test_a_refit_on_what_is_refused_leaves_the_old_model(case):
    fitted, _, outputs = case
    before = outputs()
    with pytest.raises((ValueError, TypeError)):
        fitted.fit(np.array([["text"]]), None)
    np.testing.assert_array_equal(outputs(), before)


@pytest.mark.parametrize("name", ["TS2Vec", "MaskedSeriesEncoder", "SSGANImputer"])
def test_an_interrupted_fit_leaves_a_checkpoint_to_go_on_from(name, tmp_path, monkeypatch):
    estimator, first, second, outputs = CASES[name]
    parameters = {**estimator.get_params(deep=False), "checkpoint_every": 2}
    unbroken = type(estimator)(**parameters).fit(*first)
    stopped = type(estimator)(**parameters).fit(*first)
    stopped.set_params(checkpoint=tmp_path / "run")
    with monkeypatch.context() as patch:
        training_steps(patch, 5, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            stopped.fit(*first)
    np.testing.assert_array_equal(outputs(stopped), outputs(unbroken))
    assert load(tmp_path / "run").n_steps_ == 4
    with monkeypatch.context() as patch:
        training_steps(patch, 3, KeyboardInterrupt)  # two steps are left: it is not met
        stopped.fit(*first)
    np.testing.assert_array_equal(outputs(stopped), outputs(unbroken))
    with pytest.raises(ValueError, match="holds a run on other data"):
        stopped.fit(*second)


def test_a_diverging_fit_leaves_the_checkpoint_as_it_was(tmp_path, monkeypatch):
    """The weights may be spoilt a step before the loss shows it."""
    folder = tmp_path / "run"
    estimator = encoder(checkpoint=folder, checkpoint_every=1)
    step, spoilt_at = Descent.__call__, [4]

    def spoiling(self, batch):
        scalars = step(self, batch)
        if self.average.count == spoilt_at[0]:
            next(iter(self.network.parameters())).data.fill_(np.nan)
        return scalars

    monkeypatch.setattr(Descent, "__call__", spoiling)
    with pytest.raises(NonFiniteLossError, match="after step 3"):
        estimator.fit(X)
    assert not hasattr(estimator, "encoder_") and not folder.exists()
    spoilt_at[0] = 10
    Z = estimator.fit(X).transform(X)
    with pytest.raises(NonFiniteLossError, match="after step 9"):
        estimator.set_params(warm_start=True).fit(X)
    assert load(folder).n_steps_ == 6
    np.testing.assert_array_equal(load(folder).transform(X), Z)
    spoilt_at[0] = 0
    assert estimator.set_params(lr=1e-4).fit(X).n_steps_ == 12  # nothing is in the way of a lower rate
