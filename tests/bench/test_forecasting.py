"""Forecasting cells against their definitions, on a small set made here; tables from lines."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import Ridge
from typer.testing import CliRunner

import tsrep
from tsrep.bench.cells import Cell
from tsrep.bench.commands import app
from tsrep.bench.families import TABLES
from tsrep.bench.forecasting import networks
from tsrep.bench.forecasting.errors import (
    error_table,
    measured,
    published_forecasts,
    verdicts,
    with_published,
)
from tsrep.bench.forecasting.evaluate import evaluate, expected_cost, week
from tsrep.bench.forecasting.methods import METHODS, SEEDLESS
from tsrep.bench.forecasting.protocols import LONG_HORIZON, PAPER
from tsrep.bench.forecasting.task import Task, make_task
from tsrep.data import calendar_features
from tsrep.metrics import mae, mse

ROWS = 540
YEAR = 52


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with an illness file: a yearly wave, noise, a second column."""
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(ROWS) * 2 * np.pi / YEAR)
    frame = pd.DataFrame(
        {"AGE": 10 * wave + rng.normal(size=ROWS), "OT": 50 + 5 * wave + rng.normal(size=ROWS)},
        pd.date_range("2002-01-01", periods=ROWS, freq="W-TUE", name="date"),
    )
    frame.to_csv(tmp_path / "national_illness.csv")
    return tmp_path


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsrep.TS2Vec, "_length_of_training", lambda encoder, values: (1, None))
    monkeypatch.setattr(networks, "MAX_STEPS", 20)
    monkeypatch.setattr(networks, "CHECK_EVERY_STEPS", 10)


def test_ridge_on_lags_is_ridge_on_lags(root: Path) -> None:
    line = evaluate(Cell("forecasting", "illness", "ridge-lags", 0, "univariate"), PAPER, root)
    task = make_task(PAPER, "illness", "univariate", 0, root)
    assert (task.train, task.validation, task.first, len(task.frame)) == (324, 432, 432, 540)
    y = task.scaled[:, 0]
    calendar = calendar_features(task.frame.index)
    deviation = calendar.iloc[:324].std(ddof=0).replace(0.0, 1.0)
    scaled = ((calendar - calendar.iloc[:324].mean()) / deviation).to_numpy()
    X = {t: np.r_[y[t - 200 : t + 1], scaled[t]] for t in range(200, 540)}
    for place, horizon in enumerate((24, 36, 48, 60)):

        def rows(start: int, stop: int, horizon: int = horizon) -> tuple[Any, Any]:
            origins = range(start, stop - horizon)
            return np.array([X[t] for t in origins]), np.array([y[t + 1 : t + 1 + horizon] for t in origins])

        chosen = (np.inf, None)
        for penalty in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
            ridge = Ridge(alpha=penalty).fit(*rows(200, 324))
            inputs, truth = rows(324, 432)
            score = np.sqrt(mse(truth, ridge.predict(inputs))) + mae(truth, ridge.predict(inputs))
            chosen = min(chosen, (score, ridge), key=lambda found: found[0])
        inputs, truth = rows(432, 540)
        assert line["mse"][place] == pytest.approx(mse(truth, chosen[1].predict(inputs)), rel=1e-4)
        assert line["origins"][place] == len(inputs)


def test_the_last_season_is_right_where_it_repeats(root: Path) -> None:
    path = root / "national_illness.csv"
    frame = pd.read_csv(path)
    frame["OT"] = np.tile(np.random.default_rng(1).normal(size=YEAR), ROWS // YEAR + 1)[:ROWS]
    frame.to_csv(path, index=False)
    line = evaluate(Cell("forecasting", "illness", "seasonal-naive", 0, "univariate"), PAPER, root)
    np.testing.assert_allclose(line["mse"], 0.0, atol=1e-20)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"patchtst"}))
def test_every_method_on_both_settings(method: str, root: Path) -> None:
    for setting in ("univariate", "multivariate"):
        line = evaluate(Cell("forecasting", "illness", method, 1, setting), PAPER, root)
        assert line["horizons"] == [24, 36, 48, 60] and len(line["mse"]) == len(line["mae"]) == 4
        assert np.isfinite([*line["mse"], *line["mae"]]).all() and 0 < line["mean_mse"] < 10
        json.dumps(line, allow_nan=False)


def test_patchtst_is_that_of_tsai(root: Path) -> None:
    pytest.importorskip("tsai")
    line = evaluate(Cell("forecasting", "illness", "patchtst", 0, "univariate"), PAPER, root)
    assert line["lookback"] == 64 and line["steps"] == [20] * 4 and line["mean_mse"] < 5


def test_long_horizons_count_every_window(root: Path) -> None:
    line = evaluate(Cell("long-horizon", "illness", "seasonal-naive", 0, "multivariate"), LONG_HORIZON, root)
    n_test = int(0.2 * ROWS)
    assert line["origins"] == [n_test - horizon + 1 for horizon in (24, 36, 48, 60)]
    assert line["n_channels"] == 2 and line["context"] == 104


