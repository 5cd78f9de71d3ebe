"""The anomaly table: cells from file to metrics, encoders shared, resumed runs, tables, baselines."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tsrep
from tsrep.bench.anomaly import baselines, encoders
from tsrep.bench.anomaly.evaluate import evaluate, judged
from tsrep.bench.anomaly.methods import METHODS, QUICK, SLOW, CachedEncoder
from tsrep.bench.anomaly.scores import archive_means, of_all_methods, pooled_f1, score_table
from tsrep.bench.anomaly.task import AHEAD, COLD_START, TRAINING, Outcome, Task
from tsrep.bench.cells import Cell
from tsrep.bench.commands import app
from tsrep.bench.families import TABLES
from tsrep.tasks import ANOMALY_SCORES, dominant_period

STEPS = np.arange(900)
WAVE = np.sin(STEPS / 7) + 0.05 * np.sin(STEPS * STEPS * 0.37)
SPIKED = np.where(STEPS == 700, 4.0, WAVE)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A UCR series, a KPI series and a two-channel machine, and a classification set for the cold start."""
    place = tmp_path_factory.mktemp("data")
    label = (STEPS[500:] == 700).astype(np.uint8)
    for archive in ("UCR_Anomaly", "KPI", "SMD"):
        (place / "anomaly" / archive).mkdir(parents=True)
    np.savez(place / "anomaly/UCR_Anomaly/one.npz", train=SPIKED[:500], test=SPIKED[500:], test_label=label)
    np.savez(
        place / "anomaly/KPI/k.npz",
        train=SPIKED[:500],
        train_label=np.zeros(500, np.uint8),
        test=SPIKED[500:],
        test_label=label,
        timestamp_start=0,
        interval_s=60,
    )
    two = np.column_stack([SPIKED, np.cos(STEPS / 5)])
    np.savez(place / "anomaly/SMD/m.npz", train=two[:500], test=two[500:], test_label=label)
    rows = np.column_stack([np.arange(6) % 2, WAVE[: 6 * 60].reshape(6, 60)])
    for split in ("TRAIN", "TEST"):
        np.savetxt(place / f"Tiny_{split}.tsv", rows, delimiter="\t")
    return place


def evaluated(root, method, dataset="UCR/one", variant="", kept=None):
    return evaluate(Cell("anomaly", dataset, method, 0, variant), root, kept, max_steps=1)


@pytest.fixture(autouse=True)
def small_encoders(monkeypatch):
    """The benchmark's encoders, narrow and shallow."""
    small = partial(tsrep.TS2Vec, n_components=8, hidden_channels=8, depth=3)
    monkeypatch.setattr(tsrep, "TS2Vec", small)


# Cells


@pytest.mark.parametrize("dataset", ["UCR/one", "KPI/k", "SMD/m"])
def test_a_cell_judges_every_score(root, dataset):
    line = evaluated(root, "untrained", dataset)
    assert set(line["scores"]) == {n for s in QUICK for n in (s, f"{s}, {AHEAD}")}
    assert line["n_train"] == 500 and line["n_test"] == 400 and line["n_anomalous"] == 1
    for metrics in line["scores"].values():
        assert 0 <= metrics["vus_pr"] <= 1 and metrics["seconds"] >= 0
    assert line["scores"]["hidden"]["peak_hits"] is True
    json.dumps(line, allow_nan=False)


def test_every_score_of_the_detector_has_a_method(root):
    assert set(QUICK) | set(SLOW) == set(ANOMALY_SCORES)
    assert set(evaluated(root, "ts2vec-scales")["scores"]) == {"scales", f"scales, {AHEAD}"}


def test_every_method_but_chance_is_smoothed_too(root):
    for method in ("moving-z", "isolation-forest"):
        assert set(evaluated(root, method)["scores"]) == {"", AHEAD}
    assert set(evaluated(root, "random")["scores"]) == {""}


def test_the_cold_start_judges_from_the_first_tenth_on(root, tmp_path):
    line = evaluated(root, "ts2vec", variant=COLD_START, kept=tmp_path)
    assert line["n_train"] == 90 and line["n_test"] == 810
    assert (tmp_path / "cold-start-seed0" / "config.json").is_file()


def test_one_encoder_serves_an_archive(root, tmp_path):
    training = evaluated(root, TRAINING, "UCR", kept=tmp_path)
    assert training["steps"] == 1 and training["last_loss"] > 0
    kept = (tmp_path / "UCR-seed0" / "model.safetensors").read_bytes()
    again = evaluated(root, "ts2vec", kept=tmp_path)
    assert (tmp_path / "UCR-seed0" / "model.safetensors").read_bytes() == kept
    fresh = evaluated(root, "ts2vec")
    assert fresh["scores"]["hidden"]["vus_pr"] == again["scores"]["hidden"]["vus_pr"]


