"""Histograms of oriented gradients beside MaskFeat's own code, and MaskFeat."""

import pytest
import torch
from torch import Tensor, nn

from tsrep_vision import HOG, MaskFeat, ViT
from tsrep_vision.hog import sobel


def small(**options: object) -> MaskFeat:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4}
    return MaskFeat(**{**sizes, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(("cell", "window"), [(8, 0), (8, 16), (4, 0)])
def test_histograms_match_maskfeats_code(hog_reference: dict, cell: int, window: int) -> None:
    maps = HOG(bins=9, cell=cell, gaussian_window=window)(hog_reference["x"])
    expected = hog_reference[f"hog/bins9_pool{cell}_gauss{window}"]
    torch.testing.assert_close(maps, expected, atol=1e-5, rtol=0)


def test_gradients_are_those_of_a_convolution(images: Tensor) -> None:
    filters = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    padded = nn.functional.pad(images[:, 0], (1, 1, 1, 1), mode="reflect").unsqueeze(1)
    expected = nn.functional.conv2d(padded, torch.stack([filters, filters.T]).unsqueeze(1))
    torch.testing.assert_close(torch.stack(sobel(images[:, 0]), dim=1), expected, atol=1e-5, rtol=0)


def test_one_orientation_fills_one_bin() -> None:
    ramp = torch.arange(16.0).view(1, 1, 16, 1).expand(1, 3, 16, 16)  # brighter downwards
    maps = HOG(cell=4)(ramp)[:, :, :, 1:3, 1:3]
    assert torch.equal(maps.amax(2), torch.ones(1, 3, 2, 2))
    assert len(maps.argmax(2).unique()) == 1
    assert not torch.equal(maps.argmax(2), HOG(cell=4)(ramp.transpose(2, 3))[:, :, :, 1:3, 1:3].argmax(2))


def test_histograms_ignore_brightness_contrast_and_sign(images: Tensor) -> None:
    hog = HOG()
    torch.testing.assert_close(hog(0.25 * images + 2), hog(images), atol=1e-4, rtol=0)
    assert float((hog(-images) - hog(images)).abs().max()) < 1e-6
    assert float(hog(torch.full((1, 3, 16, 16), 0.3)).abs().max()) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 0}, "bins is 0; wanted an integer of at least 1"),
        ({"cell": 2.5}, "cell is 2.5"),
        ({"gaussian_window": 1}, "gaussian_window is 1"),
    ],
)
def test_sizes_of_histograms_that_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HOG(**options)


def test_images_that_do_not_fit_the_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="12 x 16 pixels; wanted multiples of 8"):
        HOG()(torch.zeros(1, 3, 12, 16))
    with pytest.raises(ValueError, match="24 x 24 pixels; wanted multiples of 16"):
        HOG(gaussian_window=16)(torch.zeros(1, 3, 24, 24))


def test_a_patch_has_the_histograms_of_its_cells(images: Tensor) -> None:
    model = small(patch_size=16)
    target = model.target(images)
    assert target.shape == (4, 4, 108)
    maps = HOG()(images)
    assert torch.equal(target[:, 1].view(4, 3, 9, 2, 2), maps[..., :2, 2:])
    assert torch.equal(target[:, 2].view(4, 3, 9, 2, 2), maps[..., 2:, :2])


def teacher() -> ViT:
    return ViT(32, 8, 24, 1, 4)


@pytest.mark.parametrize(
    ("options", "features"),
    [
        ({}, 27),
        ({"target": "pixels"}, 192),
        ({"target": "normalised_pixels"}, 192),
        ({"target": "teacher", "teacher": teacher()}, 24),
        ({"hog": HOG(bins=6, cell=4)}, 72),
    ],
)
def test_targets_and_gradients(images: Tensor, options: dict, features: int) -> None:
    model = small(**options)
    output = model(images)
    assert output.prediction.shape == model.target(images).shape == (4, 16, features)
    assert output.latent.shape == (4, 17, 48) and output.hidden.sum(1).tolist() == [6] * 4
    output.loss.backward()
    learning = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    assert [name for name, p in learning if p.grad is None or not p.grad.abs().sum() > 0] == []
    expected = (output.prediction - model.target(images))[output.hidden].square().mean()
    torch.testing.assert_close(output.loss, expected)


def test_a_teacher_is_frozen() -> None:
    model = small(target="teacher", teacher=teacher()).train()
    assert model.training and not model.target.network.training
    assert not any(p.requires_grad for p in model.target.parameters())
    norms = model.target(torch.randn(2, 3, 32, 32)).norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones(2, 16))


def test_hidden_pixels_cannot_move_the_encoders_output(images: Tensor) -> None:
    model = small().eval()
    output = model(images, generator=torch.Generator().manual_seed(0))
    grid = output.hidden.view(4, 1, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3)
    again = model(torch.where(grid, images.flip(3) + 1, images), hidden=output.hidden)
    assert torch.equal(again.latent, output.latent)
    assert not torch.equal(again.loss, output.loss)


@pytest.mark.parametrize("target", ["hog", "pixels"])
def test_the_loss_falls(images: Tensor, target: str) -> None:
    model, images = small(target=target), 0.3 * images + 1
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(20):
        loss = model(images, generator=generator).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "dino"}, "target is 'dino'; wanted one of 'hog', 'pixels'"),
        ({"target": "teacher"}, "target is 'teacher' and teacher None; wanted both or none"),
        ({"teacher": nn.Identity()}, "wanted both or none"),
        ({"target": "teacher", "teacher": nn.Identity()}, r"the teacher gives \(1, 3, 32, 32\)"),
        ({"hog": HOG(cell=3)}, "the cell of hog is 3; wanted a divisor of patch_size, 8"),
        ({"mask": "tube"}, "mask is 'tube'"),
        ({"mask_ratio": 1.5}, "mask_ratio is 1.5"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_a_mask_of_another_shape_is_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match=r"hidden has shape \(4, 4, 4\); wanted \(4, 16\)"):
        small()(images, hidden=torch.zeros(4, 4, 4))
