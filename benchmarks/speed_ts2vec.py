"""TS2Vec's speed and memory: tsrep against the authors' code, and the growth of the cost.

Source       the authors' repository, github.com/yuezhihan/ts2vec; no number of theirs is quoted, their code is run.
Command      python -m benchmarks.speed_ts2vec --official PATH        (PATH: a checkout of that repository)
             python -m benchmarks.speed_ts2vec --device cuda ...      (the GPU rows; `benchmarks/gpu.sh` runs them)
Expectation  the column "asked" of the table.
Time         about 50 minutes of one core, on an otherwise idle machine. A stopped run is continued by the same command.
             The last row writes 12.8 GB into the folder for temporary files (TMPDIR) and removes them.
Result       benchmarks/results/speed/table.md and docs/performance.md

Without --official, the rival of `encode_causal` and of the anomaly scores is encoding windows one by one; the other
rows have no rival.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tsrep.bench.results import RESULTS_FILE

RESULTS = Path(__file__).parent / "results" / "speed"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    official: Annotated[
        Path | None, typer.Option(help="Checkout of the authors' code.", exists=True, file_okay=False)
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Rows whose name contains this text.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    again: Annotated[bool, typer.Option("--again", help="Measure finished rows again.")] = False,
    rounds: Annotated[int, typer.Option(help="Runs of each program, in turns.", min=1)] = 5,
    seconds: Annotated[float, typer.Option(help="Three rounds are enough after this time of a row.")] = 60.0,
    minutes: Annotated[float | None, typer.Option(help="Start no row after this time.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
    rows_only: Annotated[bool, typer.Option("--list", help="List the rows and exit.")] = False,
    table_only: Annotated[bool, typer.Option("--table", help="Rewrite the table and exit.")] = False,
) -> None:
    from benchmarks.speed.page import write_page
    from benchmarks.speed.problem import Settings
    from benchmarks.speed.rows import rows
    from benchmarks.speed.run import run
    from benchmarks.speed.table import write_table

    console = Console(stderr=True)
    selected = [
        row for row in rows(device, official is not None) if not only or any(text in row.id for text in only)
    ]
    if rows_only:
        for row in selected:
            typer.echo(row.id)
        return
    failed = 0
    if official is None and not table_only:
        console.print("no --official PATH: rows against the authors' code are absent")
    if not table_only:
        settings = Settings(official, rounds=rounds, seconds=seconds)
        path = results / RESULTS_FILE
        failed = run(selected, path, settings, again=again, minutes=minutes, console=console)
    written = [write_table(results)]
    if results == RESULTS:
        written += write_page(PAGE, results)
    for path in written:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    raise typer.Exit(failed > 0)


if __name__ == "__main__":
    app()
