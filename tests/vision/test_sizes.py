"""Sizes and images that no network takes are an error in one sentence, before anything is built."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import HOG, MAE, MaskFeat, SimMIM, ViT, load_vit, mask_rcnn_resnet50_fpn, mask_rcnn_vit
from tsrep_vision.checkpoint import read_checkpoint
from tsrep_vision.masks import check_ratio
from tsrep_vision.saving import describe
from tsrep_vision.swin import Swin

VIT: dict[str, Any] = {"image_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2}
DECODER = {"decoder_dim": 16, "decoder_depth": 1, "decoder_heads": 2}
SWIN: dict[str, Any] = {
    "image_size": 16,
    "embed_dim": 16,
    "depths": (1, 1),
    "num_heads": (2, 2),
    "window_size": 2,
}
DETECTOR = {**VIT, "num_classes": 3, "image_size": 64, "patch_size": 8, "channels": 16, "hidden_size": 16}


@pytest.mark.parametrize(
    ("make", "given", "wrong"),
    [
        (
            ViT,
            VIT,
            {"patch_size": (0, -4, 2.0), "image_size": (0, 18), "embed_dim": (0, 33), "depth": (0, True)},
        ),
        (
            ViT,
            VIT,
            {"num_heads": (0, 3), "channels": (0, "3"), "mlp_ratio": (0,), "drop_path": (1, -0.1, "a")},
        ),
        (MAE, {**VIT, **DECODER}, {"decoder_dim": (0, 15), "decoder_depth": (-1,), "decoder_heads": (0, 3)}),
        (SimMIM, VIT, {"patch_size": (0,), "embed_dim": (0,), "mask_unit": (0, -4, 6), "head_depth": (0,)}),
        (SimMIM, VIT, {"mask_ratio": (0, 1, np.nan, "half", None)}),
        (MaskFeat, VIT, {"mask_ratio": (1.5,), "depth": (0,)}),
        (Swin, SWIN, {"window_size": (0,), "depths": ((), (1, 0), 2), "num_heads": ((2,), (3, 2), 2)}),
        (HOG, {}, {"bins": (0, True, 2.5), "cell": (0,), "gaussian_window": (-1, 1)}),
        (
            mask_rcnn_vit,
            DETECTOR,
            {"num_classes": (0, 1), "channels": (0,), "hidden_size": (0,), "window": (0,)},
        ),
        (mask_rcnn_vit, DETECTOR, {"global_blocks": (-1, (7,), (-1,)), "image_size": (72,)}),
        (mask_rcnn_resnet50_fpn, {}, {"num_classes": (1,)}),
    ],
)
def test_sizes_out_of_range(make: Callable, given: dict, wrong: dict[str, tuple]) -> None:
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(ValueError, match=rf"{name} is .*; wanted |wanted .*{name}"):
                make(**{**given, name: value})


def test_sizes_of_numpy_are_described_as_numbers() -> None:
    numpy_sizes = {name: np.int64(value) for name, value in VIT.items()}
    assert describe(ViT(**numpy_sizes)) == describe(ViT(**VIT))
    assert HOG(bins=np.int64(5)).bins == 5


@pytest.mark.parametrize("value", ["half", None, True, np.nan])
def test_a_ratio_is_a_number(value: object) -> None:
    with pytest.raises(ValueError, match="mask_ratio is .*; wanted a number between 0 and 1"):
        check_ratio(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["mae", "simmim", "swin", "maskfeat", "vit"])
def test_images_of_other_types(make: Callable, kind: str) -> None:
    model = make(kind)
    for images, message in (
        (
            torch.zeros(2, 3, 16, 16, dtype=torch.uint8),
            "images is of type torch.uint8; wanted a tensor of floats",
        ),
        (np.zeros((2, 3, 16, 16), dtype=np.float32), "images is of type ndarray; wanted a tensor of floats"),
        (torch.zeros(2, 16, 16, 3), r"images has shape \(2, 16, 16, 3\); wanted \(B, 3, 16, 16\)"),
        (torch.zeros(3, 16, 16), r"images has shape \(3, 16, 16\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model(images)
    with pytest.raises(ValueError, match=r"images has shape \(3, 16, 16\); wanted \(B, C, H, W\)"):
        HOG()(torch.zeros(3, 16, 16))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model."])
def test_names_of_wrapped_networks(make: Callable, prefix: str) -> None:
    mae = make("mae")
    wrapped = {prefix + name: value for name, value in mae.official_state().items()}
    for checkpoint in (wrapped, {"state_dict": wrapped, "epoch": 3}, {"model": {"model": wrapped}}):
        encoder = load_vit(checkpoint, num_heads=2)
        assert torch.equal(encoder.norm.weight, mae.encoder.norm.weight)
    mixed = {**wrapped, "head.weight": torch.zeros(1)}
    assert set(read_checkpoint(mixed)) == set(mixed)


def test_weights_of_other_shapes(make: Callable) -> None:
    state = make("mae").official_state()
    for name, value in (
        ("patch_embed.proj.weight", torch.zeros(32, 48)),
        ("patch_embed.proj.weight", torch.zeros(32, 3, 4, 8)),
        ("pos_embed", torch.zeros(32)),
        ("pos_embed", torch.zeros(1, 16, 32)),
    ):
        with pytest.raises(ModelFileError, match=f"'{name}' "):
            load_vit({**state, name: value}, num_heads=2)
    with pytest.raises(ValueError, match="num_heads is 0"):
        load_vit(state, num_heads=0)
