"""A step of MAE's pre-training on images: visible patches only, against full length and against transformers.

Source       He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, tables 1c and 2: with mask
             tokens in the encoder a step takes 3.3 times the operations, training 2.8 to 4.1 times as long.
Command      python -m benchmarks.vision_speed --python PATH      (PATH: an interpreter with transformers and torch)
             benchmarks/vision_gpu.sh                             (the rows that need a GPU)
Expectation  the column "asked" of the table.
Time         about six minutes of one core, on an idle machine; a stopped run is continued by the same command.
Result       benchmarks/results/vision-speed/table.md and table.csv

Three quarters of the patches are hidden. The encoder alone is its forward and backward pass; a step is forward, loss,
backward and AdamW. "Full length" is the same network with mask tokens in the encoder, in the places of the hidden
patches. Both programs of a row are run in turns, on one thread each. Where other programs were in the way, processor
times are compared. Without --python the rows against transformers are written as not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.vision.problem import FULL, SIZES, VISIBLE, Sizes, encoders, training_step
from benchmarks.vision.rival import NO_PYTHON, rival
from benchmarks.vision.table import Measured, write_table
from benchmarks.vision.turns import in_turns, load, program
from tsrep.bench.results import RESULTS_FILE, append_line, good_lines
from tsrep.bench.run import measure

RESULTS = Path(__file__).parent / "results" / "vision-speed"
ENCODER, STEP, PEER = "encoder alone", "training step", "training step, transformers"
ASKED = {ENCODER: 3.0, STEP: 2.0, PEER: 1.3}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Row:
    """One comparison of the table."""

    work: str
    size: str

    @property
    def id(self) -> str:
        return f"{self.work}/{self.size}/cpu"


ROWS = [Row(work, size) for size, work in product(SIZES, ASKED)]


def compare(row: Row, sizes: Sizes, rounds: int, seconds: float, python: Path | None) -> dict[str, Any]:
    """Both programs of a row in turns: `ours`, `theirs`, and the load of the machine."""
    before = load()
    if row.work == PEER:
        with rival(python, sizes, "cpu") as peer:
            ours = program(training_step(sizes, VISIBLE), "cpu")
            found = in_turns({"ours": ours, "theirs": peer.timed}, rounds, seconds)
            return {**found, "load": [before, load()], "rival": peer.versions}
    names = (VISIBLE, FULL)
    made = encoders(sizes) if row.work == ENCODER else {name: training_step(sizes, name) for name in names}
    visible, full = (program(made[name], "cpu") for name in names)
    found = in_turns({"ours": visible, "theirs": full}, rounds, seconds)
    return {**found, "load": [before, load()], "rival": FULL}


@app.command(help=__doc__)
def main(
    python: Annotated[
        Path | None, typer.Option(help="Interpreter with transformers.", exists=True, dir_okay=False)
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Rows whose name contains this text.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure finished rows again.")] = False,
    rounds: Annotated[int, typer.Option(help="Rounds of both programs in turns.", min=3)] = 11,
    seconds: Annotated[float, typer.Option(help="Three rounds are enough after this time.")] = 60.0,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the tables.")] = RESULTS,
) -> None:
    done = set() if again else {line["cell"] for line in good_lines(results)}
    selected = [row for row in ROWS if not only or any(text in row.id for text in only)]
    for row in selected:
        if row.id in done:
            continue
        if row.work == PEER and python is None:
            typer.echo(f"{row.id}: not measured; {NO_PYTHON}")
            continue
        line = measure(row, lambda row: compare(row, SIZES[row.size], rounds, seconds, python), threads=1)
        append_line(results / RESULTS_FILE, line)
        typer.echo(f"{row.id}: {line.get('error', 'measured')}")
    for path in tables(results):
        typer.echo(f"wrote {path}")


def tables(folder: Path) -> list[Path]:
    """Writes `folder`/table.md and table.csv from `folder`/results.jsonl."""
    lines = {line["cell"]: line for line in good_lines(folder)}
    compared = [
        Measured(
            row.work,
            f"{row.size}, batch {SIZES[row.size].batch}",
            VISIBLE,
            "transformers' ViTMAE" if row.work == PEER else FULL,
            ASKED[row.work],
            lines.get(row.id),
        )
        for row in ROWS
    ]
    return write_table(folder, "MAE on images: speed of a training step", compared, list(lines.values()))


if __name__ == "__main__":
    app()
