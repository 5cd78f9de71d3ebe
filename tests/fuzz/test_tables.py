"""Text tables, wide and long, in all dialects; Parquet and workbooks."""

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import strategies as st

from tsrep.data import read_long
from tsrep.data.file_format import FileFormat
from tsrep.data.table import ReadOptions
from tsrep.data.tables import read_tables

TIMES = (
    "2024-01-01", "2024-02-30", "01/02/2024", "31.12.1999", "2024-01-01T00:00:00+01:00", "2024-03-31 02:30",
    "9999-12-31", "1600-01-01", "0001-01-01", "-0001-01-01", "1970-01-01 00:00:00", "12:30", "24:00", "12:61",
    "2024-W60", "2024-W01-1", "2024Q5", "Q1 2024", "2024", "20240101", "1700000000", "1700000000000000000", "45000.5",
    "March 2024", "29 Feb 2023", "1 days 30:00:00", "P1D", "2024-01-01 00:00:00 Europe/Berlin", "2024-01-01Z",
    "-5", "0",
)  # fmt: skip
NUMBERS = (
    "1", "-2.5", "1,5", "1.234", "1,234", "1.234,5", "1'234.5", "1e400", "-1e308", "1e-400", "inf", "NaN", "NA", "#N/A",
    "", " ", "?", "-", ".", "+", "99999999999999999999999", "0x10", "1_000", "١٢", "5%", "=1+1", "true", "None",
    "text", '"', '"a', "a\"b", "'", "#", "\x00", "\ufeff", "µ", "𝟙", "1\u00a0000", "1;2", "[bold]", "1" * 400,
)  # fmt: skip
NAMES = (
    "time",
    "date",
    "y",
    "ds",
    "unique_id",
    "Unnamed: 0",
    "year",
    "month",
    "index",
    "",
    "0",
    "y",
    "t",
    "hour",
)
MARKS = (",", ";", "\t", "|", " ", "  ")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32")
EVERY = (
    None,
    None,
    None,
    "1h",
    "MS",
    "0s",
    "-1h",
    "1ns",
    "often",
    "1e-300",
    "nan",
    "0",
    "1",
    "999999999D",
    "W-FRI",
)
DAYS = pd.date_range("2024-01-01", periods=8)


@st.composite
def regular(draw: st.DrawFn) -> list[str]:
    """A column of regular times, as a file may spell them."""
    spelled = draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%d-%b-%Y %H:%M", "%Y%m%d", "%Y-%m"]))
    freq = draw(st.sampled_from(["D", "h", "MS", "W", "YS", "36h", "7min"]))
    return list(pd.date_range("2023-11-05", periods=12, freq=freq).strftime(spelled))


@st.composite
def text_tables(draw: st.DrawFn, names: tuple[str, ...] = NAMES) -> tuple[bytes, str]:
    """(a file, its ending)."""
    width, rows, mark = draw(st.integers(1, 4)), draw(st.integers(0, 12)), draw(st.sampled_from(MARKS))
    head = [draw(st.sampled_from(names)) for _ in range(width)]
    columns = []
    for place in range(width):
        cells = NUMBERS if draw(st.integers(0, 3)) else TIMES
        few = draw(st.lists(st.sampled_from(cells), min_size=1, max_size=3))
        column = [few[row % len(few)] for row in range(rows)]
        columns.append(draw(regular())[:rows] if place == 0 and draw(st.booleans()) else column)
    lines = [mark.join(head), *(mark.join(row) for row in zip(*columns, strict=True))]
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(
            draw(st.integers(0, len(lines))),
            draw(st.sampled_from(["", "# note", "sep=;", mark, "a", mark * 9])),
        )
    content = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])).join(lines)
    encoded = content.encode(draw(st.sampled_from(ENCODINGS)), errors="replace")
    return encoded, draw(st.sampled_from([".csv", ".tsv", ".txt"]))


