"""Messages of the reader name its options as who called it writes them: as arguments, in a call, or for a shell."""

import re
from inspect import signature
from pathlib import Path

import pandas as pd
import pytest

import tsrep
from tsrep.cli.table_options import FIELDS
from tsrep.data import TableError, as_regular, read_table
from tsrep.data.table import ReadOptions
from tsrep.data.tables import read_tables
from tsrep.tasks import RepresentationForecaster

DAYS = pd.date_range("2026-01-01", periods=12)
SHELL = re.compile(r"--[a-z]|shell")


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """A file in which two rows have one time."""
    path = tmp_path / "x.csv"
    pd.DataFrame({"day": [*DAYS, DAYS[-1]], "y": range(13)}).to_csv(path, index=False)
    return path


def refused(read, *given, **options) -> str:
    with pytest.raises(TableError) as caught:
        read(*given, **options)
    assert SHELL.search(str(caught.value)) is None
    return str(caught.value)


def test_every_option_that_is_named_exists_in_python_and_in_a_shell() -> None:
    files = Path(tsrep.__file__).parent.rglob("*.py")
    sources = [path.read_text(encoding="utf-8") for path in files]
    named = {name for source in sources for name in re.findall(r"\boption\(['\"](\w+)", source)}
    assert {"sort", "decimal", "separator"} <= named
    assert named <= {*FIELDS} & {*signature(read_table).parameters}


def test_who_calls_the_reader_is_told_its_arguments(twice: Path) -> None:
    assert "average them with sort=True" in refused(read_table, twice)
    assert "average them with sort=True" in refused(as_regular, pd.read_csv(twice))
    thousands = pd.DataFrame({"day": DAYS, "y": ["1,042"] * 12})
    assert "with decimal=',' or decimal='.'" in refused(as_regular, thousands)
    assert "day_first=True or day_first=False" in refused(
        as_regular, pd.DataFrame({"day": DAYS.strftime("%d/%m/%Y"), "y": 0.0})
    )
    assert "leave out separator=';'" in refused(
        read_table, twice.rename(twice.with_suffix(".parquet")), separator=";"
    )


def test_who_calls_an_estimator_is_told_which_function_has_them(twice: Path) -> None:
    fit = RepresentationForecaster(tsrep.TS2Vec(), horizons=1, context=2).fit
    frame = pd.read_csv(twice)
    assert "x.csv: 1 rows repeat" in (told := refused(fit, twice))
    assert "average them with tsrep.data.read_table(..., sort=True)" in told
    assert "average them with tsrep.data.as_regular(..., sort=True)" in refused(fit, frame)
    long = frame.rename(columns={"day": "ds"}).assign(unique_id="a")
    assert "series 'a': 1 rows repeat" in (told := refused(fit, long))
    assert "average them with tsrep.data.as_regular(..., sort=True)" in told
    named = refused(tsrep.TS2Vec().fit, long.assign(ds=[*DAYS, "2027-01-01"], state="on"))
    assert "column 'state' holds text" in named and "leave it out, or name" in named
    assert "tsrep.data.as_regular(..., columns=...)" in named
    long.to_csv(twice, index=False)  # a file that is long has no reader with this argument
    assert "tsrep.data.as_regular(..., sort=True)" in refused(read_tables, twice, ReadOptions())
