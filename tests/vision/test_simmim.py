"""SimMIM beside the paper's own code, and what must hold of it."""

import sys

import pytest
import torch
from torch import Tensor

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import SimMIM
from tsrep_vision.simmim import default_unit, pixel_loss

SIZES = {
    "vit": {"image_size": 32, "patch_size": 4, "embed_dim": 48, "depth": 3, "num_heads": 4},
    "swin": {
        "image_size": 64,
        "patch_size": 4,
        "embed_dim": 24,
        "depths": (2, 2),
        "num_heads": (2, 4),
        "window_size": 4,
    },
}
both = pytest.mark.parametrize("backbone", ["vit", "swin"])


def small(backbone: str = "vit", seed: int = 0, **options: object) -> SimMIM:
    if backbone == "swin":
        pytest.importorskip("timm")
    torch.manual_seed(seed)
    return SimMIM(backbone=backbone, **{**SIZES[backbone], **options})  # type: ignore[arg-type]


def pictures(model: SimMIM, batch: int = 2) -> Tensor:
    size = model.encoder.image_size
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))


@both
def test_outputs_match_the_papers_code(simmim_reference: dict, backbone: str) -> None:
    recorded = simmim_reference[backbone]
    weights = {name[6:]: value for name, value in recorded.items() if name.startswith("state/")}
    model = small(backbone).load_official(weights)
    output = model(recorded["x"], hidden=recorded["mask"])
    torch.testing.assert_close(output.latent, recorded["z"], atol=1e-5, rtol=0)
    torch.testing.assert_close(output.prediction, recorded["rec"], atol=1e-5, rtol=0)
    torch.testing.assert_close(output.loss, recorded["loss"], atol=1e-5, rtol=0)
    back = model.official_state()
    assert set(back) == set(weights)
    assert all(torch.equal(back[name], value) for name, value in weights.items())


@both
def test_hidden_pixels_cannot_move_the_encoders_output(backbone: str) -> None:
    model = small(backbone).eval()
    images = pictures(model)
    output = model(images)
    pixels = output.hidden.repeat_interleave(4, 1).repeat_interleave(4, 2).unsqueeze(1)
    again = model(torch.where(pixels, torch.full_like(images, 9.0), images), hidden=output.hidden)
    assert torch.equal(again.latent, output.latent)
    assert not torch.equal(again.loss, output.loss)


@both
@pytest.mark.parametrize("head", ["linear", "mlp", "deep"])
def test_every_parameter_has_a_gradient(backbone: str, head: str) -> None:
    model = small(backbone, head=head)
    output = model(pictures(model))
    assert output.prediction.shape == pictures(model).shape
    output.loss.backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


def test_the_loss_counts_hidden_or_all_pixels() -> None:
    prediction, images = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    images[..., :4, :4] = 5.0
    hidden = torch.tensor([[[True, False], [False, False]]])
    assert float(pixel_loss(prediction, images, hidden)) == 5.0
    assert float(pixel_loss(prediction, images, torch.ones_like(hidden))) == 2.0
    model, other = small(), small(loss_on="all")
    picture, mask = pictures(model), model.draw_mask(2)
    one, two = model(picture, mask), other(picture, mask)
    torch.testing.assert_close(two.loss, (one.prediction - picture).abs().mean())
    assert not torch.equal(one.loss, two.loss)


@pytest.mark.parametrize("mask", ["random", "square", "block"])
def test_masks_have_whole_units(mask: str) -> None:
    model = small(mask=mask, mask_ratio=0.5, mask_unit=8)
    hidden = model.draw_mask(3, torch.Generator().manual_seed(0))
    assert hidden.shape == (3, 8, 8)
    units = hidden.unflatten(2, (4, 2)).unflatten(1, (4, 2)).sum((2, 4))
    assert set(units.unique().tolist()) == {0, 4}
    same = model.draw_mask(3, torch.Generator().manual_seed(0))
    assert torch.equal(hidden, same)


