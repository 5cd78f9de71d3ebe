"""Everything that an encoder needs to give: a network and an objective. The rest comes with the base class."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

import tsrep.encoding
from tsrep import load
from tsrep.encoding.encoder import SeriesEncoder
from tsrep.encoding.estimator import SeriesRepresentation
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationClassifier, RepresentationForecaster


class Smooth(nn.Module):
    """A convolution over three steps."""

    reach = 1

    def __init__(self, width):
        super().__init__()
        self.convolution = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, latent, inside, steps):
        within = 1.0 if inside is None else inside.unsqueeze(-1)
        return self.convolution((latent * within).mT).mT.tanh()[:, steps]


class ToyEncoder(SeriesRepresentation):
    """Predicts the mean of its input at every step."""

    def __init__(
        self,
        width=6,
        max_steps=4,
        warm_start=False,
        checkpoint=None,
        pool=None,
        random_state=0,
    ):
        self.width = width
        self.max_steps = max_steps
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.pool = pool
        self.random_state = random_state

    _SHAPES = ("width",)

    def _build(self, channels):
        return SeriesEncoder(nn.Linear(channels, self.width), Smooth(self.width)).eval().requires_grad_(False)

    def _objective(self):
        def error(network, batch, generator):
            keep = torch.rand(batch.shape[:2], generator=generator) < 0.7
            mean = batch.nan_to_num().mean(-1)
            missed = (network(batch, keep).mean(-1) - mean).square().mean()
            return {"loss": missed, "size": mean.abs().mean()}

        return error


@pytest.fixture
def X():
    X = np.random.default_rng(0).normal(size=(6, 2, 40))
    X[0, :, 30:] = np.nan
    X[1, 0, 5] = np.nan
    return X


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """`load` reads classes of the package only."""
    monkeypatch.setattr(ToyEncoder, "__module__", "tsrep.encoding")
    monkeypatch.setattr(tsrep.encoding, "ToyEncoder", ToyEncoder, raising=False)


def test_it_learns_and_encodes(X):
    encoder = ToyEncoder(max_steps=60).fit(X)
    losses = [record["loss"] for record in encoder.history_]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert set(encoder.history_[0]) == {"step", "epoch", "seconds", "loss", "size"}
    assert encoder.transform(X).shape == (6, 6) and encoder.n_features_out_ == 6
    Z = encoder.encode(X)
    assert np.isnan(Z[0, 30:]).all() and np.isfinite(Z[0, :30]).all()
    np.testing.assert_allclose(encoder.transform(X), np.nanmax(Z, axis=1), atol=1e-6)
    shorter = [X[0, :, :30], *X[1:]]
    np.testing.assert_allclose(encoder.transform(shorter), encoder.transform(X), atol=1e-6)


def test_it_looks_back_as_defined_and_lives_on(X):
    encoder = ToyEncoder().fit(X)
    Z = encoder.encode_causal(X, context=5)
    window = np.concatenate([X[2:3, :, 7:13]], axis=-1)
    np.testing.assert_allclose(encoder.encode(window)[0, -1], Z[2, 12], atol=1e-6)
    live = encoder.online(context=5)
    np.testing.assert_allclose([live.update(point) for point in X[2].T], Z[2], atol=1e-6)
    changed = X.copy()
    changed[:, :, 20:] += 5  # causal: the future cannot move the past
    np.testing.assert_array_equal(encoder.encode_causal(changed, context=5)[:, :20], Z[:, :20])


def test_it_encodes_to_a_file(X, tmp_path):
    encoder = ToyEncoder().fit(X)
    np.testing.assert_allclose(
        encoder.encode_to_file(X[2].T, tmp_path / "z.npy"), encoder.encode(X)[2], atol=1e-6
    )
    causal = encoder.encode_to_file(pd.DataFrame(X[2].T), tmp_path / "z.npy", context=5)
    np.testing.assert_allclose(causal, encoder.encode_causal(X, context=5)[2], atol=1e-6)
    with pytest.raises(ValueError, match="no observed value"):
        encoder.encode_to_file(np.full((50, 2), np.nan), tmp_path / "none.npy", context=5)


def test_it_is_saved_and_continued_to_the_same_bits(X, tmp_path):
    unbroken = ToyEncoder(max_steps=7).fit(X)
    ToyEncoder(max_steps=4).fit(X).save(tmp_path / "toy")
    continued = load(tmp_path / "toy").set_params(warm_start=True, max_steps=3).fit(X)
    np.testing.assert_array_equal(continued.transform(X), unbroken.transform(X))
    kept = ToyEncoder(max_steps=7, checkpoint=tmp_path / "run").fit(X)
    again = ToyEncoder(max_steps=7, checkpoint=tmp_path / "run").fit(X)
    np.testing.assert_array_equal(kept.transform(X), unbroken.transform(X))
    np.testing.assert_array_equal(again.transform(X), unbroken.transform(X))
    with pytest.raises(ValueError, match="width is 3; wanted 6, as in the fit before"):
        continued.set_params(width=3).fit(X)
    with pytest.raises(ValueError, match="holds a run with random_state=0, not 1"):
        ToyEncoder(max_steps=7, checkpoint=tmp_path / "run", random_state=1).fit(X)


def test_every_task_takes_it(X, tmp_path):
    classifier = RepresentationClassifier(ToyEncoder(pool="rich"), probe="knn").fit(X, ["a", "b"] * 3)
    assert (classifier.predict(X) == ["a", "b"] * 3).all()
    series = pd.Series(
        np.sin(np.arange(300) / 4), pd.date_range("2026-01-01", periods=300, freq="h"), name="y"
    )
    forecaster = RepresentationForecaster(ToyEncoder(), horizons=4, context=12).fit(series)
    assert forecaster.backtest(series, series.index[250])["mae"].iloc[0] < 0.2
    detector = RepresentationAnomalyDetector(ToyEncoder(), context=12, score="nearest").fit(series[:200])
    spoilt = series.copy()
    spoilt.iloc[250] = 5
    assert detector.decision_function(spoilt[200:], history=spoilt[:200]).argmax() in (50, 51)
    for number, task in enumerate((forecaster, detector)):
        task.save(tmp_path / str(number))
    assert load(tmp_path / "0").predict().equals(forecaster.predict())
    np.testing.assert_array_equal(
        load(tmp_path / "1").decision_function(spoilt), detector.decision_function(spoilt)
    )


@pytest.mark.parametrize(
    ("losses", "says"),
    [({"size": torch.zeros(())}, "wanted a scalar tensor, or a dict"), (0.5, "wanted a scalar tensor")],
)
def test_an_objective_that_gives_no_loss_is_said(X, losses, says, monkeypatch):
    monkeypatch.setattr(ToyEncoder, "_objective", lambda self: lambda network, batch, generator: losses)
    with pytest.raises(TypeError, match=says):
        ToyEncoder().fit(X)


def test_scalars_may_be_numbers_and_do_not_hide_the_step(X, monkeypatch):
    def objective(self):
        return lambda network, batch, generator: {"loss": network(batch).square().mean(), "step": 99.0}

    monkeypatch.setattr(ToyEncoder, "_objective", objective)
    assert [record["step"] for record in ToyEncoder(max_steps=2).fit(X).history_] == [1, 2]


def test_it_is_a_scikit_learn_estimator():
    check_estimator(ToyEncoder(max_steps=1))