OPTIONS = st.builds(
    ReadOptions,
    time=st.sampled_from([None, None, None, "none", "time", "0", "time,y"]),
    columns=st.sampled_from([None, None, None, "y", ["y", "t"]]),
    sort=st.booleans(),
    every=st.sampled_from(EVERY),
    missing=st.sampled_from([None, -999.0, 1.0]),
    day_first=st.sampled_from([None, True, False]),
    empty_columns=st.booleans(),
    written=st.builds(
        FileFormat,
        separator=st.sampled_from([None, None, None, None, *MARKS[:4], "tab", "blanks"]),
        decimal=st.sampled_from([None, ".", ","]),
        encoding=st.sampled_from([None, None, None, None, *ENCODINGS]),
    ),
)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads (content, ending) with options; text through the door for long tables too."""

    def run(example: tuple[tuple[bytes, str], ReadOptions]) -> None:
        (content, ending), options = example
        path = tmp_path / f"x{ending}"
        path.write_bytes(content)
        if not ending.startswith((".xlsx", ".parquet")):  # there it opens the file as `read_tables` does
            read_long(path)
        for table in read_tables(path, options).values():
            assert table.frame.index.is_monotonic_increasing and table.frame.index.is_unique
            assert len(table.steps) == len(table.rows)

    return run


def test_text(fuzz: Any, read: Any) -> None:
    fuzz(st.tuples(text_tables(), OPTIONS), read)


def test_long_text(fuzz: Any, read: Any) -> None:
    fuzz(st.tuples(text_tables(("unique_id", "ds", "y")), OPTIONS), read)


def test_bytes(fuzz: Any, read: Any, damaged: Any) -> None:
    text = "date,y,z\n" + "".join(f"{day.date()},{row}.5,{row}\n" for row, day in enumerate(DAYS))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", text)
    files = st.one_of(
        st.tuples(damaged(text.encode()), st.sampled_from([".csv", ".tsv", ".csv.gz"])),
        st.tuples(damaged(packed.getvalue()), st.just(".csv.zip")),
        st.tuples(st.binary(max_size=300), st.sampled_from([".csv", ".txt", ".csv.xz", ".csv.bz2"])),
    )
    fuzz(st.tuples(files, OPTIONS), read)


def test_parquet(fuzz: Any, read: Any, damaged: Any) -> None:
    whole = io.BytesIO()
    frame = pd.DataFrame(
        {"date": DAYS, "y": range(8), "name": list("abcdefgh"), "z": pd.Series([1.5, None] * 4)}
    )
    frame.to_parquet(whole)
    fuzz(st.tuples(st.tuples(damaged(whole.getvalue()), st.just(".parquet")), OPTIONS), read)


def saved(rows: list[list[object]]) -> bytes:
    """A workbook with these rows, as bytes."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    whole = io.BytesIO()
    book.save(whole)
    return whole.getvalue()


CELLS = st.sampled_from(
    [*NUMBERS[:20], *TIMES, None, None, 1, 2.5, True, DAYS[3].to_pydatetime(), DAYS[0].date()]
)


@st.composite
def workbooks(draw: st.DrawFn, usual: bytes, damaged: Any) -> bytes:
    """A workbook with strange cells; or a usual one with damage in its bytes or in one of its parts."""
    kind = draw(st.sampled_from(["cells", "bytes", "part"]))
    if kind == "cells":
        return saved(draw(st.lists(st.lists(CELLS, max_size=4), max_size=8)))
    if kind == "bytes":
        return draw(damaged(usual))
    with zipfile.ZipFile(io.BytesIO(usual)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(sorted(parts)))
    parts[name] = draw(damaged(parts[name]))
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for each, content in parts.items():
            archive.writestr(each, content)
    return changed.getvalue()


def test_workbooks(fuzz: Any, read: Any, damaged: Any) -> None:
    usual = saved([["date", "y"], *([day.to_pydatetime(), 0.5 * row] for row, day in enumerate(DAYS))])
    fuzz(st.tuples(st.tuples(workbooks(usual, damaged), st.just(".xlsx")), OPTIONS), read)