def test_training_reads_training_parts_only(root, tmp_path):
    panel = encoders.training_panel("UCR", root)
    scaled = (SPIKED[:500] - SPIKED[:500].mean()) / SPIKED[:500].std()
    np.testing.assert_allclose(panel, scaled[None, None])
    assert encoders.cold_start_panel(root).shape == (6, 1, 60)


def test_shared_representations_change_nothing(root):
    encoder = encoders.archive_encoder("UCR", "untrained", 0, 1, None, None, None)
    cached = CachedEncoder(encoder)
    X = WAVE[None, None, :300]
    for hide_last in (True, False, True):
        np.testing.assert_array_equal(
            cached.encode_causal(X, context=20, hide_last=hide_last),
            encoder.encode_causal_pair(X, context=20)[int(hide_last)],
        )
    assert len(cached.cache) == 1
    with pytest.raises(TypeError, match="stays so"):
        cached.fit(X)


def test_a_series_without_an_anomaly_counts_for_alarms_only():
    metrics = judged(np.zeros(50, int), Outcome(np.arange(50.0), (np.arange(50) == 7).astype(int), 0.1))
    assert metrics["vus_pr"] is None and metrics["f1"] == 0
    assert metrics["counts"]["raw"] == [0, 1, 0]


def test_the_grid_of_cells():
    table = TABLES["anomaly"]
    cells = table.grid(["UCR/a", "SMD/m"], ["ts2vec", "moving-z"], ["normal", "cold-start"], [0, 1])
    assert [cell.id for cell in table.preparations(cells) if cell.seed == 0] == [
        "anomaly/SMD/training/seed0",
        "anomaly/UCR/training/seed0",
        "anomaly/cold-start/training/seed0",
    ]
    names = [cell.id for cell in cells]
    assert "anomaly/SMD/m/ts2vec/cold-start/seed0" not in names
    assert "anomaly/UCR/a/moving-z/seed0" in names and "anomaly/UCR/a/moving-z/seed1" not in names
    assert len(names) == len(set(names)) == 2 * 2 + 2 + 2 + 1


# Baselines


@pytest.mark.parametrize(
    "method", ["moving-z", "isolation-forest", pytest.param("matrix-profile", marks=pytest.mark.slow)]
)
def test_a_baseline_finds_a_spike(method):
    outcome = METHODS[method](Task(SPIKED[:, None], 500, 0, False, dict))[""]
    assert len(outcome.scores) == 400 and np.isfinite(outcome.scores).all()
    assert abs(int(np.argmax(outcome.scores)) - 200) <= 45
    assert set(np.unique(outcome.alarms)) <= {0, 1}


def test_moving_z_score_by_its_definition():
    series = np.column_stack([WAVE, np.cos(STEPS / 5)])[:400]
    found = baselines.moving_z_score(series, 300, 0)
    for step in (1, 50, 199, 200, 201, 399):
        before = series[max(0, step - 200) : step]
        distance = np.abs(series[step] - before.mean(axis=0))
        wanted = np.mean(distance / (before.std(axis=0) + 0.01 * series[:300].std(axis=0)))
        assert found[step] == pytest.approx(wanted, rel=1e-6)


def test_causal_baselines_do_not_look_ahead():
    changed = np.append(SPIKED[:800], np.zeros(100))
    for score in (baselines.moving_z_score, baselines.isolation_forest):
        first, second = (score(x[:, None], 500, 0)[:800] for x in (SPIKED, changed))
        np.testing.assert_allclose(first, second, rtol=1e-9)


