"""`tsrep detect`: from a file to alarms, and errors that a user can fix."""

import shlex
from functools import partial

import numpy as np
import pandas as pd
import pytest

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationAnomalyDetector

STEPS = np.arange(240)
LOAD = np.sin(STEPS / 5) + 0.05 * np.sin(STEPS * STEPS * 0.37)
LOAD[200] = 4.0
TIMES = pd.date_range("2026-01-01", periods=240, freq="h")


@pytest.fixture
def detect(shell):
    """Runs the command and gives what it printed."""
    return partial(shell, "detect")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"time": TIMES, "load": LOAD, "other": np.cos(STEPS / 7), "note": "fine"})
    frame.to_csv(tmp_path / "power.csv", index=False)
    return tmp_path / "power.csv"


def test_alarms_are_printed_written_and_drawn(detect, file):
    shown = detect(file, "--columns", "load", "--max-steps", 2, "--plot")
    assert "power.csv: 240 steps, one every 0 days 01:00:00; columns load" in shown
    assert "2026-01-09 08:00:00" in shown
    table = pd.read_csv(file.with_name("power-alarms.csv"), parse_dates=["time"])
    assert list(table.columns) == ["time", "load", "score", "alarm", "part"]
    assert table["alarm"][200] == 1 and table["score"].idxmax() == 200
    assert table["part"].value_counts().to_dict() == {"train": 120, "test": 120}
    assert (table["time"] == TIMES).all()
    assert file.with_name("power-alarms.png").stat().st_size > 10_000


def test_a_saved_detector_is_used_as_it_is(detect, file, tmp_path):
    options = ["--columns", "load,other", "--max-steps", 1, "--context", 20, "--score", "nearest"]
    detect(file, *options, "--save", tmp_path / "d", "--out", tmp_path / "new" / "a.csv")
    detector = load(tmp_path / "d")
    assert (type(detector), detector.context, detector.score) == (
        RepresentationAnomalyDetector,
        20,
        "nearest",
    )
    shown = detect(file, "--columns", "load,other", "--model", tmp_path / "d", "--out", "b.csv")
    assert "nothing is learned from this file" in shown
    first, second = (pd.read_csv(tmp_path / name) for name in ("new/a.csv", "b.csv"))
    np.testing.assert_allclose(first["score"], second["score"])
    assert set(second["part"]) == {"test"}


def test_the_default_score_is_combined(detect, file, tmp_path):
    options = [file, "--columns", "load", "--max-steps", 0, "--context", 20]
    detect(*options, "--out", "default.csv")
    detect(*options, "--score", "combined", "--out", "combined.csv")
    first, second = (pd.read_csv(tmp_path / name) for name in ("default.csv", "combined.csv"))
    pd.testing.assert_frame_equal(first, second)


def test_the_command_printed_after_saving_runs(detect, file, tmp_path):
    options = ("--columns", "load", "--missing", -9999.0, "--sort")
    shown = detect(file, *options, "--max-steps", 1, "--context", 20, "--save", tmp_path / "my model")
    printed = shlex.split(shown.split("next: ")[1])
    assert printed[:2] == ["tsrep", "detect"] and printed[-5:] == [str(option) for option in options]
    assert printed[3:5] == ["--model", str(tmp_path / "my model")]
    detect(file, *printed[3:])


def test_a_saved_encoder_is_built_on(detect, file, tmp_path):
    TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1).fit(np.ones((2, 1, 20))).save(
        tmp_path / "e"
    )
    shown = detect(
        file, "--columns", "load", "--model", tmp_path / "e", "--train", 1, "--threshold", "budget"
    )
    assert "first 240 steps" in shown
    table = pd.read_csv(tmp_path / "power-alarms.csv")
    assert set(table["part"]) == {"test"} and table["alarm"].sum() == 0  # 10 in 10,000 steps are none in 240


