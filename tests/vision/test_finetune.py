"""Fine-tuning: every encoder learns; layer decay, mixing and augmentation; a resumed training is the plain one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tsrep_vision.classifier import Classifier, copied_encoder
from tsrep_vision.data import ImageBatches, ImageSet
from tsrep_vision.finetune import MixedObjective, finetune, layer_groups
from tsrep_vision.step import ImageStep

Make = Callable[[str], Any]
Colours = Callable[..., ImageSet]

PLAIN = {"mixup": 0.0, "cutmix": 0.0, "magnitude": 0, "drop_path": 0.0, "label_smoothing": 0.0}


@pytest.mark.parametrize("kind", ["mae", "simmim", "swin", "maskfeat", "vit"])
def test_every_encoder_learns_and_the_model_is_left_alone(make: Make, colours: Colours, kind: str) -> None:
    model, images = make(kind), colours(24)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = finetune(
        model, images, colours(24, seed=1), max_steps=25, batch_size=12, lr=3e-3, random_state=0, **PLAIN
    )
    assert found.accuracy is not None and found.accuracy > 0.9
    assert found.history[-1]["loss"] < 0.5 * found.history[0]["loss"]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_resumed_training_ends_in_the_same_bits(
    make: Make, colours: Colours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(**options: Any) -> dict[str, torch.Tensor]:
        settings = {"max_steps": 5, "batch_size": 7, "lr": 1e-3, "random_state": 1, "drop_path": 0.5}
        return finetune(make("mae"), colours(20), **settings, **options).classifier.state_dict()

    expected = run()
    update, calls = ImageStep.__call__, iter([False] * 3 + [True])

    def interrupted(step: ImageStep, batch: Any) -> Any:
        if next(calls):
            raise KeyboardInterrupt
        return update(step, batch)

    options = {"checkpoint": tmp_path / "run", "checkpoint_every": 2}
    with monkeypatch.context() as patch:
        patch.setattr(ImageStep, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(**options)
    ended = run(**options)
    assert all(torch.equal(ended[name], expected[name]) for name in expected)
    with pytest.raises(ValueError, match="holds a run with encoder="):
        finetune(
            make("simmim"),
            colours(20),
            max_steps=5,
            batch_size=7,
            lr=1e-3,
            random_state=1,
            drop_path=0.5,
            **options,
        )


def test_layers_near_the_images_learn_more_slowly(make: Make) -> None:
    network = Classifier(copied_encoder(make("simmim")), ["a", "b"], "mean", "layer")
    groups = layer_groups(network, weight_decay=0.05, layer_decay=0.5)
    names = {id(weight): name for name, weight in network.named_parameters()}
    of = {names[id(weight)]: group for group in groups for weight in group["params"]}
    assert set(of) == set(names.values())
    for name, scale in {
        "encoder.patch_embed.weight": 0.125,
        "encoder.class_token": 0.125,
        "encoder.relative_bias.table": 0.125,
        "encoder.blocks.0.query_key_value.weight": 0.25,
        "encoder.blocks.1.perceptron.1.bias": 0.5,
        "norm.weight": 1.0,
        "head.weight": 1.0,
    }.items():
        assert of[name]["scale"] == scale, name
    decays = {name for name, group in of.items() if group["weight_decay"] > 0}
    assert "encoder.patch_embed.weight" in decays and "encoder.relative_bias.table" not in decays
    assert all(name.endswith(".weight") and ".norm" not in name for name in decays)


def test_layers_of_a_swin(make: Make) -> None:
    network = Classifier(copied_encoder(make("swin")), ["a", "b"], "mean", "layer")
    groups = layer_groups(network, weight_decay=0.05, layer_decay=0.5)
    names = {id(weight): name for name, weight in network.named_parameters()}
    scales = {names[id(weight)]: group["scale"] for group in groups for weight in group["params"]}
    order = [
        "encoder.network.patch_embed.proj.weight",
        "encoder.network.layers.0.blocks.0.attn.qkv.weight",
        "encoder.network.layers.1.blocks.0.attn.qkv.weight",
        "head.weight",
    ]
    assert [scales[name] for name in order] == sorted(scales[name] for name in order)
    assert scales["head.weight"] == 1 and len({scales[name] for name in order}) >= 3


def test_the_rate_of_a_layer_is_its_share(
    make: Make, colours: Colours, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    update = ImageStep.__call__

    def looked_at(step: ImageStep, batch: Any) -> Any:
        seen.append({float(group["lr"]) for group in step.optimised._optimiser.param_groups})
        return update(step, batch)

    monkeypatch.setattr(ImageStep, "__call__", looked_at)
    found = finetune(
        make("vit"),
        colours(12),
        max_steps=2,
        batch_size=6,
        lr=1e-3,
        warm_up=0,
        layer_decay=0.5,
        random_state=0,
    )
    for rates, record in zip(seen, found.history, strict=True):
        assert sorted(rates) == pytest.approx([record["lr"] * share for share in (0.125, 0.25, 0.5, 1)])


def test_mixed_images_have_mixed_targets(colours: Colours) -> None:
    [batch] = ImageBatches(colours(9), 9, seed=0).epoch(0)
    device = torch.device("cpu")
    plain, labels = MixedObjective(16, 3).draw(batch, torch.Generator().manual_seed(0), device)
    assert torch.equal(labels.argmax(1), batch.labels) and set(labels.unique().tolist()) == {0.0, 1.0}
    for mixing in ({"mixup": 1.0}, {"cutmix": 1.0}, {"mixup": 1.0, "cutmix": 1.0}):
        draws = [
            MixedObjective(16, 3, **mixing).draw(batch, torch.Generator().manual_seed(0), device)
            for _ in "ab"
        ]
        mixed, shares = draws[0]
        torch.testing.assert_close(shares.sum(1), torch.ones(9))
        assert bool(((shares > 0) & (shares < 1)).any()) and not torch.equal(mixed, plain)
        assert all(torch.equal(a, b) for a, b in zip(*draws, strict=True))


def test_each_image_is_augmented_by_itself(colours: Colours) -> None:
    [batch] = ImageBatches(colours(6), 6, seed=0).epoch(0)
    objective = MixedObjective(16, 3, magnitude=9)
    whole = objective.augmented(batch, torch.Generator().manual_seed(0)).images
    assert not torch.equal(whole, batch.images) and whole.dtype == torch.uint8
    half = batch._replace(images=batch.images[3:], sizes=batch.sizes[3:], first=3)
    part = objective.augmented(half, torch.Generator().manual_seed(0)).images
    assert torch.equal(part, whole[3:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer_decay": 0.0}, "layer_decay is 0.0; wanted a number above 0 to 1"),
        ({"mixup": -1.0}, "mixup is -1.0; wanted"),
        ({"magnitude": 31}, "magnitude is 31; wanted an integer from 0 to 30"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
        ({"drop_path": 1.0}, "drop_path is 1.0"),
        ({"label_fraction": 2}, "label_fraction is 2; wanted a number above 0 to 1"),
    ],
)
def test_settings_out_of_range(make: Make, colours: Colours, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        finetune(make("mae"), colours(6), **options)


def test_a_classifier_is_not_fine_tuned_again(make: Make, colours: Colours) -> None:
    classifier = Classifier(copied_encoder(make("mae")), ["a", "b"])
    with pytest.raises(ValueError, match="model is a Classifier; wanted the pre-trained model"):
        finetune(classifier, colours(6))
