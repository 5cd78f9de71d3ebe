"""The commands that train on images and score: one after the other on a few small images, and their errors."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tsrep_vision import save
from tsrep_vision.cli import app
from tsrep_vision.cli.images import read_pair
from tsrep_vision.pretrain import MaskedObjective


def run(*arguments: object, code: int = 0) -> str:
    """What a command printed, with single spaces."""
    words = [str(argument) for argument in arguments]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert result.exit_code == code, (result.output, result.exception)
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with dark and bright images for training and testing, one of them damaged."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for split, count in (("train", 10), ("test", 4)):
        for name, level in (("dark", 30), ("bright", 200)):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = (level + rng.integers(0, 50, (16, 20, 3))).astype(np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{number}.png")
    (root / "train" / "dark" / "damaged.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def pretrained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "pretrained"
    printed = run("pretrain", pictures, "--out", out, "--max-steps", 2, "--batch-size", 5)
    assert "20 images" in printed and "left out: train/dark/damaged.png" in printed
    assert "trained for 2 steps" in printed
    return out


def test_pretraining_writes_a_folder(pretrained: Path, pictures: Path) -> None:
    result = json.loads((pretrained / "result.json").read_text())
    assert result["steps"] == 2 and result["loss"] > 0 and len(result["skipped"]) == 1
    assert len(json.loads((pretrained / "history.json").read_text())) == 2
    for name in ("curves.png", "reconstructions.png"):
        assert Image.open(pretrained / name).width > 100
    weights = (pretrained / "model" / "model.safetensors").read_bytes()
    run("pretrain", pictures, "--out", pretrained, "--max-steps", 2, "--batch-size", 5)  # finished: the same
    assert (pretrained / "model" / "model.safetensors").read_bytes() == weights
    message = run("pretrain", pictures, "--out", pretrained, "--max-steps", 3, "--batch-size", 5, code=1)
    assert "holds a run with max_steps=2, not 3" in message


def test_reconstruct(pretrained: Path, pictures: Path, tmp_path: Path) -> None:
    printed = run("reconstruct", pretrained, pictures, "--out", tmp_path / "out", "--ratios", "0.5,0.9")
    losses = json.loads((tmp_path / "out" / "result.json").read_text())["loss"]
    assert set(losses) == {"0.5", "0.9"} and "loss with 50% hidden" in printed
    assert (tmp_path / "out" / "reconstructions.png").is_file()
    message = run("reconstruct", pretrained, pictures, "--ratios", "0.5,2", code=1)
    assert message == "error: --ratios is '0.5,2'; wanted numbers between 0 and 1, 0.75,0.9 for example"


def test_probe_and_eval(pretrained: Path, pictures: Path, tmp_path: Path) -> None:
    printed = run("probe", pretrained, pictures, "--out", tmp_path / "probed")
    result = json.loads((tmp_path / "probed" / "result.json").read_text())
    assert result["accuracy"] == 1.0 and result["most_frequent_class"] == 0.5 and result["images"] == 8
    assert "random_weights" in result and "top-1 accuracy: 100.0% on 8 images" in printed
    printed = run("eval", tmp_path / "probed", pictures, "--out", tmp_path / "eval.json")
    assert "dark: 100.0%" in printed
    assert json.loads((tmp_path / "eval.json").read_text())["accuracy"] == 1.0
    assert "masked loss" in run("eval", pretrained, pictures)
    assert "MODEL holds a Classifier; wanted a MAE" in run("reconstruct", tmp_path / "probed", code=1)


def test_finetune(pretrained: Path, pictures: Path, tmp_path: Path) -> None:
    options = ["--max-steps", 2, "--batch-size", 10, "--label-fraction", 0.5, "--out", tmp_path / "tuned"]
    printed = run("finetune", pretrained, pictures, *options)
    assert "top-1 accuracy" in printed and (tmp_path / "tuned" / "curves.png").is_file()
    result = json.loads((tmp_path / "tuned" / "result.json").read_text())
    assert result["settings"]["label_fraction"] == 0.5 and set(result["accuracy_per_class"]) == {
        "dark",
        "bright",
    }
    message = run("finetune", pretrained, pictures, *options, "--scratch", code=1)
    assert "holds a run with encoder=" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pretrain", "no/such/folder"), "error: no/such/folder is neither a file nor a folder"),
        (("probe",), "error: MODEL is missing; wanted a folder of `tsrep-vision pretrain`, or --smoke"),
        (("probe", "no/such/model"), "error: no/such/model is not a saved model"),
        (("eval", "--smoke", "--out", "x.txt"), "error: --out is x.txt; wanted a name that ends in .json"),
        (("pretrain", "--image-size", 30), "error: image_size is 30; wanted a multiple of patch_size, 4"),
        (("pretrain", "--max-steps", 1, "--device", "abacus"), "error: device is 'abacus'"),
        (
            ("pretrain", "--model", "swin", "--normalise-target"),
            "error: --normalise-target is given with --model swin; wanted --model mae",
        ),
    ],
)
def test_errors_are_one_line(
    arguments: tuple[object, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments, code=1).startswith(message)


def test_images_without_a_test_folder_are_divided(pictures: Path, make: Callable, tmp_path: Path) -> None:
    save(make("vit"), tmp_path / "vit")
    out = tmp_path / "probed"
    run("probe", tmp_path / "vit", pictures / "train", "--out", out)
    result = json.loads((out / "result.json").read_text())
    assert result["images"] == 4 and result["settings"]["train_images"] == 16


def test_a_fifth_of_each_class_is_held_out(tmp_path: Path) -> None:
    for name, count in {"a": 1, "b": 2, "c": 11}.items():
        (tmp_path / name).mkdir()
        for number in range(count):
            Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / name / f"{number:02}.png")
    images, test = read_pair(str(tmp_path), None, None)
    assert test.names == ["b/01.png", "c/01.png", "c/06.png"]
    assert sorted([*images.names, *test.names]) == [
        f"{path.parent.name}/{path.name}" for path in sorted(tmp_path.glob("*/*"))
    ]
    for path in [*test.names, *images.names]:
        if not path.endswith("00.png"):
            (tmp_path / path).unlink()
    with pytest.raises(ValueError, match="one image of each class"):
        read_pair(str(tmp_path), None, None)


def test_what_is_damaged_behind_its_header_is_reported(
    pictures: Path, make: Callable, tmp_path: Path
) -> None:
    save(make("vit"), tmp_path / "vit")
    for split, name in (("train", "dark"), ("test", "bright")):
        folder = shutil.copytree(pictures / split, tmp_path / "pictures" / split) / name
        whole = (folder / "1.png").read_bytes()
        (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    printed = run("probe", tmp_path / "vit", tmp_path / "pictures", "--out", tmp_path / "probed")
    for name in ("train/dark/damaged.png", "train/dark/1.png", "test/bright/1.png"):
        assert printed.count(f"left out: {name}, which cannot be decoded") == 1
    assert json.loads((tmp_path / "probed" / "result.json").read_text())["images"] == 7


@pytest.mark.parametrize("steps", [0, 1])
def test_an_interrupted_command_says_how_to_go_on(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    call, count = MaskedObjective.losses, iter(range(2))

    def stops(*arguments: Any) -> Any:
        if next(count) == steps:
            raise KeyboardInterrupt
        return call(*arguments)

    out = tmp_path / "out"
    command = (
        "pretrain",
        pictures,
        "--max-steps",
        2,
        "--batch-size",
        4,
        "--checkpoint-every",
        1,
        "--out",
        out,
    )
    with monkeypatch.context() as patched:
        patched.setattr(MaskedObjective, "losses", stops)
        printed = run(*command, code=130)
    if steps:
        assert f"stopped: the same command continues from the last state in {out / 'checkpoint'}" in printed
    else:
        assert f"stopped: before the first state was saved in {out / 'checkpoint'}" in printed


def test_results_are_not_written_among_the_images(pictures: Path, pretrained: Path, tmp_path: Path) -> None:
    """A second call would read the pictures as images, and their folder as a class."""
    images = shutil.copytree(pictures / "train", tmp_path / "images")
    before = sorted(images.rglob("*.png"))
    for command in (
        ("pretrain", images),
        ("reconstruct", pretrained, images),
        ("probe", pretrained, images),
        ("finetune", pretrained, images, "--max-steps", 1),
    ):
        printed = run(*command, "--out", images / "results", code=1)
        assert f"--out is {images / 'results'}, in the folder of the images, {images}" in printed
    assert sorted(images.rglob("*.png")) == before
    whole = shutil.copytree(pictures, tmp_path / "whole")
    run("probe", pretrained, whole, "--out", whole / "probed")  # beside train and test


@pytest.mark.parametrize("command", ["pretrain", "reconstruct", "probe", "finetune", "eval"])
def test_every_command_has_help(command: str) -> None:
    assert "Usage:" in run(command, "--help")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mae", "simmim", "swin", "maskfeat"])
def test_smoke(model: str, tmp_path: Path) -> None:
    run("pretrain", "--smoke", "--model", model, "--out", tmp_path / "pretrained")
    run("reconstruct", tmp_path / "pretrained", "--out", tmp_path / "reconstructed", "--smoke")
    run("probe", tmp_path / "pretrained", "--smoke", "--out", tmp_path / "probed")
    run("finetune", tmp_path / "pretrained", "--smoke", "--out", tmp_path / "tuned")
    assert "top-1" in run("eval", tmp_path / "tuned", "--smoke")
