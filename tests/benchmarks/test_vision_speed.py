"""The speed benchmarks of image models on tiny sizes: what is compared, resuming, and what the tables say."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from benchmarks import vision_gpu, vision_speed
from benchmarks.vision import pipeline, rival, turns
from benchmarks.vision.gpu_table import Shown
from benchmarks.vision.problem import FULL, VISIBLE, FullLength, Sizes, encoder_alone, noise_of, training_step
from benchmarks.vision.table import Measured
from tsrep.bench.results import read_lines

TINY = vision_gpu.TINY
PEER = """
import json, sys
task = json.loads(sys.stdin.readline())
assert task["sizes"]["image_size"] == 32 and task["ratio"] == 0.75
print(json.dumps({"transformers": "0", "torch": "0"}), flush=True)
for calls in sys.stdin:
    print(json.dumps([0.5, 0.5]), flush=True)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SHORTEST_SECONDS", 0.0)
    monkeypatch.setattr("benchmarks.speed.machine.MEASURED_SECONDS", 0.0)
    monkeypatch.setattr(vision_speed, "SIZES", {"tiny": TINY})
    monkeypatch.setattr(vision_speed, "ROWS", [vision_speed.Row(work, "tiny") for work in vision_speed.ASKED])
    monkeypatch.setattr(pipeline, "WIDTH", 60)
    monkeypatch.setattr(pipeline, "HEIGHT", 48)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Four grey images with a bright square each, and COCO's JSON."""
    folder = tmp_path / "coco"
    folder.mkdir()
    entries, objects = [], []
    for number in range(4):
        pixels = np.full((64, 64, 3), 60, np.uint8)
        left = 8 * number + 4
        pixels[20:44, left : left + 24] = 220
        Image.fromarray(pixels).save(folder / f"{number}.png")
        entries.append({"id": number, "file_name": f"{number}.png", "width": 64, "height": 64})
        square = [left, 20, left + 24, 20, left + 24, 44, left, 44]
        objects.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "segmentation": [square],
                "bbox": [left, 20, 24, 24],
                "area": 576,
                "iscrowd": 0,
            }
        )
    text = {"images": entries, "annotations": objects, "categories": [{"id": 1, "name": "square"}]}
    (folder / "objects.json").write_text(json.dumps(text))
    return folder


