"""Crops of a batch beside torchvision's on one image, and large-scale jitter."""

import pytest
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as transforms

from tsrep_vision.data import (
    central_crop,
    crop,
    draw_crops,
    draw_shapes,
    large_scale_jitter,
    normalised,
    random_resized_crop,
    stack,
)


@pytest.fixture
def picture() -> Tensor:
    """Smooth, (1, 3, 48, 64), between 0 and 1."""
    values = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(values, (48, 64), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("flip", [False, True])
def test_a_crop_is_torchvisions(picture: Tensor, mode: str, flip: bool) -> None:
    boxes = [(0, 0, 48, 64), (8, 16, 24, 32), (5, 3, 40, 20)]
    for top, left, height, width in boxes:
        ours = crop(picture, torch.tensor([[top, left, height, width]]), 32, torch.tensor([flip]), mode)
        expected = transforms.resized_crop(
            picture, top, left, height, width, [32, 32], InterpolationMode(mode), antialias=False
        ).clamp(0, 1)
        expected = transforms.hflip(expected) if flip else expected
        inner = (
            slice(0, 32) if height == 48 and mode == "bilinear" else slice(4, 28)
        )  # torchvision's crop ends there
        torch.testing.assert_close(ours[..., inner, inner], expected[..., inner, inner], atol=1e-5, rtol=0)


def test_each_image_has_its_own_crop(picture: Tensor) -> None:
    images = picture.repeat(2, 1, 1, 1)
    one, other = random_resized_crop(images, 16, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(one, other, atol=0.1)
    again = random_resized_crop(images, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again[1], other) and again.shape == (2, 3, 16, 16)


def test_crops_do_not_depend_on_what_they_are_stacked_with(picture: Tensor) -> None:
    alone = picture[0, :, :40, :30]
    images, sizes = stack([alone, picture[0]])
    for mode in ("bilinear", "bicubic"):
        boxes, flipped = draw_crops(sizes, torch.Generator().manual_seed(1))
        boxes[0] = torch.tensor([0.0, 0, 40, 30])
        together = crop(images, boxes, 16, flipped, mode)
        torch.testing.assert_close(together[:1], crop(alone[None], boxes[:1], 16, flipped[:1], mode))


def test_draws_have_the_distribution_of_torchvision() -> None:
    sizes = torch.tensor([[48, 96]]).expand(4000, 2)
    boxes, flipped = draw_crops(sizes, torch.Generator().manual_seed(0), scale=(0.2, 1.0))
    top, left, height, width = boxes.unbind(1)
    assert bool((top >= 0).all() and (top + height <= 48 + 1e-4).all() and (left + width <= 96 + 1e-4).all())
    assert 0.46 < float(flipped.float().mean()) < 0.54
    torch.manual_seed(0)
    picture = torch.zeros(3, 48, 96)
    theirs = torch.tensor(
        [RandomResizedCrop.get_params(picture, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)]
    ).float()
    torch.testing.assert_close(boxes.mean(0), theirs.mean(0), atol=1.0, rtol=0)
    torch.testing.assert_close(boxes.std(0), theirs.std(0), atol=1.0, rtol=0)


def test_where_no_crop_fits_the_middle_is_taken() -> None:
    boxes, _ = draw_crops(torch.tensor([[10, 100], [100, 10]]), scale=(0.9, 1.0))
    torch.testing.assert_close(
        boxes, torch.tensor([[0, 50 - 20 / 3, 10, 40 / 3], [50 - 20 / 3, 0, 40 / 3, 10]])
    )


def test_the_middle_and_normalisation(picture: Tensor) -> None:
    whole = central_crop(picture, 48, mean=(0.0,), std=(1.0,))
    torch.testing.assert_close(whole, picture[..., 8:56])
    bytes_ = (picture * 255).round().to(torch.uint8)
    ours = central_crop(bytes_, 48)
    expected = transforms.normalize(bytes_[..., 8:56] / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)
    assert normalised(picture[:, :1]).shape == (1, 1, 48, 64)


@pytest.mark.parametrize("scale", [(0.4, 2.0), (2.0, 2.0), (0.4, 0.4)])
def test_jitter_moves_objects_with_the_image(scale: tuple[float, float]) -> None:
    images, targets = draw_shapes(6, 48, seed=2)
    generator = torch.Generator().manual_seed(0)
    before = [{name: value.clone() for name, value in target.items()} for target in targets]
    for image, target in zip(images, targets, strict=True):
        flat = (image > 0.35).any(0) & target["masks"].any(0).bool()  # where an object is
        marked = torch.stack([flat.float()] * 3)
        moved, left = large_scale_jitter(marked, target, 64, generator, scale=scale)
        assert moved.shape == (3, 64, 64)
        assert left["masks"].shape == (len(left["labels"]), 64, 64) and left["masks"].dtype == torch.uint8
        assert left["boxes"].shape == (len(left["labels"]), 4)
        anywhere = left["masks"].any(0).bool()
        if bool(anywhere.any()):
            assert float(moved[0][anywhere].mean()) > 0.8
        for box, mask in zip(left["boxes"].int().tolist(), left["masks"], strict=True):
            assert int(mask[box[1] : box[3], box[0] : box[2]].sum()) == int(mask.sum())
            assert box[0] < box[2] <= 64 and box[1] < box[3] <= 64
    for one, other in zip(before, targets, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_jitter_at_a_scale_of_one() -> None:
    [image], [target] = draw_shapes(1, 64, seed=0)
    same, left = large_scale_jitter(image, target, 64, scale=(1.0, 1.0), flip=0.0)
    torch.testing.assert_close(same, image)
    assert torch.equal(left["masks"], target["masks"]) and torch.equal(left["boxes"], target["boxes"])
    turned, left = large_scale_jitter(image, target, 64, scale=(1.0, 1.0), flip=1.0)
    torch.testing.assert_close(turned, image.flip(2))
    assert torch.equal(left["masks"], target["masks"].flip(2))
    small, left = large_scale_jitter(image, target, 64, scale=(0.5, 0.5), flip=0.0, fill=0.25)
    assert bool((small[:, 32:] == 0.25).all()) and left["masks"].sum() == left["masks"][:, :32, :32].sum()
    _, none = large_scale_jitter(image, target, 64, scale=(0.5, 0.5), smallest=10_000)
    assert none["boxes"].shape == (0, 4) and none["labels"].shape == (0,)
