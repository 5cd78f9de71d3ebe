"""Engines: the same lines as one process, and a killed worker costs nothing but the time of its cell."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tsrep.bench import engines
from tsrep.bench.cells import Cell, grid
from tsrep.bench.commands import app
from tsrep.bench.results import read_lines
from tsrep.bench.run import run

CELLS = grid("toy", ["A", "B", "C"], ["m"], [0, 1])
INSTALLED = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            not engines.is_installed(name), reason=f"{engines.PACKAGES[name]} is not installed"
        ),
    )
    for name in engines.ENGINES
]


def counted(cell: Cell, folder: Path, deadly: tuple[str, ...] = (), deaths: int = 1) -> dict:
    """A cell's number; each call leaves a file, and the first `deaths` calls of a deadly cell kill their process."""
    calls = folder / cell.id.replace("/", "-")
    with calls.open("a") as file:
        file.write("x")
    if cell.id in deadly and len(calls.read_text()) <= deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"accuracy": 0.5 + 0.1 * cell.seed}


def own_process(cell: Cell) -> int:
    return os.getpid()


class Unreadable:
    """Can be pickled, and not be read again."""

    def __reduce__(self):
        return int, ("no number",)


def unreadable_first(cell: Cell):
    return Unreadable() if cell == CELLS[0] else cell.id


def calls_of(folder: Path) -> dict[str, int]:
    return {path.name: len(path.read_text()) for path in folder.iterdir()}


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_killed_worker_loses_its_cell_only_and_it_is_done_again(backend, tmp_path):
    folder, path = tmp_path / "calls", tmp_path / "results.jsonl"
    folder.mkdir()
    work = partial(counted, folder=folder, deadly=(CELLS[0].id,))
    assert run(CELLS, path, work, workers=2, backend=backend) == (6, 0)
    lines = read_lines(path)
    assert set(lines) == {cell.id for cell in CELLS} and len(path.read_text().splitlines()) == 6
    assert lines[CELLS[-1].id]["accuracy"] == 0.6 and lines[CELLS[-1].id]["hardware"]["cores"]
    calls = calls_of(folder)
    assert calls[CELLS[0].id.replace("/", "-")] == 2
    assert sum(calls.values()) == 7
    assert run(CELLS, path, work, workers=2, backend=backend) == (0, 0)


@pytest.mark.parametrize(
    ("backend", "error"),
    [
        pytest.param("loky", "killed 3 times; is there too little memory"),
        pytest.param("dask", "KilledWorker", marks=pytest.mark.slow),
    ],
)
def test_a_cell_that_always_kills_its_worker_is_a_failure_and_stops_nothing(backend, error, tmp_path):
    if not engines.is_installed(backend):
        pytest.skip(f"{engines.PACKAGES[backend]} is not installed")
    folder, path = tmp_path / "calls", tmp_path / "results.jsonl"
    folder.mkdir()
    work = partial(counted, folder=folder, deadly=(CELLS[0].id,), deaths=99)
    assert run(CELLS, path, work, workers=2, backend=backend) == (5, 1)
    line = read_lines(path)[CELLS[0].id]
    assert line["status"] == "failed" and error in line["error"]
    calls = calls_of(folder)
    assert calls[CELLS[0].id.replace("/", "-")] == engines.MOST_DEATHS
    if backend == "loky":  # Dask also does again what a killed worker had not handed over
        assert sum(calls.values()) == engines.MOST_DEATHS + 5


def test_an_outcome_that_cannot_be_read_stops_no_other():
    outcomes = dict(engines.on_loky(unreadable_first, CELLS[:3], 1, 1, None))
    assert isinstance(outcomes.pop(CELLS[0]), Exception)
    assert outcomes == {cell: cell.id for cell in CELLS[1:3]}


def test_loky_leaves_no_process_behind_when_it_is_stopped(tmp_path):
    outcomes = engines.on_loky(own_process, CELLS, 2, 1, None)
    _, pid = next(outcomes)
    os.kill(pid, 0)  # it is there
    outcomes.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(not engines.is_installed("dask"), reason="distributed is not installed")
def test_a_running_cluster_is_used(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        work = partial(counted, folder=tmp_path)
        address = cluster.scheduler_address
        done = run(CELLS[:2], tmp_path / "r.jsonl", work, backend="dask", scheduler=address)
        assert done == (2, 0)
    with pytest.raises(ValueError, match="'loky' has processes of this machine only"):
        next(iter(engines.on_loky(work, CELLS, 2, 1, "tcp://nowhere:1")))


def test_what_is_missing_is_said_before_anything_runs(monkeypatch):
    from typer.testing import CliRunner

    monkeypatch.setitem(engines.PACKAGES, "ray", "no_such_package")
    with pytest.raises(ImportError, match=r"pip install 'tsrep\[ray\]'"):
        engines.engine("ray")
    runner = CliRunner()
    missing = runner.invoke(app, ["masked", "Wine", "--workers", "2", "--backend", "ray"])
    assert missing.exit_code == 2 and "tsrep[ray]" in missing.output
    alone = runner.invoke(app, ["masked", "Wine", "--scheduler", "tcp://nowhere:1"])
    assert alone.exit_code == 2 and "--backend dask or ray" in alone.output
