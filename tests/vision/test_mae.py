"""The masked autoencoder beside the paper's own code, and what must hold of it."""

import pytest
import torch
from torch import Tensor

from tsrep_vision import MAE, mae_vit_base, mae_vit_huge, mae_vit_large, mae_vit_tiny
from tsrep_vision.mae import normalised_patches, reconstruction_loss
from tsrep_vision.patch import patchify


def small(**options: object) -> MAE:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 4}
    decoder = {"decoder_dim": 32, "decoder_depth": 2, "decoder_heads": 4}
    return MAE(**{**sizes, **decoder, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("normalise", [False, True])
def test_outputs_match_the_papers_code(mae_reference: dict, mae_weights: dict, normalise: bool) -> None:
    model = small(normalise_target=normalise).load_official(mae_weights)
    output = model(mae_reference["x"], mask_ratio=0.75, noise=mae_reference["noise"])
    assert torch.equal(output.hidden, mae_reference["mask"].bool())
    for ours, name in (
        (output.latent, "latent"),
        (output.prediction, "pred"),
        (output.loss, f"loss/norm_pix_{normalise}"),
    ):
        torch.testing.assert_close(ours, mae_reference[name], atol=1e-5, rtol=0)


def test_hidden_pixels_cannot_move_the_encoders_output(images: Tensor) -> None:
    model = small().eval()
    noise = torch.rand(4, 16, generator=torch.Generator().manual_seed(2))
    output = model(images, noise=noise)
    grid = output.hidden.view(4, 1, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3)
    other = torch.where(grid, torch.full_like(images, 9.0), images)
    again = model(other, noise=noise)
    assert torch.equal(again.latent, output.latent)
    assert torch.equal(again.prediction, output.prediction)
    assert not torch.equal(again.loss, output.loss)


def test_visible_pixels_are_not_scored(images: Tensor) -> None:
    patches = patchify(images, 8)
    hidden = torch.arange(16).expand(4, -1) < 12
    prediction = torch.zeros_like(patches)
    wrong = torch.where(hidden.unsqueeze(-1), prediction, prediction + 100)
    assert torch.equal(
        reconstruction_loss(wrong, patches, hidden), reconstruction_loss(prediction, patches, hidden)
    )
    expected = patches[hidden].square().mean()
    torch.testing.assert_close(reconstruction_loss(prediction, patches, hidden), expected)


def test_the_decoder_puts_each_patch_in_its_place(images: Tensor) -> None:
    """With one visible patch and its noise moved elsewhere, the same pixels give another prediction."""
    model = small().eval()
    same = images[:1, :, :8, :8].repeat(1, 1, 4, 4)  # all patches alike
    first, last = torch.ones(1, 16), torch.ones(1, 16)
    first[0, 0] = last[0, 15] = 0
    a, b = model(same, 0.9, first), model(same, 0.9, last)
    assert a.hidden[0].logical_not().nonzero().tolist() == [[0]]
    assert b.hidden[0].logical_not().nonzero().tolist() == [[15]]
    assert not torch.allclose(a.prediction, b.prediction)


@pytest.mark.parametrize(("ratio", "visible"), [(0.75, 4), (0.85, 2), (0.99, 1), (0.01, 15)])
def test_the_ratio_gives_the_number_of_visible_patches(images: Tensor, ratio: float, visible: int) -> None:
    output = small()(images, mask_ratio=ratio)
    assert output.latent.shape == (4, 1 + visible, 48)
    assert output.hidden.sum(1).tolist() == [16 - visible] * 4


def test_normalised_patches_have_mean_0_and_variance_1(images: Tensor) -> None:
    patches = normalised_patches(3 * patchify(images, 8) + 5)
    torch.testing.assert_close(patches.mean(-1), torch.zeros(4, 16), atol=1e-5, rtol=0)
    torch.testing.assert_close(patches.var(-1), torch.ones(4, 16), atol=1e-4, rtol=0)


@pytest.mark.parametrize("normalise", [False, True])
def test_a_reconstruction_keeps_the_visible_pixels(images: Tensor, normalise: bool) -> None:
    model = small(normalise_target=normalise)
    output = model(images)
    whole = patchify(model.reconstruction(images, output), 8)
    visible = ~output.hidden
    assert torch.equal(whole[visible], patchify(images, 8)[visible])
    perfect = output._replace(prediction=model.target(images))
    torch.testing.assert_close(model.reconstruction(images, perfect), images, atol=1e-5, rtol=0)


def test_the_generator_decides_the_mask(images: Tensor) -> None:
    model = small()
    one, two, other = (
        model(images, generator=torch.Generator().manual_seed(seed)).hidden for seed in (3, 3, 4)
    )
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_the_loss_falls(images: Tensor) -> None:
    model = small()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(30):
        loss = model(images, generator=generator).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_every_parameter_has_a_gradient(images: Tensor) -> None:
    model = small()
    model(images).loss.backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize(
    ("build", "width", "depth", "patches", "million"),
    [
        (mae_vit_base, 768, 12, 196, 111.7),
        (mae_vit_large, 1024, 24, 196, 329.2),
        (mae_vit_huge, 1280, 32, 256, 656.6),
        (mae_vit_tiny, 128, 4, 64, 0.9),
    ],
)
def test_named_sizes(build, width: int, depth: int, patches: int, million: float) -> None:
    with torch.device("meta"):
        model = build()
    assert model.encoder.width == width and len(model.encoder.blocks) == depth
    assert model.encoder.position.shape == (1 + patches, width)
    count = sum(p.numel() for p in model.parameters()) / 1e6
    assert count == pytest.approx(million, abs=0.06)


def test_the_base_encoder_has_as_many_numbers_as_the_published_one() -> None:
    with torch.device("meta"):
        encoder = mae_vit_base().encoder
    assert sum(value.numel() for value in encoder.state_dict().values()) == 85_798_656


def test_arguments_that_do_not_fit_are_refused(images: Tensor) -> None:
    model = small()
    with pytest.raises(ValueError, match="mask_ratio is 1"):
        model(images, mask_ratio=1)
    with pytest.raises(ValueError, match=r"noise has shape \(4, 15\); wanted \(4, 16\)"):
        model(images, noise=torch.zeros(4, 15))
    with pytest.raises(ValueError, match="decoder_dim is 32; wanted a multiple of decoder_heads, 3"):
        small(decoder_heads=3)
