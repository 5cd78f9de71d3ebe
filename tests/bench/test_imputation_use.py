"""What imputation is good for: classification after it, and distributions against known conditional ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from typer.testing import CliRunner

from tsrep.bench.cells import Cell
from tsrep.bench.commands import app
from tsrep.bench.families import TABLES
from tsrep.bench.imputation import toy as toys
from tsrep.bench.imputation.downstream import accuracy_table
from tsrep.bench.imputation.downstream import evaluate as classify
from tsrep.bench.imputation.toy import TOYS, evaluate, gaussian_moments


@pytest.mark.parametrize("toy", TOYS)
def test_the_true_distribution_function_of_the_truth_is_uniform(toy: str) -> None:
    draw, distribution = TOYS[toy]
    truth, seen = draw(1500, np.random.default_rng(0))
    gone = np.isnan(seen)
    np.testing.assert_array_equal(seen[~gone], truth[~gone])
    assert kstest(distribution(truth, seen)[gone], "uniform").statistic < 0.015
    drawn = evaluate(Cell("imputation-toy", toy, "true draws", 0), n=1500)
    middle = evaluate(Cell("imputation-toy", toy, "true mean", 0), n=1500)
    assert drawn["distance"] < 0.015 and drawn["deviation"] == pytest.approx(
        drawn["true_deviation"], rel=0.05
    )
    assert middle["distance"] == pytest.approx(0.5, abs=0.01) and middle["rmse"] < drawn["rmse"]


def test_conditional_moments_by_hand() -> None:
    seen = np.full((1, 1, toys.LENGTH), 1.0)
    seen[0, 0, 1] = np.nan  # between two neighbours only they count
    mean, deviation = gaussian_moments(seen)
    a = toys.COEFFICIENT
    assert mean[0, 0, 1] == pytest.approx(2 * a / (1 + a**2))
    assert deviation[0, 0, 1] ** 2 == pytest.approx((1 - a**2) / (1 + a**2))
    assert mean[0, 0, 0] == 1 and deviation[0, 0, 0] == 0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A UCR set of two classes that differ in their level."""
    folder = tmp_path_factory.mktemp("data") / "UCR" / "Tiny"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part in ("TRAIN", "TEST"):
        rows = rng.normal(size=(12, 30)) + np.repeat([0, 6], 6)[:, None]
        table = np.column_stack([np.repeat([1, 2], 6), rows])
        np.savetxt(folder / f"Tiny_{part}.tsv", table, delimiter="\t")
    return folder.parents[1]


@pytest.mark.parametrize("method", ["whole", "gaps", "linear"])
def test_every_filling_is_classified(root: Path, method: str) -> None:
    variant = "" if method == "whole" else "mcar30"
    line = classify(Cell("imputation-downstream", "Tiny", method, 0, variant), root, max_steps=1)
    assert line["accuracy"] > 0.8 and line["steps"] == 1
    assert line["missing"] == pytest.approx(0.0 if method == "whole" else 0.3, abs=0.05)


def test_the_whole_set_is_measured_once_and_stands_in_every_row() -> None:
    cells = TABLES["imputation-downstream"].grid(["A"], ["whole", "gaps"], ["mcar10", "mcar50"], [0])
    assert [cell.id.removeprefix("imputation-downstream/") for cell in cells] == [
        "A/whole/seed0",
        "A/gaps/mcar10/seed0",
        "A/gaps/mcar50/seed0",
    ]
    rows = [("A", cell.method, cell.variant, 0.9 - 0.1 * i) for i, cell in enumerate(cells)]
    table = accuracy_table(pd.DataFrame(rows, columns=["dataset", "method", "variant", "accuracy"]))
    assert list(table) == ["whole", "gaps"] and table.index.tolist() == [("A", 10), ("A", 50)]
    np.testing.assert_allclose(table, [[0.9, 0.8], [0.9, 0.7]])


def test_the_commands_write_their_tables(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "down"
    command = ["imputation-downstream", "Tiny", "--variants", "mcar20", "--methods", "gaps,linear"]
    command += ["--max-steps", "0", "--root", str(root), "--results", str(folder), "--threads", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "| Tiny, 20 % taken away |" in (folder / "table.md").read_text()
    folder = tmp_path / "toy"
    command = ["imputation-toy", "mixture", "--methods", "true mean; true draws", "--results", str(folder)]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "| mixture: true mean | 0.5" in (folder / "table.md").read_text()
    assert CliRunner().invoke(app, ["imputation-toy", "moon"]).exit_code != 0
