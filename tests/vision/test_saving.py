"""Saved image models come back the same, and nothing else is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tsrep_vision import HOG, MaskFeat, SimMIM, load, save
from tsrep_vision.classifier import Classifier, copied_encoder
from tsrep_vision.saving import build, describe

Make = Callable[[str], Any]


def outputs(model: torch.nn.Module) -> torch.Tensor:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return getattr(model, "encoder", model).eval()(images)


@pytest.mark.parametrize("kind", ["mae", "simmim", "swin", "maskfeat", "vit"])
def test_a_model_comes_back(make: Make, kind: str, tmp_path: Path) -> None:
    model = make(kind)
    save(model, tmp_path / "run" / "model")
    for path in (tmp_path / "run" / "model", tmp_path / "run"):
        again = load(path)
        assert type(again) is type(model) and not again.training
        assert all(torch.equal(again.state_dict()[name], value) for name, value in model.state_dict().items())
        assert torch.equal(outputs(again), outputs(model))


@pytest.mark.parametrize(
    "model",
    [
        lambda: SimMIM(
            image_size=16, patch_size=4, embed_dim=32, depth=1, num_heads=2, head="deep", head_depth=1
        ),
        lambda: SimMIM(image_size=16, patch_size=4, embed_dim=32, depth=1, num_heads=2, layer_scale=None),
        lambda: MaskFeat(image_size=32, patch_size=16, embed_dim=32, depth=1, num_heads=2, hog=HOG(6, 4, 16)),
        lambda: MaskFeat(
            image_size=16, patch_size=4, embed_dim=32, depth=1, num_heads=2, target="normalised_pixels"
        ),
    ],
)
def test_arguments_are_read_off_a_model(model: Callable[[], torch.nn.Module]) -> None:
    made = model()
    again = build(describe(made))
    shapes = [{name: value.shape for name, value in each.state_dict().items()} for each in (made, again)]
    assert shapes[0] == shapes[1] and describe(again) == describe(made)


def test_the_encoder_of_a_fine_tuned_classifier_comes_back(make: Make, tmp_path: Path) -> None:
    classifier = Classifier(copied_encoder(make("mae")), ["cat", "dog"], "mean", "layer").eval()
    save(classifier.encoder, tmp_path / "encoder")
    for again in (load(tmp_path / "encoder"), copied_encoder(classifier.encoder)):
        assert torch.equal(outputs(again), outputs(classifier.encoder))


@pytest.mark.parametrize(
    ("kind", "norm"), [("mae", "layer"), ("mae", "batch"), ("swin", "layer"), ("vit", "encoder")]
)
def test_a_classifier_comes_back(make: Make, kind: str, norm: str, tmp_path: Path) -> None:
    classifier = Classifier(copied_encoder(make(kind)), ["cat", "dog"], "mean", norm).eval()
    torch.nn.init.normal_(classifier.head.weight)
    save(classifier, tmp_path / "model")
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(load(tmp_path / "model")(images), classifier(images))
    assert load(tmp_path / "model").classes == ["cat", "dog"]


def test_what_cannot_be_saved_or_read(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="model is a Linear; wanted one of MAE"):
        save(torch.nn.Linear(1, 1), tmp_path / "model")
    taught = MaskFeat(
        image_size=16, patch_size=4, embed_dim=32, depth=1, num_heads=2, target="teacher", teacher=make("vit")
    )
    with pytest.raises(ValueError, match="target is 'teacher'"):
        save(taught, tmp_path / "model")
    with pytest.raises(ValueError, match="is not a saved model"):
        load(tmp_path / "nothing")
    save(make("vit"), tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text().replace("tsrep_vision.vit:ViT", "os:system"))
    del config["sha256"]["config.json"]
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="holds no image model of this version: its class is 'os:system'"):
        load(tmp_path / "model")
