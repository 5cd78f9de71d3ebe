"""A folder with one file per series: in one place with a table of labels or without, or in one sub-folder per class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tsrep.cli.files import bare_name, ending_of
from tsrep.cli.labels import Labels, as_classes, from_table
from tsrep.cli.reading import has_header, in_columns, lines_of_series, read_series
from tsrep.cli.series import TABLES, TEXTS, Series, array_in, refuse
from tsrep.cli.table_options import TableOptions

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array
    from tsrep.data.table import RegularTable

ENDINGS = (*TABLES, *TEXTS, ".npy")
WANTED = "wanted one .csv, .tsv, .txt, .parquet, .xlsx or .npy file per series"
LABELS = "labels"
"""The name, without its ending, of a table of labels among the files."""
SHOWN_NAMES = 6


def read_folder(
    folder: Path, options: TableOptions, channels: list[str] | None, labels: Labels | None = None
) -> Series:
    """One series per file, in the order of the names.

    Labels are those of `labels.file`, else of a table called `labels` in the folder, else the names of sub-folders.

    Raises
    ------
    ValueError
        The folder is empty, or holds files of other kinds or of several kinds.
    """
    files, table, classes = _files(folder)
    given = None if labels is None else labels.file
    if given is not None and given.resolve() in {file.resolve() for file in files}:
        files = [file for file in files if file.resolve() != given.resolve()]
    table = given or table
    names = _names(files, [""] * len(files) if classes is None else [f"{name}/" for name in classes])
    y = None if classes is None else as_classes(classes, folder.name)
    if table is not None:
        called = [[file.name, bare_name(file), str(file.relative_to(folder))] for file in files]
        y = from_table(labels or Labels(), table, called)
    if y is None and labels is not None and labels.needed:
        raise ValueError(
            f"{folder} has no labels: put the series of each class into a folder of its own, or name a table of names "
            "and labels with --labels"
        )
    arrays = [file for file in files if ending_of(file) == ".npy"]
    if not arrays:
        tables = dict(zip(names, _tables(files, options, channels), strict=True))
        notes = lines_of_series(tables, ())
        return Series([table.frame for table in tables.values()], y, names, notes=tuple(notes))
    if len(arrays) < len(files):
        other = next(file for file in files if file not in arrays)
        raise ValueError(
            f"{folder} holds arrays and tables ({arrays[0].name}, {other.name}); wanted one of the two"
        )
    refuse(options, f"{folder} holds arrays")
    series = [_one_series(file) for file in files]
    for file, values in zip(files, series, strict=True):
        if len(values) != len(series[0]):
            raise ValueError(
                f"{file} has {len(values)} channels; wanted {len(series[0])}, as in {files[0].name}"
            )
    return Series(series, y, names)


def _names(files: list[Path], places: list[str]) -> list[str]:
    """The files by the class they are in and their names, with their endings where these alone tell them apart."""
    names = [place + bare_name(file) for place, file in zip(places, files, strict=True)]
    if len(set(names)) == len(names):
        return names
    return [place + file.name for place, file in zip(places, files, strict=True)]


def _files(folder: Path) -> tuple[list[Path], Path | None, list[str] | None]:
    """(files of series, the table of labels among them or None, the class of each file by its sub-folder or None)."""
    entries = _entries(folder)
    if entries and all(entry.is_dir() for entry in entries):
        files = [file for entry in entries for file in _of_series(entry, _entries(entry))]
        return files, None, [file.parent.name for file in files]
    table = next(
        (
            entry
            for entry in entries
            if bare_name(entry).lower() == LABELS and ending_of(entry) in (*TABLES, *TEXTS)
        ),
        None,
    )
    return _of_series(folder, [entry for entry in entries if entry != table]), table, None


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _of_series(folder: Path, files: list[Path]) -> list[Path]:
    """`files`, once it is known that each may hold a series."""
    others = [file.name for file in files if file.is_dir() or ending_of(file) not in ENDINGS]
    if others:
        more = " ..." if len(others) > SHOWN_NAMES else ""
        raise ValueError(f"{folder} holds {', '.join(others[:SHOWN_NAMES])}{more}; {WANTED}")
    if not files:
        raise ValueError(f"{folder} is empty; {WANTED}")
    return files


def _tables(files: list[Path], options: TableOptions, channels: list[str] | None) -> list[RegularTable]:
    tables = []
    reason = "as in the fit of the encoder" if channels else f"as in {files[0].name}"
    for file in files:
        if not options.given and ending_of(file) in TEXTS and not has_header(file):
            raise ValueError(
                f"{file} has no header; wanted a table of one series with names of columns (a file of the UCR archive "
                "is read alone; --time none takes the rows of such a table as steps)"
            )
        table = read_series(file, options, min_steps=1)
        channels = channels or list(table.frame.columns)
        tables.append(replace(table, frame=in_columns(file, table.frame, channels, reason)))
    return tables


def _one_series(path: Path) -> Array:
    """The series (c, t) in a .npy file of shape (t,) or (c, t)."""
    array = array_in(path)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(f"{path} has shape {array.shape}; wanted one series, (steps,) or (channels, steps)")
    return array if array.ndim == 2 else array[None]
