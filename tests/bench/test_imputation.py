"""The imputation benchmark: what is taken away, what the rules fill in, cells, tables and the command."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tsrep.bench.cells import Cell
from tsrep.bench.commands import app
from tsrep.bench.families import TABLES
from tsrep.bench.imputation import evaluate as evaluation
from tsrep.bench.imputation import methods, rows
from tsrep.bench.imputation.errors import (
    AIMS,
    aims_table,
    beside_published,
    error_table,
    published_imputations,
    ratios,
    steadiness,
    verdicts,
)
from tsrep.bench.imputation.evaluate import evaluate
from tsrep.bench.imputation.methods import METHODS
from tsrep.bench.imputation.peers import by_peer
from tsrep.bench.imputation.rules import interpolated
from tsrep.bench.imputation.ssgan import some_labels
from tsrep.bench.imputation.task import Task, make_task, read_variant

NAN = np.nan


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ETTh1 in small: 22 months of every hour, three channels that depend on each other."""
    folder = tmp_path_factory.mktemp("data")
    index = pd.date_range("2016-07-01", "2018-05-01", freq="h", name="date")
    wave = np.sin(np.arange(len(index)) / 4)
    noise = np.random.default_rng(0).normal(scale=0.05, size=len(index))
    frame = pd.DataFrame({"a": wave, "b": 5 * wave + 100 + noise, "c": np.roll(wave, 1)}, index)
    frame.iloc[-3000:-2990, 0] = NAN
    frame.to_csv(folder / "ETTh1.csv")
    return folder


def task_of(test: Any, truth: Any, train: Any = None) -> Task:
    test, truth = np.asarray(test, float), np.asarray(truth, float)
    train = truth if train is None else train
    return Task("x", 0, train, truth, test, truth, truth, None, None)


def test_the_same_values_are_taken_away_everywhere(root: Path) -> None:
    task = make_task("ETTh1", "mcar10", 3, root)
    observed = ~np.isnan(task.test_truth)
    drawn = np.random.RandomState(303).rand(len(task.test), 48, 3).transpose(0, 2, 1) < 0.1
    np.testing.assert_array_equal(task.held_out, drawn & observed)
    np.testing.assert_array_equal(task.test[~drawn], task.test_truth[~drawn])
    whole = np.concatenate([task.train, task.validation])
    assert np.isnan(whole).mean() == pytest.approx(0.1, abs=0.01)
    assert make_task("ETTh1", "mcar10", 4, root).held_out.sum() != task.held_out.sum()


@pytest.mark.parametrize("variant", ["block20", "channel30", "ends20", "mar10", "mnar40"])
def test_other_patterns_hit_their_rate(root: Path, variant: str) -> None:
    task = make_task("ETTh1", variant, 0, root)
    rate = read_variant(variant)[1] * (2 / 3 if variant == "mar10" else 1)  # the first channel stays
    assert task.held_out.sum() / (~np.isnan(task.test_truth)).sum() == pytest.approx(rate, abs=0.005)


def test_units_are_those_of_the_training_part(root: Path) -> None:
    values = pd.read_csv(root / "ETTh1.csv", index_col=0)["b"].to_numpy()[: 213 * 48]
    task = make_task("ETTh1", "mcar50", 0, root)
    raw = task.validation_truth[0, 1] * values.std() + values.mean()
    frame = pd.read_csv(root / "ETTh1.csv", index_col=0)
    np.testing.assert_allclose(raw, frame["b"]["2017-09-01 00:00:00":][:48], rtol=1e-9)


@pytest.mark.parametrize("text", ["mcar", "mcar0", "rain10", "mcar-10", "10"])
def test_a_variant_is_a_pattern_and_per_cent(text: str) -> None:
    with pytest.raises(ValueError, match=rf"variant is '{text}'; wanted one of mcar, block"):
        read_variant(text)


def test_the_rules_on_a_series_by_hand() -> None:
    series = [[[NAN, 2.0, NAN, NAN, 8.0, NAN], [NAN] * 6]]
    task = task_of(series, np.ones((1, 2, 6)))
    assert methods.linear(task).imputed.tolist() == [[[2, 2, 4, 6, 8, 8], [0] * 6]]
    assert methods.locf(task).imputed.tolist() == [[[2, 2, 2, 2, 8, 8], [0] * 6]]
    assert methods.mean(task).imputed.tolist() == [[[0, 2, 0, 0, 8, 0], [0] * 6]]


