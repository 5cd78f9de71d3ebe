"""The study of Mask R-CNN on shapes: its lines are kept, its differences are those of the same seed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.vision_shapes import PLAIN, SCORES, VARIANTS, app, summarise
from tsrep.bench.results import RESULTS_FILE, read_lines


def line(variant: str, seed: int, value: float) -> dict:
    scores = dict.fromkeys(SCORES, value)
    environment = {"hardware": {"cpu": "x", "cores": 2}, "versions": {}, "commit": "c"}
    return {
        "variant": variant,
        "seed": seed,
        "steps": 5,
        "threads": 1,
        "seconds": 1.0,
        **scores,
        **environment,
    }


def test_differences_are_between_the_same_seeds() -> None:
    softmax = list(VARIANTS)[1]
    plain = [line(PLAIN, seed, value) for seed, value in ((0, 0.5), (1, 0.7), (2, 0.1))]
    summary = summarise([*plain, line(softmax, 0, 0.4), line(softmax, 1, 0.5)])
    (_, means), (_, differences) = summary.sections
    assert list(means["seeds"]) == ["3", "2"]
    assert list(differences.index) == [softmax]
    assert differences.loc[softmax, "mask ap"] == "-0.150 ± 0.050"


def test_a_finished_training_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    arguments = ["--seeds", "1", "--steps", "1", "--tested-on", "2", "--results", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    lines = read_lines(tmp_path / RESULTS_FILE)
    assert {line["variant"] for line in lines.values()} == set(VARIANTS)
    assert all(line["status"] == "ok" and 0 <= line["mask_ap50"] <= 1 for line in lines.values())
    before = (tmp_path / RESULTS_FILE).read_bytes()
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert (tmp_path / RESULTS_FILE).read_bytes() == before
    assert "Differences from" in (tmp_path / "table.md").read_text()
    assert len(list(tmp_path.glob("*.png"))) == len(VARIANTS)
