"""The worked examples below the help of `tsrep bench` are shown, and they measure what they say."""

import shlex
from functools import partial

import pytest

from tsrep.bench import commands
from tsrep.bench.examples import ALL, EXAMPLES
from tsrep.bench.families import TABLES
from tsrep.bench.results import RESULTS_FILE

BUNDLED = ("ucr", "uea", "ts2vec-ablation", "imputation", "imputation-downstream", "imputation-toy", "masked")
"""Tables whose example needs only data that come with sktime, or none."""
TRAININGS = {"ucr": 6, "uea": 1, "masked": 1}
"""Cells of a method that trains, at least."""


@pytest.fixture
def bench(shell, monkeypatch):
    """Runs the example of a table up to its cells, and gives these with the settings of their measurement."""
    asked = []
    monkeypatch.setattr(
        commands, "measure", lambda table, cells, options, **settings: asked.append((table, cells, settings))
    )

    def run(name):
        words = shlex.split(EXAMPLES[name][1])
        assert words[:3] == ["tsrep", "bench", name]
        shell(*words[1:])
        return asked.pop()

    return run


def test_every_help_has_its_example(shell):
    assert set(EXAMPLES) == {*TABLES, "table"}
    for name, (question, typed, result) in EXAMPLES.items():
        shown = shell("bench", name, "--help")
        for words in (question, f"$ {typed}", result):
            assert words in shown, name
    assert f"$ {EXAMPLES[ALL][1]}" in shell("bench", "--help")


def measures(bench, name):
    table, cells, settings = bench(name)
    assert table is TABLES[name] and cells
    assert {cell.table for cell in cells} == {name}
    words = shlex.split(EXAMPLES[name][1])[3:]
    methods = words[words.index("--methods") + 1].split(",") if "--methods" in words else []
    assert {cell.method for cell in cells} >= set(methods)
    assert len(cells) >= TRAININGS.get(name, 1)
    assert set(settings) == set(commands.options_of(table.evaluate))
    return cells


@pytest.mark.parametrize("name", BUNDLED)
def test_the_examples_on_bundled_data(name, bench, monkeypatch):
    monkeypatch.delenv("TSREP_DATA", raising=False)
    measures(bench, name)


@pytest.mark.parametrize("name", sorted({*TABLES} - {*BUNDLED}))
def test_the_examples_on_archives(name, bench, data_root):
    measures(bench, name)


def test_the_pages_are_made_again(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = partial(shell, *shlex.split(EXAMPLES["table"][1])[1:])
    assert f"no finished cell in benchmarks/results/ucr/{RESULTS_FILE}" in run(code=1)
