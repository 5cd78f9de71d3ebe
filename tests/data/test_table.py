"""`read_table` and `as_regular`: what is guessed, what is refused, and with which words."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.data import TableError, as_regular, read_table

HOURS = pd.date_range("2026-01-30 22:00", periods=6, freq="h")


def written(folder: Path, text: str, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table(times, values=None, head: str = "time,load") -> str:
    values = range(len(times)) if values is None else values
    return "\n".join([head, *(f"{t},{v}" for t, v in zip(times, values, strict=True))]) + "\n"


# What is read


@pytest.mark.parametrize(
    "spelled",
    [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y/%m/%d %H:%M",
        "%d.%m.%Y %H:%M",
        "%d/%m/%Y %H:%M",
        "%m/%d/%Y %H:%M",
        "%d-%b-%Y %H:%M",
    ],
)
def test_dates_as_people_write_them(tmp_path, spelled):
    frame = read_table(written(tmp_path, table(HOURS.strftime(spelled))))
    assert list(frame.index) == list(HOURS)
    assert frame["load"].tolist() == [0, 1, 2, 3, 4, 5]
    assert frame["load"].dtype == np.float64


@pytest.mark.parametrize("spelled", ["%d/%m/%Y", "%m/%d/%Y"])
def test_day_and_month_are_told_apart_by_the_rhythm(tmp_path, spelled):
    days = pd.date_range("2026-03-01", periods=9)
    assert list(read_table(written(tmp_path, table(days.strftime(spelled)))).index) == list(days)


def test_time_zones_are_read_as_one(tmp_path):
    frame = read_table(written(tmp_path, table(["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"])))
    assert frame.index[1] - frame.index[0] == pd.Timedelta("1h")
    assert str(frame.index.tz) == "UTC"


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_seconds_since_1970_and_finer(tmp_path, unit, factor):
    stamps = [(1_469_376_000 + 60 * i) * factor for i in range(4)]
    frame = read_table(written(tmp_path, table(stamps, head="timestamp,value")))
    assert frame.index[0] == pd.Timestamp("2016-07-24 16:00:00")
    assert frame.index[3] - frame.index[0] == pd.Timedelta("3min")


def test_fractions_of_seconds_since_1970(tmp_path):
    stamps = [f"{1_469_376_000 + 0.25 * i:.2f}" for i in range(4)]
    frame = read_table(written(tmp_path, table(stamps, head="timestamp,value")))
    assert frame.index[1] - frame.index[0] == pd.Timedelta("250ms")


def test_numbers_that_are_dates_or_steps(tmp_path):
    frame = read_table(written(tmp_path, table([20260130, 20260131, 20260201], head="date,load")))
    assert frame.index[2] == pd.Timestamp("2026-02-01")
    steps = read_table(written(tmp_path, table([10, 12, 16], head="step,load")))
    assert list(steps.index) == [10, 12, 14, 16]
    assert np.isnan(steps["load"][14])


def test_a_table_of_numbers_has_its_rows_counted(tmp_path):
    frame = read_table(written(tmp_path, "a,b\n1,2\n3,\n5,6\n"))
    assert list(frame.index) == [0, 1, 2]
    np.testing.assert_array_equal(frame["b"], [2, np.nan, 6])


def test_year_month_day_hour_are_put_together(tmp_path):
    rows = "\n".join(f"{i},2026,1,31,{h},{h / 2}" for i, h in enumerate((21, 22, 23)))
    frame = read_table(written(tmp_path, f"No,year,month,day,hour,load\n{rows}\n"), columns=["load"])
    assert list(frame.index) == list(pd.date_range("2026-01-31 21:00", periods=3, freq="h"))


def test_the_time_need_not_stand_first_nor_be_called_so(tmp_path):
    frame = read_table(written(tmp_path, "load,when\n1,2026-01-01\n2,2026-01-02\n"))
    assert list(frame.columns) == ["load"]
    assert frame.index[0] == pd.Timestamp("2026-01-01")


def test_columns_are_chosen_in_the_order_given(tmp_path):
    path = written(tmp_path, "time,a,b,name\n2026-01-01,1,2,x\n2026-01-02,3,4,y\n")
    assert list(read_table(path, columns=["b", "a"]).columns) == ["b", "a"]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_separators_and_decimal_commas(tmp_path, mark):
    text = table(HOURS, [f"{i},5" for i in range(6)]).replace("time,load", f"time{mark}load")
    text = "\n".join(
        line if i == 0 else line.replace(",", mark, 1) for i, line in enumerate(text.splitlines())
    )
    frame = read_table(written(tmp_path, text, "x.txt"))
    assert frame["load"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_marks_of_missing_values(tmp_path):
    frame = read_table(written(tmp_path, table(HOURS, ["1", "?", "", "NA", "-", "6"])))
    np.testing.assert_array_equal(frame["load"], [1, np.nan, np.nan, np.nan, np.nan, 6])


def test_packed_files_and_row_numbers_of_pandas(tmp_path):
    pd.DataFrame({"time": HOURS, "load": 1.0}).to_csv(tmp_path / "x.csv.gz")
    assert list(read_table(tmp_path / "x.csv.gz").columns) == ["load"]


def test_other_encodings(tmp_path):
    (tmp_path / "x.csv").write_bytes(table(HOURS, head="time,Temp °C").encode("latin-1"))
    assert list(read_table(tmp_path / "x.csv").columns) == ["Temp °C"]


@pytest.mark.parametrize("as_index", [True, False])
def test_parquet(tmp_path, as_index):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"time": HOURS, "load": np.arange(6.0)})
    (frame.set_index("time") if as_index else frame).to_parquet(tmp_path / "x.parquet")
    read = read_table(tmp_path / "x.parquet")
    assert list(read.index) == list(HOURS) and read["load"].tolist() == list(range(6))


def test_newest_first_is_turned_round(tmp_path):
    frame = read_table(written(tmp_path, table(HOURS[::-1])))
    assert list(frame.index) == list(HOURS)
    assert frame["load"].tolist() == [5, 4, 3, 2, 1, 0]


# Rhythm


@pytest.mark.parametrize("freq", ["s", "10min", "h", "D", "B", "W-TUE", "MS", "ME", "QS"])
def test_a_rhythm_is_kept(freq):
    index = pd.date_range("2024-01-01", periods=12, freq=freq)
    regular = as_regular(pd.DataFrame({"a": 1.0}, index=index.tz_localize("UTC")))
    assert list(regular.index) == list(index.tz_localize("UTC")) and regular.index.freq is not None


@pytest.mark.parametrize("freq", ["10min", "D", "B", "MS", "ME"])
def test_missing_steps_come_back_as_missing(freq):
    index = pd.date_range("2024-01-01", periods=40, freq=freq)
    keep = np.ones(40, bool)
    keep[[7, 8, 23]] = False
    frame = as_regular(pd.DataFrame({"a": np.arange(40.0)[keep]}, index=index[keep]))
    assert list(frame.index) == list(index)
    np.testing.assert_array_equal(frame["a"].isna(), ~keep)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=40, unique=True), st.integers(1, 5))
def test_steps_are_put_back_or_refused_and_no_value_is_lost(steps, stride):
    index = pd.Index(np.sort(steps) * stride)
    frame = pd.DataFrame({"step": index, "a": np.arange(len(index), dtype=float)})
    try:
        regular = as_regular(frame)
    except TableError as error:
        assert "no common step" in str(error) or "are missing" in str(error)
        return
    assert len(np.unique(np.diff(regular.index))) == 1
    np.testing.assert_array_equal(regular["a"].dropna(), frame["a"])
    assert regular.index[regular["a"].notna()].tolist() == index.tolist()


def test_rows_without_rhythm_are_averaged_on_request(tmp_path):
    path = written(tmp_path, table(["2026-01-01 00:01", "2026-01-01 00:04:30", "2026-01-01 02:07"]))
    with pytest.raises(TableError, match="34 of 37 steps are missing .* every='1h'"):
        read_table(path)
    np.testing.assert_array_equal(read_table(path, every="1h")["load"], [0.5, np.nan, 2])
    with pytest.raises(TableError, match="every is 'often'; wanted a length of time"):
        read_table(path, every="often")


def test_the_frame_given_is_not_changed():
    frame = pd.DataFrame({"time": HOURS[::-1], "load": range(6)})
    before = frame.copy()
    as_regular(frame)
    pd.testing.assert_frame_equal(frame, before)


# What is refused


def test_two_rows_for_one_time(tmp_path):
    path = written(tmp_path, table([*HOURS, HOURS[2]]))
    with pytest.raises(TableError, match=r"x.csv: 1 rows repeat a time, the first 2026-01-31 00:00:00"):
        read_table(path)
    assert read_table(path, sort=True)["load"].tolist() == [0, 1, 4, 3, 4, 5]


def test_several_series_in_one_file_are_pointed_out(tmp_path):
    rows = "".join(f"{t},{s},1\n" for s in ("north", "south") for t in HOURS)
    with pytest.raises(TableError, match="if 'station' identifies several series"):
        read_table(written(tmp_path, "time,station,load\n" + rows), columns=["load"])


def test_rows_out_of_order(tmp_path):
    path = written(tmp_path, table([HOURS[0], HOURS[2], HOURS[1], HOURS[3]]))
    with pytest.raises(
        TableError, match="not sorted by time: 2026-01-31 00:00:00 comes before 2026-01-30 23:00:00"
    ):
        read_table(path)
    assert read_table(path, sort=True)["load"].tolist() == [0, 2, 1, 3]


def test_text_among_the_numbers(tmp_path):
    with pytest.raises(TableError, match="column 'load' holds text, 'many' in row 3"):
        read_table(written(tmp_path, table(HOURS[:3], ["1", "2", "many"])))


def test_a_grid_with_more_holes_than_steps():
    index = pd.DatetimeIndex([*HOURS, pd.Timestamp("2027-01-01")])
    with pytest.raises(TableError, match="steps are missing when the step is 0 days 01:00:00"):
        as_regular(pd.DataFrame({"a": 1.0}, index=index))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as a table"),
        ("time,load\n", "holds 0 rows; wanted at least 2"),
        ("time,load\n2026-01-01,1\n", "holds 1 rows; wanted at least 2"),
        ("time,load\n2026-01-01,1\n,2\n", "time column 'time' cannot be read: row 2 has none"),
        (
            "time,load\n2026-01-01,1\nlater on,2\n",
            "time column 'time' cannot be read: row 2 holds 'later on'",
        ),
        ("name,load\nx,1\ny,2\n", "no column reads as a time among 'name', 'load'"),
        ("time,load\n2026-01-01,\n2026-01-02,\n", "column 'load' holds no value"),
        ("time,load\n2026-01-01,1\n2026-01-02,inf\n", "'load' holds an infinite value in row 2"),
        ("time\n2026-01-01\n2026-01-02\n", "no column of values except the time"),
        ("time,load\n2026-01-01,1\n2026-01-02,2,3,4\n", "cannot be read as a table"),
    ],
)
def test_tables_that_hold_no_series(tmp_path, text, words):
    with pytest.raises(TableError, match=words):
        read_table(written(tmp_path, text))


def test_names_that_are_none(tmp_path):
    path = written(tmp_path, table(HOURS))
    with pytest.raises(TableError, match="no column 'laod' among 'load'; did you mean 'load'"):
        read_table(path, columns=["laod"])
    with pytest.raises(TableError, match="no column 'when' among 'time', 'load'"):
        read_table(path, time="when")
    with pytest.raises(TableError, match="time column 'load' cannot be read: it holds float64"):
        read_table(written(tmp_path, table(HOURS, np.arange(6) % 4 / 2)), time="load")
    with pytest.raises(TableError, match=r"x.doc ends in none of .csv"):
        read_table(tmp_path / "x.doc")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_table(tmp_path / "none.csv")


def test_a_file_cut_short(tmp_path):
    whole = gzip.compress(table(HOURS).encode())
    (tmp_path / "x.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read as a table"):
        read_table(tmp_path / "x.csv.gz")


def test_public_tables(data_root):
    assert read_table(data_root / "ETT-small" / "ETTh1.csv.gz").shape == (17420, 7)
    assert read_table(data_root / "forecast" / "exchange_rate.csv.gz").index.freq == "D"
    with pytest.raises(TableError, match="2020-05-12 06:00:00"):
        read_table(data_root / "forecast" / "weather.csv.gz")


@pytest.mark.parametrize("columns", ["price", ["price"], ("price",), pd.Index(["price"])])
def test_one_column_or_several(columns):
    frame = pd.DataFrame({"load": [1, 2], "price": [3, 4]}, HOURS[:2])
    assert list(as_regular(frame, columns=columns)) == ["price"]
    numbered = frame.reset_index().set_axis([0, 1, 2], axis=1)
    assert list(as_regular(numbered, time=0, columns=[2, 1])) == ["2", "1"]
    for wrong, said in (({"load"}, "wanted a name or a list of names"), (["load", "load"], "'load' twice")):
        with pytest.raises(ValueError, match=said):
            as_regular(frame, columns=wrong)


def test_a_long_line_far_down_loses_nothing(tmp_path):
    days = pd.date_range("2020-01-01", periods=400).strftime("%Y-%m-%d")
    lines = table(days).splitlines()
    lines[350] += ","
    assert len(read_table(written(tmp_path, "\n".join(lines)))) == 400
    lines[350] += "7"
    with pytest.raises(TableError, match=f"the header has 2 fields, a line has 3: {days[349]}, 349, 7"):
        read_table(written(tmp_path, "\n".join(lines)))


def test_steps_finer_than_the_dates_are_written():
    seconds = pd.DataFrame({"y": range(6)}, pd.date_range("2026-01-01", periods=6, freq="s", unit="s"))
    assert as_regular(seconds, every="1500ms")["y"].tolist() == [0.5, 2.0, 3.5, 5.0]


@pytest.mark.parametrize(
    ("text", "every", "said"),
    [
        ("time,y\n", None, "holds 0 rows"),
        ("ds,y\n" + "9" * 23 + ",1\n" + "9" * 24 + ",2\n", None, "the time column 'ds' cannot be read"),
        (table(["0", "1"], head="step,y"), "1e-300", "makes more steps than can be counted"),
        (table(["2026-01-01", "2026-01-02"]), "999999999D", "times beyond those that can be held"),
    ],
)
def test_numbers_beyond_what_can_be_held(tmp_path, text, every, said):
    with pytest.raises(TableError, match=said):
        read_table(written(tmp_path, text), every=every)


def test_dates_before_the_first_year_are_refused(tmp_path):
    text = table(["2024-01-01T00:00:00+01:00", "-0001-01-01"])
    with pytest.raises(TableError, match="the time column 'time' cannot be read: row 2 holds '-0001-01-01'"):
        read_table(written(tmp_path, text))
