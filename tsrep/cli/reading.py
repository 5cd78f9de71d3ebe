"""How a command reads a table file, and what it reports about it. No other file of the command line opens a table.

A table holds one series, with a time column and one column per channel, or it is long: a row per series and time,
with the columns `unique_id`, `ds` and values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]

    def series(self, min_steps: int = 1, empty_columns: bool = True) -> dict[Any, RegularTable]:
        """Each series on a regular index of its own, with what was seen."""
        from tsrep.data.long import split_tables
        from tsrep.data.table import ReadOptions

        return split_tables(self.frame, ReadOptions(min_steps=min_steps, empty_columns=empty_columns))


def read_long_table(
    file: Path, options: TableOptions, refused: Sequence[str], given: Collection[str] = ()
) -> LongTable | None:
    """The long table in `file`, or None if the file holds one series.

    Parameters
    ----------
    refused : options that the command does not support with a long table, "--every" for example
    given : options that the user gave beside those in `options`

    Raises
    ------
    ValueError
        One of `refused` was given, or `options.columns` names a column that the table does not have.
    """
    from tsrep.data.long import open_long

    opened = open_long(file, options.written, options.day_first)
    if opened is None:
        return None
    if options.given.union(given).intersection(refused):
        raise ValueError(
            f"a long table (unique_id, ds) takes none of {', '.join(refused[:-1])} and {refused[-1]}"
        )
    long = chosen_columns(opened.frame, options.column_names)
    if options.missing is not None:
        long = long.replace(options.missing, float("nan"))
    return LongTable(long, opened.notes)


def chosen_columns(long: pd.DataFrame, names: Sequence[str] | None) -> pd.DataFrame:
    """A long table with the columns of these names, in this order; all for None. Unknown names are a ValueError."""
    if names is None:
        return long
    absent = [name for name in names if name not in long.columns]
    if absent:
        raise ValueError(f"no column {absent[0]!r} among {', '.join(map(repr, long.columns))}")
    return long[["unique_id", "ds", *names]]


def in_columns(file: Path, frame: pd.DataFrame, wanted: Sequence[str], reason: str) -> pd.DataFrame:
    """`frame` with its columns in the order of `wanted`; a ValueError with the `reason` if it has others."""
    names = list(frame.columns)
    if set(names) != set(wanted):
        raise ValueError(f"{file} has the columns {names}; wanted {list(wanted)}, {reason}")
    return frame[list(wanted)]


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
