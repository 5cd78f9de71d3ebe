"""How a text file is written, said instead of recognised; and what is recognised is said."""

import numpy as np
import pandas as pd
import pytest

from tsrep.data import TableError, read_long, read_table
from tsrep.data.file_format import FileFormat
from tsrep.data.table import ReadOptions
from tsrep.data.tables import ONLY, read_tables

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
NUMBERS = ["1,5", "2,5", "4,0"]
VALUES = [1.5, 2.5, 4.0]


def rows(separator: str, numbers: list[str] = NUMBERS, name: str = "load") -> str:
    lines = [
        f"day{separator}{name}",
        *(f"{day}{separator}{number}" for day, number in zip(DAYS, numbers, strict=True)),
    ]
    return "\n".join(lines)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "x.csv"


@pytest.mark.parametrize(
    ("mark", "separator"),
    [
        (";", ";"),
        ("\t", "tab"),
        ("\t", "\\t"),
        ("  ", "blanks"),
        ("|", "|"),
        ("~", "~"),
        ("^", "^"),
        (" ", "space"),
    ],
)
def test_a_separator_that_is_named(file, mark, separator):
    file.write_text(rows(mark), encoding="utf-8")
    assert read_table(file, separator=separator)["load"].tolist() == VALUES


def test_a_named_separator_counts_where_another_one_fits_as_well(file):
    file.write_text("day;a,b\n2026-01-01;1,5\n2026-01-02;2,5\n2026-01-03;4,0\n")
    assert list(read_table(file, separator=";").columns) == ["a,b"]
    assert list(read_table(file, separator=",", time="none", columns="b").columns) == ["b"]
    file.write_text("sep=;\n" + rows("|"))
    assert read_table(file, separator="|")["load"].tolist() == VALUES
    file.write_text("sep=§\n" + rows("§"), encoding="utf-8")
    with pytest.raises(TableError, match="its first line names the separator '§'"):
        read_table(file)


def test_a_named_encoding_counts(file):
    file.write_bytes(rows(";", name="größe").encode("cp437"))
    assert list(read_table(file, encoding="cp437").columns) == ["größe"]
    assert list(read_table(file).columns) == ["gr”áe"]
    with pytest.raises(TableError, match=r"x.csv cannot be read as a table: 'utf-8' codec can't decode"):
        read_table(file, encoding="utf-8")
    file.write_bytes(rows(";").encode("utf-16-le"))
    assert read_table(file, encoding="utf-16-le")["load"].tolist() == VALUES
    file.write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(TableError, match="it is Parquet, not text"):
        read_table(file, encoding="latin-1")


def test_a_long_table_is_found_by_the_named_separator(file):
    frame = pd.DataFrame({"unique_id": ["a"] * 3, "ds": DAYS, "y": NUMBERS})
    frame.to_csv(file, sep="~", index=False, encoding="utf-16")
    long = read_long(file, separator="~", encoding="utf-16")
    assert long is not None and long["y"].tolist() == VALUES


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"separator": "ab"}, "separator is 'ab'; wanted a character of ASCII that is no letter"),
        ({"separator": "§"}, "separator is '§'; wanted a character of ASCII"),
        ({"separator": ""}, "separator is ''; wanted a character"),
        ({"separator": "x"}, "separator is 'x'; wanted a character"),
        ({"separator": '"'}, "wanted a character of ASCII that is no letter, digit, quote"),
        ({"decimal": ";"}, "decimal is ';'; wanted '.' or ','"),
        ({"encoding": "utf-9"}, "encoding is 'utf-9'; wanted one that Python knows"),
        ({"encoding": "hex"}, "encoding is 'hex'; wanted one that Python knows"),
        ({"encoding": ""}, "encoding is ''; wanted one that Python knows"),
    ],
)
def test_what_is_no_format(values, message):
    with pytest.raises(ValueError, match=message):
        FileFormat(**values)


@pytest.mark.parametrize("option", ["separator", "encoding"])
def test_other_files_than_text_have_neither(option, tmp_path):
    pd.DataFrame({"day": DAYS, "load": VALUES}).to_parquet(tmp_path / "x.parquet")
    value = {"separator": ";", "encoding": "utf-8"}[option]
    with pytest.raises(TableError, match=f"x.parquet is no text file and has no {option}; leave out"):
        read_table(tmp_path / "x.parquet", **{option: value})


def test_what_is_recognised_is_said_and_what_is_named_is_not(file):
    file.write_bytes(rows(";", name="größe").encode("cp1252"))
    said = " ".join(read_tables(file, ReadOptions())[ONLY].summary.notes)
    for words in (
        "the separator is ';' (",
        "the encoding is cp1252 (",
        "the decimal mark is ','",
    ):
        assert words in said
    named = ReadOptions(written=FileFormat(";", ",", "cp1252"))
    table = read_tables(file, named)[ONLY]
    assert table.summary.notes == ()
    np.testing.assert_array_equal(table.frame["größe"], VALUES)
