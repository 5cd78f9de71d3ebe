"""MAE checkpoints of all layouts, as mappings and as files, and what is refused."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import MAE


def small(seed: int = 0, **options: object) -> MAE:
    torch.manual_seed(seed)
    sizes = {"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4}
    decoder = {"decoder_dim": 32, "decoder_depth": 1, "decoder_heads": 4}
    return MAE(**{**sizes, **decoder, **options})  # type: ignore[arg-type]


def assert_same(one: MAE, two: MAE, beginning: str = "") -> None:
    state = two.state_dict()
    for name, value in one.state_dict().items():
        if name.startswith(beginning):
            assert torch.equal(value, state[name]), name


def in_files_of_transformers(state: dict[str, Tensor], decoder_layers: str) -> dict[str, Tensor]:
    """The names that `save_pretrained` writes."""
    parts = [
        ("vit.layers.", "vit.encoder.layer."),
        ("decoder.decoder_layers.", decoder_layers),
        ("attention.q_proj", "attention.attention.query"),
        ("attention.k_proj", "attention.attention.key"),
        ("attention.v_proj", "attention.attention.value"),
        ("attention.o_proj", "attention.output.dense"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ]
    renamed = {}
    for name, value in state.items():
        for memory, file in parts:
            name = name.replace(memory, file)
        renamed[name] = value
    return renamed


def test_the_official_names_come_back(mae_weights: dict[str, Tensor]) -> None:
    back = small(depth=3, decoder_depth=2).load_official(mae_weights).official_state()
    assert set(back) == set(mae_weights)
    assert all(torch.equal(back[name], value) for name, value in mae_weights.items())


@pytest.mark.parametrize("layout", ["official", "transformers"])
def test_a_layout_there_and_back(layout: str) -> None:
    model = small(1)
    assert_same(model, small(2).load_official(model.official_state(layout)))


@pytest.mark.parametrize("layers", ["decoder.decoder_layers.", "decoder.decoder_encoder.layer."])
def test_files_of_transformers(layers: str) -> None:
    """Version 4 has `decoder_layers`; 5.23 writes `decoder_encoder.layer`."""
    model = small(1)
    state = in_files_of_transformers(model.official_state("transformers"), layers)
    assert "vit.encoder.layer.0.attention.attention.query.weight" in state
    assert_same(model, small(2).load_official(state))


def test_names_of_transformers() -> None:
    state = small().official_state("transformers")
    assert len(state) == 62
    assert state["vit.layers.1.attention.k_proj.weight"].shape == (48, 48)
    assert state["decoder.decoder_layers.0.mlp.fc1.bias"].shape == (128,)
    assert state["vit.embeddings.position_embeddings"].shape == (1, 17, 48)


def test_transformers_encoder_alone() -> None:
    model, other = small(1), small(2)
    state = model.official_state("transformers")
    alone = {name.removeprefix("vit."): value for name, value in state.items() if name.startswith("vit.")}
    assert_same(model, other.load_official(alone), "encoder.")
    assert_same(small(2), other, "decoder.")


def test_timms_model_has_the_same_features(images: Tensor) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    theirs = timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=4, num_classes=5
    ).eval()
    ours = small(1).load_official(theirs.state_dict()).eval()
    torch.testing.assert_close(ours.encoder(images), theirs.forward_features(images), atol=1e-5, rtol=0)
    state = ours.official_state("timm")
    theirs.load_state_dict({**state, "head.weight": torch.zeros(5, 48), "head.bias": torch.zeros(5)})
    assert set(state) == {name for name in theirs.state_dict() if not name.startswith("head.")}


def test_transformers_model_has_the_same_outputs(images: Tensor) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTMAEConfig(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=192,
        image_size=32,
        patch_size=8,
        decoder_hidden_size=32,
        decoder_num_hidden_layers=1,
        decoder_num_attention_heads=4,
        decoder_intermediate_size=128,
        norm_pix_loss=True,
        layer_norm_eps=1e-6,
    )
    theirs = transformers.ViTMAEForPreTraining(config).eval()
    ours = small(normalise_target=True).load_official(theirs.state_dict()).eval()
    noise = torch.rand(4, 16)
    output, expected = ours(images, 0.75, noise), theirs(images, noise=noise)
    torch.testing.assert_close(output.prediction, expected.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(output.loss, expected.loss, atol=1e-5, rtol=0)


def test_files(tmp_path: Path) -> None:
    model = small(1)
    state = model.official_state()
    save_file(state, tmp_path / "m.safetensors")
    torch.save({"model": state, "epoch": 3, "args": argparse.Namespace(lr=0.1)}, tmp_path / "m.pth")
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "parallel.pth")
    arrays = {name: value.numpy() for name, value in state.items()}
    for source in (
        tmp_path / "m.safetensors",
        str(tmp_path / "m.pth"),
        tmp_path / "parallel.pth",
        arrays,
        {"model": state},
    ):
        assert_same(model, small(2).load_official(source))


class Anything:
    pass


def test_files_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelFileError, match="is a folder; wanted a file of weights, or what tsrep_vision.load"
    ):
        small().load_official(tmp_path)
    with pytest.raises(FileNotFoundError, match="nothing.pth is not a file"):
        small().load_official(tmp_path / "nothing.pth")
    (tmp_path / "text.pth").write_text("hello")
    torch.save({"model": {"x": torch.zeros(1)}, "config": Anything()}, tmp_path / "object.pth")
    np.savez(tmp_path / "array.npz", x=np.zeros(1))
    for name in ("text.pth", "object.pth", "array.npz"):
        with pytest.raises(ModelFileError, match="neither a safetensors file nor a file of tensors alone"):
            small().load_official(tmp_path / name)
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ModelFileError, match="text.safetensors is not a safetensors file"):
        small().load_official(tmp_path / "text.safetensors")
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(ModelFileError, match="wanted a state dict"):
        small().load_official(tmp_path / "tensor.pth")
    with pytest.raises(ModelFileError, match="not a state dict of tensors"):
        small().load_official({"cls_token": "a"})


def test_weights_that_do_not_fit_leave_the_model_unchanged() -> None:
    state = small(1).official_state()
    lacking = {name: value for name, value in state.items() if name != "blocks.1.norm1.bias"}
    half = {name: value for name, value in state.items() if name != "mask_token"}
    no_key = small(1).official_state("transformers")
    del no_key["vit.layers.0.attention.k_proj.bias"]
    cases = [
        (lacking, "lacks 'blocks.1.norm1.bias'"),
        (half, "lacks 'mask_token'"),
        ({**state, "fc_norm.weight": torch.zeros(48)}, "has 'fc_norm.weight' and 0 more"),
        (small(depth=3).official_state(), "has 'blocks.2.norm1.weight' and 11 more"),
        (
            small(image_size=64).official_state(),
            r"'pos_embed' .* shape \(1, 65, 48\); the model has \(17, 48\)",
        ),
        (no_key, "lacks 'blocks.0.attn.k.bias'"),
    ]
    for wrong, message in cases:
        model = small(2)
        with pytest.raises(ModelFileError, match=message):
            model.load_official(wrong)
        assert_same(model, small(2))
    with pytest.raises(ValueError, match="layout is 'mine'"):
        small().official_state("mine")
