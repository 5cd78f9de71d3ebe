"""The command line of the harness, mounted as `tsrep bench`: one command per table, and `table`, which runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep.bench.cells import Cell
from tsrep.bench.examples import ALL, epilog
from tsrep.bench.families import TABLES
from tsrep.bench.options import Results, RunOptions, known
from tsrep.bench.results import RESULTS_FILE, good_lines
from tsrep.bench.table import Table

app = typer.Typer(
    help="Measure methods on public archives, resumably, and make tables of it.",
    epilog=epilog(ALL),
    no_args_is_help=True,
)
console = Console(stderr=True)


def options_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """The keyword-only parameters of a function, with their annotations evaluated."""
    parameters = signature(function, eval_str=True).parameters.values()
    return {each.name: each for each in parameters if each.kind is Parameter.KEYWORD_ONLY}


def command_of(table: Table) -> Callable[..., None]:
    """The command of a table. Its options are those of `cells`, those of `evaluate`, and `RunOptions`."""
    for_cells, for_evaluate = options_of(table.cells), options_of(table.evaluate)
    for_run = {name: option for name, option in options_of(RunOptions).items() if name not in table.without}

    def command(**given: Any) -> None:
        options = RunOptions(**{name: given[name] for name in for_run})
        cells = table.cells(options.root, **{name: given[name] for name in for_cells})
        measure(table, cells, options, **{name: given[name] for name in for_evaluate})

    every = for_cells | for_evaluate | for_run
    command.__signature__ = Signature(list(every.values()))  # type: ignore[attr-defined]
    return command


def measure(table: Table, cells: list[Cell], options: RunOptions, **settings: Any) -> None:
    """Run the cells of a table that are not finished yet, then write its pages; exit code 1 if a cell failed."""
    from tsrep.bench.run import run

    if options.scheduler is not None and options.backend == "loky":
        raise typer.BadParameter("--scheduler needs --backend dask or ray")
    if options.workers > 1 or options.scheduler is not None:
        _installed(options.backend)
    folder = options.results or table.folder
    evaluate = partial(table.evaluate, root=options.root, folder=folder, **settings)
    usual = {name: option.default for name, option in options_of(table.evaluate).items()}
    unusual = {name: value for name, value in settings.items() if value != usual[name]}
    failed = 0
    try:
        for part in filter(None, (table.preparations(cells), cells)):
            _, failures = run(
                part,
                folder / RESULTS_FILE,
                evaluate,
                workers=options.workers,
                threads=options.threads,
                backend=options.backend,
                scheduler=options.scheduler,
                retry_failed=options.retry_failed,
                cost=partial(table.cost, root=options.root) if part is cells else None,
                shortest_first=options.shortest_first,
                settings=unusual,
                console=console,
            )
            failed += failures
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    write(table, folder)
    if failed:
        raise typer.Exit(1)


def _installed(backend: str) -> None:
    from tsrep.bench.engines import engine

    try:
        engine(backend)
    except ImportError as error:
        raise typer.BadParameter(str(error)) from None


def write(table: Table, folder: Path) -> None:
    """Write the pages of a table and name them; exit code 1 if no cell is finished."""
    if not good_lines(folder):
        console.print(f"no finished cell in {folder / RESULTS_FILE}, so no table", highlight=False)
        raise typer.Exit(1)
    for path in table.write(folder):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


for _table in TABLES.values():
    app.command(_table.name, help=_table.help, epilog=epilog(_table.name))(command_of(_table))

_NAMES = " or ".join((", ".join(list(TABLES)[:-1]), list(TABLES)[-1]))


@app.command("table", epilog=epilog("table"))
def write_again(name: Annotated[str, typer.Argument(help=f"{_NAMES}.")], results: Results = None) -> None:
    """Make the tables and figures of results again, without running anything."""
    known("name", [name], TABLES)
    write(TABLES[name], results or TABLES[name].folder)
