"""Files as tables: CSV and its dialects, Parquet and Excel workbooks, as frames with their columns as they are written.

Numbers of a text file become floats; ids, times and what may be a time stay text until it is known what they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pandas as pd

from tsrep.data.columns import TableError, is_text
from tsrep.data.dialect import COMMENT, LINES, Dialect, dialect_of, widened
from tsrep.data.numbers import MISSING_MARKS, Floats, decimal_mark, numbers_of_text
from tsrep.data.text_files import PACKED, open_bytes, open_text
from tsrep.data.times import may_be_time
from tsrep.data.workbook import open_workbook

TEXTS = (".csv", ".tsv", ".txt")
PARQUETS = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xlsm")
ENDINGS = (*TEXTS, *PARQUETS, *WORKBOOKS)
ID = "unique_id"


@dataclass(frozen=True)
class TableFile:
    """A table as it stands in a file.

    decimal : the mark before its decimals, None where that is open.
    notes : what was done to read it, in words.
    name : what messages call it, the name of the file and perhaps of the sheet.
    """

    frame: pd.DataFrame
    decimal: str | None = None
    notes: tuple[str, ...] = ()
    name: str = ""


def open_table(path: Path, decimal: str | None = None, sheet: str | None = None) -> TableFile:
    """The table in a file.

    Parameters
    ----------
    decimal : "." or ",", the mark before the decimals. None: the one with which the numbers of the file read.
    sheet : the sheet of a workbook. None: the first visible one that is not empty.

    Raises
    ------
    TableError
        The name has another ending, the file is damaged, empty or not a table, or it has no such sheet.
    FileNotFoundError
        No such file.
    ImportError
        The package that reads such files is not installed.
    """
    stem = path.name.lower()
    for ending in PACKED:
        stem = stem.removesuffix(ending)
    if not stem.endswith(ENDINGS):
        raise TableError(
            f"{path.name or path} ends in none of {', '.join(ENDINGS)} ({', '.join(PACKED)} may follow)"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist" if not path.exists() else f"{path} is not a file")
    if sheet is not None and not stem.endswith(WORKBOOKS):
        raise TableError(
            f"{path.name} is no workbook and has no sheets; leave out sheet={sheet!r} (--sheet in a shell)"
        )
    try:
        if stem.endswith(TEXTS):
            table = _open_text(path, decimal)
        elif stem.endswith(PARQUETS):
            table = TableFile(_open_parquet(path))
        else:
            return _open_workbook(path, sheet)
        return replace(table, name=path.name)
    except TableError as error:
        raise TableError(f"{path.name} {error}") from error


def _open_parquet(path: Path) -> pd.DataFrame:
    try:
        with open_bytes(path) as stream:
            frame = pd.read_parquet(stream)
        for name in frame.columns[[is_text(frame[column]) for column in frame]]:
            frame[name] = frame[name].astype(object)  # damaged text raises here
    except ImportError as error:
        raise ImportError("reading Parquet needs pyarrow: pip install 'tsrep[parquet]'") from error
    except TableError:
        raise
    except Exception as error:  # pyarrow has errors of its own for damaged files
        raise TableError(f"cannot be read as Parquet: {' '.join(str(error).split())}") from error
    return frame


def _open_workbook(path: Path, sheet: str | None) -> TableFile:
    opened = open_workbook(path, sheet)
    frame, dropped = _without_empty(opened.frame)
    for name in frame:
        if is_text(frame[name]) and (name == ID or may_be_time(str(name))):
            column = frame[name]
            frame[name] = column.mask(_marks_gap(column.astype(str).str.strip(), name), None)
    return TableFile(frame, None, (*opened.notes, *dropped), f"{path.name}, {opened.name}")


def _open_text(path: Path, decimal: str | None) -> TableFile:
    encoding: str | None = None
    while True:
        try:
            with open_text(path, encoding) as (text, encoding):
                dialect = dialect_of([line.rstrip("\r\n") for line in islice(text, LINES)])
            table = _rows(path, encoding, dialect)
            break
        except UnicodeDecodeError as error:
            if encoding == "latin-1":
                raise TableError(f"cannot be read as a table: {error}") from error
            encoding = "cp1252" if encoding != "cp1252" else "latin-1"
    notes = list(dialect.notes)
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"the encoding is {encoding}")
    table, dropped = _without_empty(table)
    notes += dropped
    values = [str(name) for name in table if name != ID and not may_be_time(str(name))]
    if decimal is None:
        comma = dialect.separator == ","
        decimal = "." if comma else decimal_mark(table[name] for name in values)
    return TableFile(_with_numbers(table, values, decimal), decimal, tuple(notes))


def _rows(path: Path, encoding: str, dialect: Dialect) -> pd.DataFrame:
    """All fields as text."""
    with warnings.catch_warnings(), open_text(path, encoding) as (text, _):
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                text,
                sep=dialect.separator,
                engine="c",
                header=None,
                names=dialect.names,
                skiprows=dialect.skipped,
                dtype=str,
                keep_default_na=False,
                na_filter=False,
                index_col=False,
                skipinitialspace=True,
            )
        except (
            pd.errors.ParserWarning,
            pd.errors.ParserError,
            pd.errors.EmptyDataError,
            OverflowError,
        ) as error:
            fault = error
    with open_text(path, encoding) as (text, _):  # perhaps a line further down has more fields
        wider = widened(dialect, islice(text, dialect.skipped, None))
    if wider == dialect:
        raise TableError(f"cannot be read as a table: {' '.join(str(fault).split())}") from fault
    return _rows(path, encoding, wider)


def _without_empty(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table without rows of nothing, comments among the rows, and columns without a name or a value."""
    notes = []
    empty = table.isna() | (table.astype(str).apply(lambda column: column.str.strip()) == "")
    rows = empty.all(axis=1)
    comments = table.iloc[:, 0].astype(str).str.startswith(COMMENT) & empty.iloc[:, 1:].all(axis=1)
    if (rows | comments).any():
        notes.append(f"{int((rows | comments).sum())} rows without a value are left out")
    nameless = [
        name for name in table if str(name).startswith("Unnamed: ") and empty.loc[~comments, name].all()
    ]
    if nameless:
        notes.append(f"{len(nameless)} columns without a name and a value are left out")
    kept = table.loc[~(rows | comments)].drop(columns=nameless)
    return kept.reset_index(drop=True), notes