def run(module, *options: object) -> str:
    done = CliRunner().invoke(module.app, [str(option) for option in options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_encoder_alone_is_that_of_the_model() -> None:
    mae, images, noise = TINY.model(), TINY.images(), noise_of(TINY)
    torch.testing.assert_close(
        encoder_alone(mae, images, noise), mae(images, noise=noise).latent, atol=1e-6, rtol=0
    )


def test_full_length_hides_the_same_patches_behind_mask_tokens() -> None:
    mae, images, noise = TINY.model(), TINY.images(), noise_of(TINY)
    full = FullLength(mae)
    latent, hidden = full.encode(images, noise)
    assert latent.shape == (4, 17, 48)
    assert torch.equal(hidden, mae(images, noise=noise).hidden)
    places = hidden.view(4, 1, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3)
    torch.testing.assert_close(full.encode(images + 9 * places, noise)[0], latent)
    assert not torch.allclose(full.encode(images + 9 * ~places, noise)[0], latent)
    full(images, noise).backward()
    assert full.mask_token.grad is not None and bool(full.mask_token.grad.any())


@pytest.mark.parametrize("name", [VISIBLE, FULL])
def test_a_step_learns(name: str) -> None:
    step = training_step(TINY, name)
    losses = [float(step()) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_rows_are_measured_once_and_absent_ones_are_said_to_be(tmp_path: Path) -> None:
    first = run(vision_speed, "--results", tmp_path, "--rounds", 3)
    assert "training step, transformers/tiny/cpu: not measured; transformers runs in an interpreter" in first
    before = (tmp_path / "results.jsonl").read_bytes()
    assert len(read_lines(tmp_path / "results.jsonl")) == 2
    run(vision_speed, "--results", tmp_path)
    assert (tmp_path / "results.jsonl").read_bytes() == before
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "| not measured | not measured (transformers' ViTMAE) |  | 1.3 |" in text
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert [row["work"] for row in rows] == list(vision_speed.ASKED)
    assert float(rows[0]["times"]) > 0 and rows[2]["times"] == "" and rows[2]["note"] == "not measured"


def test_a_rival_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "peer.py").write_text(PEER)
    monkeypatch.setattr(rival, "PROGRAM", tmp_path / "peer.py")
    run(vision_speed, "--results", tmp_path, "--only", "transformers", "--python", sys.executable)
    [line] = read_lines(tmp_path / "results.jsonl").values()
    assert line["theirs"]["median"] == 0.5 and line["rival"] == {"transformers": "0", "torch": "0"}
    assert "the rival's transformers 0, torch 0" in (tmp_path / "table.md").read_text(encoding="utf-8")
    (tmp_path / "peer.py").write_text("raise SystemExit('no such model')")
    output = run(
        vision_speed, "--results", tmp_path, "--only", "transformers", "--python", sys.executable, "--again"
    )
    assert "RuntimeError: transformers' process ended: no such model" in output
    with pytest.raises(RuntimeError, match="name it with --python"), rival.rival(None, TINY, "cpu"):
        pass


def test_programs_that_others_interrupted_are_compared_by_processor_time() -> None:
    line = {"ours": {"median": 1.0, "cpu": 0.5}, "theirs": {"median": 8.0, "cpu": 1.0}, "load": [3.0, 4.5]}
    row = Measured("step", "tiny", VISIBLE, FULL, 2.0, line)
    assert (
        row.times == 2.0 and row.fields()["met"] and row.fields()["note"] == "processor time; load 3 to 4.5"
    )
    alone = Measured("step", "tiny", VISIBLE, FULL, 2.0, {**line, "ours": {"median": 4.1, "cpu": 4.1}})
    assert alone.busy and not alone.fields()["met"]


def test_the_gpu_benchmark_small_on_the_cpu(tmp_path: Path, coco: Path) -> None:
    options = ["--tiny", "--results", tmp_path / "r", "--coco", coco, "--annotations", "objects.json"]
    options += ["--seconds", 0.0]
    said = run(vision_gpu, *options)
    assert "pre-training step/CUDA graph: not measured; CUDA graph needs a GPU" in said
    lines = read_lines(tmp_path / "r" / "results.jsonl")
    assert {name: line.get("error") for name, line in lines.items()} == dict.fromkeys(
        [
            "pre-training step/eager",
            "against full length/CUDA graph",
            "input pipeline alone/all cores",
            "Mask R-CNN on 100 images of COCO/random weights",
            "Mask R-CNN on 100 images of COCO/pre-trained by MAE",
        ]
    )
    assert lines["pre-training step/eager"]["multiply_adds"] > 0
    assert lines["input pipeline alone/all cores"]["images"] == 8
    before = (tmp_path / "r" / "results.jsonl").read_bytes()
    run(vision_gpu, *options)
    assert (tmp_path / "r" / "results.jsonl").read_bytes() == before
    rows = list(csv.DictReader((tmp_path / "r" / "gpu.csv").open(encoding="utf-8")))
    assert [row["measured"] == "not measured" for row in rows] == [
        False,
        True,
        True,
        False,
        True,
        False,
        False,
        False,
    ]
    assert "bound by" in (tmp_path / "r" / "gpu.md").read_text(encoding="utf-8")


def test_no_row_is_begun_when_time_is_up(tmp_path: Path) -> None:
    assert "time is up" in run(vision_gpu, "--tiny", "--minutes", -1.0, "--results", tmp_path)
    assert not (tmp_path / "results.jsonl").exists()
    assert (tmp_path / "gpu.md").read_text(encoding="utf-8").count("| not measured |") == len(vision_gpu.ROWS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    assert "no GPU" in run(vision_gpu, "--results", tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_gpu_row_says() -> None:
    row = vision_gpu.ROWS[1]
    machine = {"multiply_adds_per_second": 100.0, "bytes_per_second": 1000.0}
    line = {"ours": {"median": 2.0}, "batch": 9000, "multiply_adds": 80, "bytes": 400, "machine": machine}
    found = vision_gpu.shown(row, line)
    assert found.measured == 4500 and found.met
    assert found.note == "40% of the peak in products, 20% in unfused traffic: bound by matrix products"
    curve = {"curve": [(10, 5.0, 0.2), (20, 9.0, 0.8)], "ap50": 0.8, "pretraining_seconds": 3.0}
    found = vision_gpu.shown(vision_gpu.ROWS[-1], curve)
    assert found.met and found.note == "0.7 at step 20, after 9 s; pre-training 3 s"
    assert Shown("w", "c", 1.999, "times as fast", 2.0).cells()[2:6] == [
        "1.99",
        "times as fast",
        "2",
        "**no**",
    ]


def test_sizes_that_are_published_fit_the_model() -> None:
    assert isinstance(vision_gpu.BASE, Sizes)
    with torch.device("meta"):
        model = vision_gpu.BASE.model()
    assert sum(weight.numel() for weight in model.parameters()) > 110e6