def test_units_are_32_pixels_where_the_image_is_large() -> None:
    assert [default_unit(*of) for of in ((224, 16), (192, 4), (128, 4), (64, 4), (32, 4), (32, 8))] == [
        32,
        32,
        32,
        16,
        8,
        8,
    ]
    assert default_unit(224, 14) == 28 and default_unit(16, 8) == 8
    model = SimMIM(image_size=224, patch_size=16, embed_dim=16, depth=1, num_heads=2)
    assert model.draw_mask(1).sum() == 4 * 30  # of 49 units of 2 x 2 patches


@both
def test_the_loss_falls(backbone: str) -> None:
    model = small(backbone)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    generator, images = torch.Generator().manual_seed(0), 0.3 * pictures(model) + 1
    losses = []
    for _ in range(12):
        loss = model(images, generator=generator).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_the_deep_head_stays_where_the_checkpoint_has_a_linear_one() -> None:
    linear, deep = small(seed=1), small(seed=2, head="deep")
    before = {name: value.clone() for name, value in deep.head.state_dict().items()}
    deep.load_official(linear.official_state())
    assert torch.equal(deep.encoder.blocks[0].attended.weight, linear.encoder.blocks[0].attended.weight)
    assert all(torch.equal(value, before[name]) for name, value in deep.head.state_dict().items())
    with pytest.raises(ValueError, match="head is 'deep'; wanted 'linear'"):
        deep.official_state()


def test_the_keys_bias_does_not_matter() -> None:
    model = small().eval()
    images, hidden = pictures(model), model.draw_mask(2)
    expected = model(images, hidden).latent
    with torch.no_grad():
        for block in model.encoder.blocks:
            block.query_key_value.bias[48:96] += 1.0
    torch.testing.assert_close(model(images, hidden).latent, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "resnet"}, "backbone is 'resnet'; wanted one of 'vit', 'swin'"),
        ({"head": "none"}, "head is 'none'"),
        ({"loss_on": "visible"}, "loss_on is 'visible'"),
        ({"mask": "grid"}, "mask is 'grid'; wanted one of 'random', 'square', 'block'"),
        ({"mask_ratio": 0.0}, "mask_ratio is 0.0"),
        ({"mask_unit": 6}, "mask_unit is 6; wanted a multiple of the patch size, 4"),
        ({"num_heads": (2, 4)}, r"num_heads is \(2, 4\); wanted a whole number"),
        ({"backbone": "swin", "num_heads": 4}, "num_heads is 4; wanted a number per stage"),
        (
            {"backbone": "swin", "num_heads": (2, 4), "depths": (2,)},
            "wanted an integer of at least 1 for each of 1 stages",
        ),
        ({"backbone": "swin", "num_heads": (2, 4, 4, 4, 4), "depths": (1,) * 5}, "wanted a multiple of 64"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimMIM(**{**SIZES["vit"], **options})


def test_inputs_that_do_not_fit_are_refused() -> None:
    model = small()
    with pytest.raises(ValueError, match=r"hidden has shape \(2, 4, 4\); wanted \(2, 8, 8\)"):
        model(pictures(model), torch.zeros(2, 4, 4))
    swin = small("swin")
    with pytest.raises(ValueError, match=r"wanted \(B, 3, 64, 64\)"):
        swin(pictures(model))
    state = model.official_state()
    del state["encoder.blocks.0.attn.v_bias"]
    with pytest.raises(ModelFileError, match="lacks 'encoder.blocks.0.attn.v_bias'"):
        model.load_official(state)
    with pytest.raises(ModelFileError, match="lacks"):
        model.load_official(swin.official_state())


def test_without_timm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm.models.swin_transformer", None)
    with pytest.raises(
        ImportError, match=r"backbone 'swin' needs timm; install it with: pip install 'tsrep\[vision\]'"
    ):
        SimMIM(backbone="swin", **SIZES["swin"])  # type: ignore[arg-type]