@pytest.mark.slow  # stumpy compiles for half a minute
def test_matrix_profile_is_the_distance_to_the_nearest_training_window():
    series, width = SPIKED[:700], dominant_period(WAVE[:500, None])
    found = baselines.matrix_profile(series[:, None], 500, 0)

    def standardised(start):
        window = series[start : start + width]
        return (window - window.mean()) / window.std()

    for start in (510, 600, 700 - width):
        distances = [np.linalg.norm(standardised(start) - standardised(s)) for s in range(500 - width + 1)]
        assert found[start + width // 2] == pytest.approx(min(distances), abs=1e-5)


def test_gaps_are_filled_for_baselines():
    gap = np.where(STEPS == 300, np.nan, SPIKED)
    filled = np.where(STEPS == 300, (SPIKED[299] + SPIKED[301]) / 2, SPIKED)
    with_gap, without = (
        METHODS["moving-z"](Task(x[:, None], 500, 0, False, dict))[""] for x in (gap, filled)
    )
    np.testing.assert_array_equal(with_gap.scores, without.scores)


# Runs and tables


def test_a_run_is_resumed_and_makes_the_tables(root, tmp_path):
    arguments = ["anomaly", "--all", "--root", str(root), "--results", str(tmp_path), "--max-steps", "1"]
    arguments += ["--methods", "ts2vec,moving-z,random", "--archives", "UCR,SMD"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert {line["status"] for line in lines} == {"ok"}
    assert len(lines) == 3 + 2 * 3 + 3  # trainings; both series; the cold start of the univariate one
    text = (tmp_path / "table.md").read_text()
    for words in (
        "ts2vec, nearest",
        "random",
        "point-adjusted, which flatters",
        "cold-start",
        "straight lines",
    ):
        assert words in text
    assert (tmp_path / "vus_pr.png").is_file() and "table.csv" in done.output
    again = CliRunner().invoke(app, arguments)
    assert "0 to run" in again.output
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == len(lines)
    for steps in ([], ["--max-steps", "2"]):  # a trial stands for no other run
        other = CliRunner().invoke(app, [*arguments[:6], *steps, *arguments[8:]])
        assert other.exit_code == 2 and "results with max_steps=1" in " ".join(other.output.split())
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == len(lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name series, or give --all"),
        (["UCR/none"], "names is 'UCR/none'; wanted some of KPI/k"),
        (["--all", "--archives", "Yahoo"], "--archives is 'Yahoo'; wanted some of KPI"),
        (["--all", "--methods", "lstm"], "--methods is 'lstm'; wanted some of ts2vec"),
        (["--all", "--settings", "warm"], "--settings is 'warm'; wanted some of normal"),
    ],
)
def test_a_run_that_makes_no_sense(root, tmp_path, arguments, words):
    done = CliRunner().invoke(
        app, ["anomaly", *arguments, "--root", str(root), "--results", str(tmp_path)], env={"COLUMNS": "300"}
    )
    assert done.exit_code == 2 and words in " ".join(done.output.split())


def table_of(*rows) -> pd.DataFrame:
    """Score rows (archive, series, row, seed, vus_pr, hits, alarms, there)."""
    return pd.DataFrame(
        [
            {
                "archive": archive, "series": series, "row": row, "setting": "normal", "seed": seed,
                "vus_pr": value, "counts": {"raw": counts},
            }
            for archive, series, row, seed, value, *counts in rows
        ]
    )  # fmt: skip


def test_means_are_over_seeds_then_series_then_archives():
    scores = table_of(
        ("UCR", "a", "x", 0, 0.2, 1, 2, 2), ("UCR", "a", "x", 1, 0.4, 1, 2, 2), ("UCR", "b", "x", 0, 0.5, 0, 0, 6),
        ("KPI", "k", "x", 0, 0.1, 0, 0, 0), ("NAB", "n", "x", 0, 0.3, 0, 0, 0), ("NAB", "m", "x", 0, None, 0, 4, 0),
        ("NAB", "n", "y", 0, 0.9, 0, 0, 0),
    )  # fmt: skip
    means = archive_means(scores, "vus_pr")
    assert means.loc["x", "UCR"] == pytest.approx(0.4) and means.loc["x", "NAB"] == pytest.approx(0.3)
    assert means.loc["x", "mean of KPI, NAB, UCR"] == pytest.approx((0.4 + 0.1 + 0.3) / 3)
    assert np.isnan(means.loc["y", "mean of KPI, NAB, UCR"])
    assert means.loc["x", "mean of their series"] == pytest.approx((0.3 + 0.5 + 0.1 + 0.3) / 4)
    assert np.isnan(means.loc["y", "mean of their series"])
    f1 = pooled_f1(scores, "raw")
    assert f1.loc["x", "UCR"] == pytest.approx((2 * 1 / (2 + 8) + 2 * 1 / (2 + 2)) / 2)


def test_the_tables_hold_what_every_method_has_finished():
    scores = table_of(
        ("UCR", "a", "x", 0, 0.2, 0, 0, 0), ("UCR", "b", "x", 0, 0.3, 0, 0, 0), ("UCR", "a", "y", 0, 0.4, 0, 0, 0),
        ("NAB", "n", "x", 0, 0.5, 0, 0, 0),
    )  # fmt: skip
    kept = of_all_methods(scores)
    assert list(zip(kept["series"], kept["row"], strict=True)) == [("a", "x"), ("a", "y"), ("n", "x")]


def test_trainings_alone_make_no_table():
    lines = pd.DataFrame([{"method": TRAINING, "status": "ok"}])
    with pytest.raises(ValueError, match="nothing to tabulate"):
        score_table(lines)
