"""Tables in which each row is a series: a column per step, and perhaps a column of labels and one of names."""

from __future__ import annotations

from pathlib import Path

from tsrep.cli.labels import Labels, as_classes
from tsrep.cli.series import Series, refuse
from tsrep.cli.table_options import TableOptions

NAMES = ("unique_id", "id", "series", "name", "file", "index", "unnamed: 0")
"""Names that a column of names of series has, in lower case."""
TIMES = ("ds", "time", "timestamp", "date", "datetime")
SHAPE = "wanted a row per series, with a column per step and a column of labels"


def read_rows(path: Path, options: TableOptions, labels: Labels) -> Series:
    """The series in the rows of a table, univariate.

    Raises
    ------
    TableError
        A column is a time, holds text, or there are fewer than two steps.
    """
    import numpy as np

    from tsrep.data import TableError
    from tsrep.data.columns import column_called
    from tsrep.data.files import open_table
    from tsrep.data.numbers import numbers_of

    refuse(options, f"each row of {path.name} is read as a series", "--time", "--every", "--sort")
    opened = open_table(path, options.written)
    frame = opened.frame
    time = next((str(name) for name in frame if str(name).lower() in TIMES), None)
    if time is not None:
        raise TableError(
            f"{path.name} has the time column {time!r} and no column unique_id: it holds one series; {SHAPE}, or a "
            "long table (unique_id, ds, values, label), or a folder with a file per series"
        )
    label = labels.column_in(frame, path.name)
    y = None if label is None else as_classes(frame[label], f"column {str(label)!r} of {path.name}")
    frame = frame.drop(columns=[] if label is None else [label])
    called = next((name for name in frame if str(name).lower() in NAMES), None)
    names = None if called is None else [str(name) for name in as_classes(frame[called], path.name)]
    frame = frame.drop(columns=[] if called is None else [called])
    try:
        if options.column_names is not None:
            frame = frame[[column_called(frame, name) for name in options.column_names]]
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
    return Series(X, y, names, notes=(*opened.notes, *notes))
