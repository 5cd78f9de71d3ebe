"""`tsrep impute`: from a file with gaps to one without, and errors that a user can fix."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import tsrep

STEPS = np.arange(60)
TIMES = pd.date_range("2026-01-01", periods=60, freq="h")
GAPS = [3, 4, 5, 40]


KEYS = ["unique_id", "ds"]


class Lines:
    """Stands in for the imputer: straight lines, deviation 1, samples one apart."""

    def __init__(self, max_steps=None, random_state=None, checkpoint=None, verbose=0):
        self.max_steps, self.random_state = max_steps, random_state

    def set_params(self, checkpoint):
        assert checkpoint is None

    def fit(self, X, y=None):
        self.fallback_ = np.array([name == "load" for name in X.columns.drop(KEYS, errors="ignore")])
        return self

    def transform(self, X, return_std=False):
        values = X.drop(columns=KEYS, errors="ignore")
        groups = X["unique_id"] if "unique_id" in X else np.zeros(len(X))
        filled = values.groupby(groups).transform(lambda one: one.interpolate(limit_direction="both"))
        deviations = values.isna().astype(float)
        if "unique_id" in X:  # a panel (n, c, t), padded at the end
            parts = [part.to_numpy().T for _, part in deviations.groupby(groups, sort=False)]
            longest = max(part.shape[1] for part in parts)
            deviations = np.stack([np.pad(part, ((0, 0), (0, longest - part.shape[1]))) for part in parts])
        whole = X.assign(**{name: filled[name] for name in filled})
        return (whole, deviations) if return_std else whole

    def sample(self, X, n_samples):
        lines = self.transform(X).to_numpy()
        return np.stack([np.where(X.isna(), lines + number, lines) for number in range(n_samples)])

    def plot(self, X):
        return Figure()

    def save(self, path):
        path.mkdir()
        (path / "it.json").write_text(json.dumps([self.max_steps, self.random_state]))


@pytest.fixture
def impute(shell):
    """Runs the command and gives what it printed."""
    return partial(shell, "impute")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tsrep, "SSGANImputer", Lines, raising=False)
    frame = pd.DataFrame({"time": TIMES, "load": STEPS / 7, "other": np.cos(STEPS), "note": "fine"})
    frame.loc[GAPS, "load"] = np.nan
    frame.drop(index=20).to_csv(tmp_path / "power.csv", index=False)
    return tmp_path / "power.csv"


def test_gaps_and_absent_rows_are_filled_and_the_rest_is_as_it_was(impute, file):
    shown = impute(file, "--columns", "load,other", "--plot")
    assert (
        "power.csv: 60 steps, one every 0 days 01:00:00, 5 steps with a missing value (1 of them without a row); "
        "columns load, other" in shown
    )
    assert "6 of 120 values missing" in shown
    assert "load │ 5 │ 3 │ 0.4286 to 5.714" in shown and "other │ 1 │ 1 │" in shown
    assert "filled by linear interpolation, which is at least as good on held-out values: load" in shown
    table = pd.read_csv(file.with_name("power-imputed.csv"), parse_dates=["time"])
    assert list(table) == ["time", "load", "other"] and (table["time"] == TIMES).all()
    np.testing.assert_allclose(table["load"], STEPS / 7)
    before = pd.read_csv(file)
    kept = before["load"].notna().to_numpy()
    after = table["load"].drop(index=20).to_numpy()
    np.testing.assert_array_equal(after[kept], before["load"][kept])  # to the bit
    assert file.with_name("power-imputed.png").stat().st_size > 0


def test_deviations_and_samples_stand_beside(impute, file, tmp_path):
    impute(file, "--columns", "load", "--std", "--samples", 3, "--out", "new/full.csv")
    table = pd.read_csv(tmp_path / "new" / "full.csv")
    assert list(table) == ["time", "load", "load std"]
    assert table.index[table["load std"] > 0].tolist() == sorted([*GAPS, 20])
    draws = pd.read_csv(tmp_path / "new" / "full-samples.csv")
    assert list(draws) == ["sample", "time", "load"] and len(draws) == 180
    by_sample = draws.pivot(index="time", columns="sample", values="load").to_numpy()
    np.testing.assert_allclose(by_sample[4], 4 / 7 + np.arange(3))
    assert np.ptp(by_sample[10]) == 0


def test_the_series_of_a_long_table_come_back_as_rows(impute, file, tmp_path):
    first = pd.DataFrame({"unique_id": "a", "ds": TIMES, "y": 1.0 * STEPS})
    second = pd.DataFrame({"unique_id": "b", "ds": TIMES[10:50], "y": 2.0})
    first.loc[7, "y"] = np.nan
    pd.concat([first, second.drop(index=5)]).to_csv(tmp_path / "shops.csv", index=False)
    shown = impute("shops.csv", "--std")
    assert "2 of 100 values missing" in shown  # what lies outside the second series is not asked for
    table = pd.read_csv(tmp_path / "shops-imputed.csv", parse_dates=["ds"])
    assert list(table) == ["unique_id", "ds", "y", "y std"]
    assert table["unique_id"].value_counts().to_dict() == {"a": 60, "b": 40}
    assert table["y"][:60].tolist() == STEPS.tolist() and table["y"][60:].eq(2.0).all()
    assert table.index[table["y std"] > 0].tolist() == [7, 65]
    assert (table["ds"][60:] == TIMES[10:50]).all()


def test_a_number_may_stand_for_a_gap(impute, file, tmp_path):
    pd.read_csv(file)[["time", "load"]].fillna(-999.0).to_csv(tmp_path / "marked.csv", index=False)
    impute("marked.csv", "--missing", -999)
    np.testing.assert_allclose(pd.read_csv("marked-imputed.csv")["load"], STEPS / 7)
    long = pd.DataFrame({"unique_id": 1, "ds": TIMES, "y": [*STEPS[:-1], -999]})
    long.to_csv(tmp_path / "long.csv", index=False)
    impute("long.csv", "--missing", -999)
    assert pd.read_csv("long-imputed.csv")["y"].tolist() == [*STEPS[:-1], 58]


def test_parquet_in_and_out(impute, file, tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.read_csv(file, parse_dates=["time"])[["time", "load"]]
    frame.to_parquet(tmp_path / "power.parquet")
    impute("power.parquet", "--out", "full.parquet")
    table = pd.read_parquet(tmp_path / "full.parquet")
    assert len(table) == 60 and not table.isna().to_numpy().any()


def test_seed_steps_and_saving_are_handed_on(impute, file, tmp_path, monkeypatch):
    shown = impute(file, "--columns", "load", "--seed", 5, "--max-steps", 7, "--save", tmp_path / "m")
    assert json.loads((tmp_path / "m" / "it.json").read_text()) == [7, 5] and "imputer saved" in shown
    monkeypatch.setattr(tsrep, "load", lambda path: Lines().fit(pd.DataFrame({"load": [0.0]})))
    shown = impute(file, "--columns", "load", "--model", tmp_path / "m", "--out", "b.csv")
    assert "nothing is learned from this file" in shown
    pd.testing.assert_frame_equal(pd.read_csv("b.csv"), pd.read_csv("power-imputed.csv"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["power.csv"], "column 'note' holds text, 'fine' in row 1"),
        (["power.csv", "--columns", "laod"], "no column 'laod'"),
        (["power.csv", "--columns", "load", "--out", "x.txt"], "--out is 'x.txt'"),
        (["none.csv"], "none.csv does not exist"),
        (["whole.csv"], "whole.csv has no gap"),
        (["short.csv"], "short.csv: holds 9 rows; wanted at least 20"),
        (["empty.csv"], "column 'load' holds no value"),
        (["power.csv", "--columns", "load", "--model", "."], "is not a saved model"),
        (
            ["long.csv", "--time", "ds"],
            "--time cannot be given: long.csv is a long table, with the columns unique_id",
        ),
        (["long.csv", "--columns", "x"], "long.csv: has no column 'x' among 'y'"),
    ],
)
def test_what_a_user_can_fix_is_one_line(impute, file, arguments, words):
    pd.DataFrame({"time": TIMES, "load": 1.0}).to_csv("whole.csv", index=False)
    pd.DataFrame({"time": TIMES[:9], "load": [1.0, None] + [2.0] * 7}).to_csv("short.csv", index=False)
    pd.DataFrame({"time": TIMES, "load": np.nan, "x": 1.0}).to_csv("empty.csv", index=False)
    pd.DataFrame({"unique_id": 1, "ds": TIMES, "y": 1.0}).to_csv("long.csv", index=False)
    shown = impute(*arguments, code=1)
    assert shown.startswith("error: ") and words in shown
