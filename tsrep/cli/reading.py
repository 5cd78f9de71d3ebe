"""How a command reads a table file, and what it reports about it. No other file of the command line opens a table.

A table holds one series, with a time column and one column per channel, or it is long: a row per series and time,
with the columns `unique_id`, `ds` and values.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from tsrep.cli.options import TableOptions

if TYPE_CHECKING:
    import pandas as pd

STAND_INS = (-999.0, -9999.0, -99999.0)
"""Numbers that instruments write where they measured nothing."""


def read_series(file: Path, options: TableOptions, min_steps: int = 2) -> pd.DataFrame:
    """The series in `file`, (t, c) floats on a regular index with NaN where nothing was measured.

    Raises
    ------
    TableError
        The file holds no regular series, or one of fewer than `min_steps` rows; see `tsrep.data.read_table`.
    """
    from tsrep.data import read_table

    return read_table(
        file,
        time=options.time,
        columns=options.columns,
        min_steps=min_steps,
        sort=options.sort,
        every=options.every,
        missing=options.missing,
    )


def read_long_table(
    file: Path, options: TableOptions, refused: Sequence[str], given: Collection[str] = ()
) -> pd.DataFrame | None:
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
    from tsrep.data import read_long

    long = read_long(file)
    if long is None:
        return None
    if options.given.union(given).intersection(refused):
        raise ValueError(
            f"a long table (unique_id, ds) takes none of {', '.join(refused[:-1])} and {refused[-1]}"
        )
    if options.columns is not None:
        absent = [name for name in options.columns if name not in long.columns]
        if absent:
            raise ValueError(f"no column {absent[0]!r} among {', '.join(map(repr, long.columns))}")
        long = long[["unique_id", "ds", *options.columns]]
    return long if options.missing is None else long.replace(options.missing, float("nan"))


def read_values(file: Path, channels: Any = None) -> Any:
    """The numbers of a CSV file as they are, as a panel of one instance (1, c, t).

    Text may be in the first column only, as time stamps, and is left out. Columns are put in the order of `channels`,
    the names that an encoder was fitted with, if it has any.
    """
    import pandas as pd

    frame = pd.read_csv(file)
    if frame.shape[1] > 1 and not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[0]):
        frame = frame.set_index(frame.columns[0])
    texts = [str(name) for name, dtype in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    if texts:
        raise ValueError(
            f"{file}: column {texts[0]!r} holds text; wanted numbers (only the first column may hold time stamps)"
        )
    frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    if channels is not None:
        frame = in_columns(file, frame, list(channels), "as in the fit of the encoder")
    return frame.to_numpy(dtype=float).T[None]


def in_columns(file: Path, frame: pd.DataFrame, wanted: Sequence[str], reason: str) -> pd.DataFrame:
    """`frame` with its columns in the order of `wanted`; a ValueError with the `reason` if it has others."""
    names = list(frame.columns)
    if set(names) != set(wanted):
        raise ValueError(f"{file} has the columns {names}; wanted {list(wanted)}, {reason}")
    return frame[list(wanted)]


# What is reported


def described(file: Path, frame: pd.DataFrame) -> str:
    """Rich markup: steps, gaps and columns of a frame on a regular index; then values that may stand for gaps."""
    missing = int(frame.isna().any(axis=1).sum())
    gaps = f", {missing} steps with a missing value" if missing else ""
    step = frame.index[1] - frame.index[0]
    lines = [
        f"[bold]{escape(file.name)}[/bold]: {len(frame)} steps, one every {step}{gaps}; "
        f"columns {first_names(frame.columns)}"
    ]
    return "\n".join([*lines, *stand_in_lines(frame)])


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
