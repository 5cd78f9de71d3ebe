"""The series that a command reads: from a data set by name, a file, or a folder with a file per series.

A table with a time column is one series; a long table (`unique_id`, `ds`, values), a table with a series per row, and a
folder hold many.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tsrep.cli.dataset import normalised_dataset
from tsrep.cli.files import ending_of
from tsrep.cli.folder import read_folder
from tsrep.cli.labels import Labels, as_classes, from_table, of_long
from tsrep.cli.options import Split
from tsrep.cli.reading import has_header, in_columns, lines_of_series, read_long_table, read_series
from tsrep.cli.rows import read_rows
from tsrep.cli.series import TABLES, TEXTS, Series, array_in, refuse
from tsrep.cli.table_options import TableOptions

SOURCE_HELP = (
    "The name of a data set; a file: .ts .tsv .arff .txt .npy .npz, or a .csv, .parquet or .xlsx table, which is one "
    "series with a time column, a long table (unique_id, ds, values), or with --rows one series per row; or a folder "
    "with one table or .npy file per series."
)
REASON = "as in the fit of the encoder"


def read_source(
    source: str,
    options: TableOptions,
    split: Split,
    root: Path | None = None,
    channels: list[str] | None = None,
    labels: Labels | None = None,
) -> Series:
    """The series in `source`.

    Parameters
    ----------
    source : a name, a file or a folder, see `SOURCE_HELP`.
    options : how tables are read.
    split, root : the part of a data set given by name, and the folder of the archives.
    channels : names of the columns in the order of the encoder's fit; None: all columns as they are.
    labels : where labels are looked for; they are text then, and a table that is not long has a series per row. None:
        a table has no labels, and those of other sources are as they are.

    Raises
    ------
    ValueError
        The source is of no known kind, holds no series of numbers, an option does not apply to it, or it has no labels
        and some are needed.
    OSError
        It does not exist or cannot be read.
    """
    path = Path(source)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise FileNotFoundError(f"{source} does not exist")
        refuse(options, f"{source} is the name of a data set")
        if labels is not None and (labels.column is not None or labels.file is not None):
            raise ValueError(f"--label and --labels cannot be given: {source} is the name of a data set")
        X_train, y_train, X_test, y_test = normalised_dataset(source, root)
        series = Series(X_train, y_train) if split is Split.train else Series(X_test, y_test)
    elif path.is_dir():
        refuse(options, f"{source} is a folder with a file per series", "--rows")
        return read_folder(path, options, channels, labels)
    else:
        series = _read_file(path, options, channels, labels)
    return series if labels is None else _labelled(path, series, labels)


def channel_names(encoder: Any) -> list[str] | None:
    """The names of the channels that an encoder was fitted with, None where they had none."""
    names = getattr(encoder, "feature_names_in_", None)
    return list(names) if names is not None and len(names) == encoder.n_channels_ else None


def _labelled(path: Path, series: Series, labels: Labels) -> Series:
    """The series with classes."""
    if labels.file is not None:
        names = series.names or [str(number) for number in range(len(series.X))]
        return replace(series, y=from_table(labels, labels.file, [[name] for name in names]))
    if series.y is not None:
        return replace(series, y=as_classes(series.y, path.name))
    if labels.needed:
        raise ValueError(f"{path} has no labels: name a table of names and labels with --labels")
    return series


def _read_file(
    path: Path, options: TableOptions, channels: list[str] | None, labels: Labels | None
) -> Series:
    ending = ending_of(path)
    said = options.given or (labels is not None and labels.column is not None)
    if ending in TEXTS or (ending == ".csv" and labels is not None):
        is_table = bool(said) or has_header(path)
    else:
        is_table = ending in TABLES
    if is_table:
        return _read_table(path, options, channels, labels)
    refuse(options, f"{path.name} is no table with a time column")
    if ending == ".npy":
        return Series(array_in(path))
    if ending == ".npz":
        return _read_arrays(path)
    return _read_dataset_file(path)


def _read_table(
    path: Path, options: TableOptions, channels: list[str] | None, labels: Labels | None
) -> Series:
    """The series of a long table, those in the rows of a table, or the one with a time column."""
    from tsrep.data import DatasetFileError

    if labels is not None and labels.file is not None:
        labels = replace(labels, needed=False)
    series = _read_long(path, options, channels, labels)
    if series is not None:
        return series
    if options.rows or labels is not None:
        return read_rows(path, options, labels or Labels(needed=False))
    if path.name.lower().endswith(".csv.gz") and not options.given:  # of the UCR archive, if it is
        try:
            return _read_dataset_file(path)
        except DatasetFileError:
            pass
    table = read_series(path, options)
    frame = table.frame if channels is None else in_columns(path, table.frame, channels, REASON)
    return Series([frame], table=table)


def _read_long(
    path: Path, options: TableOptions, channels: list[str] | None, labels: Labels | None
) -> Series | None:
    """The series of a long table, None if it is none."""
    opened = read_long_table(path, options)
    if opened is None:
        return None
    long = opened.frame
    column = None if labels is None else labels.column_in(long, path.name)
    y = None if column is None else of_long(long, column, path.name)
    values = long.drop(columns=[] if column is None else [column])
    tables = replace(opened, frame=values).series(min_steps=2, empty_columns=False)
    frames = {str(name): table.frame for name, table in tables.items()}
    if channels is not None:
        frames = {name: in_columns(path, frame, channels, REASON) for name, frame in frames.items()}
    classes = None if y is None else as_classes([y[name] for name in frames], f"column {str(column)!r}")
    notes = lines_of_series(tables, opened.notes)
    return Series(list(frames.values()), classes, list(frames), notes=tuple(notes))


def _read_arrays(path: Path) -> Series:
    from tsrep.data.arrays import read_arrays

    arrays = read_arrays(path)
    if "X" not in arrays:
        raise ValueError(f"{path} holds {sorted(arrays)}; wanted an array called X")
    return Series(arrays["X"], arrays.get("y"))


def _read_dataset_file(path: Path) -> Series:
    from tsrep.data import read_dataset_file
    from tsrep.data.formats import format_of

    if format_of(path.name) is None:
        raise ValueError(
            f"{path} is of no known kind; wanted a file that ends in .csv, .parquet, .npy, .npz, "
            ".ts, .tsv, .arff or .txt, or a folder of .csv, .parquet or .npy files"
        )
    return Series(*read_dataset_file(path))
