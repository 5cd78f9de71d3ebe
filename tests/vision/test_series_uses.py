"""`SeriesImageEncoder` saved, in scikit-learn's compositions, and as the representation of a task."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion

import tsrep
from tsrep import TS2Vec
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationClassifier, RepresentationForecaster
from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import MAE, SimMIM
from tsrep_vision.classifier import Classifier, copied_encoder
from tsrep_vision.series import SeriesImageEncoder

SMALL = {"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4}


@pytest.fixture
def panel() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 2, 50))


def waves(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sines of two frequencies, with random phases and noise."""
    y = np.arange(60) % 2
    phase = rng.uniform(0, 2 * np.pi, (60, 1))
    X = np.sin(2 * np.pi * np.arange(64) / (8 + 5 * y[:, None]) + phase) + 0.1 * rng.normal(size=(60, 64))
    return X, y


def backbones() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    mae = MAE(**SMALL, decoder_dim=32, decoder_depth=1, decoder_heads=4)
    classifier = Classifier(copied_encoder(mae), ["a", "b"], "mean", "layer")
    return {"mae": mae, "vit": mae.encoder, "simmim": SimMIM("vit", **SMALL), "classifier": classifier}


@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-5), (torch.bfloat16, 0.1)])
def test_a_backbone_of_another_type(panel: np.ndarray, dtype: torch.dtype, within: float) -> None:
    vit = backbones()["vit"]
    expected = SeriesImageEncoder(vit).fit(panel).transform(panel)
    Z = SeriesImageEncoder(vit.to(dtype)).fit(panel).transform(panel)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z, expected, atol=within)


@pytest.mark.parametrize("name", ["mae", "vit", "simmim", "classifier"])
@pytest.mark.parametrize("options", [{}, {"depth": 1, "image_size": 48, "channels": "mean", "image": "line"}])
def test_a_saved_encoder_comes_back(tmp_path: Path, panel: np.ndarray, name: str, options: dict) -> None:
    encoder = SeriesImageEncoder(backbones()[name], batch_size=8, **options).fit(panel)
    encoder.save(tmp_path / "m")
    assert {file.name for file in (tmp_path / "m").iterdir()} == {"config.json", "model.safetensors"}
    state = torch.get_rng_state()
    again = tsrep.load(tmp_path / "m")
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(again.transform(panel), encoder.transform(panel))
    np.testing.assert_array_equal(again.encode(panel), encoder.encode(panel))
    assert {**again.get_params(), "backbone": 0} == {**encoder.get_params(), "backbone": 0}
    assert not any(weight.requires_grad for weight in again.encoder_.parameters())
    np.testing.assert_array_equal(clone(again).fit(panel).transform(panel), encoder.transform(panel))
    again.save(tmp_path / "n")
    np.testing.assert_array_equal(tsrep.load(tmp_path / "n").transform(panel), encoder.transform(panel))


@pytest.mark.parametrize("backbone", [None, "mae.safetensors"])
def test_random_weights_or_a_path_come_back(tmp_path: Path, panel: np.ndarray, backbone: str | None) -> None:
    path = None if backbone is None else tmp_path / backbone
    if path is not None:
        save_file(backbones()["mae"].official_state(), path)
    encoder = SeriesImageEncoder(path, num_heads=4, random_state=np.random.default_rng(3)).fit(panel)
    encoder.save(tmp_path / "m")
    if path is not None:
        path.unlink()  # a saved encoder needs no other file
    again = tsrep.load(tmp_path / "m")
    assert again.backbone == (None if path is None else str(path))
    np.testing.assert_array_equal(again.transform(panel), encoder.transform(panel))


