"""`--json` gives one object on standard output; what cannot be written is said before any work; trainings continue."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tsrep import load
from tsrep.cli import app
from tsrep.cli.output import plain

STEPS = np.arange(240)
LOAD = np.sin(STEPS / 5) + 0.05 * np.sin(STEPS * STEPS * 0.37)
LOAD[200] = 4.0
FRAME = pd.DataFrame({"time": pd.date_range("2026-01-01", periods=240, freq="h"), "load": LOAD})
GAPS = FRAME.assign(load=FRAME["load"].where(STEPS % 11 != 3))


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("power.csv", index=False)
    GAPS.to_csv("gaps.csv", index=False)
    np.save("x.npy", np.random.default_rng(0).normal(size=(6, 1, 24)))


def run(*words: object) -> dict:
    """What a command prints as JSON; its text stands on standard error."""
    result = CliRunner().invoke(app, [*map(str, words), "--json"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1 and result.stderr
    return json.loads(result.stdout)


def test_detect():
    said = run("detect", "power.csv", "--max-steps", 1)
    table = pd.read_csv("power-alarms.csv")
    alarms = table[(table["alarm"] == 1) & (table["part"] == "test")]
    assert [alarm["time"] for alarm in said["alarms"]] == alarms["time"].tolist()
    np.testing.assert_allclose([alarm["score"] for alarm in said["alarms"]], alarms["score"])
    assert (said["steps"], said["tested"], said["out"]) == (240, 120, "power-alarms.csv")


def test_forecast():
    said = run("forecast", "power.csv", "--horizon", 4, "--max-steps", 1, "--save", "m")
    table = pd.read_csv("power-forecast.csv")
    assert [row["time"] for row in said["forecast"]] == pd.to_datetime(table["time"]).astype(str).tolist()
    np.testing.assert_allclose([row["load_upper"] for row in said["forecast"]], table["load_upper"])
    assert said["error"] > 0 and said["error_of_last_value"] > 0 and said["saved"] == "m"


def test_impute():
    said = run("impute", "gaps.csv", "--max-steps", 1, "--samples", 2)
    assert said["missing"] == {"load": int(GAPS["load"].isna().sum())} and said["values"] == 240
    assert said["samples"] == "gaps-imputed-samples.csv"


def test_pretrain_encode_info_and_report():
    said = run("pretrain", "x.npy", "--max-steps", 2, "--save", "m")
    assert said["steps"] == 2 and said["loss"] > 0 and said["saved"] == "m"
    assert run("pretrain", "x.npy", "--max-steps", 0, "--save", "n")["steps"] == 0
    encoded = run("encode", "x.npy", "--model", "m", "--out", "z.npy")
    assert encoded["shape"] == list(np.load("z.npy").shape)
    described = run("info", "m")
    assert described["class"].endswith(":MaskedSeriesEncoder") and described["parameters"]["max_steps"] == 2
    assert set(described["files"]["model.safetensors"]) == {"numbers", "bytes", "sha256"}
    assert "m" in run("report", ".")["sections"]


def test_values_that_json_lacks():
    assert plain({"a": np.float32(0.5), "b": pd.Timestamp("2026-01-01"), 3: [np.inf, True, np.int64(2)]}) == {
        "a": 0.5,
        "b": "2026-01-01 00:00:00",
        "3": [None, True, 2],
    }


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ("detect power.csv --plot", "power-alarms.png"),
        ("forecast power.csv --plot", "power-forecast.png"),
        ("impute gaps.csv --plot", "gaps-imputed.png"),
        ("impute gaps.csv --samples 1", "gaps-imputed-samples.csv"),
        ("cluster x.npy --plot", "x-clusters.png"),
        ("search x.npy --query 1 --plot", "x-matches.png"),
        ("pretrain x.npy --save m --plot p.png", "p.png"),
        ("classify x.npz --out p.csv", "p.csv"),
        ("encode x.npy --model m --out p.csv", "p.csv"),
        ("report . --out p.html", "p.html"),
    ],
)
def test_a_target_that_is_a_folder_is_refused_before_the_work(words, folder, shell, tmp_path):
    (tmp_path / folder).mkdir()
    shown = shell(*words.split(), code=1)
    assert f"is '{folder}', which is a folder; wanted a file" in shown
    assert len(shown.split("error: ")[0]) == 0  # nothing was read before


def test_parquet_without_its_package_is_refused_before_the_work(shell, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert shell("impute", "gaps.csv", "--out", "full.parquet", code=1).startswith(
        "error: writing Parquet needs"
    )


@pytest.mark.parametrize(
    ("command", "file", "train"),
    [
        ("detect", "power.csv", "tsrep.encoding.estimator.train"),
        ("forecast", "power.csv", "tsrep.encoding.estimator.train"),
        ("impute", "gaps.csv", "tsrep.ssgan.estimator.train_all"),
    ],
)
def test_a_training_continues_from_its_checkpoint(command, file, train, shell, monkeypatch):
    words = (command, file, "--max-steps", 2, "--checkpoint", "c", "--save")
    shell(*words, "first")
    monkeypatch.setattr(train, None)  # would fail if it were called
    shell(*words, "second")
    first, second = load("first"), load("second")
    assert getattr(second, "encoder_", second).checkpoint is None
    apply = {"detect": "decision_function", "forecast": "predict", "impute": "transform"}[command]
    data = (GAPS if command == "impute" else FRAME).set_index("time")
    pd.testing.assert_frame_equal(*(pd.DataFrame(getattr(model, apply)(data)) for model in (first, second)))
    assert "holds a run" in shell(command, file, "--max-steps", 3, "--checkpoint", "c", code=1)
