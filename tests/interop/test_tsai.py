"""tsai both ways: fitted encoders in its learners, its architectures in our encoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import nn

from tsrep import MaskedSeriesEncoder, TS2Vec, load
from tsrep.data import load_dataset
from tsrep.interop.tsai import Backbone, as_encoder
from tsrep.tasks import RepresentationClassifier

tsai = pytest.importorskip("tsai.basics")


Motions = tuple[NDArray[np.float32], NDArray[np.str_]]


def small_ts2vec(**parameters: object) -> TS2Vec:
    sizes = {"n_components": 8, "hidden_channels": 8, "depth": 3, "max_steps": 2, "random_state": 0}
    return TS2Vec(**{**sizes, **parameters})


@pytest.fixture(scope="module")
def motions() -> Motions:
    X, y = load_dataset("ItalyPowerDemand", split="train")
    return X.astype(np.float32), y


def dls_of(X: NDArray[np.float32], y: NDArray[np.str_]) -> object:
    splits = (list(range(48)), list(range(48, 67)))
    return tsai.get_ts_dls(X, y, splits=splits, tfms=[None, tsai.TSClassification()], bs=16)


@pytest.fixture(scope="module")
def encoder(motions: Motions) -> TS2Vec:
    return small_ts2vec(n_components=16).fit(motions[0])


class TestBackbone:
    def test_the_backbone_gives_what_encode_gives(self, encoder: TS2Vec, motions) -> None:
        X = motions[0][:5]
        model = Backbone(encoder)(1, 2).eval()
        z = model.backbone(torch.from_numpy(X)).detach().numpy()
        np.testing.assert_allclose(z.transpose(0, 2, 1), encoder.encode(X), atol=1e-6)
        assert (model.head_nf, model.c_out) == (16, 2)

    def test_padding_moves_no_output(self, encoder: TS2Vec, motions) -> None:
        model = Backbone(encoder)(1, 2).eval()
        X = torch.from_numpy(motions[0][:3])
        padded = torch.nn.functional.pad(X, (4, 9), value=torch.nan)
        torch.testing.assert_close(model(padded), model(X), atol=1e-5, rtol=0)

    @pytest.mark.parametrize("freeze", [True, False])
    def test_a_learner_trains_the_head_and_the_backbone_unless_frozen(self, encoder, motions, freeze) -> None:
        learner = tsai.ts_learner(dls_of(*motions), Backbone(encoder, freeze=freeze), metrics=tsai.accuracy)
        before = {name: value.clone() for name, value in learner.model.state_dict().items()}
        with learner.no_bar(), learner.no_logging():
            learner.fit_one_cycle(2, 1e-2)
        after = learner.model.state_dict()
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        assert any(name.startswith("head") for name in moved)
        assert any(name.startswith("backbone") for name in moved) is not freeze
        probabilities, *_ = learner.get_X_preds(motions[0][:60])
        assert probabilities.shape == (60, 2)
        original = encoder.encoder_.state_dict()
        assert all(
            torch.equal(original[name[17:]], before[name]) for name in before if name.startswith("backbone")
        )

    def test_tsclassifier_learns_from_a_frozen_encoder(self, motions) -> None:
        X, y = motions
        encoder = small_ts2vec(n_components=32, hidden_channels=16, max_steps=10).fit(X)
        splits = (list(range(48)), list(range(48, 67)))
        tfms = [None, tsai.TSClassification()]
        classifier = tsai.TSClassifier(
            X, y, splits=splits, tfms=tfms, bs=16, arch=Backbone(encoder, freeze=True), seed=0
        )
        with classifier.no_bar(), classifier.no_logging():
            classifier.fit_one_cycle(20, 5e-3)
        _, _, predicted = classifier.get_X_preds(X[48:], with_decoded=True)
        assert (
            np.mean([label == truth for label, truth in zip(eval_labels(predicted), y[48:], strict=True)])
            > 0.7
        )

    def test_it_pre_trains_with_mvp(self, encoder: TS2Vec, motions, tmp_path: Path) -> None:
        from tsai.callback.MVP import MVP

        dls = tsai.get_ts_dls(
            motions[0], splits=(list(range(48)), list(range(48, 67))), tfms=[None, tsai.ToFloat()]
        )
        mvp = MVP(target_dir=str(tmp_path))
        learner = tsai.ts_learner(dls, Backbone(encoder), c_out=1, cbs=[mvp])
        with learner.no_bar(), learner.no_logging():
            learner.fit_one_cycle(1, 1e-3)
        assert np.isfinite(learner.recorder.values[-1]).all()
        assert (tmp_path / "model.pth").exists()

    def test_a_custom_head_gets_the_length_of_the_series(self, encoder: TS2Vec, motions) -> None:
        seen = {}

        def head(nf: int, c_out: int, seq_len: int) -> nn.Module:
            seen.update(nf=nf, seq_len=seq_len)
            return nn.Sequential(nn.Flatten(), nn.Linear(nf * seq_len, c_out))

        learner = tsai.ts_learner(dls_of(*motions), Backbone(encoder), custom_head=head)
        assert seen == {"nf": 16, "seq_len": 24}
        assert learner.model(torch.zeros(3, 1, 24)).shape == (3, 2)

    def test_a_masked_encoder_is_a_backbone_too(self, motions) -> None:
        masked = MaskedSeriesEncoder(
            recipe="paper", n_components=8, n_heads=2, depth=1, max_steps=1, random_state=0
        )
        masked.fit(motions[0])
        assert Backbone(masked)(1, 2).eval()(torch.from_numpy(motions[0][:4])).shape == (4, 2)

    def test_other_channels_are_an_error(self, encoder: TS2Vec) -> None:
        with pytest.raises(ValueError, match="X has 3 channels, the encoder was fitted with 1"):
            Backbone(encoder)(3, 2)

    def test_what_is_no_encoder_is_an_error(self, motions, encoder: TS2Vec) -> None:
        classifier = RepresentationClassifier(encoder, prefit=True).fit(*motions)
        for wrong in (
            1,
            classifier,
            encoder.encoder_,
        ):  # 1: the channels, where tsai was given the class itself
            with pytest.raises(TypeError, match="encoder is a .*; wanted a fitted encoder of this package"):
                Backbone(wrong)

    def test_an_unfitted_encoder_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="not fitted"):
            Backbone(TS2Vec())


def eval_labels(decoded: object) -> list[str]:
    """tsai gives decoded labels as the text of a list, or as a list."""
    return eval(decoded) if isinstance(decoded, str) else list(decoded)


KEEPING_ANY_LENGTH = ["InceptionTimePlus", "ResNetPlus", "FCNPlus", "XceptionTimePlus", "LSTMPlus", "XCMPlus"]
OF_ONE_LENGTH = ["TSTPlus", "TSiTPlus", "ConvTranPlus"]


class TestAsEncoder:
    @pytest.mark.parametrize("name", KEEPING_ANY_LENGTH + OF_ONE_LENGTH)
    def test_an_architecture_is_a_backbone(self, name: str) -> None:
        backbone = as_encoder(name, hidden_channels=4, n_components=6, seq_len=20, random_state=0).eval()
        latent = torch.randn(3, 17, 4, generator=torch.Generator().manual_seed(0))
        z = backbone(latent, None, slice(None))
        assert z.shape == (3, 17, 6)
        torch.testing.assert_close(backbone(latent, None, slice(5, 9)), z[:, 5:9])
        assert (backbone.length == 20) is (name in OF_ONE_LENGTH)

    @pytest.mark.parametrize("name", ["FCNPlus", "TSTPlus"])
    def test_padding_moves_no_representation(self, name: str) -> None:
        backbone = as_encoder(name, hidden_channels=4, n_components=6, seq_len=40, random_state=0)
        rng = np.random.default_rng(0)
        X = rng.normal(size=(4, 2, 20))
        encoder = small_ts2vec(n_components=6, hidden_channels=4, backbone=backbone, max_steps=1).fit(X)
        padded = np.pad(X, ((0, 0), (0, 0), (6, 11)), constant_values=np.nan)
        np.testing.assert_allclose(encoder.transform(padded), encoder.transform(X), atol=1e-5)

    def test_ts2vec_trains_clones_saves_and_loads(self, tmp_path: Path, motions) -> None:
        X, _ = motions
        backbone = as_encoder("InceptionTimePlus", 8, 16, random_state=0, nf=4)
        start = {name: value.clone() for name, value in backbone.state_dict().items()}
        encoder = small_ts2vec(n_components=16, backbone=backbone, max_steps=4).fit(X)
        Z = encoder.transform(X)
        assert Z.shape == (67, 16)
        assert np.isfinite(Z).all()
        assert all(torch.equal(start[name], value) for name, value in backbone.state_dict().items())
        np.testing.assert_array_equal(clone(encoder).fit(X).transform(X), Z)
        encoder.save(tmp_path / "model")
        with pytest.raises(ValueError, match="TSAIBackbone"):
            load(tmp_path / "model")
        other = as_encoder("InceptionTimePlus", 8, 16, random_state=1, nf=4)
        np.testing.assert_array_equal(load(tmp_path / "model", module=other).transform(X), Z)

    def test_batch_statistics_are_those_of_the_training(self, motions) -> None:
        backbone = as_encoder("FCNPlus", 8, 8, random_state=0, layers=[8, 8, 8])
        encoder = small_ts2vec(backbone=backbone, max_steps=5).fit(motions[0])
        layers = [layer for layer in encoder.encoder_.modules() if isinstance(layer, nn.BatchNorm1d)]
        assert layers
        assert all(layer.running_mean.abs().max() > 0 for layer in layers)

    def test_training_resumes_from_a_checkpoint(self, tmp_path: Path, motions) -> None:
        X = motions[0][:16]

        def unfitted(checkpoint: Path | None, steps: int) -> TS2Vec:
            backbone = as_encoder("FCNPlus", 8, 8, random_state=0, layers=[8, 8, 8])
            return small_ts2vec(backbone=backbone, max_steps=steps, checkpoint=checkpoint, checkpoint_every=1)

        whole = unfitted(None, 4).fit(X)
        unfitted(tmp_path / "run", 4).fit(X)
        resumed = unfitted(tmp_path / "run", 4).fit(X)
        np.testing.assert_array_equal(resumed.transform(X), whole.transform(X))

    def test_masked_encoders_train_on_it(self, motions) -> None:
        backbone = as_encoder("ResNetPlus", 8, 12, random_state=0, nf=4)
        encoder = MaskedSeriesEncoder(
            encoder=backbone, hidden_channels=8, n_components=12, target="values", max_steps=2, random_state=0
        )
        assert encoder.fit(motions[0]).encode(motions[0][:3]).shape == (3, 24, 12)

    def test_a_trained_model_of_tsai_keeps_its_weights(self) -> None:
        from tsai.models.FCNPlus import FCNPlus

        torch.manual_seed(0)
        model = FCNPlus(2, 3, layers=[4, 6, 5]).eval()
        backbone = as_encoder(model, hidden_channels=2, n_components=5).eval()
        x = torch.randn(2, 2, 12)
        torch.testing.assert_close(backbone(x.mT, None, slice(None)), model.backbone(x).mT)
        encoder = small_ts2vec(n_components=5, input_projection=False, backbone=backbone, max_steps=0)
        z = encoder.fit(x.numpy()).encode(x.numpy())
        np.testing.assert_allclose(z, model.backbone(x).mT.detach(), atol=1e-6)

    def test_the_global_generator_is_left_alone(self) -> None:
        torch.manual_seed(3)
        state = torch.random.get_rng_state()
        first, second = (as_encoder("FCNPlus", 4, 4, random_state=7, layers=[4, 4, 4]) for _ in range(2))
        assert torch.equal(torch.random.get_rng_state(), state)
        pairs = zip(first.parameters(), second.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)

    @pytest.mark.parametrize(
        ("arch", "message"),
        [
            ("NoSuchNet", "arch is 'NoSuchNet'"),
            ("FCN", "arch is FCN; wanted one with a backbone"),
            ("xresnet1d18plus", "keeps the length"),
            ("TSTPlus", "seq_len is None"),
        ],
    )
    def test_what_is_no_backbone_is_an_error(self, arch: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            as_encoder(arch, hidden_channels=4)

    def test_series_longer_than_the_architecture_are_an_error(self) -> None:
        backbone = as_encoder("TSTPlus", 4, 4, seq_len=10, random_state=0)
        encoder = small_ts2vec(n_components=4, hidden_channels=4, backbone=backbone, max_steps=1)
        with pytest.raises(ValueError, match="series of 12 steps; wanted at most 10"):
            encoder.fit(np.zeros((3, 1, 12)) + np.arange(12)).transform(np.zeros((3, 1, 12)))

    def test_other_hidden_channels_are_an_error(self) -> None:
        backbone = as_encoder("FCNPlus", 4, 4, layers=[4, 4, 4])
        with pytest.raises(ValueError, match="hidden_channels is 8; wanted 4"):
            small_ts2vec(n_components=4, backbone=backbone).fit(np.zeros((3, 1, 12)) + np.arange(12))


def test_what_tsai_loads_is_what_fit_takes(motions) -> None:
    """`get_UCR_data` gives arrays (n, c, t) in float32, as `motions` is; `TSDataLoaders` series (c, t) and batches."""
    dls = dls_of(*motions)
    series = [x for x, _ in dls.train_ds]
    assert small_ts2vec(max_steps=1).fit(series).transform(series).shape == (48, 8)
    batch, _ = dls.train.one_batch()
    assert small_ts2vec(max_steps=0).fit(batch).transform(batch).shape == (16, 8)
