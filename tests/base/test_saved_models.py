"""Models that earlier versions saved still load, with the outputs that they had; `tests/saved` holds them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrep import load

FOLDER = Path(__file__).parents[1] / "saved" / "e7cb542"


@pytest.fixture(scope="module")
def outputs():
    with np.load(FOLDER / "outputs.npz") as saved:
        return dict(saved)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["ts2vec", "ts2vec-lstm", "ts2vec-transformer"])
def test_encoders(outputs, name):
    encoder = load(FOLDER / name)
    assert encoder.recipe == "paper"
    close(encoder.transform(outputs["X"]), outputs[name])


def test_training_of_a_saved_encoder_goes_on(outputs):
    encoder = load(FOLDER / "ts2vec").set_params(warm_start=True, max_steps=2).fit(outputs["X"])
    assert encoder.n_steps_ == 5
    close(encoder.transform(outputs["X"]), outputs["ts2vec-trained-on"])


@pytest.mark.parametrize(
    ("name", "recipe"), [("imputer-best", "best"), ("imputer-paper", "paper"), ("imputer-two", "best")]
)
def test_imputers(outputs, name, recipe, tmp_path):
    imputer = load(FOLDER / name)
    assert imputer.recipe == recipe
    close(imputer.transform(outputs["X"]), outputs[name])
    if f"{name}-proba" in outputs:
        close(imputer.predict_proba(outputs["X"]), outputs[f"{name}-proba"])
    imputer.save(tmp_path / "again")
    np.testing.assert_array_equal(
        load(tmp_path / "again").transform(outputs["X"]), imputer.transform(outputs["X"])
    )
    steps = imputer.n_steps_
    y = [0, 1, 0, -1] if hasattr(imputer, "classes_") else None
    imputer.set_params(warm_start=True, max_steps=2).fit(outputs["X"], y)
    assert imputer.n_steps_ == steps + 2 * imputer.n_networks
    assert np.isfinite(imputer.transform(outputs["X"])).all()


@pytest.mark.parametrize(("name", "recipe"), [("forecaster-best", "best"), ("forecaster-faithful", "paper")])
def test_forecasters(outputs, name, recipe):
    forecaster = load(FOLDER / name)
    assert forecaster.recipe == recipe
    close(forecaster.predict().to_numpy(), outputs[name])
    hours = pd.date_range("2026-01-01", periods=300, freq="h")
    frame = pd.DataFrame(outputs["series"], hours, ["y", "z"])
    close(forecaster.predict(frame).to_numpy(), outputs[name])


@pytest.mark.parametrize("score", ["hidden", "combined"])
def test_detectors(outputs, score):
    detector = load(FOLDER / f"detector-{score}")
    assert detector.score == score
    close(detector.decision_function(outputs["series"][200:]), outputs[f"detector-{score}"])
