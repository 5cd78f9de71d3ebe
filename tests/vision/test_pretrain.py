"""Pre-training: losses fall; a resumed, an accumulated and a shared training are the plain one."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tsrep.train.hooks import History
from tsrep.train.optimised import Optimised
from tsrep.train.runtime import launch
from tsrep_vision import MaskFeat
from tsrep_vision.data import ImageBatches, ImageSet
from tsrep_vision.evaluation import masked_loss
from tsrep_vision.pretrain import RULES, MaskedObjective, decay_groups, pretrain
from tsrep_vision.step import ImageStep, draws_numbers

Weights = dict[str, torch.Tensor]
Make = Callable[[str], Any]
Colours = Callable[..., ImageSet]
Trained = Callable[..., tuple[Weights, History]]

SETTINGS: dict[str, Any] = {
    "max_steps": 6,
    "batch_size": 8,
    "lr": 1e-3,
    "random_state": 3,
    "device": "cpu",
}
MASKED = ("mae", "simmim", "swin", "maskfeat")


@pytest.fixture
def trained(make: Make, colours: Colours) -> Trained:
    """`trained(kind, **options)`: the weights and the history of a training of a few steps."""

    def run(kind: str = "mae", **options: Any) -> tuple[Weights, History]:
        model = make(kind)
        history = pretrain(model, colours(20), **{**SETTINGS, **options})
        return model.state_dict(), history

    return run


def same(one: Weights, other: Weights) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", MASKED)
def test_every_model_learns(kind: str, make: Make, colours: Colours) -> None:
    model, images = make(kind), colours(24)
    before = masked_loss(model, images)
    history = pretrain(model, images, max_epochs=12, batch_size=12, lr=3e-3, random_state=0)
    assert len(history) == 24 and set(history[0]) == {"step", "epoch", "seconds", "loss", "lr"}
    assert masked_loss(model, images) < 0.9 * before
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.parametrize("kind", MASKED)
def test_a_resumed_training_ends_in_the_same_bits(
    trained: Trained, make: Make, colours: Colours, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, history = trained(kind)
    calls = 0
    update = ImageStep.__call__

    def interrupted(step: ImageStep, batch: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return update(step, batch)

    options = {"checkpoint": tmp_path / "run", "checkpoint_every": 2}
    with monkeypatch.context() as patch:
        patch.setattr(ImageStep, "__call__", interrupted)
        model = make(kind)
        before = copy.deepcopy(model.state_dict())
        with pytest.raises(KeyboardInterrupt):
            pretrain(model, colours(20), max_steps=6, batch_size=8, lr=1e-3, random_state=3, **options)
        assert same(model.state_dict(), before)
    ended, resumed = trained(kind, **options)
    assert same(ended, expected)
    assert [record["loss"] for record in resumed] == [record["loss"] for record in history]
    again, _ = trained(kind, **options, accumulate=2, verbose=0)  # finished: nothing is trained again
    assert same(again, expected)


@pytest.mark.parametrize("kind", MASKED)
@pytest.mark.parametrize("parts", [3, 20])
def test_accumulated_gradients_are_those_of_the_whole_batch(
    make: Make, colours: Colours, kind: str, parts: int
) -> None:
    [batch] = ImageBatches(colours(8), 8, seed=0).epoch(0)
    ends = []
    for accumulate in (1, parts):
        step = ImageStep(
            make(kind),
            MaskedObjective(make(kind), 0.5, (0.2, 1.0)),
            lr=1e-3,
            generator=torch.Generator().manual_seed(0),
            fabric=launch("cpu"),
            accumulate=accumulate,
        )
        losses = step(batch)
        ends.append((losses, {name: weight.grad for name, weight in step.network.named_parameters()}))
    torch.testing.assert_close(ends[1], ends[0], rtol=1e-3, atol=1e-6)


def test_accumulating_trains_alike(trained: Trained) -> None:
    losses = [[record["loss"] for record in trained(accumulate=parts, batch_size=7)[1]] for parts in (1, 2)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_the_papers_rule_and_its_schedule(trained: Trained) -> None:
    _, history = trained(lr=None, max_steps=20, warm_up=0.1)
    rates = [record["lr"] for record in history]
    assert max(rates) == pytest.approx(1.5e-4 * 8 / 256) == rates[2]
    assert rates[:3] == pytest.approx([0, rates[2] / 2, rates[2]])
    assert rates[2:] == sorted(rates[2:], reverse=True) and rates[-1] < 0.02 * rates[2]


def test_biases_norms_tokens_and_tables_do_not_decay(make: Make) -> None:
    model = make("simmim")
    decayed, exempt = decay_groups(model, 0.05, (0.9, 0.95))
    assert decayed["weight_decay"] == 0.05 and exempt["weight_decay"] == 0 and decayed["betas"] == (0.9, 0.95)
    names = {id(weight): name for name, weight in model.named_parameters()}
    assert {names[id(weight)].rpartition(".")[2] for weight in decayed["params"]} == {"weight"}
    assert "encoder.relative_bias.table" in {names[id(weight)] for weight in exempt["params"]}
    assert len(decayed["params"]) + len(exempt["params"]) == len(names)
    optimised = Optimised(model, 1e-3, launch("cpu"), groups=lambda net: [decayed, exempt])
    assert [group["betas"] for group in optimised._optimiser.param_groups] == [(0.9, 0.95)] * 2


def test_masks_and_crops_are_those_of_the_seed(trained: Trained) -> None:
    assert not same(trained()[0], trained(random_state=4)[0])
    assert not same(trained()[0], trained(mask_ratio=0.5)[0])
    assert not same(trained()[0], trained(scale=(0.9, 1.0))[0])


def test_sixteen_bits(trained: Trained) -> None:
    _, history = trained(precision="bf16", max_steps=2)
    assert np.isfinite([record["loss"] for record in history]).all()


def test_a_network_with_stochastic_depth_draws_numbers(make: Make) -> None:
    assert not any(draws_numbers(make(kind)) for kind in MASKED)
    assert draws_numbers(torch.nn.Dropout(0.1))


def test_shares_of_two_processes_make_up_a_batch(colours: Colours) -> None:
    images = colours(11)
    whole = list(ImageBatches(images, 4, seed=1).epoch(0))
    shares = [list(ImageBatches(images, 4, seed=1, process=rank, processes=2).epoch(0)) for rank in (0, 1)]
    for batch, one, other in zip(whole, *shares, strict=True):
        assert torch.equal(torch.cat([one.images, other.images]), batch.images)
        assert (one.first, other.first) == (0, len(one.images)) and one.whole == other.whole == len(
            batch.images
        )
    with pytest.raises(ValueError, match="batch_size is 1; wanted one image for each of 2 processes"):
        ImageBatches(images, 1, seed=1, processes=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; wanted an integer of at least 1"),
        ({"lr": -1.0}, "lr is -1.0; wanted a number above 0"),
        ({"mask_ratio": 1.0}, "mask_ratio is 1.0; wanted a number above 0 to below 1"),
        ({"scale": 0.5}, "scale is 0.5; wanted two shares"),
        ({"scale": (0.5, 0.2)}, r"scale is \(0.5, 0.2\); wanted two shares"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"precision": "8"}, "precision is '8'; wanted one of"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"max_epochs": -1}, "max_epochs is -1"),
        ({"warm_up": 1.0}, "warm_up is 1.0"),
    ],
)
def test_settings_out_of_range(trained: Trained, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trained(**options)


def test_a_model_that_is_not_masked(make: Make, colours: Colours) -> None:
    with pytest.raises(ValueError, match="model is a ViT; wanted a MAE, a SimMIM or a MaskFeat"):
        pretrain(make("vit"), colours(6))  # type: ignore[arg-type]
    assert set(RULES) == {type(make(kind)) for kind in MASKED}


def test_a_checkpoint_of_another_run_is_refused(
    trained: Trained, make: Make, colours: Colours, tmp_path: Path
) -> None:
    trained(checkpoint=tmp_path / "run", max_steps=1)
    for options, words in (
        ({"batch_size": 4}, "batch_size=8, not 4"),
        ({"mask_ratio": 0.5}, "mask_ratio=0.75, not 0.5"),
        ({"random_state": 4}, "random_state=3, not 4"),
    ):
        with pytest.raises(ValueError, match=f"holds a run with {words}; name another folder"):
            trained(checkpoint=tmp_path / "run", **{"max_steps": 1, **options})
    with pytest.raises(ValueError, match="on other images"):
        pretrain(
            make("mae"),
            colours(20, seed=1),
            max_steps=1,
            batch_size=8,
            lr=1e-3,
            random_state=3,
            checkpoint=tmp_path / "run",
        )
    with pytest.raises(ValueError, match="holds a run with model="):
        trained("simmim", checkpoint=tmp_path / "run", max_steps=1)


def test_weights_that_cannot_be_trained(make: Make, colours: Colours) -> None:
    with pytest.raises(ValueError, match=r"model has weights of type torch.float16; wanted torch.float32"):
        pretrain(make("mae").half(), colours(4), max_steps=1)
    with pytest.raises(ValueError, match="model has no weight with requires_grad"):
        pretrain(make("mae").requires_grad_(False), colours(4), max_steps=1)


def test_a_checkpoint_of_another_teacher_is_refused(make: Make, colours: Colours, tmp_path: Path) -> None:
    sizes = {"image_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 1, "num_heads": 2}
    options = {"max_steps": 1, "random_state": 0, "checkpoint": tmp_path / "run"}
    teacher = make("vit")
    pretrain(MaskFeat(**sizes, target="teacher", teacher=teacher), colours(4), **options)
    torch.nn.init.ones_(teacher.class_token)
    with pytest.raises(ValueError, match="holds a run with model="):
        pretrain(MaskFeat(**sizes, target="teacher", teacher=teacher), colours(4), **options)


def test_divergence_changes_nothing(make: Make, colours: Colours) -> None:
    model = make("mae")
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(FloatingPointError):
        pretrain(model, colours(8), max_steps=30, batch_size=8, lr=1e12, random_state=0)
    assert same(model.state_dict(), before)


SCRIPT = """
import os
import sys

import torch
from tsrep_vision import MAE
from tsrep_vision.data import read_images
from tsrep_vision.pretrain import pretrain

torch.manual_seed(0)
model = MAE(16, 4, 32, 2, 2, 16, 1, 2)
pictures = torch.rand(20, 3, 16, 16, generator=torch.Generator().manual_seed(1))
parts = int(sys.argv[2])
history = pretrain(
    model, pictures, max_steps=3, batch_size=7, lr=1e-3, accumulate=parts, random_state=3, device="cpu"
)
if os.environ.get("RANK", "0") == "0":
    torch.save((model.state_dict(), [record["loss"] for record in history]), sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_are_one(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ends = []
    for name, words in (("one", []), ("two", torchrun)):
        command = [sys.executable, *words, str(script), str(tmp_path / name), str(1 + len(ends))]
        environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        ends.append(torch.load(tmp_path / name))
    (expected, losses), (weights, shared) = ends
    for name in weights:
        if not name.endswith(
            "query_key_value.bias"
        ):  # the key's has no gradient but rounding, which Adam enlarges
            torch.testing.assert_close(weights[name], expected[name], rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(shared, losses, rtol=1e-5)
