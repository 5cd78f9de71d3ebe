"""Excel workbooks as people fill them: the right sheet, the whole table, and a clear word about what cannot be read."""

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from tsrep.data import TableError, read_long, read_table
from tsrep.data.table import ReadOptions
from tsrep.data.tables import ONLY, read_tables

STEPS = 12
DAYS = [dt.datetime(2026, 1, 1) + dt.timedelta(days=day) for day in range(STEPS)]
VALUES = [step + 0.5 for step in range(STEPS)]
HEAD = ["date", "y"]
SERIAL = 46023  # the first of January 2026 in a spreadsheet
ROWS = [list(row) for row in zip(DAYS, VALUES, strict=True)]


def with_column(times, values=VALUES, head=HEAD):
    return [head, *([time, value] for time, value in zip(times, values, strict=True))]


READ = {
    "dates": [HEAD, *ROWS],
    "days": with_column([day.date() for day in DAYS]),
    "text": with_column([day.strftime("%d.%m.%Y") for day in DAYS]),
    "serial numbers": with_column(range(SERIAL, SERIAL + STEPS)),
    "dates and text": with_column([day if day.day % 2 else str(day.date()) for day in DAYS]),
    "numbers as text": with_column(DAYS, [str(value).replace(".", ",") for value in VALUES]),
    "numbers and text": with_column(DAYS, ["0,5", *VALUES[1:]]),
    "empty rows and columns": [
        [],
        [None] * 4,
        [None, "date", None, "y"],
        *([None, day, None, y] for day, y in ROWS),
        [],
    ],
    "rows before the header": [["Station 5"], ["made in 2026"], [], HEAD, *ROWS],
    "no header": ROWS,
}


def book(folder: Path, sheets: dict[str, list], change: Callable | None = None) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if change is not None:
        change(workbook)
    workbook.save(folder / "x.xlsx")
    return folder / "x.xlsx"


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name, tmp_path):
    table = read_table(book(tmp_path, {"Data": READ[name]}))
    assert list(table.index) == DAYS
    np.testing.assert_array_equal(table.iloc[:, 0], VALUES)
    assert table.shape[1] == 1


def test_what_cells_hold(tmp_path):
    rows = [
        ["date", "time", "share", "state", "marks", 2026],
        *(
            [
                day.date(),
                dt.time(6),
                day.day / 100,
                day.day > 3,
                "n/a" if day.day == 2 else day.day + 0.125,
                day.day,
            ]
            for day in DAYS
        ),
    ]

    def as_percent(workbook):
        for cell in workbook.active["C"][1:]:
            cell.number_format = "0.0%"

    table = read_table(book(tmp_path, {"Data": rows}, as_percent))
    assert table.index[0] == pd.Timestamp("2026-01-01 06:00")
    days = np.arange(1, STEPS + 1)
    np.testing.assert_array_equal(table["share"], days / 100)
    np.testing.assert_array_equal(table["state"], days > 3)
    np.testing.assert_array_equal(table["marks"], np.where(days == 2, np.nan, days + 0.125))
    np.testing.assert_array_equal(table["2026"], days)


def test_ids_stay_what_they_are(tmp_path):
    rows = [[name, day, y] for name in ("007", "NA") for day, y in ROWS]
    long = read_long(book(tmp_path, {"Data": [["unique_id", "ds", "y"], *rows]}))
    assert list(pd.unique(long["unique_id"])) == ["007", "NA"]


def hide_first(workbook):
    workbook.worksheets[0].sheet_state = "hidden"


def test_which_sheet_is_read_is_said_and_can_be_chosen(tmp_path):
    other = with_column(DAYS, [100 + y for y in VALUES])
    for sheets, change, first in (
        ({"A": [HEAD, *ROWS], "B": other}, None, "A"),
        ({"Empty": [], "A": [HEAD, *ROWS]}, None, "A"),
        ({"Notes": [["x"], [1], [2]], "A": [HEAD, *ROWS]}, hide_first, "A"),
    ):
        table = read_tables(book(tmp_path, sheets, change), ReadOptions())[ONLY]
        np.testing.assert_array_equal(table.frame["y"], VALUES)
        assert f"sheet {first!r} (others: " in " ".join(table.summary.notes)
    path = book(tmp_path, {"A": [HEAD, *ROWS], "B": other})
    np.testing.assert_array_equal(read_table(path, sheet="B")["y"], np.add(VALUES, 100))
    with pytest.raises(TableError, match=r"x.xlsx has no sheet 'C'; wanted one of 'A', 'B'"):
        read_table(path, sheet="C")
    with pytest.raises(TableError, match=r"x.xlsx, sheet 'A' \(others: 'B'.*: holds 1 rows"):
        read_table(book(tmp_path, {"A": [HEAD, ROWS[0]], "B": other}))
    (tmp_path / "x.csv").write_text("date,y\n2026-01-01,1\n2026-01-02,2\n")
    with pytest.raises(TableError, match="is no workbook and has no sheets"):
        read_table(tmp_path / "x.csv", sheet="A")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (with_column(DAYS, ["=ROW()"] * STEPS), "a formula without its value in cell B2"),
        (with_column(DAYS, [*VALUES[:5], "=A1+1", *VALUES[6:]]), "a formula without its value in cell B7"),
        (with_column([DAYS[0], *(f"=A{row}+1" for row in range(2, STEPS + 1))]), "in cell A3"),
        (
            with_column(DAYS, [f"{y:.3f}".replace(".", ",") for y in VALUES[1:]] + ["1,000"]),
            "reads in two ways",
        ),
        ([HEAD, *ROWS, ["Total", 72.0]], "row 13 holds 'Total'"),
        ([], "its sheets are empty"),
    ],
)
def test_what_is_refused(rows, said, tmp_path):
    with pytest.raises(TableError, match=said):
        read_table(book(tmp_path, {"Data": rows}))


def test_what_is_no_workbook(tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_text("date,y\n2026-01-01,1\n")
    with pytest.raises(TableError, match=r"x.xlsx cannot be read as a workbook: File is not a zip file"):
        read_table(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(TableError, match="cannot be read as a workbook"):
        read_table(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(300 << 20))
    with pytest.raises(TableError, match="unpacks to more than 256 MiB"):
        read_table(path)


def test_the_shell_reads_the_named_sheet(shell, tmp_path, model):
    path = book(tmp_path, {"Notes": [["x"], [1]], "A": [HEAD, *ROWS]})
    out = tmp_path / "z.npy"
    assert "sheet 'Notes' (others: 'A'" in shell("encode", path, "--model", model, "--out", out, code=1)
    shell("encode", path, "--model", model, "--out", out, "--sheet", "A")
    assert np.load(out).shape == (1, 4)


def test_columns_that_mix_numbers_with_text_are_read_cell_by_cell():
    frame = pd.DataFrame({"date": DAYS[:3], "y": pd.Series([1.125, "n/a", "2,5"], dtype=object)})
    np.testing.assert_array_equal(read_tables(frame, ReadOptions())[ONLY].frame["y"], [1.125, np.nan, 2.5])
