"""The study of masked pre-training on CIFAR-10: its choice, its differences, its losses, and that cells are kept."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from benchmarks import vision_cifar
from benchmarks.vision import cifar_models, cifar_task
from benchmarks.vision.cifar_models import (
    ALL_PIXELS,
    PLAIN,
    PRETRAINING,
    TUNING,
    UNTRAINED,
    VARIANTS,
    make_model,
)
from benchmarks.vision.cifar_table import QUESTIONS, summarise
from benchmarks.vision.cifar_task import TEST, VALIDATION, best, choose
from tsrep.bench.results import RESULTS_FILE, read_lines

TINY = {"image_size": 16, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar_models, "NETWORK", TINY)
    monkeypatch.setattr(cifar_models, "DECODER", {"decoder_dim": 8, "decoder_depth": 1, "decoder_heads": 2})


@pytest.fixture
def one_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    for method, candidates in PRETRAINING.items():
        monkeypatch.setitem(PRETRAINING, method, dict(list(candidates.items())[:1]))
    for name in list(TUNING)[1:]:
        monkeypatch.delitem(TUNING, name)


def line(dataset: str, method: str, variant: str, seed: int = 0, **scores: float) -> dict:
    environment = {"hardware": {"cpu": "x", "cores": 2}, "versions": {}, "commit": "c", "threads": 1}
    cell = {"dataset": dataset, "method": method, "variant": variant, "seed": seed, "steps": 5}
    cell |= {"train_images": 20, "test_images": 8}
    return {**cell, "seconds": 1.0, "core_seconds": 1.0, **scores, **environment}


def validation_lines() -> list[dict]:
    return [
        line(VALIDATION, method, name, probe=0.3, finetuned=0.2)
        for method, candidates in PRETRAINING.items()
        for name in (*candidates, *TUNING)
    ]


def test_the_best_candidate_on_the_validation_part_is_chosen() -> None:
    lines = validation_lines()
    for one in lines:
        if (one["method"], one["variant"]) == ("mae", "lr 0.002, normalised target"):
            one["probe"] = 0.5
        if (one["method"], one["variant"]) == ("mae", "fine-tuning lr 0.001"):
            one["finetuned"] = 0.4
    good_on_test = line(TEST, "mae", "lr 0.0005", probe=0.9, finetuned=0.9)
    settings = choose([*lines, good_on_test])["mae"]
    assert (settings.lr, settings.tuning_lr, settings.options) == (0.002, 0.001, {"normalise_target": True})
    assert "mae" not in choose(lines[1:]) and "simmim" in choose(lines[1:])
    tied = {("m", "a"): {"probe": 0.5}, ("m", "b"): {"probe": 0.5}}
    assert best(tied, "m", {"a": 1, "b": 2}, "probe") == "a"


def test_differences_are_between_the_same_seeds(tmp_path: Path) -> None:
    trained = [(0, 0.5, 0.5), (1, 0.7, 0.4), (2, 0.1, 0.1)]
    untrained = [(0, 0.4, 0.4), (1, 0.5, 0.5)]
    lines = [line(TEST, "mae", PLAIN, seed, probe=p, finetuned=f) for seed, p, f in trained]
    lines += [line(TEST, "mae", UNTRAINED, seed, probe=p, finetuned=f) for seed, p, f in untrained]
    summary = summarise(lines, tmp_path)
    heading = QUESTIONS[0].heading
    row = summary.csv.loc[heading, "MAE"]
    assert row["seeds"] == 3 and row["probe"] == pytest.approx(1.3 / 3)
    assert row["probe_difference"] == pytest.approx(0.15)
    assert row["probe_difference_error"] == pytest.approx(0.05)
    assert row["finetuned_difference"] == pytest.approx(0.0)
    table = dict(summary.sections)[heading]
    assert table.loc["MAE", "linear probe: difference"] == "+15.0 ± 5.0"
    assert table.loc["MAE, random weights", "linear probe: difference"] == ""
    assert any("MAE: the probe is +15.0 points" in note and "met" in note for note in summary.notes)


def test_every_variant_stands_in_a_table_and_has_a_reference() -> None:
    shown = {key for question in QUESTIONS for key in question.rows.values()}
    assert shown == {(method, variant) for method, variants in VARIANTS.items() for variant in variants}
    for question in QUESTIONS:
        assert set(question.references) | set(question.references.values()) == set(question.rows)


@pytest.mark.parametrize("method", ["mae", "simmim"])
def test_a_loss_on_all_pixels_sees_the_visible_ones(tiny: None, method: str) -> None:
    images = torch.rand(2, 3, 16, 16)
    losses = {}
    for variant in (PLAIN, ALL_PIXELS):
        model = make_model(method, VARIANTS[method][variant], {}, seed=0).eval()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            output = model(images)
        if method == "mae":
            errors = (output.prediction - model.target(images)).square().mean(-1)
            hidden = output.hidden
        else:
            errors = (output.prediction - images).abs().mean(1)
            hidden = output.hidden.repeat_interleave(4, 1).repeat_interleave(4, 2)
        counted = errors[hidden] if variant == PLAIN else errors
        torch.testing.assert_close(output.loss, counted.mean())
        losses[variant] = output.loss
    assert losses[PLAIN] != losses[ALL_PIXELS]


def test_models_that_are_compared_begin_with_the_same_encoder() -> None:
    for method, variants in VARIANTS.items():
        models = [
            make_model(method, variant, {}, seed=1)
            for variant in variants.values()
            if variant.target != "teacher"
        ]
        count = sum(weight.numel() for weight in models[0].parameters())
        assert 0.7e6 < count < 1.3e6
        for other in models[1:]:
            assert all(
                torch.equal(a, b)
                for a, b in zip(models[0].encoder.parameters(), other.encoder.parameters(), strict=True)
            )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes of 20 training and 4 test images: bright above, bright below."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        for number, name in enumerate(("above", "below")):
            folder = tmp_path / "images" / split / name
            folder.mkdir(parents=True)
            for row in range(count):
                pixels = rng.integers(0, 120, (16, 16, 3), dtype=np.uint8)
                pixels[8 * number : 8 * number + 8] += 120
                Image.fromarray(pixels).save(folder / f"{row}.png")
    return tmp_path / "images"


def test_a_finished_cell_is_kept(
    tiny: None, one_candidate: None, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar_task, "LABELS", 0.5)
    lengths = ["--steps", "1", "--candidate-steps", "1", "--tuning-steps", "1", "--seeds", "1"]
    results = tmp_path / "results"
    arguments = [str(images), *lengths, "--results", str(results)]
    done = CliRunner().invoke(vision_cifar.app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = read_lines(results / RESULTS_FILE)
    expected = [*vision_cifar.cells_of_the_choice(), *vision_cifar.cells_of_seed(0)]
    assert set(lines) == {cell.id for cell in expected}
    assert {each.get("error") for each in lines.values()} == {None}
    assert all(each["steps"] == 0 for each in lines.values() if each["variant"] == UNTRAINED)
    assert {path.name for path in results.glob("*.png")} == {"mask-ratio.png", "reconstructions.png"}
    before = (results / RESULTS_FILE).read_bytes()
    assert CliRunner().invoke(vision_cifar.app, arguments).exit_code == 0
    assert (results / RESULTS_FILE).read_bytes() == before
    text = (results / "table.md").read_text(encoding="utf-8")
    assert all(f"## {question.heading}" in text for question in QUESTIONS)
    rows = list(csv.DictReader((results / "table.csv").open(encoding="utf-8")))
    assert len(rows) == sum(len(question.rows) for question in QUESTIONS)


def test_no_seed_is_begun_when_the_budget_is_spent(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list] = []
    monkeypatch.setattr(vision_cifar, "run", lambda cells, **_: asked.append(cells))
    spent = [{**one, "core_seconds": 2000.0} for one in validation_lines()]
    monkeypatch.setattr(vision_cifar, "good_lines", lambda folder: spent)
    monkeypatch.setattr(vision_cifar, "write_tables", lambda *_: None)
    done = CliRunner().invoke(vision_cifar.app, [str(images), "--results", str(tmp_path)])
    assert done.exit_code == 0 and "no further seed is begun" in done.output
    assert asked == [vision_cifar.cells_of_the_choice()]


def test_images_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSREP_DATA", raising=False)
    assert "set TSREP_DATA" in CliRunner().invoke(vision_cifar.app, []).output
    done = CliRunner().invoke(vision_cifar.app, [str(tmp_path / "none.zip")])
    assert done.exit_code == 2 and "IMAGES is" in done.output
