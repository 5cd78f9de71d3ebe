"""What a call does not touch: torch's random numbers, the modes of layers, the type of the weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tsrep_vision import load, load_vit, save
from tsrep_vision.data import ImageSet, draw_shapes
from tsrep_vision.evaluation import features, masked_loss, predict
from tsrep_vision.finetune import finetune
from tsrep_vision.mask_rcnn import mask_rcnn_tiny, segment
from tsrep_vision.mask_rcnn.saving import load_mask_rcnn, plan, save_mask_rcnn
from tsrep_vision.pretrain import pretrain
from tsrep_vision.probe import probe

Make = Callable[[str], Any]
Colours = Callable[..., ImageSet]
STEP = {"max_steps": 1, "batch_size": 6, "random_state": 0, "device": "cpu"}
SIZES = {"embed_dim": 32, "depth": 2, "num_heads": 2, "channels": 16, "hidden_size": 32}

CALLS: dict[str, Callable[[nn.Module, ImageSet], Any]] = {
    "pretrain": lambda model, images: pretrain(model, images, **STEP),
    "probe": lambda model, images: probe(model, images, images, random_state=0),
    "probe by gradients": lambda model, images: probe(model, images, images, method="adamw", **STEP),
    "finetune": lambda model, images: finetune(model, images, images, **STEP),
    "features": features,
    "masked_loss": masked_loss,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["mae", "swin"])
def test_random_numbers_and_modes(make: Make, colours: Colours, kind: str, call: str) -> None:
    model, images = make(kind), colours(6)
    model.encoder.eval()
    modes = [layer.training for layer in model.modules()]
    before = torch.get_rng_state()
    CALLS[call](model, images)
    assert torch.equal(torch.get_rng_state(), before)
    assert [layer.training for layer in model.modules()] == modes


def test_reading_a_model_draws_nothing(make: Make, tmp_path: Path) -> None:
    mae, segmenter = make("mae"), plan("tiny", num_classes=4, **SIZES)
    save(mae, tmp_path / "mae")
    with torch.random.fork_rng():
        save_mask_rcnn(tmp_path / "rcnn", mask_rcnn_tiny(4, **SIZES), segmenter, list("abcd"), range(4))
    before = torch.get_rng_state()
    load(tmp_path / "mae")
    load_vit(mae.official_state(), num_heads=2)
    load_mask_rcnn(tmp_path / "rcnn")
    assert torch.equal(torch.get_rng_state(), before)


def test_segmenting_leaves_each_layer_in_its_mode() -> None:
    model = mask_rcnn_tiny(4, **SIZES)
    model.backbone.eval()
    modes = [layer.training for layer in model.modules()]
    list(segment(model, draw_shapes(1, 64)[0]))
    assert [layer.training for layer in model.modules()] == modes


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_weights_of_another_type_are_evaluated(make: Make, colours: Colours, dtype: torch.dtype) -> None:
    images = colours(6)
    model = make("mae")
    classifier = probe(model, images, random_state=0).classifier
    expected, scores = masked_loss(model, images), predict(classifier, images).scores
    assert masked_loss(model.to(dtype), images) == pytest.approx(expected, rel=0.02)
    np.testing.assert_allclose(predict(classifier.to(dtype), images).scores, scores, atol=0.1)
    assert model.encoder.class_token.dtype == dtype


@pytest.mark.parametrize("kind", ["mae", "simmim", "swin", "maskfeat", "vit"])
def test_images_of_64_bits_are_refused_in_words(make: Make, kind: str) -> None:
    images = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"images is of type torch.float64; wanted torch.float32, that of"):
        make(kind)(images)
    make(kind).double()(images)


@pytest.mark.parametrize("shape", [(4, 64, 64), (1, 64, 64), (64, 64, 3), (64, 64)])
def test_images_of_another_shape_are_not_segmented(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images has one of shape .*; wanted \(3, H, W\)"):
        list(segment(mask_rcnn_tiny(4, **SIZES), [torch.rand(shape)]))


def test_images_of_64_bits_are_segmented() -> None:
    model = mask_rcnn_tiny(4, **SIZES)
    image: Tensor = draw_shapes(1, 64)[0][0]
    [found], [again] = segment(model, [image]), segment(model, [image.double()])
    assert torch.equal(found["boxes"], again["boxes"])
