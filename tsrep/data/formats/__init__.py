"""Readers of the archives' file formats: `.ts`, `.arff`, and tables `.tsv`, `.txt`, `.csv`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tsrep.data.formats.arff import read_arff
from tsrep.data.formats.errors import DatasetFileError
from tsrep.data.formats.source import TextLines, open_text
from tsrep.data.formats.table import read_table
from tsrep.data.formats.ts import read_ts

Array = NDArray[Any]

READERS: dict[str, Callable[[TextLines], tuple[Array, Array | None]]] = {
    ".ts": read_ts,
    ".tsv": read_table,
    ".arff": read_arff,
    ".txt": read_table,
    ".csv": read_table,
}
"""Reader of each file ending, the ones to prefer first."""


def read_dataset_file(path: str | Path, member: str | None = None) -> tuple[Array, Array | None]:
    """One file of a classification or regression set, whatever its format.

    Parameters
    ----------
    path : path
        `.ts`, `.arff`, `.tsv`, `.txt` or `.csv` (class label first), with `.gz` behind it if gzipped; or a
        zip.
    member : str, optional
        The file inside the zip `path`.

    Returns
    -------
    X : ndarray `(n, c, t)`, float64
        Values as written; NaN where missing; shorter series NaN-padded at the end.
    y : ndarray `(n,)` or None
        Class labels as text (`'1.0'` is read as `'1'`), regression targets as float64, None if it has
        neither.

    Raises
    ------
    DatasetFileError
        Whatever is wrong with the file, with its name and the line.
    FileNotFoundError
        There is no such file.
    """
    path = Path(path)
    ending = format_of(path.name if member is None else member)
    if ending is None:
        raise DatasetFileError(
            f"not a file of a known format ({', '.join(READERS)}, each also with .gz)", str(path)
        )
    with open_text(path, member) as lines:
        return READERS[ending](lines)


def format_of(name: str) -> str | None:
    """`.ts`, `.tsv`, ... of a file name, with or without `.gz`; None if it is none of ours."""
    ending = Path(name.lower().removesuffix(".gz")).suffix
    return ending if ending in READERS else None


__all__ = ["READERS", "DatasetFileError", "format_of", "open_text", "read_dataset_file"]