def test_networks_learn_from_the_training_part_only(root: Path) -> None:
    task = make_task(PAPER, "illness", "univariate", 0, root)
    other = task.scaled.copy()
    other[task.validation :] = 9.0
    first, second = (
        networks.train_network("dlinear", values, task.train, task.validation, 60, 24, seed=0)
        for values in (task.scaled, other)
    )
    for one, two in zip(first.network.parameters(), second.network.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_dlinear_passes_a_constant_and_adds_its_parts() -> None:
    network = networks.DLinear(30, 4)
    x = torch.randn(2, 3, 30, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert network(x).shape == (2, 3, 4)
        ones = torch.ones(1, 1, 30)  # a constant is all trend
        torch.testing.assert_close(network(ones), network.trend_weights(ones) + network.rest_weights.bias)
        torch.testing.assert_close(network(x[:, [2, 0, 1]]), network(x)[:, [2, 0, 1]])


def test_a_week_is_kept_for_the_figure() -> None:
    index = pd.date_range("2020-01-01", periods=1200, freq="h")
    frame = pd.DataFrame({"OT": np.arange(1200.0)}, index)
    task = Task("ETTh1", frame, 600, 800, 800, (24, 168), 50, 0)
    kept = week(task, lambda origin, horizon: task.scaled[origin + 1 : origin + 1 + horizon])
    assert kept is not None and len(kept["forecast"]) == 168 and len(kept["truth"]) == 337
    assert kept["truth"][169:] == kept["forecast"] and kept["origin"] == index[1000].isoformat()
    assert week(Task("ETTh1", frame, 600, 800, 800, (24,), 50, 0), lambda *_: np.zeros((24, 1))) is None


def test_cells_and_their_order() -> None:
    cells = TABLES["forecasting"].grid([("ETTh1", "univariate")], ["ridge-lags", "dlinear"], [0, 1])
    assert [cell.id for cell in cells] == [
        "forecasting/ETTh1/ridge-lags/univariate/seed0",
        "forecasting/ETTh1/dlinear/univariate/seed0",
        "forecasting/ETTh1/dlinear/univariate/seed1",
    ]
    assert set(METHODS) >= SEEDLESS
    assert all("ETTh1" in dict(protocol.cells) for protocol in (PAPER, LONG_HORIZON))


def test_dear_cells_cost_more(root: Path) -> None:
    costs = [expected_cost(Cell("forecasting", "illness", m, 0, "univariate"), root) for m in METHODS]
    assert max(costs) == costs[list(METHODS).index("patchtst")] and min(costs) > 0


def lines_of(errors: dict[str, list[float]], dataset: str = "ETTh1", seed: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "cell": f"forecasting/{dataset}/{method}/univariate/seed{seed}",
            "status": "ok",
            "variant": "univariate",
            "dataset": dataset,
            "method": method,
            "seed": seed,
            "horizons": [24, 48, 168, 336, 720],
            "mse": found,
            "mae": found,
        }
        for method, found in errors.items()
    ]


LINES = lines_of(
    {
        "ridge-lags": [0.03, 0.04, 0.07, 0.08, 0.12],
        "ts2vec-best": [0.02, 0.04, 0.06, 0.084, 0.10],
        "ts2vec-faithful": [0.039, 0.062, 0.134, 0.154, 0.163],
    }
)


def test_verdicts_say_what_the_numbers_decide() -> None:
    table = with_published(error_table(measured(LINES), "mse"), "mse")
    said = " ".join(verdicts(table))
    assert "ETTh1 univariate 0.110 against 0.110 (+0.0%)" in said
    assert "lower mean MSE on 1 of 1 tables (ETTh1 univariate -10.6%)" in said
    assert "at worst +5.0% (ETTh1 univariate, 336)" in said
    assert "lower at 5 of 5 horizons" in said


def test_means_need_every_horizon_and_seeds_are_averaged() -> None:
    more = lines_of({"ridge-lags": [0.05, 0.06, 0.09, 0.10, 0.14]}, seed=1)
    table = error_table(measured([*LINES, *more]), "mse")
    assert table["ridge-lags"].tolist() == pytest.approx([0.04, 0.05, 0.08, 0.09, 0.13])
    assert list(table) == ["ts2vec-best", "ts2vec-faithful", "ridge-lags"]  # as in METHODS


def test_published_rows_are_whole() -> None:
    rows = published_forecasts()
    paper = rows[(rows["method"] == "TS2Vec (paper)") & (rows["dataset"] == "ETTh1")]
    assert len(paper) == 10 and not rows.duplicated(["setting", "dataset", "horizon", "method"]).any()
    univariate = paper[paper["setting"] == "univariate"].sort_values("horizon")
    assert univariate["mse"].tolist() == [0.039, 0.062, 0.134, 0.154, 0.163]


def test_the_command_measures_once_and_writes_pages(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    command = ["forecasting", "illness", "--settings", "univariate", "--methods", "ridge-lags,seasonal-naive"]
    command += ["--root", str(root), "--results", str(folder), "--threads", "1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    lines = (folder / "results.jsonl").read_text().splitlines()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (folder / "results.jsonl").read_text().splitlines() == lines and len(lines) == 2
    page = (folder / "table.md").read_text()
    assert "| illness univariate, 24 | " in page and "**" in page and (folder / "table.html").exists()
    table = pd.read_csv(folder / "table.csv")
    assert {"ridge-lags mse", "seasonal-naive mae"} <= set(table)
    assert CliRunner().invoke(app, ["forecasting", "mars", "--root", str(root)]).exit_code != 0
    written = TABLES["forecasting"].write(folder)
    assert all(path.exists() for path in written)
