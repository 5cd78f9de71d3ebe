"""How a command reads a table file, and what it reports about it. No other file of the command line opens a table.

A table holds one series, with a time column and one column per channel, or it is long: a row per series and time,
with the columns `unique_id`, `ds` and values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from tsrep.cli.table_options import TableOptions

if TYPE_CHECKING:
    import pandas as pd

    from tsrep.data.table import ReadOptions, RegularTable

STAND_INS = (-999.0, -9999.0, -99999.0)
"""Numbers that instruments write where they measured nothing."""


def read_series(
    file: Path, options: TableOptions, min_steps: int = 2, empty_columns: bool = False
) -> RegularTable:
    """The series in `file`: its frame (t, c) of floats on a regular index with NaN where nothing was measured, and what
    was seen; `empty_columns` keeps columns without a value.

    Raises
    ------
    TableError
        The file holds no regular series, or one of fewer than `min_steps` rows; see `tsrep.data.read_table`.
    """
    from tsrep.data import TableError
    from tsrep.data.tables import ONLY, read_tables

    tables = read_tables(file, replace(read_options(options, min_steps), empty_columns=empty_columns))
    if list(tables) != [ONLY]:
        raise TableError(f"{file.name} is a long table of {len(tables)} series; wanted one series")
    return tables[ONLY]


def read_options(options: TableOptions, min_steps: int = 2) -> ReadOptions:
    """The options of a command as those of the reader."""
    from tsrep.data.table import ReadOptions

    return ReadOptions(
        time=options.time,
        columns=options.column_names,
        min_steps=min_steps,
        sort=options.sort,
        every=options.every,
        missing=options.missing,
        day_first=options.day_first,
        written=options.written,
    )


@dataclass(frozen=True)
class LongTable:
    """The long table in a file.

    Attributes
    ----------
    frame : (rows, 2 + c) `unique_id`, `ds` and the other columns.
    notes : how it was read, in words.
    name : that of the file.
    options : how its series are read.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    name: str
    options: ReadOptions

    def series(self, min_steps: int = 1, empty_columns: bool = True) -> dict[Any, RegularTable]:
        """Each series on a regular index of its own, with what was seen."""
        from tsrep.data import TableError
        from tsrep.data.long import split_tables

        options = replace(self.options, min_steps=min_steps, empty_columns=empty_columns)
        try:
            return split_tables(self.frame, options)
        except TableError as error:
            raise TableError(f"{self.name}: {error}") from error


def read_long_table(file: Path, options: TableOptions, refused: Sequence[str] = ()) -> LongTable | None:
    """The long table in `file`, or None if the file holds one series.

    Parameters
    ----------
    refused : options beside those in `options` that were given, and that a long table does not take.

    Raises
    ------
    ValueError
        An option was given that a long table does not take.
    """
    from tsrep.data.long import open_long

    opened = open_long(file, options.written, options.day_first)
    if opened is None:
        return None
    refused = [*(["--time"] if options.time is not None else []), *refused]
    if refused:
        raise ValueError(
            f"{', '.join(refused)} cannot be given: {file.name} is a long table, with the columns unique_id and ds"
        )
    return LongTable(opened.frame, opened.notes, file.name, read_options(options))


def in_columns(file: Path, frame: pd.DataFrame, wanted: Sequence[str], reason: str) -> pd.DataFrame:
    """`frame` with its columns in the order of `wanted`; a ValueError with the `reason` if it has others."""
    names = list(frame.columns)
    if set(names) != set(wanted):
        raise ValueError(f"{file} has the columns {names}; wanted {list(wanted)}, {reason}")
    return frame[list(wanted)]


def has_header(path: Path) -> bool:
    """Whether a text file begins with names of columns, as no file of the UCR archive does."""
    from tsrep.data.files import header_of

    names = header_of(path)
    return bool(names) and not all(name.isdecimal() for name in names)


# What is reported


def described(file: Path, table: RegularTable) -> str:
    """Rich markup: steps, gaps, columns and times of a table, what was decided, and values that may stand for gaps."""
    first, *others = table.summary.lines()
    line = f"[bold]{escape(file.name)}[/bold]: {escape(first)}; columns {first_names(table.frame.columns)}"
    return "\n".join([line, *map(escape, others), *stand_in_lines(table.frame)])


def described_series(
    file: Path, counted: str, series: Mapping[Any, RegularTable], notes: Sequence[str]
) -> str:
    """Rich markup: what is `counted` in a table of several series, their times and steps, and what was decided."""
    lines = lines_of_series(series, notes)
    return "\n".join([f"[bold]{escape(file.name)}[/bold]: {counted}", *map(escape, lines)])


def lines_of_series(series: Mapping[Any, RegularTable], notes: Sequence[str]) -> list[str]:
    """The times and steps of several series, and what was decided, in words."""
    from tsrep.data.summary import lines_of_several

    return [*lines_of_several({name: table.summary for name, table in series.items()}), *notes]


def stand_in_lines(frame: pd.DataFrame) -> list[str]:
    """Rich markup: one line per number that may stand for a missing value."""
    return [
        f"{first_names(columns)}: {value:g} is far below all other values; if it stands for a missing value, "
        f"add --missing {value:g}"
        for value, columns in stand_ins(frame).items()
    ]


def stand_ins(frame: pd.DataFrame) -> dict[float, list[str]]:
    """The columns in which a number that usually stands for a gap occurs, and every other value is far above it.

    Examples
    --------
    >>> import pandas as pd
    >>> stand_ins(pd.DataFrame({"rain": [0.0, 2.0, -999.0], "debt": [-1200.0, -999.0, -700.0]}))
    {-999.0: ['rain']}
    """
    import numpy as np

    columns: dict[float, list[str]] = {}
    for name in frame.columns:
        values = frame[name].to_numpy()
        for value in STAND_INS:
            others = values[(values != value) & ~np.isnan(values)]
            if len(others) < np.count_nonzero(~np.isnan(values)) and others.min(initial=np.inf) > value / 2:
                columns.setdefault(value, []).append(str(name))
    return columns


def first_names(names: Any) -> str:
    """The first six names, with brackets escaped."""
    return escape(", ".join(map(str, names[:6]))) + (" ..." if len(names) > 6 else "")
