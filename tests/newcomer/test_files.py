"""Files as people have them, given to every command: read as they are meant, or refused in one line that helps."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tsrep
from tsrep.cli import app
from tsrep.cli.table_options import FIELDS
from tsrep.data.table import ReadOptions
from tsrep.data.tables import ONLY, read_tables

STEPS = 120
VALUES = [round(20 + 5 * np.sin(k / 3) + k % 7 / 10, 2) for k in range(STEPS)]
DAYS = pd.date_range("2020-01-01", periods=STEPS, freq="D")
HOURS = pd.date_range("2024-01-01", periods=STEPS, freq="h")
FRIDAYS = pd.date_range("2010-01-01", periods=STEPS, freq=pd.offsets.LastWeekOfMonth(weekday=4))
YEARS = [f"{year}-01-01" for year in range(1900, 2020)]


def lines(head: str, times: object, values: object = VALUES, mark: str = ",") -> str:
    rows = [f"{time}{mark}{value}" for time, value in zip(times, values, strict=True)]  # type: ignore[call-overload]
    return "\n".join([head, *rows]) + "\n"


def two(head: str, dates: str, clocks: str, mark: str) -> str:
    return lines(head, HOURS.strftime(f"{dates}{mark}{clocks}"), mark=mark)


DAILY = lines("date,y", DAYS.strftime("%Y-%m-%d"))
COMMAS = [f"{value:.2f}".replace(".", ",") for value in VALUES]

READ: dict[str, tuple[str | bytes, int, int, str]] = {
    # name: (what the file holds, steps, steps without a row, part of how the step is called)
    "offsets.csv": (lines("time,y", HOURS.strftime("%Y-%m-%dT%H:%M:%S+01:00")), STEPS, 0, "01:00:00"),
    "two_columns.csv": (two("Date;Time;y", "%d/%m/%Y", "%H:%M:%S", ";"), STEPS, 0, "01:00:00"),
    "dots_and_empty.csv": (
        lines("Date;Time;T;;", HOURS.strftime("%d/%m/%Y;%H.%M.%S"), [f"{v};;" for v in COMMAS], ";")
        + ";;;;\n;;;;\n",
        STEPS,
        0,
        "01:00:00",
    ),
    "sep_line.csv": ("sep=;\n" + DAILY.replace(",", ";"), STEPS, 0, "1 days"),
    "trailing_rows.csv": (DAILY.replace("\n", ",\n") + ",,\n,,\n", STEPS, 0, "1 days"),
    "comments.csv": ("# made by a logger\n# in 2020\n" + DAILY, STEPS, 0, "1 days"),
    "preamble.csv": ("Station Berlin\nHeight 34 m\n\n" + DAILY, STEPS, 0, "1 days"),
    "no_header.csv": (DAILY.split("\n", 1)[1], STEPS, 0, "1 days"),
    "fractions.csv": (lines("time,y", [f"{0.02 * k:.2f}" for k in range(STEPS)]), STEPS, 0, "0.02"),
    "counter.csv": (
        lines("index,date,y", [f"{k},{d.date()}" for k, d in enumerate(DAYS)]),
        STEPS,
        0,
        "1 days",
    ),
    "slice.csv": (
        lines(",date,y", [f"{500 + k},{d.date()}" for k, d in enumerate(DAYS)]),
        STEPS,
        0,
        "1 days",
    ),
    "fridays.csv": (lines("date,y", FRIDAYS.strftime("%Y-%m-%d")), STEPS, 0, "last Friday"),
    "fifteenth.csv": (
        lines("date,y", pd.period_range("2010-01", periods=STEPS, freq="M").strftime("%Y-%m-15")),
        STEPS,
        0,
        "day 15",
    ),
    "year_missing.csv": (lines("date,y", YEARS[:50] + YEARS[51:], VALUES[1:]), STEPS, 1, "year"),
    "years.csv": (lines("Year,y", range(1885, 1885 + STEPS)), STEPS, 0, "year"),
    "clocks.csv": (lines("time,y", HOURS.strftime("%H:%M:%S")), STEPS, 0, "01:00:00"),
    "one_column.csv": ("value\n" + "\n".join(["NA", *map(str, VALUES[1:])]) + "\n", STEPS, 0, "1"),
    "utf16.txt": (DAILY.replace(",", "\t").encode("utf-16"), STEPS, 0, "1 days"),
    "bom.csv": (DAILY.encode("utf-8-sig"), STEPS, 0, "1 days"),
    "blanks.txt": (lines("date time y", HOURS.strftime("%Y-%m-%d %H:%M"), mark="   "), STEPS, 0, "01:00:00"),
    "decimal_commas.csv": (lines("date;y", DAYS.strftime("%d.%m.%Y"), COMMAS, ";"), STEPS, 0, "1 days"),
    "[bold]$name$.csv": (DAILY.replace(",y", ",[red]x$"), STEPS, 0, "1 days"),
}

REFUSED: dict[str, tuple[str | bytes, str]] = {
    # name: (what the file holds, what is said)
    "clock_reset.csv": (
        lines(
            "timestamp,y", ["1970-01-01 00:00:00", *(HOURS[0] + pd.to_timedelta(range(STEPS - 1), unit="s"))]
        ),
        "1970-01-01 00:00:00 is followed by 2024-01-01 00:00:00",
    ),
    "far_date.csv": (DAILY + "9999-12-31,1\n", "is followed by 9999-12-31"),
    "epoch_hole.csv": (
        lines("timestamp,y", ["" if k == 60 else 1_700_000_000 + 60 * k for k in range(STEPS)]),
        "time column 'timestamp' cannot be read: row 61 has none",
    ),
    "no_year.csv": (
        lines("Month,y", [f"{k // 12 + 1}-{k % 12 + 1:02}" for k in range(STEPS)]),
        "time column 'Month' cannot be read: row 1 holds '1-01', which is no date with a year",
    ),
    "not_a_zip.csv.zip": (DAILY, "File is not a zip file"),
    "thousands_comma.csv": (
        lines("date;y", DAYS.strftime("%Y-%m-%d"), [f"{v:.3f}".replace(".", ",") for v in VALUES], ";"),
        "reads in two ways",
    ),
    "thousands_dot.csv": (
        lines("date;y", DAYS.strftime("%d.%m.%Y"), [f"{v:.3f}" for v in VALUES], ";"),
        "reads in two ways",
    ),
    "day_or_month.csv": (
        lines("date,y", DAYS[:12].strftime("%d/%m/%Y"), VALUES[:12]),
        "can be read in two ways",
    ),
    "empty.csv": ("", "no line of values"),
    "binary.csv": (bytes(range(256)) * 20, "zero bytes"),
    "workbook.csv": (b"PK\x03\x04" + bytes(50), "an Excel workbook"),
    "ragged.csv": ("date,y\n2020-01-01,1\n2020-01-02,2,3,4\n", "the header has 2 fields"),
    "no_time.csv": (lines("name,y", [f"n{k}" for k in range(STEPS)]), "no column reads as a time"),
}
COMMANDS = {
    "detect": [],
    "forecast": ["--horizon", "4"],
    "impute": [],
    "pretrain": ["--save", "saved"],
    "encode": ["--model", "MODEL", "--out", "z.npy"],
    "search": ["--model", "MODEL", "--sub", "--query", "0:10", "-k", "2"],
    "cluster": ["--model", "MODEL"],
    "classify": ["--model", "MODEL"],
}
ONE_SERIES = {
    "cluster": "--clusters is 2, and there are 1 series",
    "classify": "wanted a row per series, with a column per step and a column of labels",
}
"""What is said by commands that want several series, of a table of one."""
ARGUMENT = re.compile(rf"\b({'|'.join(FIELDS)})=")
"""An option of the reader as Python writes it."""


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str, tmp_path: Path) -> None:
    content, steps, absent, step = READ[name]
    table = read_tables(written(tmp_path, name, content), ReadOptions())[ONLY]
    assert (len(table.frame), table.summary.absent) == (steps, absent)
    assert step in str(table.summary.step)
    values = VALUES[1:] if absent or name == "one_column.csv" else VALUES
    np.testing.assert_array_equal(table.frame.iloc[:, 0].dropna(), values)
    assert table.frame.shape[1] == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    content, said = REFUSED[name]
    with pytest.raises(ValueError) as caught:
        read_tables(written(tmp_path, name, content), ReadOptions())
    assert said in str(caught.value) and name in str(caught.value)
    assert "--" not in str(caught.value)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `fit` ends with an error, so that a command gets as far as its training and no further."""

    def fit(*_: object, **__: object) -> None:
        raise ValueError("this is the training")

    for name in ("TS2Vec", "SSGANImputer", "MaskedSeriesEncoder"):
        monkeypatch.setattr(getattr(tsrep, name), "fit", fit)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file_gives_a_traceback(
    command: str, model: Path, tmp_path: Path, no_training: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [str(model) if word == "MODEL" else word for word in COMMANDS[command]]
    for name, (content, *_) in [*READ.items(), *REFUSED.items()]:
        path = written(tmp_path, name, content)
        result = CliRunner().invoke(app, [command, str(path), *options], env={"COLUMNS": "200"})
        assert isinstance(result.exception, SystemExit | None), (name, result.exception)
        last = result.output.strip().splitlines()[-1]
        if command == "classify" or (command in ONE_SERIES and name in READ):
            assert result.exit_code == 1 and last.startswith("error: "), (name, last)
            assert command == "classify" or ONE_SERIES[command] in last, (name, last)
        elif name in REFUSED:
            said = (REFUSED[name][1], "wanted at least")
            assert result.exit_code == 1 and last.startswith("error: "), (name, last)
            assert any(words in last for words in said), (name, last)
            assert not ARGUMENT.search(last), (name, last)
        elif command in ("encode", "search"):
            assert result.exit_code == 0, (name, last)
        else:
            ends = ("this is the training", "has no gap")
            assert any(end in last for end in ends), (name, last)
        if name in READ and command in ("detect", "forecast", "pretrain"):
            shown = " ".join(result.output.split())
            assert f"{name}: {READ[name][1]} steps" in shown and " from " in shown, (name, shown)


def test_a_zip_of_one_table_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.csv.zip", "w") as archive:
        archive.writestr("x.csv", DAILY)
    assert len(read_tables(tmp_path / "x.csv.zip", ReadOptions())[ONLY].frame) == STEPS
    with zipfile.ZipFile(tmp_path / "x.csv.zip", "a") as archive:
        archive.writestr("y.csv", DAILY)
    with pytest.raises(ValueError, match="a zip of 2 files"):
        read_tables(tmp_path / "x.csv.zip", ReadOptions())


def test_what_cannot_be_written_is_said_before_the_training(
    shell: Callable[..., str], tmp_path: Path, no_training: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "x.csv", DAILY)
    (tmp_path / "folder.csv").mkdir()
    for command in ("detect", "forecast", "impute"):
        assert "the file that is read" in shell(command, "x.csv", "--out", "x.csv", code=1)
        assert "which is a folder" in shell(command, "x.csv", "--out", "folder.csv", code=1)
        assert "is no folder" in shell(command, "x.csv", "--out", "x.csv/y.csv", code=1)
        assert "holds 1 steps of 1000D; wanted" in shell(command, "x.csv", "--every", "1000D", code=1)


def test_columns_with_the_names_of_results_and_files_with_dots_in_their_names(
    shell: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for version in ("v1", "v2"):
        path = written(tmp_path, f"a.{version}.csv", DAILY.replace(",y", ",score"))
        assert "the results are called score_, alarm_, part_" in shell("detect", path, "--max-steps", 0)
        table = pd.read_csv(tmp_path / f"a.{version}-alarms.csv")
        assert list(table) == ["time", "score", "score_", "alarm_", "part_"]
        np.testing.assert_array_equal(table["score"], VALUES)
