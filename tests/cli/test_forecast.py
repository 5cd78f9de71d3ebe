"""`tsrep forecast`: from a file to what comes next, and errors that a user can fix."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationForecaster

STEPS = np.arange(420)
LOAD = 10 + 3 * np.sin(STEPS * np.pi / 12)
TIMES = pd.date_range("2026-01-01", periods=420, freq="h")
QUICK = ["--max-steps", 1, "--context", 48, "--horizon", 24]


@pytest.fixture
def forecast(shell):
    """Runs the command and gives what it printed."""
    return partial(shell, "forecast")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"time": TIMES, "load": LOAD, "other": np.cos(STEPS / 7)})
    frame.to_csv(tmp_path / "power.csv", index=False)
    return tmp_path / "power.csv"


def test_forecasts_are_printed_written_and_drawn(forecast, file):
    shown = forecast(file, "--target", "load", *QUICK, "--plot")
    assert "power.csv: 420 steps, one every 0 days 01:00:00; columns load, other" in shown
    assert "24 steps ahead" in shown and "2026-01-18 12:00:00" in shown
    table = pd.read_csv(file.with_name("power-forecast.csv"), parse_dates=["time"])
    assert list(table.columns) == ["time", "load", "load_lower", "load_upper"]
    assert (table["time"] == pd.date_range("2026-01-18 12:00", periods=24, freq="h")).all()
    np.testing.assert_allclose(table["load"], 10 + 3 * np.sin(np.arange(420, 444) * np.pi / 12), atol=0.05)
    assert file.with_name("power-forecast.png").stat().st_size > 10_000


def test_a_saved_forecaster_is_used_as_it_is(forecast, file, tmp_path):
    forecast(file, "--columns", "load", *QUICK, "--save", tmp_path / "f", "--out", tmp_path / "new" / "a.csv")
    assert isinstance(load(tmp_path / "f"), RepresentationForecaster)
    pd.read_csv(file).iloc[10:].to_csv(tmp_path / "later.csv", index=False)
    shown = forecast(tmp_path / "later.csv", "--model", tmp_path / "f", "--out", "b.csv")
    assert "nothing is learned" in shown
    first, second = (pd.read_csv(tmp_path / name) for name in ("new/a.csv", "b.csv"))
    pd.testing.assert_frame_equal(first, second, rtol=1e-4)
    TS2Vec(max_steps=0, depth=1).fit(np.zeros((1, 1, 9))).save(tmp_path / "e")
    assert "holds a TS2Vec; wanted a forecaster" in forecast(file, "--model", tmp_path / "e", code=1)


def test_rows_without_the_target_hold_what_is_known(forecast, file):
    frame = pd.read_csv(file)
    frame["price"] = (STEPS % 5 == 0).astype(float)
    frame["load"] += 4 * frame["price"]
    frame.loc[396:, ["load", "other"]] = np.nan
    frame.to_csv(file, index=False)
    forecast(file, "--target", "load", "--known", "price", *QUICK)
    table = pd.read_csv(file.with_name("power-forecast.csv"))
    truth = LOAD[396:] + 4 * (STEPS[396:] % 5 == 0)
    np.testing.assert_allclose(table["load"], truth, atol=0.3)
    assert "there are 24" in forecast(file, "--known", "price", *QUICK[:-1], 30, code=1)


def test_many_series_in_a_long_table(forecast, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": TIMES, "y": LOAD * size})
        for name, size in (("a", 1), ("b", 9))
    ]
    pd.concat(parts).to_csv(tmp_path / "many.csv", index=False)
    shown = forecast("many.csv", *QUICK)
    assert "many.csv: 2 series time: column 'ds', from 2026-01-01" in shown and "; 840 rows learning" in shown
    table = pd.read_csv("many-forecast.csv")
    assert table.groupby("unique_id").size().to_dict() == {"a": 24, "b": 24}
    means = table.groupby("unique_id")["y"].mean()
    assert means["b"] / means["a"] == pytest.approx(9, rel=0.02)


def test_many_targets_are_told_in_standard_deviations_and_without_intervals(forecast, file):
    frame = pd.read_csv(file)
    for number in range(3):
        frame[f"flat{number} [m]"] = 1.0
    frame.to_csv(file, index=False)
    shown = forecast(file, *QUICK)
    assert "24 steps ahead, in standard deviations: " in shown
    assert (
        "┃ time ┃ load ┃ other ┃ flat0 [m] ┃ flat1 [m] ┃ flat2 [m] ┃" in shown and "load_lower" not in shown
    )
    assert (
        "; columns load, other, flat0 [m], flat1 [m], flat2 [m] time: column 'time', from 2026-01-01" in shown
    )  # brackets are no markup
    assert "load_lower" in pd.read_csv(file.with_name("power-forecast.csv"))


def test_a_number_that_stands_for_a_gap_is_suspected_and_taken_out(forecast, file):
    frame = pd.read_csv(file)
    frame.loc[[30, 200], "load"] = -9999.0
    frame.to_csv(file, index=False)
    shown = forecast(file, "--target", "load", *QUICK, "--missing", -9999)
    assert "2 steps with a missing value" in shown and "is far below" not in shown
    table = pd.read_csv(file.with_name("power-forecast.csv"))
    assert table["load"].between(6, 14).all()
    assert "load: -9999 is far below all other values" in forecast(file, "--horizon", 300, code=1)


def test_faults_are_one_line_that_helps(forecast, file, tmp_path):
    meant = "no column 'Lod' among 'load', 'other'; did you mean 'load'?"
    assert meant in forecast(file, "--target", "Lod", code=1)
    assert "does not exist" in forecast(tmp_path / "none.csv", code=1)
    assert "ends in .csv" in forecast(file, "--out", "x.txt", code=1)
    assert "too short" in forecast(file, "--horizon", 200, code=1)
    twice = pd.read_csv(file)
    pd.concat([twice, twice.tail(1)]).to_csv(file, index=False)
    assert "repeat a time" in (told := forecast(file, code=1)) and "average them with --sort" in told


def test_a_saved_forecaster_brings_its_horizon_and_targets(forecast, file, tmp_path):
    frame = pd.DataFrame({"time": TIMES, "load": LOAD, "price": np.cos(STEPS / 7)})
    frame.loc[frame.index[-6:], "load"] = np.nan
    frame.to_csv(file, index=False)
    settings = ["--max-steps", 1, "--context", 48, "--horizon", 6]
    forecast(
        file, "--target", "load", "--known", "price", *settings, "--save", tmp_path / "f", "--out", "a.csv"
    )
    forecast(file, "--known", "price", "--model", tmp_path / "f", "--out", "b.csv")
    first, again = (pd.read_csv(file.with_name(name)) for name in ("a.csv", "b.csv"))
    pd.testing.assert_frame_equal(again, first)
    assert len(again) == 6
    for option, value in (("--target", "load"), ("--horizon", 6), ("--level", 0.5)):
        shown = forecast(file, "--known", "price", "--model", tmp_path / "f", option, value, code=1)
        assert f"{option} cannot be given with --model" in shown
