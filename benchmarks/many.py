"""Many short series and one very long one through fitting, encoding, detection and forecasts; search among a million.

Source       of ours: time grows in proportion to the number of series and of steps, and memory no faster.
Command      python -m benchmarks.many                            (interrupted, the same command goes on)
Expectation  seconds per series at most 1.5 times those at a tenth as many (detection and forecasts: of the time beyond
             that of 1,000 series, mostly imports and training), the same per step; at most 8 GB; the search of one
             query among 1,000,000 vectors of 64 components at most 50 ms.
Budget       0.6 core-hours in all, one thread.
Result       benchmarks/results/many/table.md

Short series have 100 steps. The encoder is `TS2Vec` with 16 components, 16 hidden channels, depth 3 and 50 training
steps; the detector and the forecaster look back 24 steps, the forecaster 8 ahead, with one scale per series. The
detector has the score of the paper ("hidden") and, for fewer series, the default ("combined"). Each line is measured in
a process of its own; seconds are those of its processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.speed.memory import ROOT, peak
from benchmarks.speed.table import markdown
from tsrep.bench.environment import environment
from tsrep.bench.results import RESULTS_FILE, append_line, read_lines

RESULTS = Path(__file__).parent / "results" / "many"
LENGTH, CONTEXT, HORIZON, COMPONENTS = 100, 24, 8, 64
MOST_TIMES, MOST_GIGABYTES, MOST_MILLISECONDS = 1.5, 8.0, 50.0
SIZES = {
    "series: encoder": (1_000, 10_000, 100_000),
    "series: detector, hidden": (1_000, 10_000, 100_000),
    "series: detector, combined": (1_000, 10_000),
    "series: forecaster": (1_000, 10_000, 100_000),
    "steps: encoder": (100_000, 1_000_000, 10_000_000),
    "steps: detector, hidden": (100_000, 1_000_000, 10_000_000),
    "steps: detector, combined": (100_000, 1_000_000, 10_000_000),
    "steps: forecaster": (100_000, 1_000_000, 10_000_000),
    "search: exact": (1_000_000,),
    "search: approximate": (1_000_000,),
}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def many(n: int) -> np.ndarray:
    """(n, LENGTH) waves of different periods, levels and sizes."""
    random = np.random.default_rng(0)
    phases = np.arange(LENGTH) / random.uniform(1, 5, (n, 1)) + random.uniform(0, 6, (n, 1))
    level, size = random.normal(0, 5, (n, 1)), random.lognormal(0, 1, (n, 1))
    return (level + size * np.sin(phases) + random.normal(0, 0.1, (n, LENGTH))).astype(np.float32)


def long(steps: int) -> np.ndarray:
    """(steps,) a wave with noise."""
    return np.sin(np.arange(steps) / 8) + np.random.default_rng(0).normal(0, 0.1, steps)


class Clock:
    """Seconds of the processor by what was done."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds[what] = round(time.process_time() - began, 3)


def encoder() -> Any:
    from tsrep import TS2Vec

    settings: dict[str, Any] = {"n_components": 16, "hidden_channels": 16, "depth": 3, "max_steps": 50}
    return TS2Vec(**settings, random_state=0, device="cpu", verbose=1)


def as_given(kind: str, n: int) -> Any:
    """A long table of `n` series, or one series of `n` steps."""
    import pandas as pd

    if kind == "steps":
        return long(n)
    times = {"unique_id": np.repeat(np.arange(n), LENGTH), "ds": np.tile(np.arange(LENGTH), n)}
    return pd.DataFrame({**times, "y": many(n).ravel()})


def run_encoder(kind: str, n: int, clock: Clock) -> None:
    X = many(n) if kind == "series" else long(n)[None].astype(np.float32)
    with clock.of("fit"):
        fitted = encoder().fit(X)
    with tempfile.TemporaryDirectory() as folder:
        if kind == "series":
            with clock.of("transform"):
                fitted.transform(X)
            with clock.of("encode"):
                fitted.encode(X, out=Path(folder) / "z.npy")
        else:
            with clock.of("encode"):
                fitted.encode_to_file(X[0], Path(folder) / "z.npy")
            with clock.of("encode causal"):
                fitted.encode_to_file(X[0], Path(folder) / "z.npy", context=CONTEXT)


def run_detector(kind: str, n: int, clock: Clock, score: str) -> None:
    from tsrep.tasks import RepresentationAnomalyDetector

    X = as_given(kind, n)
    with clock.of("fit"):
        detector = RepresentationAnomalyDetector(encoder(), context=CONTEXT, score=score).fit(X)
    with clock.of("detect"):
        detector.predict(X)


def run_forecaster(kind: str, n: int, clock: Clock) -> None:
    from tsrep.tasks import RepresentationForecaster

    X = as_given(kind, n)
    with clock.of("fit"):
        forecaster = RepresentationForecaster(encoder(), horizons=HORIZON, context=CONTEXT).fit(X)
    with clock.of("forecast"):
        forecaster.predict()