def test_interpolation_is_that_of_numpy() -> None:
    rng = np.random.default_rng(0)
    panel = rng.normal(size=(20, 3, 30))
    panel[rng.random(panel.shape) < 0.6] = NAN
    for one, filled in zip(panel.reshape(-1, 30), interpolated(panel).reshape(-1, 30), strict=True):
        known = np.flatnonzero(~np.isnan(one))
        np.testing.assert_allclose(filled, np.interp(np.arange(30), known, one[known]), atol=1e-12)
        np.testing.assert_array_equal(filled[known], one[known])


def test_rows_with_lags_are_the_neighbours() -> None:
    table = rows._rows(np.arange(12.0).reshape(1, 2, 6), lags=True)
    assert table.shape == (6, 6) and table[2].tolist() == [2, 8, 1, 7, 3, 9]
    assert np.isnan(table[0, 2:4]).all() and np.isnan(table[5, 4:]).all()


@pytest.mark.parametrize("method", ["mean", "locf", "linear", "knn", "iterative", "iterative-lags"])
def test_every_baseline_fills_and_keeps(method: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TRAINING_ROWS", 300)
    line = evaluate(Cell("imputation", "ETTh1", method, 0, "mcar20"), root)
    assert line["changed"] == 0 and 0 < line["mae"] <= line["rmse"] < 1.2
    assert line["held_out"] == make_task("ETTh1", "mcar20", 0, root).held_out.sum()
    json.dumps(line, allow_nan=False)
    if method == "iterative":  # the channels follow from each other
        assert line["mae"] < 0.5 and line["rows"] == 300 and line["subsampled"]


def test_labels_are_hidden_but_for_a_share() -> None:
    y = np.array(["a"] * 70 + ["b"] * 29 + ["c"])
    for share in (0.05, 0.5, 1.0):
        some = some_labels(y, share, seed=1)
        assert set(some[some >= 0]) == {0, 1, 2} and (some >= 0).sum() - round(100 * share) in (0, 1, 2)
        assert all(
            y[some == number].tolist() == [name] * (some == number).sum() for number, name in enumerate("abc")
        )
    assert not np.array_equal(some_labels(y, 0.5, 1), some_labels(y, 0.5, 2))


RUNNER = """
import json, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[2])
with np.load(folder / "data.npz") as arrays:
    test = arrays["test"]
    assert arrays["train"].shape[1:] == test.shape[1:] and not np.isnan(arrays["validation_truth"]).any()
if sys.argv[1] == "usgan":
    sys.exit("it diverged")
np.savez(folder / "imputed.npz", test=np.nan_to_num(test, nan=7.0), notes=json.dumps({"args": sys.argv[3:]}))
"""


def test_a_peer_runs_in_its_own_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "runner.py"
    script.write_text(RUNNER)
    task = task_of([[[1.0, NAN]]], [[[1.0, 2.0]]])
    imputed, notes = by_peer("brits", task, Path(sys.executable), script=script)
    assert imputed.tolist() == [[[1.0, 7.0]]] and notes == {"args": ["--seed", "0"]}
    with pytest.raises(RuntimeError, match="it diverged"):
        by_peer("usgan", task, Path(sys.executable), script=script)
    with pytest.raises(RuntimeError, match="name it with --python"):
        by_peer("brits", task, None, script=script)
    with pytest.raises(RuntimeError, match="is not there"):
        by_peer("brits", task, Path(sys.executable), script=tmp_path / "none.py")


def test_cells_and_their_order(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = TABLES["imputation"].grid
    ids = [c.id for c in grid(["ETTh1"], ["linear", "knn"], ["mcar10"], [0, 1], root)]
    assert ids[0] == "imputation/ETTh1/linear/mcar10/seed0" and len(ids) == 4
    monkeypatch.setattr(evaluation, "LARGE_SET_VALUES", 10)
    assert len(grid(["ETTh1"], ["linear", "knn"], ["mcar10"], [0, 1], root)) == 3


def line_of(
    dataset: str, method: str, variant: str, mae: float, seed: int = 0, **more: Any
) -> dict[str, Any]:
    cell = f"imputation/{dataset}/{method}/{variant}/seed{seed}"
    line = {"cell": cell, "status": "ok", "dataset": dataset, "method": method, "variant": variant}
    return line | {"seed": seed, "mae": mae, "rmse": 2 * mae} | more


LINES = pd.DataFrame(
    [
        line_of("ETTh1", "linear", "mcar10", 0.20),
        line_of("ETTh1", "linear", "mcar10", 0.22, seed=1),
        line_of("ETTh1", "saits", "mcar10", 0.15),
        line_of("ETTh1", "ssgan", "mcar10", 0.105),
        line_of("ETTh1", "linear", "block50", 0.9),
        line_of("PhysioNet2012", "linear", "mcar10", 0.4),
        line_of("PhysioNet2012", "ssgan", "mcar10", 0.3),
        line_of("PhysioNet2012", "ssgan-paper", "mcar10", 0.3),
        line_of("PhysioNet2012", "brits", "mcar10", 0.4),
    ]
)


def test_tables_from_lines() -> None:
    mae = error_table(LINES, "mae")
    assert list(mae) == ["linear", "ssgan", "ssgan-paper", "saits", "brits"]
    assert mae.index.tolist() == [("ETTh1", "mcar10"), ("ETTh1", "block50"), ("PhysioNet2012", "mcar10")]
    assert mae.loc[("ETTh1", "mcar10"), "linear"] == pytest.approx(0.21)
    to_linear = ratios(LINES, "mae", "linear")
    assert to_linear.loc[("ETTh1", "mcar10"), "saits"] == pytest.approx(0.15 / 0.20)  # of the seed of both
    assert list(to_linear) == ["ssgan", "ssgan-paper", "saits", "brits"]
    assert ratios(LINES, "mae", "usgan").empty
    aims = aims_table(mae)
    assert aims.loc["ETTh1, mcar 10 %", "reached"] == "yes"
    assert aims.loc["ETTh1, mcar 10 %", "best other"] == "0.150 (saits)"
    assert aims.loc["PhysioNet2012, mcar 10 %", "reached"] == "no"
    assert aims.loc["PhysioNet2012, mcar 10 %", "aim"] == pytest.approx(0.68 * 0.4)
    assert aims_table(mae[["linear"]]).empty
    said = " ".join(verdicts(LINES))
    assert "below linear interpolation in 2 of 2 rows" in said
    assert "more than 15 %): PhysioNet2012, mcar 10 % +25.0%." in said
    assert "One seed only: brits on PhysioNet2012; linear on ETTh1" in said


def test_more_seeds_tell_how_steady_a_fit_is() -> None:
    fits = [line_of("ETTh1", "ssgan", "mcar10", 0.1 + seed / 100, seed=seed) for seed in range(7)]
    assert steadiness(LINES) == []
    assert steadiness(pd.DataFrame(fits)) == [
        "ssgan on ETTh1, mcar 10 % with 7 seeds: 0.130, from 0.100 to 0.160."
    ]
    fits[3]["rescues"], fits[5]["rescues"] = 0, 1
    assert steadiness(pd.DataFrame(fits))[0].endswith("to 0.160; of 2 fits 1 diverged.")


def test_published_rows_stand_beside_ours() -> None:
    published = published_imputations()
    assert not published.duplicated(["dataset", "percent_removed", "method", "metric", "source"]).any()
    table = beside_published(error_table(LINES, "mae"), error_table(LINES, "rmse"))
    tsi = table[table["metric"] == "MAE"].set_index("method", append=True)
    assert tsi.loc[("ETTh1, mcar 10 %", "SAITS"), ["here", "published"]].tolist() == [0.15, 0.144]
    paper = table[table["metric"] == "RMSE"].set_index("method", append=True)
    assert paper.loc[("PhysioNet2012, mcar 10 %", "SSGAN"), ["here", "published"]].tolist() == [0.6, 0.598]
    assert set(AIMS) >= {("ETTh1", "mcar10")} and set(METHODS) >= {"linear", "ssgan"}


def test_the_command_measures_once_and_writes_pages(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    command = ["imputation", "ETTh1", "--variants", "mcar10,channel20", "--methods", "mean,linear"]
    command += ["--seeds", "2", "--root", str(root), "--results", str(folder), "--threads", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    lines = (folder / "results.jsonl").read_text().splitlines()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (folder / "results.jsonl").read_text().splitlines() == lines and len(lines) == 8
    page = (folder / "table.md").read_text()
    assert "| ETTh1, channel 20 % | " in page and "**" in page and "Ratio to linear" in page
    assert {"mean mae", "linear rmse"} <= set(pd.read_csv(folder / "table.csv"))
    assert all(path.exists() for path in TABLES["imputation"].write(folder))
    for wrong in (["mars"], ["ETTh1", "--variants", "rain10"], ["ETTh1", "--methods", "magic"]):
        assert CliRunner().invoke(app, ["imputation", *wrong, "--root", str(root)]).exit_code != 0