def test_gaps_are_reported_and_rows_sorted(detect, file, tmp_path):
    rows = pd.read_csv(file).drop(index=[50, 51])
    rows.sample(frac=1, random_state=0).to_csv(tmp_path / "gaps.csv", index=False)
    assert "not sorted by time" in detect("gaps.csv", "--columns", "load", code=1)
    shown = detect("gaps.csv", "--columns", "load", "--sort", "--max-steps", 0)
    assert (
        "240 steps, one every 0 days 01:00:00, 2 steps with a missing value (2 of them without a row)"
        in shown
    )
    assert len(pd.read_csv(tmp_path / "gaps-alarms.csv")) == 240


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["power.csv"], "column 'note' holds text, 'fine' in row 1"),
        (
            ["power.csv", "--columns", "laod"],
            "no column 'laod' among 'load', 'other', 'note'; did you mean 'load'",
        ),
        (["power.csv", "--columns", "load", "--time", "when"], "no column 'when'"),
        (["power.csv", "--columns", "load", "--out", "x.txt"], "--out is 'x.txt'"),
        (["power.csv", "--columns", "load", "--train", "2"], "--train is 2"),
        (["none.csv"], "none.csv does not exist"),
        (["short.csv"], "short.csv: holds 50 rows; wanted at least 100"),
        (["twice.csv"], "twice.csv: 1 rows repeat a time, the first 2026-01-01 05:00:00"),
        (["power.csv", "--columns", "load", "--model", "."], "is not a saved model"),
    ],
)
def test_what_a_user_can_fix_is_one_line(detect, file, arguments, words):
    short = pd.DataFrame({"time": TIMES[:50], "load": 1.0})
    short.to_csv(file.with_name("short.csv"), index=False)
    twice = pd.DataFrame({"time": TIMES[[*range(120), 5]], "load": 1.0})
    twice.to_csv(file.with_name("twice.csv"), index=False)
    shown = detect(*arguments, code=1)
    assert shown.startswith("error: ") and words in shown


def test_options_that_a_saved_detector_decides_are_refused(detect, file):
    detect(file, "--columns", "load", "--max-steps", 1, "--context", 20, "--save", file.with_name("model"))
    for option, value in (
        ("--score", "hidden"),
        ("--context", 30),
        ("--threshold", "running"),
        ("--level", 9),
    ):
        shown = detect(file, "--columns", "load", "--model", file.with_name("model"), option, value, code=1)
        assert f"{option} cannot be given with --model: the saved detector decides it" in shown
    detect(file, "--columns", "load", "--model", file.with_name("model"), "--out", "again.csv")


def test_a_folder_that_cannot_be_saved_to_is_said_first(detect, file):
    (file.parent / "notes").mkdir()
    (file.parent / "notes" / "mine.txt").write_text("mine")
    shown = detect(file, "--save", file.with_name("notes"), code=1)
    assert "no part of a saved model" in shown and "learning" not in shown


def test_a_saved_detector_takes_a_channel_that_is_dead_and_columns_in_any_order(detect, file, tmp_path):
    options = ["--columns", "load,other", "--max-steps", 1, "--context", 20]
    detect(file, *options, "--save", tmp_path / "d", "--out", "a.csv")
    frame = pd.read_csv(file).drop(columns="note")
    frame[["time", "other", "load"]].to_csv("swapped.csv", index=False)
    detect("swapped.csv", "--model", tmp_path / "d", "--out", "b.csv")
    first, second = pd.read_csv("a.csv"), pd.read_csv("b.csv")
    np.testing.assert_allclose(first["score"], second["score"])
    frame.assign(other=np.nan).to_csv("dead.csv", index=False)
    shown = detect("dead.csv", "--model", tmp_path / "d", "--out", "c.csv")
    assert "note: " in shown and "'other' (240 steps from 2026-01-01 00:00:00 to 2026-01-10 23:00:00" in shown
    assert pd.read_csv("c.csv")["score"].nunique() > 100
    shown = detect("dead.csv", "--max-steps", 1, code=1)
    assert "column 'other' holds no value" in shown
