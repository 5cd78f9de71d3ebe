"""Steps of time: every given time is on the grid, for all frequencies of pandas, with holes, in zones and units."""

import numpy as np
import pandas as pd
import pytest

from tsrep.data import TableError, as_regular
from tsrep.data.grid import following
from tsrep.data.steps import step_of

FREQUENCIES = [
    *("s", "7min", "h", "D", "2D", "36h", "B", "W-TUE", "2W", "100ms", "3us"),
    *("MS", "ME", "2MS", "QS", "QE-JAN", "QS-FEB", "YS", "YE-JUN", "BMS", "BME", "BQS", "BQE", "BYS", "BYE"),
    *("SMS", "SME", "WOM-1MON", "WOM-4FRI"),
    pd.offsets.LastWeekOfMonth(weekday=4),
    pd.offsets.SemiMonthBegin(day_of_month=10),
    pd.offsets.CustomBusinessDay(weekmask="Sun Mon Tue Wed Thu"),
    pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat"),
    pd.offsets.FY5253(weekday=4, startingMonth=1, variation="last"),
]
ZONES = [None, "UTC", "Europe/Berlin", "America/New_York"]


def holes(index: pd.Index, count: int, seed: int = 0) -> np.ndarray:
    """(t,) which of the times are there; never the ends."""
    keep = np.ones(len(index), dtype=bool)
    keep[np.random.default_rng(seed).choice(np.arange(1, len(index) - 1), count, replace=False)] = False
    return keep


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("freq", FREQUENCIES, ids=str)
def test_all_frequencies_come_back_with_their_holes(freq, zone):
    whole = pd.date_range("2018-01-15", periods=64, freq=freq, tz=zone)
    full, after = whole[:60], whole[60:]
    for unit in ("s", "ms", "ns") if full.as_unit("s").equals(full) else ("us", "ns"):
        for count in (0, 7):
            keep = holes(full, count)
            given = full[keep].as_unit(unit)
            frame = as_regular(pd.DataFrame({"y": np.arange(60.0)[keep]}, given))
            assert list(frame.index) == list(full)
            np.testing.assert_array_equal(frame["y"], np.where(keep, np.arange(60.0), np.nan))
            assert list(following(frame.index, 4)) == list(after)


@pytest.mark.parametrize("freq", ["bh", pd.offsets.Easter(), "cbh"], ids=str)
def test_what_is_no_even_step_is_refused_and_nothing_is_lost(freq):
    index = pd.date_range("2018-01-15", periods=60, freq=freq)
    with pytest.raises(TableError, match="no common step|steps are missing"):
        as_regular(pd.DataFrame({"y": 1.0}, index))


@pytest.mark.parametrize("day", [29, 30, 31])
def test_a_day_that_some_months_lack_is_their_last(day):
    months = pd.period_range("2020-01", periods=30, freq="M")
    dates = pd.DatetimeIndex([f"{m}-{min(day, m.days_in_month)}" for m in months])
    frame = as_regular(pd.DataFrame({"y": 1.0}, dates.delete([7, 13])))
    assert list(frame.index) == list(dates)
    assert following(frame.index, 3).strftime("%d").tolist() == [str(min(day, d)) for d in (31, 31, 30)]


def test_midnights_that_a_zone_leaves_out():
    clocks = pd.date_range("2018-10-28", periods=14, freq="D")
    whole = clocks.tz_localize("America/Sao_Paulo", nonexistent="shift_forward")
    assert whole[7].hour == 1
    frame = as_regular(pd.DataFrame({"y": 1.0}, whole.delete([3])))
    assert list(frame.index) == list(whole)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 2, 4, 8], [0, 2, 4, 6, 8, 10]),
        ([0.0, 0.02, 0.06], [0.0, 0.02, 0.04, 0.06, 0.08]),
        (pd.to_timedelta([0, 10, 40], unit="s"), pd.to_timedelta([0, 10, 20, 30, 40, 50], unit="s")),
        ([1600, 1601, 1603], [1600, 1601, 1602, 1603, 1604]),
    ],
    ids=str,
)
def test_steps_that_are_no_dates(times, expected):
    frame = as_regular(pd.DataFrame({"y": 1.0}, index=pd.Index(times)))
    assert list(frame.index[frame["y"].notna()]) == list(times)
    assert [*frame.index, *following(frame.index, 1)] == list(expected)