def test_a_damaged_folder_is_refused(tmp_path: Path, panel: np.ndarray) -> None:
    SeriesImageEncoder(backbones()["mae"]).fit(panel).save(tmp_path / "m")
    config = tmp_path / "m" / "config.json"
    config.write_text(config.read_text().replace('"patch_size": 8', '"patch_size": 16'))
    with pytest.raises(ModelFileError, match="damaged"):
        tsrep.load(tmp_path / "m")
    unsigned = json.loads(config.read_text().replace('"patch_size": 16', '"patch_size": 8'))
    del unsigned["sha256"]["config.json"]
    text = json.dumps(unsigned)
    config.write_text(text.replace('"patch_size": 8', '"patch_size": 16'))
    with pytest.raises(ModelFileError, match="does not fit this version of SeriesImageEncoder"):
        tsrep.load(tmp_path / "m")
    config.write_text(
        text.replace("tsrep_vision.series.estimator:SeriesImageEncoder", "tsrep_vision.vit:ViT")
    )
    with pytest.raises(ModelFileError, match="no estimator of this package"):
        tsrep.load(tmp_path / "m")


def test_a_timm_checkpoint(tmp_path: Path, panel: np.ndarray) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 2, "num_heads": 1}
    theirs = timm.models.VisionTransformer(**sizes, num_classes=5).eval()
    save_file(theirs.state_dict(), tmp_path / "timm.safetensors")
    encoder = SeriesImageEncoder(tmp_path / "timm.safetensors", pool="class", channels="mean").fit(panel)
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(encoder.encoder_(images), theirs.forward_features(images), atol=1e-5, rtol=0)
    assert encoder.transform(panel).shape == (5, 64)


def test_names_and_frames(panel: np.ndarray) -> None:
    encoder = SeriesImageEncoder(backbones()["vit"]).fit(panel)
    names = encoder.get_feature_names_out()
    assert names[[0, -1]].tolist() == ["seriesimageencoder0", "seriesimageencoder95"]
    frame = encoder.set_output(transform="pandas").transform(panel)
    assert isinstance(frame, pd.DataFrame) and frame.columns.tolist() == names.tolist()
    np.testing.assert_array_equal(frame, encoder.set_output(transform="default").transform(panel))


def test_beside_another_encoder() -> None:
    """In a union with a contrastive encoder, whose columns keep their names; in a classifier, saved whole."""
    X, y = waves(np.random.default_rng(0))
    contrastive = TS2Vec(n_components=8, hidden_channels=4, depth=2, max_steps=2, random_state=0)
    union = FeatureUnion([("ts2vec", contrastive), ("image", SeriesImageEncoder(random_state=0))])
    Z = union.fit_transform(X)
    assert Z.shape == (60, 8 + 128)
    assert union.get_feature_names_out()[[0, 8]].tolist() == ["ts2vec__ts2vec0", "image__seriesimageencoder0"]
    model = RepresentationClassifier(union, probe="logistic").fit(X[:40], y[:40])
    assert model.score(X[40:], y[40:]) > 0.8


def test_as_the_representation_of_a_classifier(tmp_path: Path) -> None:
    X, y = waves(np.random.default_rng(0))
    model = RepresentationClassifier(SeriesImageEncoder(random_state=0), probe="logistic").fit(X[:40], y[:40])
    assert model.score(X[40:], y[40:]) > 0.8
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(tsrep.load(tmp_path / "m").predict_proba(X), model.predict_proba(X))


def test_as_the_representation_of_a_detector_and_a_forecaster(tmp_path: Path) -> None:
    steps = np.arange(300)
    series = np.sin(2 * np.pi * steps / 20) + 0.05 * np.random.default_rng(0).normal(size=300)
    spiked = series.copy()
    spiked[230] += 3
    encoder = SeriesImageEncoder(backbones()["vit"])
    detector = RepresentationAnomalyDetector(encoder, context=20).fit(series)
    assert np.argmax(detector.decision_function(spiked)) in (230, 231)
    forecaster = RepresentationForecaster(encoder, horizons=3, context=20).fit(
        pd.DataFrame({"value": series})
    )
    forecast = forecaster.predict()
    assert np.abs(forecast["value"].to_numpy() - np.sin(2 * np.pi * np.arange(300, 303) / 20)).max() < 0.3
    forecaster.save(tmp_path / "m")
    np.testing.assert_array_equal(tsrep.load(tmp_path / "m").predict()["value"], forecast["value"])
