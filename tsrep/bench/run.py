"""Runs cells and writes their lines. It knows no model: `evaluate` turns a cell into numbers.

A cell with a good line is never run again; one that failed is run again only when asked. A failure is a line with the
error and stops nothing. The parent process alone writes, so an interrupted run loses at most the cells in flight. Two
runs on the same results share the cells: each claims what it runs (`claims.py`), several workers all that is left.
Several workers are run by joblib, Dask or Ray (`engines.py`).
"""

from __future__ import annotations

import json
import math
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tsrep.bench.cells import Cell, Measurable
from tsrep.bench.claims import Claims
from tsrep.bench.engines import engine
from tsrep.bench.environment import environment
from tsrep.bench.results import append_line, read_lines

Evaluate = Callable[[Cell], dict[str, Any]]
M = TypeVar("M", bound=Measurable)


def pending(cells: Iterable[Cell], results_path: Path, retry_failed: bool = False) -> list[Cell]:
    """Cells without a line; with `retry_failed` also those whose lines are all failures."""
    lines = read_lines(results_path)
    return [c for c in cells if c.id not in lines or (retry_failed and lines[c.id]["status"] != "ok")]


def run(
    cells: Sequence[Cell],
    results_path: Path,
    evaluate: Evaluate,
    *,
    workers: int = 1,
    threads: int | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    retry_failed: bool = False,
    cost: Callable[[Cell], float] | None = None,
    shortest_first: bool = False,
    settings: Mapping[str, Any] | None = None,
    console: Console | None = None,
) -> tuple[int, int]:
    """Run what is pending and return (finished, failed) of this call.

    Parameters
    ----------
    evaluate : callable
        Takes a cell and returns JSON-ready numbers. It must be importable by name (a module-level function or a
        `functools.partial` of one) for more than one worker.
    workers, threads : int
        Processes, and computing threads in each; None: see `threads_of_each`. Results on a CPU are the same to the bit
        only with the same number of threads, which each line records.
    backend : "loky", "dask" or "ray"
        Who runs more than one worker. A cell whose worker was killed is run again by another one.
    scheduler : str
        Address of a running Dask or Ray cluster; its workers need the package and the data at the same paths.
    cost : callable
        Expected effort of a cell in any unit. Within a seed the most expensive start first, so that the workers
        end together; or with `shortest_first` the cheapest, so that a run that is cut short has finished more.
    settings : dict
        What `evaluate` was told other than its defaults. Each line records it, and `results_path` may hold no line with
        other ones: a short trial would stand for the real run.

    Raises
    ------
    ValueError
        `results_path` holds lines that were measured with other `settings`.
    """
    settings = dict(settings or {})
    _check_settings(results_path, settings)
    console = console or Console(stderr=True)
    threads = threads or threads_of_each(workers)
    before = read_lines(results_path)
    todo = pending(dict.fromkeys(cells), results_path, retry_failed)
    if cost is not None:
        costs = {cell: _cost_of(cell, cost) for cell in todo}
        todo.sort(key=lambda cell: (cell.seed, costs[cell] if shortest_first else -costs[cell]))
    console.print(
        f"{len(cells)} cells, {len(cells) - len(todo)} done before, {len(todo)} to run -> {results_path}"
    )
    finished = failed = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    alone = scheduler is None and (workers == 1 or len(todo) < 2)
    try:
        with (
            Claims(results_path) as claims,
            Progress(*columns, console=console, disable=not todo) as progress,
        ):
            task = progress.add_task("bench", total=len(todo))
            claimed = _claimed(todo, claims, results_path, before)
            lines = (
                map(partial(measure, evaluate=evaluate, threads=threads), claimed)
                if alone
                else _by_engine(list(claimed), evaluate, workers, threads, backend, scheduler)
            )
            for line in lines:
                append_line(results_path, line | ({"options": settings} if settings else {}))
                good = line["status"] == "ok"
                finished, failed = finished + good, failed + (not good)
                progress.console.print(_one_line(line), highlight=False, soft_wrap=True)
                progress.advance(task)
    except KeyboardInterrupt:
        console.print(
            f"stopped after {finished + failed} of {len(todo)} cells; the same command goes on from here"
        )
        raise
    if finished + failed < len(todo):
        console.print(f"{len(todo) - finished - failed} cells were left to another run on {results_path}")
    return finished, failed


def _check_settings(results_path: Path, settings: dict[str, Any]) -> None:
    for line in read_lines(results_path).values():
        before = line.get("options", {})
        if before != settings:
            raise ValueError(
                f"{results_path} holds results with {_in_words(before)}; wanted the same and not "
                f"{_in_words(settings)}, or another folder for --results"
            )


def _in_words(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items()) or "the default options"


def _cost_of(cell: Cell, cost: Callable[[Cell], float]) -> float:
    """The cost of a cell; infinite where it cannot be told, since such a cell fails when it is run."""
    try:
        return cost(cell)
    except Exception:
        return math.inf


def _claimed(
    cells: Iterable[Cell], claims: Claims, results_path: Path, before: dict[str, dict[str, Any]]
) -> Iterator[Cell]:
    """The cells, each claimed when it is asked for, without those that another run has, or has done since `before`."""
    for cell in cells:
        if claims.take(cell.id) and read_lines(results_path).get(cell.id) == before.get(cell.id):
            yield cell


def _by_engine(
    cells: Sequence[Cell],
    evaluate: Evaluate,
    workers: int,
    threads: int,
    backend: str,
    scheduler: str | None,
) -> Iterator[dict[str, Any]]:
    work = partial(measure, evaluate=evaluate, threads=threads)
    for cell, outcome in engine(backend)(work, cells, workers, threads, scheduler):
        yield _failure(cell, outcome, threads) if isinstance(outcome, Exception) else outcome


def _failure(cell: Cell, error: Exception, threads: int) -> dict[str, Any]:
    """The line of a cell whose worker was killed too often, by the error that the engine gives."""

    def killed(_: Cell) -> dict[str, Any]:
        raise error

    return measure(cell, killed, threads)


def measure(cell: M, evaluate: Callable[[M], dict[str, Any]], threads: int) -> dict[str, Any]:
    """The line of one cell: status "ok" with the numbers, or "failed" with the error if `evaluate` raises one."""
    started = time.perf_counter()
    line: dict[str, Any] = {
        "cell": cell.id,
        **asdict(cell),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        with limited(threads):
            numbers = evaluate(cell)
        _check_numbers(numbers)
        line |= {"status": "ok", **numbers}
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        trace = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        line |= {"status": "failed", "error": f"{type(error).__name__}: {error}", "traceback": trace}
    line["seconds"] = round(time.perf_counter() - started, 3)
    return line | {"threads": threads} | environment()


def _check_numbers(numbers: dict[str, Any]) -> None:
    """Raises for the first entry that a line of JSON cannot hold."""
    for name, value in numbers.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} is {value!r}, which no line of results holds: {error}") from error


def threads_of_each(workers: int) -> int:
    """The cores that this process may use, shared out evenly, and no more threads than OMP_NUM_THREADS says."""
    from joblib import cpu_count

    most = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    share = max(1, cpu_count() // workers)
    return min(share, int(most)) if most.isdecimal() and int(most) else share


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Limit BLAS, OpenMP and torch to a number of threads inside a `with` block."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def _one_line(line: dict[str, Any]) -> str:
    result = f"{line['accuracy']:.4f}" if "accuracy" in line else line["status"]
    return f"{line['cell']}  {result}  {line['seconds']:.1f} s  {line.get('error', '')}".rstrip()