def run_search(n: int, clock: Clock, approximate: bool) -> None:
    """Seconds of one query, the median of 21."""
    from sklearn.preprocessing import FunctionTransformer

    from tsrep.tasks import SeriesIndex

    X = np.random.default_rng(0).standard_normal((n, COMPONENTS), dtype=np.float32)
    queries = X[:21] + 0.1
    with clock.of("fit"):
        index = SeriesIndex(FunctionTransformer(), approximate=approximate).fit(X)
    times = []
    for query in queries:
        began = time.process_time()
        index.query(query[None], k=10)
        times.append(time.process_time() - began)
    clock.seconds["query"] = float(np.median(times))


def work_of(name: str) -> Callable[[int, Clock], None]:
    kind, _, what = name.partition(": ")
    if kind == "search":
        return lambda n, clock: run_search(n, clock, what == "approximate")
    if what == "encoder":
        return lambda n, clock: run_encoder(kind, n, clock)
    if what == "forecaster":
        return lambda n, clock: run_forecaster(kind, n, clock)
    return lambda n, clock: run_detector(kind, n, clock, what.removeprefix("detector, "))


@app.command(hidden=True)
def measure_one(name: str, n: int) -> None:
    """Prints the seconds and the peak memory of one line."""
    warnings.simplefilter("ignore")
    clock = Clock()
    work_of(name)(n, clock)
    typer.echo(json.dumps({**clock.seconds, "gigabytes": round(peak("cpu") / 1e9, 3)}))


@app.callback(invoke_without_command=True, help=__doc__)
def measure(
    context: typer.Context,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
    only: Annotated[str, typer.Option(help="Part of the names of the lines to measure.")] = "",
) -> None:
    if context.invoked_subcommand is not None:
        return
    for name, sizes in SIZES.items():
        for n in sizes:
            cell = f"{name}/{n}"
            if only not in name or cell in read_lines(results / RESULTS_FILE):
                continue
            command = [sys.executable, "-m", "benchmarks.many", "measure-one", name, str(n)]
            environ = os.environ | {"OMP_NUM_THREADS": "1"}
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True, env=environ
            )
            line = {"cell": cell, "name": name, "n": n, **json.loads(done.stdout.splitlines()[-1])}
            append_line(results / RESULTS_FILE, line | {"status": "ok"} | environment())
            typer.echo(f"{cell}  {line}")
    typer.echo(f"wrote {write_table(results)}")


def write_table(folder: Path) -> Path:
    """Writes `folder`/table.md from `folder`/results.jsonl."""
    lines = read_lines(folder / RESULTS_FILE)
    rows, seconds = [], 0.0
    for name, sizes in SIZES.items():
        for n in sizes:
            line = lines.get(f"{name}/{n}")
            if line is None:
                continue
            used = {what: line[what] for what in WORK if what in line}
            seconds += sum(used.values())
            shown = [f"{what} {_time(value)}" for what, value in used.items()]
            met = _as_expected(name, n, sizes, lines)
            rows.append(
                [name, f"{n:,}", ", ".join(shown), _per(name, n, used), f"{line['gigabytes']:.1f}", met]
            )
    heads = ("what", "number", "seconds", "each", "GB", "as expected")
    hardware = sorted({line["hardware"]["cpu"] for line in lines.values()})
    text = (
        "# Many series, and a long one\n\n"
        f"Seconds of the processor, one thread; {', '.join(hardware)}; {seconds / 3600:.2f} core-hours in all. Peak "
        "memory of the whole process, 0.7 GB of which are imported libraries. `each`: per series or per step, of all "
        "that the line names. The expectation is in `benchmarks/many.py`.\n\n"
    )
    path = folder / "table.md"
    path.write_text(text + markdown(heads, rows) + "\n", encoding="utf-8")
    return path


WORK = ("fit", "transform", "encode", "encode causal", "detect", "forecast", "query")


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms" if seconds < 0.1 else f"{seconds:.1f}"


def _per(name: str, n: int, used: dict[str, float]) -> str:
    if name.startswith("search"):
        return ""
    return f"{1e6 * sum(used.values()) / n:.0f} µs" if n >= 10_000 else ""


def _as_expected(name: str, n: int, sizes: tuple[int, ...], lines: dict[str, dict[str, Any]]) -> str:
    """Whether the expectation is met; of the first size of a line there is none."""
    line = lines[f"{name}/{n}"]
    if name.startswith("search"):
        return _yes(1e3 * line["query"] <= MOST_MILLISECONDS)
    place = sizes.index(n)
    before = [lines.get(f"{name}/{size}") for size in sizes[:place]]
    if not before or before[-1] is None or before[0] is None:
        return ""
    memory = line["gigabytes"] <= MOST_GIGABYTES
    if place == 1:
        return _yes(memory)
    grown, earlier = (_total(each) - _total(before[0]) for each in (line, before[-1]))
    return _yes(memory and grown <= MOST_TIMES * earlier * (n - sizes[0]) / (sizes[place - 1] - sizes[0]))


def _total(line: dict[str, Any]) -> float:
    return sum(line[what] for what in WORK if what in line)


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


if __name__ == "__main__":
    app()