def _with_numbers(table: pd.DataFrame, values: list[str], decimal: str | None) -> pd.DataFrame:
    """Columns of numbers as floats; those that may be times or ids, and those that read in two ways, as text."""
    columns = {}
    for name in table:
        column = table[name].str.strip()
        numbers = None
        if name in values:
            numbers = _or_none(column, decimal)
            if numbers is None and decimal is not None:
                numbers = _or_none(column, None)
        if numbers is not None:
            columns[name] = pd.Series(numbers, name=name)
            continue
        columns[name] = column.astype(object).mask(_marks_gap(column, name), None)
    return pd.DataFrame(columns)


def _marks_gap(text: pd.Series, name: Hashable) -> pd.Series:
    """Which texts of a column stand for a missing value; any but the empty one may be an id."""
    return text == "" if name == ID else text.str.lower().isin(MISSING_MARKS)


def _or_none(column: pd.Series, decimal: str | None) -> Floats | None:
    """The numbers of a column; None where it holds others, or some that read in two ways."""
    try:
        return numbers_of_text(column, decimal)
    except TableError:  # said when the column is used
        return None


def header_of(path: Path) -> list[str]:
    """The names of the columns of a text file, from its first lines; none where these are damaged."""
    try:
        with open_text(path) as (text, _):
            return dialect_of([line.rstrip("\r\n") for line in islice(text, LINES)]).names
    except (TableError, UnicodeDecodeError):
        return []