def test_an_even_width_in_rounded_numbers():
    frame = as_regular(pd.DataFrame({"y": 1.0}, index=[0.0, 0.33, 0.67, 1.33, 1.67, 2.0]))
    np.testing.assert_allclose(frame.index, np.arange(7) / 3, atol=0.006)
    np.testing.assert_allclose(following(frame.index, 2), [7 / 3, 8 / 3], atol=0.01)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(np.arange(90) * 1000 / 60), unit="ms")
    assert len(as_regular(pd.DataFrame({"y": 1.0}, stamps.delete([7, 8])))) == 90  # 60 Hz in milliseconds


def test_jitter_is_no_step():
    times = np.arange(40.0) + np.random.default_rng(0).normal(0, 0.1, 40)
    with pytest.raises(TableError, match="no common step .* every="):
        as_regular(pd.DataFrame({"y": 1.0}, index=np.sort(times)))
    assert len(as_regular(pd.DataFrame({"y": 1.0}, index=np.sort(times)), every="2")) in (20, 21, 22)


def test_dates_before_1677_and_years():
    for start in ("1500-01-01", "1999-01-01"):
        index = pd.DatetimeIndex(np.datetime64(start, "s") + np.arange(0, 90).astype("timedelta64[D]"))
        frame = as_regular(pd.DataFrame({"y": 1.0}, index.delete([5])))
        assert len(frame) == 90 and frame["y"].isna().sum() == 1


def test_far_apart_times_are_counted_before_memory_is_asked_for():
    seconds = pd.date_range("2023-11-14 22:13:21", periods=50, freq="s")
    index = pd.DatetimeIndex([pd.Timestamp(0), *seconds])
    frame = pd.DataFrame({"y": 1.0}, index)
    with pytest.raises(TableError, match="1970-01-01 00:00:00 is followed by 2023-11-14 22:13:21"):
        as_regular(frame)
    with pytest.raises(TableError, match="makes .* steps of 51 rows, because 1970"):
        as_regular(frame, every="1min")
    with pytest.raises(TableError, match="because 49 is followed by 10000000000"):
        as_regular(pd.DataFrame({"y": 1.0}, [*range(50), 10**10]))


@pytest.mark.parametrize(
    ("every", "count"), [("1h", 2401), ("1D", 101), ("MS", 4), ("QS", 2), ("W-MON", 15), ("90min", 1601)]
)
def test_every_takes_lengths_and_calendar_steps(every, count):
    index = pd.date_range("2024-01-02", periods=4801, freq="30min")  # to 11 April
    frame = pd.DataFrame({"y": np.arange(4801.0)}, index)
    regular = as_regular(frame.sample(frac=1, random_state=0), every=every)
    assert len(regular) == count
    np.testing.assert_allclose(regular.mean().iloc[0], frame.resample(every)["y"].mean().mean())


@pytest.mark.parametrize("every", ["0h", "-1h", "often", "M0"])
def test_every_that_is_none(every):
    frame = pd.DataFrame({"y": 1.0}, pd.date_range("2024-01-02", periods=9, freq="h"))
    with pytest.raises(TableError, match=f"every is '{every}'; wanted a length of time"):
        as_regular(frame, every=every)


def test_few_rows_take_the_usual_reading():
    def named(*dates: str) -> str:
        step = step_of(pd.DatetimeIndex(dates))
        assert step is not None
        return step.name

    assert named("2024-01-01", "2024-01-02", "2024-01-03") == "1 days 00:00:00"
    assert named("2024-01-01", "2024-02-01") == "month, on day 1"
    assert named("2024-01-01", "2025-01-01") == "year, on day 1"
    assert named("2023-01-31", "2023-02-28") == "month, on the last day"
    assert named("2024-01-01", "2024-01-29", "2024-02-26") == "28 days 00:00:00"
