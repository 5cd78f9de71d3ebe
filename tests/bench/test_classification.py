"""One real cell end to end, and the choice of data sets, on sets of the archives."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tsrep.bench.cells import Cell
from tsrep.bench.classification.evaluate import evaluate, same_length
from tsrep.bench.commands import app
from tsrep.bench.options import read_seeds

needs_archive = pytest.mark.skipif(
    not (Path(os.environ.get("TSREP_DATA", "/nowhere")) / "UCR" / "ItalyPowerDemand").is_dir(),
    reason="TSREP_DATA does not name a folder with UCR/ItalyPowerDemand",
)


def call(*arguments, code=0):
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


@needs_archive
def test_nearest_neighbours_give_the_archives_published_errors():
    """The archive's own web page: 1-NN error 0.0447 Euclidean and 0.0496 DTW without a window."""
    assert evaluate(Cell("ucr", "ItalyPowerDemand", "1nn-euclidean"))["accuracy"] == pytest.approx(
        1 - 0.0447, abs=5e-5
    )
    pytest.importorskip("numba")
    assert evaluate(Cell("ucr", "ItalyPowerDemand", "1nn-dtw"))["accuracy"] == pytest.approx(
        1 - 0.0496, abs=5e-5
    )


@needs_archive
def test_the_untrained_network_and_a_variant_run():
    plain = evaluate(Cell("ucr", "ItalyPowerDemand", "untrained", 1))
    assert (
        plain["accuracy"] > 0.8 and plain["steps"] == 0 and plain["n_train"] == 67 and plain["n_test"] == 1029
    )
    assert plain["stage_seconds"].keys() == {"fit", "encode", "probe"}
    json.dumps(plain, allow_nan=False)


@needs_archive
def test_command_runs_once_and_writes_the_table(tmp_path):
    line = (
        "ucr",
        "ItalyPowerDemand",
        "GunPoint",
        "--methods",
        "1nn-euclidean",
        "--seeds",
        3,
        "--results",
        tmp_path,
    )
    assert "2 cells, 0 done before, 2 to run" in call(*line)
    assert "2 cells, 2 done before, 0 to run" in call(*line)
    assert "0.955" in (tmp_path / "table.md").read_text()
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2


def test_wrong_words_are_answered_with_the_right_ones(tmp_path):
    assert "1nn-dtw" in call("ucr", "X", "--methods", "svm", code=2)
    assert "not both" in call("ucr", "X", "--all", code=2)
    assert "not both" in call("uea", code=2)
    assert "no-cropping" in call("ts2vec-ablation", "X", "--variants", "none", code=2)
    assert "no UEA data set" in call("uea", "--all", "--root", tmp_path, code=2)
    assert "ts2vec-ablation" in call("table", "imagenet", code=2)
    assert "--seeds is 'many'" in call("ucr", "X", "--seeds", "many", code=2)


def test_seeds_are_a_count_or_a_list():
    assert read_seeds("3") == [0, 1, 2] and read_seeds("4,7") == [4, 7] and read_seeds("4,") == [4]


def test_panels_of_unequal_length_are_padded_to_the_longest():
    X, Xt = same_length(np.ones((2, 1, 3)), np.ones((4, 1, 5)))
    assert X.shape == (2, 1, 5) and Xt.shape == (4, 1, 5)
    assert np.isnan(X[:, :, 3:]).all() and not np.isnan(X[:, :, :3]).any()
