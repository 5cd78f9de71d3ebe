"""Measures rows one after another, one JSON line per row; a row with a good line is not measured again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.speed import encoding, growth, memory, online, to_file, training
from benchmarks.speed.machine import rates
from benchmarks.speed.problem import Settings
from benchmarks.speed.rows import (
    ANOMALY,
    CAUSAL,
    FULL_CROPS,
    GROWTH,
    LOSS_MEMORY,
    ONLINE,
    RANDOM_CROPS,
    STEP_MEMORY,
    TO_FILE,
    TRANSFORM,
    Row,
)
from tsrep.bench.environment import environment
from tsrep.bench.results import append_line, read_lines
from tsrep.bench.run import measure

MEASURES: dict[str, Callable[[Row, Settings], dict[str, Any]]] = {
    FULL_CROPS: training.measure,
    RANDOM_CROPS: training.measure,
    STEP_MEMORY: memory.measure,
    LOSS_MEMORY: memory.measure,
    CAUSAL: encoding.measure_windows,
    ANOMALY: encoding.measure_windows,
    TRANSFORM: encoding.measure_transform,
    ONLINE: online.measure,
    TO_FILE: to_file.measure,
    **dict.fromkeys(GROWTH.values(), growth.measure),
}


def run(
    rows: Sequence[Row],
    path: Path,
    settings: Settings,
    *,
    again: bool = False,
    minutes: float | None = None,
    console: Console,
) -> int:
    """Measures the rows without a good line in `path` (`again`: all rows) and returns the number of failed rows.

    No row is started after `minutes`. On a CPU all rows use one thread.
    """
    finished = {name for name, line in read_lines(path).items() if line["status"] == "ok"}
    todo = [row for row in rows if again or row.id not in finished]
    console.print(f"{len(rows)} rows, {len(rows) - len(todo)} done before, {len(todo)} to measure -> {path}")
    started, failed = time.monotonic(), 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not todo) as progress:
        task = progress.add_task("", total=len(todo))
        for done, row in enumerate(todo):
            if minutes is not None and time.monotonic() - started > 60 * minutes:
                console.print(f"time is up: {len(todo) - done} rows left; the same command continues")
                break
            progress.update(task, description=row.id)
            threads = 1 if row.device == "cpu" else torch.get_num_threads()
            line = measure(row, lambda row: _numbers(row, settings), threads)
            append_line(path, line | environment())
            failed += line["status"] != "ok"
            progress.console.print(_summary_line(line), highlight=False, soft_wrap=True)
            progress.advance(task)
    return failed


def _numbers(row: Row, settings: Settings) -> dict[str, Any]:
    result = MEASURES[row.work](row, settings)
    machine: dict[str, Any] = dict(rates(row.device, row.precision, torch.get_num_threads()))
    if row.device != "cpu":
        machine["accelerator"] = torch.cuda.get_device_name(row.device)
    return {"unit": "s"} | result | {"machine": machine}


def _summary_line(line: dict[str, Any]) -> str:
    if line["status"] != "ok":
        return f"{line['cell']}  {line['error']}"
    unit, ours, theirs = line["unit"], line["ours"]["median"], line.get("theirs", {}).get("median")
    text = f"{line['cell']}  {ours:.4g} {unit}"
    if theirs is not None:
        text += f" against {theirs:.4g}: {theirs / ours:.2f} times"
    return text
