"""Readers of the archives' file formats.

ts.py      `.ts` (sktime, aeon)
arff.py    `.arff` (Weka)
table.py   `.tsv`, `.txt` and `.csv` (UCR)
fields.py  numbers and labels, common to the formats
source.py  lines of plain, gzipped and zipped files
errors.py  `DatasetFileError`
"""

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
"""Reader of each file ending, in the order of preference."""


def read_dataset_file(path: str | Path, member: str | None = None) -> tuple[Array, Array | None]:
    """One file of a classification or regression set, in any of the formats.

    Parameters
    ----------
    path : path
        `.ts`, `.arff`, `.tsv`, `.txt` or `.csv` (class label first), followed by `.gz` if gzipped; or a
        zip.
    member : str, optional
        The file inside the zip `path`.

    Returns
    -------
    X : ndarray `(n, c, t)`, float64
        Raw values; NaN where missing; shorter series NaN-padded at the end.
    y : ndarray `(n,)` or None
        Class labels as text (`'1.0'` is read as `'1'`), regression targets as float64, None if the
        file has neither.

    Raises
    ------
    DatasetFileError
        The file is damaged or not of its format; the message names the file and the line.
    FileNotFoundError
        The file does not exist.
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
    """The ending `.ts`, `.tsv`, ... of a file name, with or without `.gz`; None if there is no reader for it."""
    ending = Path(name.lower().removesuffix(".gz")).suffix
    return ending if ending in READERS else None


__all__ = ["READERS", "DatasetFileError", "format_of", "open_text", "read_dataset_file"]
