"""Long tables: ids are text, times are read together, holes stay, and other tables are told apart."""

import numpy as np
import pandas as pd
import pytest

from tsrep.data import TableError, as_panel, read_long, split_long
from tsrep.data.containers import Series
from tsrep.data.table import ReadOptions
from tsrep.data.tables import read_tables

HOURS = pd.date_range("2024-01-01", periods=30, freq="h")


def long_table(*names: str, spelled: str = "%Y-%m-%d %H:%M:%S", shift: str = "0h") -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": (HOURS + place * pd.Timedelta(shift)).strftime(spelled),
                "y": np.arange(30.0) + 100 * place,
            }
        ).drop(index=7)
        for place, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("ending", "encoding", "separator"),
    [(".csv", "utf-8", ","), (".csv", "utf-8-sig", ","), (".tsv", "utf-8", "\t"), (".txt", "utf-16", ";")],
)
def test_ids_are_text_in_every_dialect(tmp_path, ending, encoding, separator):
    path = tmp_path / f"x{ending}"
    long_table("NA", "007", "US").to_csv(path, index=False, sep=separator, encoding=encoding)
    long = read_long(path)
    assert long is not None and pd.unique(long["unique_id"]).tolist() == ["NA", "007", "US"]
    tables = read_tables(path, ReadOptions())
    assert list(tables) == ["NA", "007", "US"]
    for place, table in enumerate(tables.values()):
        assert len(table.frame) == 30 and np.flatnonzero(table.frame["y"].isna()).tolist() == [7]
        assert table.rows[0] == 29 * place and table.summary.absent == 1


def test_the_days_of_all_series_are_told_from_the_months_together():
    days = pd.date_range("2020-01-01", periods=40)
    one = pd.DataFrame({"unique_id": "a", "ds": days.strftime("%d/%m/%Y"), "y": 1.0})
    short = pd.DataFrame({"unique_id": "b", "ds": days[:3].strftime("%d/%m/%Y"), "y": 1.0})
    frames = split_long(pd.concat([short, one]))
    assert frames["b"].index.equals(days[:3]) and frames["a"].index.equals(days)


def test_series_at_other_times_keep_their_own_steps():
    frames = split_long(long_table("a", "b", shift="5h30min"))
    assert frames["b"].index[0] == HOURS[0] + pd.Timedelta("5h30min")
    assert all(frame["y"].isna().sum() == 1 for frame in frames.values())


@pytest.mark.parametrize("levels", [["unique_id"], ["unique_id", "ds"], ["ds"]])
def test_names_may_stand_in_the_index(levels):
    frames = split_long(long_table("a", "b").set_index(levels))
    assert list(frames) == ["a", "b"] and len(frames["b"]) == 30


def test_a_row_without_an_id_or_a_time_is_named(tmp_path):
    table = long_table("a", "b")
    with pytest.raises(TableError, match="row 4 has no unique_id"):
        split_long(table.assign(unique_id=table["unique_id"].where(table.index != 3)))
    with pytest.raises(TableError, match="row 4 has none"):
        split_long(table.assign(ds=table["ds"].where(table.index != 3)))
    table.loc[3, "unique_id"] = ""
    table.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(TableError, match=r"x.csv: row 4 has no unique_id"):
        read_long(tmp_path / "x.csv")


def test_panels_and_imputation_take_times_of_text_in_their_order():
    days = pd.date_range("2026-01-01", periods=40, freq="D")
    for spelled in (list(map(str, range(1, 41))), days.strftime("%d/%m/%Y"), days):
        table = pd.concat(
            [pd.DataFrame({"unique_id": u, "ds": spelled, "y": np.arange(40.0)}) for u in "ab"]
        ).sample(frac=1, random_state=0)
        series = Series(table)
        np.testing.assert_array_equal(series.panel[:, 0], np.tile(np.arange(40.0), (2, 1)))
        assert series.put_back(series.panel).equals(table)
        ordered = table.sort_values(["unique_id", "y"])
        np.testing.assert_array_equal(as_panel(ordered)[:, 0], np.tile(np.arange(40.0), (2, 1)))
