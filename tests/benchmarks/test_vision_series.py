"""The study of series as images: its lines are kept, means over seeds come first."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import tsrep
from benchmarks.vision_series import DIFFERENCES, SERIES, VIEWS, app, summarise
from tsrep.bench.results import RESULTS_FILE, read_lines


def line(dataset: str, seed: int, **accuracies: float) -> dict:
    environment = {"hardware": {"cpu": "x", "cores": 2}, "versions": {}, "commit": "c", "threads": 1}
    values = dict.fromkeys(VIEWS, 0.5) | accuracies
    return {"dataset": dataset, "seed": seed, "method": "views", "seconds": 1.0, **values, **environment}


def test_differences_are_between_means_over_seeds() -> None:
    lines = [line("a", 0, **{SERIES: 0.4}), line("a", 1, **{SERIES: 0.2}), line("b", 0, **{SERIES: 0.5})]
    (_, means), (_, differences), (_, per_set) = summarise(lines).sections
    assert means.loc[SERIES, "mean accuracy"] == "0.400" and per_set.loc["a", SERIES] == "0.300"
    joined = [name for name in differences.index if name.endswith(f"minus {SERIES}")]
    assert len(joined) == sum(worse == SERIES for _, worse in DIFFERENCES) > 1
    assert list(differences.loc[joined[0]]) == ["+0.100 ± 0.100", "1 / 0"]


def test_finished_cells_are_kept(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsrep, "TS2Vec", partial(tsrep.TS2Vec, max_steps=2))
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        (tmp_path / "images" / "train" / "a").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "images" / "train" / "a" / f"{number}.png")
    out = tmp_path / "results"
    arguments = [str(tmp_path / "images"), "--seeds", "1", "--steps", "1", "--sets", "SmoothSubspace"]
    first = CliRunner().invoke(app, [*arguments, "--results", str(out)])
    assert first.exit_code == 0, first.output
    lines = read_lines(out / RESULTS_FILE)
    assert all(each["status"] == "ok" for each in lines.values()), lines
    [found] = [each for each in lines.values() if each["method"] == "views"]
    assert all(0 <= found[name] <= 1 for name in VIEWS)
    before = (out / RESULTS_FILE).read_bytes()
    assert CliRunner().invoke(app, [*arguments, "--results", str(out)]).exit_code == 0
    assert (out / RESULTS_FILE).read_bytes() == before
    assert "Accuracy per set" in (out / "table.md").read_text()


def test_images_that_are_not_there_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "IMAGES is" in CliRunner().invoke(app, [str(tmp_path / "no")], env={"COLUMNS": "300"}).output
    monkeypatch.delenv("TSREP_DATA", raising=False)
    assert CliRunner().invoke(app, []).exit_code == 2
