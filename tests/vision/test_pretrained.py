"""A ViT from a checkpoint alone, and for images of another size."""

import pytest
import torch
from torch import Tensor

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import MAE, SimMIM, ViT, load_vit
from tsrep_vision.pretrained import encoder_of
from tsrep_vision.vit import RelativeBias, resized_position


@pytest.fixture(scope="module")
def model() -> MAE:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 3, "num_heads": 4, "channels": 1}
    return MAE(**sizes, decoder_dim=32, decoder_depth=1, decoder_heads=4).eval()


@pytest.mark.parametrize("layout", ["official", "timm", "transformers"])
def test_sizes_are_those_of_the_weights(model: MAE, images: Tensor, layout: str) -> None:
    vit = load_vit(model.official_state(layout), num_heads=4)
    grey = images[:, :1]
    torch.testing.assert_close(vit(grey), model.encoder(grey))
    assert load_vit(model.official_state(layout)).blocks[0].n_heads == 1


def test_timms_learned_positions(images: Tensor) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    theirs = timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=4, num_classes=5
    ).eval()
    vit = load_vit(theirs.state_dict(), num_heads=4).eval()
    torch.testing.assert_close(vit(images), theirs.forward_features(images), atol=1e-5, rtol=0)
    theirs.set_input_size((64, 64))
    larger = torch.nn.functional.interpolate(images, 64)
    torch.testing.assert_close(
        vit.resized(64)(larger), theirs.forward_features(larger), atol=0.05, rtol=0
    )  # timm interpolates with antialiasing


def test_what_is_no_vit_is_refused(model: MAE) -> None:
    state = model.official_state()
    with pytest.raises(ModelFileError, match="lacks 'pos_embed'; wanted a ViT"):
        load_vit({name: value for name, value in state.items() if name != "pos_embed"})
    with pytest.raises(ModelFileError, match="lacks 'blocks.1.norm1.bias'"):
        load_vit({name: value for name, value in state.items() if name != "blocks.1.norm1.bias"})
    with pytest.raises(ModelFileError, match="has 'extra'"):
        load_vit({**state, "extra": torch.zeros(1)})
    small = MAE(
        image_size=32, patch_size=8, embed_dim=48, depth=1, num_heads=4, decoder_dim=32, decoder_heads=4
    )
    with pytest.raises(ValueError, match="num_heads is None; wanted a number for a checkpoint of width 48"):
        load_vit(small.official_state())


def test_the_encoder_of_a_model(model: MAE) -> None:
    assert encoder_of(model) is model.encoder and encoder_of(model.encoder) is model.encoder
    with pytest.raises(ValueError, match="backbone is a Linear"):
        encoder_of(torch.nn.Linear(1, 1))


def test_another_image_size(model: MAE, images: Tensor) -> None:
    vit = model.encoder
    before = vit.position.clone()
    larger = vit.resized(64)
    assert larger.grid == 8 and larger.image_size == 64
    assert larger(torch.randn(1, 1, 64, 64)).shape == (1, 65, 64)
    assert torch.equal(vit.position, before)
    assert torch.equal(vit.resized(32)(images[:, :1]), vit(images[:, :1]))
    with pytest.raises(ValueError, match="image_size is 60"):
        vit.resized(60)


def test_positions_keep_their_place_in_the_image() -> None:
    """The columns of a ramp over the image: twice as many patches, at half steps."""
    ramp = torch.arange(8.0).repeat(8)[:, None]
    position = torch.cat([torch.full((1, 1), 5.0), ramp])
    larger = resized_position(position, 16)
    assert float(larger[0]) == 5
    columns = larger[1:, 0].view(16, 16)
    torch.testing.assert_close(columns[3, 4:12], torch.arange(1.75, 5.5, 0.5), atol=0.06, rtol=0)


def test_relative_biases_of_another_grid() -> None:
    torch.manual_seed(0)
    bias = RelativeBias(5, 2)
    torch.nn.init.normal_(bias.table)
    whole, window = bias(), bias.resized(3, interpolate=False)()
    corner = [0, *(1 + 5 * row + column for row in range(3) for column in range(3))]
    assert torch.equal(window, whole[:, corner][:, :, corner])
    larger = bias.resized(9)
    assert larger().shape == (2, 82, 82) and torch.equal(larger.table[-3:], bias.table[-3:])
    assert torch.equal(larger()[:, 1, 1], whole[:, 1, 1])  # no offset
    assert torch.equal(bias.resized(5)(), whole)
    model = SimMIM(backbone="vit", image_size=32, patch_size=8, embed_dim=48, depth=1, num_heads=4)
    vit = model.encoder
    assert isinstance(vit, ViT) and vit.resized(48)(torch.zeros(1, 3, 48, 48)).shape == (1, 37, 48)
