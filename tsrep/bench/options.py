"""The options of the `tsrep bench` commands, typed once, and the reading of their values.

`RunOptions` are shared by all tables. The others belong to the tables that name them in `Table.cells` or
`Table.evaluate`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

Names = Annotated[list[str] | None, typer.Argument(help="Data sets by name.")]
AllFound = Annotated[bool, typer.Option("--all", help="Every data set found under --root.")]
MaxLength = Annotated[int | None, typer.Option(help="Leave out data sets with longer series.", min=1)]
Smallest = Annotated[int | None, typer.Option(help="Keep this many, fewest training values first.", min=1)]
Seeds = Annotated[str, typer.Option(help='How many seeds ("5": 0 to 4), or which ("0,3").')]
Methods = Annotated[str, typer.Option(help="Methods, separated by commas.")]
Results = Annotated[
    Path | None, typer.Option(help="Folder of results and tables; default benchmarks/results/TABLE.")
]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where the data lie, where the results go, and how the cells are run."""

    results: Results = None
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads in each process; default: the cores shared out, or OMP_NUM_THREADS.", min=1
        ),
    ] = None
    backend: Annotated[
        Literal["loky", "dask", "ray"], typer.Option(help="What runs more than one process.")
    ] = "loky"
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a running Dask or Ray cluster, to run there.")
    ] = None
    root: Annotated[Path | None, typer.Option(help="Folder of the archives; default $TSREP_DATA.")] = None
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run cells again that failed before.")
    ] = False
    shortest_first: Annotated[
        bool, typer.Option("--shortest-first", help="Start with the cheapest cells: more of them, sooner.")
    ] = False


def split(text: str, separator: str = ",") -> list[str]:
    """The words between separators; empty ones are dropped."""
    return [part.strip() for part in text.split(separator) if part.strip()]


def read_seeds(text: str) -> list[int]:
    """[0, 1, 2] of the count "3"; [4, 7] of the list "4,7"; [4] of the list "4,"."""
    try:
        numbers = [int(part) for part in split(text)]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or ("," not in text and numbers[0] < 1):
        raise typer.BadParameter(f"--seeds is {text!r}; wanted a count such as 5 or a list such as 0,1,2")
    return numbers if "," in text else list(range(numbers[0]))


def known(argument: str, given: Sequence[str], names: Collection[str]) -> list[str]:
    """`given` as a list; an error if it is empty or holds anything that is not in `names`."""
    unknown = [name for name in given if name not in names]
    if unknown or not given:
        raise typer.BadParameter(f"{argument} is {', '.join(unknown)!r}; wanted some of {', '.join(names)}")
    return list(given)


def named_or_all(names: Sequence[str] | None, all_found: bool, what: str) -> None:
    """An error unless either names or --all were given."""
    if bool(names) == all_found:
        raise typer.BadParameter(f"name {what}, or give --all for every one found; not both")


def nothing_found(what: str, place: str) -> typer.BadParameter:
    """The error where the folder of the archives holds nothing for a table."""
    return typer.BadParameter(f"no {what} found: set --root or TSREP_DATA to the folder that holds {place}")
