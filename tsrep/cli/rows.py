"""Tables in which each row is a series: a column per step, and perhaps a column of labels and one of names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tsrep.cli.labels import Labels, as_classes
from tsrep.cli.series import Series, refuse
from tsrep.cli.table_options import TableOptions

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("unique_id", "id", "series", "name", "file", "index", "unnamed: 0")
"""Names that a column of names of series has, in lower case."""
TIMES = ("ds", "time", "timestamp", "date", "datetime")
SHAPE = "wanted a row per series, with a column per step and a column of labels"


def read_rows(path: Path, options: TableOptions, labels: Labels) -> Series:
    """The series in the rows of a table, univariate; columns without any number are left out, and said.

    Raises
    ------
    TableError
        A column is a time and `--rows` was not given, a number is damaged, or there are fewer than two steps.
    """
    import numpy as np

    from tsrep.data import TableError
    from tsrep.data.columns import column_called, listed
    from tsrep.data.files import open_table
    from tsrep.data.numbers import has_no_number, numbers_of

    refuse(options, f"each row of {path.name} is read as a series", "--time", "--every", "--sort")
    opened = open_table(path, options.written)
    frame = opened.frame
    times = [name for name in frame if _is_time(frame[name])]
    if times and not options.rows:
        raise TableError(
            f"{path.name} has the time column {str(times[0])!r} and no column unique_id: it holds one series; {SHAPE} "
            "(if it is such a table, add --rows), or a long table (unique_id, ds, values, label), or a folder with a "
            "file per series"
        )
    label = labels.column_in(frame, path.name)
    y = None if label is None else as_classes(frame[label], f"column {str(label)!r} of {path.name}")
    frame = frame.drop(columns=[] if label is None else [label])
    called = next((name for name in frame if str(name).lower() in NAMES), None)
    names = None if called is None else [str(name) for name in as_classes(frame[called], path.name)]
    frame = frame.drop(columns=[] if called is None else [called])
    others = [name for name in frame if name in times or has_no_number(frame[name])]
    try:
        if options.column_names is not None:
            others = []
            frame = frame[[column_called(frame, name) for name in options.column_names]]
        frame = frame.drop(columns=others)
        steps = [numbers_of(frame[name], opened.decimal) for name in frame]
    except TableError as error:
        raise TableError(f"{path.name}: {error}") from error
    if len(steps) < 2:
        raise TableError(f"{path.name} has {len(steps)} columns of numbers; {SHAPE}")
    X = np.stack(steps, axis=1)[:, None]
    if options.missing is not None:
        X = np.where(options.missing == X, np.nan, X)
    columns = {"label": label, "name": called}
    notes = [
        f"{what} of each series: column {str(name)!r}" for what, name in columns.items() if name is not None
    ]
    notes.append(f"steps of each series: columns {str(frame.columns[0])!r} to {str(frame.columns[-1])!r}")
    if others:
        notes.append(f"{listed(others)} left out: no numbers, so no steps")
    return Series(X, y, names, notes=(*opened.notes, *notes))


def _is_time(column: pd.Series) -> bool:
    """Whether a column has the name of a time, or begins with a date or a time of the day."""
    from pandas.api.types import is_datetime64_any_dtype

    from tsrep.data.columns import is_text
    from tsrep.data.time_column import looks_like_time

    known = column.dropna()
    dated = is_text(column) and len(known) > 0 and looks_like_time(str(known.iloc[0]))
    return str(column.name).lower() in TIMES or is_datetime64_any_dtype(column.dtype) or dated
