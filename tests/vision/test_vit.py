"""The Vision Transformer and its parts."""

import sys

import pytest
import torch

from tsrep_vision.vit import RelativeBias, ViT, fixed_position, relative_index


def small(**options: object) -> ViT:
    torch.manual_seed(0)
    return ViT(32, 8, 48, 2, 4, **options)  # type: ignore[arg-type]


def test_shapes(images: torch.Tensor) -> None:
    vit = small()
    assert vit(images).shape == (4, 17, 48)
    assert vit.feature_map(vit.tokens(images)).shape == (4, 48, 4, 4)


def test_fixed_positions_are_those_of_the_papers_code(mae_weights: dict[str, torch.Tensor]) -> None:
    torch.testing.assert_close(fixed_position(48, 4), mae_weights["pos_embed"][0], atol=1e-6, rtol=0)
    torch.testing.assert_close(fixed_position(32, 4), mae_weights["decoder_pos_embed"][0], atol=1e-6, rtol=0)


def test_relative_places_are_those_of_the_papers_code(simmim_reference: dict) -> None:
    recorded = simmim_reference["vit"]["state/encoder.rel_pos_bias.relative_position_index"]
    assert torch.equal(relative_index(8), recorded)


def test_equal_offsets_have_one_bias() -> None:
    bias = RelativeBias(3, 2)
    torch.nn.init.normal_(bias.table)
    b = bias()
    assert b.shape == (2, 10, 10)
    assert torch.equal(b[:, 1, 5], b[:, 5, 9])  # one down, one to the right
    assert not torch.equal(b[:, 1, 5], b[:, 5, 1])


def test_without_positions_the_order_of_patches_does_not_matter(images: torch.Tensor) -> None:
    vit = small(position="none").eval()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    tokens = vit.tokens(images)
    there = vit.encode(tokens[:, order])[:, 1:]
    torch.testing.assert_close(there, vit.encode(tokens)[:, 1:][:, order], atol=1e-5, rtol=0)


def test_layer_scale_and_drop_path(images: torch.Tensor) -> None:
    pytest.importorskip("timm")
    off = small(layer_scale=0.0).eval()
    first = (off.class_token + off.position[0]).expand(4, 1, -1)
    expected = off.norm(torch.cat([first, off.placed(off.tokens(images))], dim=1))
    torch.testing.assert_close(off(images), expected)
    dropped = small(drop_path=0.5)
    assert not torch.equal(dropped(images), dropped(images))
    assert torch.equal(dropped.eval()(images), small().eval()(images))


def test_every_parameter_has_a_gradient(images: torch.Tensor) -> None:
    vit = small(position="none", relative_bias=True, layer_scale=0.1)
    vit(images).square().sum().backward()
    still = [name for name, p in vit.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 30}, "image_size is 30"),
        ({"image_size": 8}, "image_size is 8"),
        ({"num_heads": 5}, "embed_dim is 48; wanted a multiple of num_heads, 5"),
        ({"position": "learned"}, "position is 'learned'"),
        ({"embed_dim": 6, "num_heads": 2}, "width is 6; wanted a multiple of 4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ViT(**{"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 1, "num_heads": 4, **options})


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 3, 32, 40\); wanted \(B, 3, 32, 32\)"):
        small()(torch.zeros(1, 3, 32, 40))


def test_without_timm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm.layers", None)
    assert small().eval() is not None
    with pytest.raises(
        ImportError, match=r"drop_path needs timm; install it with: pip install 'tsrep\[vision\]'"
    ):
        small(drop_path=0.1)
