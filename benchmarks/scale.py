"""Memory and time of training and encoding where the data grow: a panel in a file, and in memory.

Source       of ours: resident memory does not grow with a panel that is read from a file, and what is given in memory
             is copied once at most.
Command      python -m benchmarks.scale --folder FOLDER           (FOLDER: room for twice the largest size)
Expectation  of files of 1, 4 and 16 GB: memory beyond that of a small panel under 256 MB at every size; a training step
             within 1.5 times of that at 1 GB; a pass in proportion to the size, within 1.5 times.
Time         about a minute per GB of one core.
Result       benchmarks/results/scale/table.md

A panel has 100 channels of 1,000 steps, 400 KB per instance in 32 bit. `TS2Vec` (16 components, 16 hidden channels,
depth 3) makes 50 steps of 8 instances, and transforms all of it into a `.npy` file. Memory is the peak (VmHWM) of a
process of its own beyond that after the same work on 40 instances; of a panel in memory, beyond the panel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.speed.memory import MEGABYTE, ROOT, peak
from benchmarks.speed.table import markdown
from tsrep.bench.environment import environment
from tsrep.bench.results import RESULTS_FILE, append_line, read_lines

RESULTS = Path(__file__).parent / "results" / "scale"
CHANNELS, STEPS, INSTANCE = 100, 1000, 400_000  # bytes
TRAINING_STEPS = 50
IN_MEMORY = 1  # gigabytes up to which panels in memory are measured too
MOST_MEGABYTES, MOST_TIMES = 256, 1.5
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def write_panel(path: Path, gigabytes: float) -> None:
    """A panel of noise, written a few instances at a time."""
    n = round(gigabytes * 1e9 / INSTANCE)
    random = np.random.default_rng(0)
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, CHANNELS, STEPS)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, n, 250):
            random.standard_normal((min(250, n - start), CHANNELS, STEPS), dtype=np.float32).tofile(file)


@app.command(hidden=True)
def measure_one(path: Path, way: str) -> None:
    """Prints megabytes and seconds of a fit and of a pass over the panel in `path`."""
    from tsrep import TS2Vec

    settings: dict[str, Any] = {"n_components": 16, "hidden_channels": 16, "depth": 3, "batch_size": 8}
    settings |= {"random_state": 0, "device": "cpu"}
    small = np.random.default_rng(0).standard_normal((40, CHANNELS, STEPS), dtype=np.float32)
    TS2Vec(**settings, max_steps=4).fit(small).transform(small)
    before = peak("cpu")
    X: Any = np.load(path, mmap_mode="r" if way == "file" else None)
    given = X.nbytes if way != "file" else 0
    if way == "memory, 64 bit":
        X = X.astype(np.float64)
        given = X.nbytes + X.nbytes // 2  # the panel and what it was made of, at the peak
    elif way == "memory, long series":
        X = X.reshape(5, CHANNELS, -1)
    encoder = TS2Vec(**settings, max_steps=TRAINING_STEPS).fit(X)
    line = {"fit": (peak("cpu") - before - given) / MEGABYTE, "step": _seconds_per_step(encoder)}
    if way == "file":
        began = time.perf_counter()
        encoder.transform(X, out=path.with_suffix(".z.npy"))
        line |= {"pass": time.perf_counter() - began, "both": (peak("cpu") - before) / MEGABYTE}
    typer.echo(json.dumps(line))


def _seconds_per_step(encoder: Any) -> float:
    """The median time between two steps."""
    return float(np.median(np.diff([record["seconds"] for record in encoder.history_])))


@app.callback(invoke_without_command=True, help=__doc__)
def measure(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where panels are written and removed.")] = Path("."),
    sizes: Annotated[list[float], typer.Option(help="Gigabytes of the file.")] = [1, 4, 16],  # noqa: B006
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
) -> None:
    if context.invoked_subcommand is not None:
        return
    for size in sizes:
        path = folder / f"scale-{size:g}.npy"
        try:
            write_panel(path, size)
            ways = ["file"] + ["memory", "memory, 64 bit", "memory, long series"] * (size <= IN_MEMORY)
            for way in ways:
                command = [sys.executable, "-m", "benchmarks.scale", "measure-one", str(path), way]
                environ = os.environ | {"OMP_NUM_THREADS": "1"}
                done = subprocess.run(
                    command, capture_output=True, text=True, cwd=ROOT, check=True, env=environ
                )
                line = {"cell": f"{way}/{size:g} GB", "way": way, "gigabytes": size}
                line |= json.loads(done.stdout.splitlines()[-1])
                append_line(results / RESULTS_FILE, line | {"status": "ok"} | environment())
                typer.echo(line["cell"])
        finally:
            for left in (path, path.with_suffix(".z.npy")):
                left.unlink(missing_ok=True)
    typer.echo(f"wrote {write_table(results)}")


def write_table(folder: Path) -> Path:
    """Writes `folder`/table.md from `folder`/results.jsonl."""
    lines = sorted(
        read_lines(folder / RESULTS_FILE).values(), key=lambda line: (line["way"], line["gigabytes"])
    )
    first = next(line for line in lines if line["way"] == "file")
    rows = []
    for line in lines:
        met = ""
        if line["way"] == "file":
            growth = line["gigabytes"] / first["gigabytes"]
            small = max(line["fit"], line["both"]) <= MOST_MEGABYTES
            even = (
                line["step"] <= MOST_TIMES * first["step"]
                and line["pass"] <= MOST_TIMES * growth * first["pass"]
            )
            met = "yes" if small and even else "**no**"
        timed = [f"{1e3 * line['step']:.0f}", f"{line['pass']:.0f}" if "pass" in line else ""]
        memory = [f"{line['fit']:.0f}", f"{line['both']:.0f}" if "both" in line else ""]
        rows.append([line["way"], f"{line['gigabytes']:g}", *memory, *timed, met])
    heads = ("panel", "GB", "fit, MB", "fit and transform, MB", "ms per step", "pass, s", "as expected")
    hardware = sorted({line["hardware"]["cpu"] for line in lines})
    text = (
        "# Panels larger than memory\n\n"
        f"Peak memory beyond that of a small panel (and of a panel in memory, beyond the panel), the median time of a "
        f"training step, and the time in which all of it is transformed; {', '.join(hardware)}, one thread. Expected "
        f"are at most {MOST_MEGABYTES} MB, and times that do not grow (a pass: more than the size) by more than "
        f"{MOST_TIMES:g} times.\n\n"
    )
    path = folder / "table.md"
    path.write_text(text + markdown(heads, rows) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    app()
