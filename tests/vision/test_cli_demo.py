"""`tsrep-vision demo`: one page that needs nothing else, and no network on the way."""

import json
import socket
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tsrep_vision.cli import app
from tsrep_vision.cli.demo.digits import error_over_mean, read_digits
from tsrep_vision.cli.demo.photographs import read_pieces
from tsrep_vision.data import normalised

pytest.importorskip("pycocotools")


def test_the_demo_writes_a_page_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("the demonstration opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    done = CliRunner().invoke(app, ["demo", "--smoke", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    figures = {"reconstructions.png", "digits-loss.png", "gradients.png", "shapes.png", "shapes-loss.png"}
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "results.json", *figures}
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == len(figures)
    assert "http://" not in html and "https://" not in html and "<script src" not in html
    results = json.loads((tmp_path / "results.json").read_text())
    assert [results[part]["steps"] for part in ("digits", "photographs", "shapes")] == [2, 2, 2]
    assert f"{results['digits']['error_over_that_of_the_mean_digit']:.2f} times" in html
    assert f"<td>{results['shapes']['scores']['mask_ap50']:.3f}</td>" in html
    assert "1/3" in done.output and "3/3" in done.output


def test_the_mean_digit_has_an_error_of_1(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = read_digits()
    assert train.shape == (1500, 3, 32, 32) and test.shape == (297, 3, 32, 32) and train.dtype == torch.uint8

    mean = normalised(train.float().mean(0, keepdim=True) / 255)

    def predicts_the_mean(model: object, images: torch.Tensor, ratio: float, seed: int) -> tuple:
        return torch.ones(len(images), 1, 32, 32), mean.expand(len(images), -1, -1, -1)

    monkeypatch.setattr("tsrep_vision.plots.reconstructions.rebuild", predicts_the_mean)
    assert error_over_mean(None, train, test[:8], seed=0) == pytest.approx(1)


def test_pieces_for_testing_overlap_none_for_training() -> None:
    train, test = read_pieces()
    assert train.shape[1:] == test.shape[1:] == (3, 64, 64)
    assert len(test) == 2 * 10 and len(train) == 2 * 10 * 19
