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
from tsrep.data.file_format import FileFormat
from tsrep.data.numbers import MISSING_MARKS, Floats, decimal_mark, numbers_of_text
from tsrep.data.text_files import PACKED, open_bytes, open_text
from tsrep.data.times import may_be_time
from tsrep.data.wording import option
from tsrep.data.workbook import open_workbook

TEXTS = (".csv", ".tsv", ".txt")
PARQUETS = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xlsm")
ENDINGS = (*TEXTS, *PARQUETS, *WORKBOOKS)
ID = "unique_id"
RECOGNISED = FileFormat()


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


def open_table(path: Path, written: FileFormat = RECOGNISED) -> TableFile:
    """The table in a file.

    Parameters
    ----------
    written : how it is written, as far as that is said.

    Raises
    ------
    TableError
        The name has another ending, the file is damaged, empty or not a table, or it is not as `written` says.
    FileNotFoundError
        No such file.
    ImportError
        The package that reads such files is not installed.
    """
    if path.is_dir():
        raise TableError(f"{path} is a folder; wanted a table in a file")
    stem = path.name.lower()
    for ending in PACKED:
        stem = stem.removesuffix(ending)
    if not stem.endswith(ENDINGS):
        raise TableError(
            f"{path.name or path} ends in none of {', '.join(ENDINGS)} ({', '.join(PACKED)} may follow)"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist" if not path.exists() else f"{path} is not a file")
    written.check_for(path, is_text=stem.endswith(TEXTS), is_workbook=stem.endswith(WORKBOOKS))
    try:
        if stem.endswith(TEXTS):
            table = _open_text(path, written)
        elif stem.endswith(PARQUETS):
            table = TableFile(_open_parquet(path), written.decimal)
        else:
            return _open_workbook(path, written)
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


def _open_workbook(path: Path, written: FileFormat) -> TableFile:
    opened = open_workbook(path, written.sheet)
    frame, dropped = _without_empty(opened.frame)
    for name in frame:
        if is_text(frame[name]) and (name == ID or may_be_time(str(name))):
            column = frame[name]
            frame[name] = column.mask(_marks_gap(column.astype(str).str.strip(), name), None)
    return TableFile(frame, written.decimal, (*opened.notes, *dropped), f"{path.name}, {opened.name}")


def _open_text(path: Path, written: FileFormat) -> TableFile:
    encoding = written.encoding
    while True:
        try:
            with open_text(path, encoding) as (text, encoding):
                dialect = dialect_of([line.rstrip("\r\n") for line in islice(text, LINES)], written.mark)
            table = _rows(path, encoding, dialect)
            break
        except UnicodeError as error:
            if written.encoding is not None or encoding == "latin-1":
                raise TableError(f"cannot be read as a table: {error}") from error
            encoding = "cp1252" if encoding != "cp1252" else "latin-1"
    notes = list(dialect.notes)
    if written.encoding is None and encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"the encoding is {encoding} ({option('encoding')} for another one)")
    table, dropped = _without_empty(table)
    notes += dropped
    values = [str(name) for name in table if name != ID and not may_be_time(str(name))]
    decimal = written.decimal
    if decimal is None:
        comma = dialect.separator == ","
        decimal = "." if comma else decimal_mark(table[name] for name in values)
        if decimal == ",":
            notes.append(f"the decimal mark is ',' ({option('decimal')} for another one)")
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


def header_of(path: Path, written: FileFormat = RECOGNISED) -> list[str]:
    """The names of the columns of a text file, from its first lines; none where these are damaged."""
    try:
        with open_text(path, written.encoding) as (text, _):
            return dialect_of([line.rstrip("\r\n") for line in islice(text, LINES)], written.mark).names
    except (TableError, UnicodeError):
        return []
