"""Excel workbooks as tables: the sheet that is read, where its table begins, and what its cells hold.

The cells are taken as they are, so dates need no format and the ids "007" and "NA" stay text.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from tsrep.data.columns import TableError, listed
from tsrep.data.header import has_no_header, numbered, preamble, renamed, unique
from tsrep.data.text_files import check_unpacked, open_bytes
from tsrep.data.wording import option

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

HEADER_ROWS = 200
"""Rows at the beginning among which the header is looked for."""


class Rows(NamedTuple):
    """The rows of a sheet that are not empty: their numbers, from 1, and their cells, without empty ones at the end."""

    numbers: list[int]
    cells: list[list[Any]]


class Sheet(NamedTuple):
    """The table on a sheet of a workbook.

    frame : the cells as they are.
    name : how messages call the sheet.
    notes : what was done to read it, in words.
    """

    frame: pd.DataFrame
    name: str
    notes: tuple[str, ...]


def open_workbook(path: Path, sheet: str | None = None) -> Sheet:
    """The table on a sheet of a workbook.

    Parameters
    ----------
    sheet : its name. None: the first visible sheet that is not empty.

    Raises
    ------
    TableError
        The file is no workbook or is damaged, there is no such sheet, the sheet is empty, or a cell holds a formula
        whose value was not saved.
    ImportError
        openpyxl is not installed.
    """
    with open_bytes(path) as stream:
        content = io.BytesIO(stream.read())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what has no part in a table, such as validation
            with zipfile.ZipFile(content) as archive:
                check_unpacked(archive, len(content.getbuffer()))
            worksheets = _worksheets(content, data_only=True)
            title, rows = _chosen(worksheets, sheet)
            if _has_empty_cell(rows):
                _refuse_formulas(rows, _worksheets(content, data_only=False)[title])
            frame, notes = _table(rows)
    except (TableError, ImportError):
        raise
    except Exception as error:  # a damaged part of a workbook may raise anything
        raise TableError(f"cannot be read as a workbook: {' '.join(str(error).split())}") from error
    name = f"sheet {title!r}"
    others = [each for each in worksheets if each != title]
    if others and sheet is None:
        name += f" (others: {listed(others)}; {option('sheet')} for another one)"
        notes.insert(0, f"{name} is read")
    return Sheet(frame, name, tuple(notes))


def _worksheets(content: io.BytesIO, data_only: bool) -> dict[str, ReadOnlyWorksheet]:
    """The sheets by name, with the values of formulas or with the formulas."""
    try:
        import openpyxl
    except ImportError as error:
        raise ImportError("reading .xlsx needs openpyxl: pip install 'tsrep[excel]'") from error
    book = openpyxl.load_workbook(content, read_only=True, data_only=data_only, keep_links=False)
    return {each.title: each for each in book.worksheets}


def _chosen(worksheets: dict[str, ReadOnlyWorksheet], name: str | None) -> tuple[str, Rows]:
    """The name of the sheet that is read, and its rows."""
    if name is not None:
        if name not in worksheets:
            raise TableError(f"has no sheet {name!r}; wanted one of {listed(worksheets)}")
        rows = _rows(worksheets[name])
        if not rows.cells:
            raise TableError(f"has nothing on the sheet {name!r}")
        return name, rows
    visible = [title for title, each in worksheets.items() if each.sheet_state == "visible"]
    for title in visible or worksheets:
        rows = _rows(worksheets[title])
        if rows.cells:
            return title, rows
    raise TableError("cannot be read as a table: its sheets are empty")


def _rows(worksheet: ReadOnlyWorksheet) -> Rows:
    worksheet.reset_dimensions()  # what some programs write there is wrong
    rows = Rows([], [])
    for number, row in enumerate(worksheet.iter_rows(values_only=True), start=1):
        filled = [place for place, cell in enumerate(row) if _is_filled(cell)]
        if filled:
            rows.numbers.append(number)
            rows.cells.append(list(row[: filled[-1] + 1]))
    return rows


def _is_filled(cell: Any) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _has_empty_cell(rows: Rows) -> bool:
    width = max(map(len, rows.cells))
    return any(len(row) < width or None in row for row in rows.cells)


def _refuse_formulas(rows: Rows, formulas: ReadOnlyWorksheet) -> None:
    """Raises for the first empty cell among the values that holds a formula."""
    values = dict(zip(rows.numbers, rows.cells, strict=True))
    formulas.reset_dimensions()
    for number, row in enumerate(formulas.iter_rows(), start=1):
        known = values.get(number, [])
        for place, cell in enumerate(row):
            empty = place >= len(known) or known[place] is None
            if empty and cell.value is not None and cell.data_type == "f":
                raise TableError(
                    f"has a formula without its value in cell {cell.coordinate}: open the file in a spreadsheet "
                    "program and save it"
                )


def _table(rows: Rows) -> tuple[pd.DataFrame, list[str]]:
    """The rows from the header on as a frame, and what was left out."""
    notes = []
    fields = [[_text(cell) for cell in row] for row in rows.cells[:HEADER_ROWS]]
    before = preamble(fields)
    if before:
        notes.append(f"{before} rows before the table are left out")
    header, first = fields[before], before + 1
    if has_no_header(header):
        header, first = numbered(header), before
        notes.append("there is no header: the columns are numbered")
    cells = rows.cells[first:]
    width = max(len(header), *map(len, cells)) if cells else len(header)
    header = header + [""] * (width - len(header))
    names = unique(header)
    notes += renamed(names, header)
    columns = (
        zip(*(row + [None] * (width - len(row)) for row in cells), strict=True) if cells else [()] * width
    )
    return pd.DataFrame(
        {name: _column(list(column)) for name, column in zip(names, columns, strict=True)}
    ), notes


def _column(cells: list[Any]) -> pd.Series:
    """Cells as floats where they are numbers, as dates or truth values where they are that, else as they are."""
    column = pd.Series(cells, dtype=object)
    kinds = pd.api.types.infer_dtype(column, skipna=True)
    if kinds in ("integer", "floating", "mixed-integer-float") and column.isna().any():
        return column.astype(float)
    return column.infer_objects()


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
