"""Anomaly archives in the forms that people have them, and the authors' preparation of KPI."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrep.data import (
    AnomalySeries,
    DatasetFileError,
    DatasetNotFoundError,
    find_anomaly,
    load_anomaly,
    ts2vec_preparation,
    unit_root_p_value,
)

STEPS = np.arange(200)
NOISE = np.sin(STEPS * STEPS * 0.37) + 0.3 * np.sin(STEPS * 1.3)


def folder(root: Path, *parts: str) -> Path:
    path = root.joinpath("anomaly", *parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


# Archives


def test_kpi_as_published_gets_its_missing_minutes_back(tmp_path):
    minutes = np.array([0, 1, 2, 4, 5, 7, 8, 9])  # 3 and 6 are missing; the file is not in order
    table = pd.DataFrame(
        {"KPI ID": "a", "timestamp": 600 + 60 * minutes, "value": minutes / 2, "label": minutes == 4}
    )
    other = table.assign(**{"KPI ID": "b"})
    shuffled = pd.concat([table.sample(frac=1, random_state=0), other]).astype({"label": int})
    shuffled.to_csv(folder(tmp_path, "KPI") / "phase2_train.csv", index=False)
    assert find_anomaly(tmp_path)["KPI"] == ["a_t1", "b_t1"]
    series = load_anomaly("KPI", "a_t1", tmp_path)
    np.testing.assert_array_equal(series.values[:, 0], [0, 0.5, 1, np.nan, 2, 2.5, np.nan, 3.5, 4, 4.5])
    np.testing.assert_array_equal(series.labels, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0])
    assert series.train_length == 5  # rows for minutes 0, 1, 2, 4 are the first half
    assert list(series.times) == list(pd.date_range("1970-01-01 00:10", periods=10, freq="min"))
    assert series.train.shape == (5, 1)


def test_kpi_in_halves(tmp_path):
    np.savez(
        folder(tmp_path, "KPI") / "k.npz",
        train=np.arange(3.0),
        train_label=[0, 1, 0],
        test=np.arange(2.0),
        test_label=[1, 0],
        timestamp_start=0,
        interval_s=300,
    )
    series = load_anomaly("KPI", "k", tmp_path)
    assert series.labels.tolist() == [0, 1, 0, 1, 0] and series.train_length == 3
    assert series.times[4] == pd.Timestamp("1970-01-01 00:20")


def test_nab_windows_and_probation(tmp_path):
    times = pd.date_range("2026-01-01", periods=40, freq="5min")
    pd.DataFrame({"timestamp": times, "value": range(40)}).to_csv(
        folder(tmp_path, "NAB", "group") / "x.csv.gz", index=False
    )
    windows = {"group/x.csv": [["2026-01-01 00:50:00.000000", "2026-01-01 01:00:00.000000"]]}
    (folder(tmp_path, "NAB", "labels") / "combined_windows.json").write_text(json.dumps(windows))
    series = load_anomaly("NAB", "group/x", tmp_path)
    assert np.flatnonzero(series.labels).tolist() == [10, 11, 12]
    assert series.train_length == 6 and series.times[1] == times[1]


def test_ucr_names_hold_the_labels(tmp_path):
    values = np.arange(50.0)
    place = folder(tmp_path, "UCR_Anomaly")
    np.savetxt(place / "007_UCR_Anomaly_two_words_20_30_33.txt", values)
    (place / "008_UCR_Anomaly_row_20_30_30.txt").write_text(" ".join(map(str, values)))
    series = load_anomaly("UCR", "two_words", tmp_path)
    assert series.train_length == 20 and np.flatnonzero(series.labels).tolist() == [30, 31, 32]
    row = load_anomaly("UCR", "row", tmp_path)
    assert len(row.values) == 50 and np.flatnonzero(row.labels).tolist() == [30]


def test_smd_in_three_folders(tmp_path):
    for part, values in (("train", np.ones((4, 2))), ("test", np.zeros((3, 2))), ("test_label", [0, 1, 1])):
        np.savetxt(folder(tmp_path, "SMD", part) / "machine-1-1.txt", values, delimiter=",")
    series = load_anomaly("SMD", "machine-1-1", tmp_path)
    assert series.values.shape == (7, 2) and series.labels.tolist() == [0, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("packed", [True, False])
def test_nasa_channels_go_to_their_spacecraft(tmp_path, packed):
    place = folder(tmp_path, "SMAP_MSL")
    (place / "labeled_anomalies.csv").write_text(
        'chan_id,spacecraft,anomaly_sequences\nP-1,SMAP,"[[1, 2], [4, 4]]"\nM-6,MSL,"[[0, 0]]"\nP-9,SMAP,"[]"\n'
    )
    train, test = np.ones((3, 5)), np.zeros((6, 5))
    if packed:
        np.savez(place / "P-1.npz", train=train, test=test)
    else:
        np.save(folder(tmp_path, "SMAP_MSL", "train") / "P-1.npy", train)
        np.save(folder(tmp_path, "SMAP_MSL", "test") / "P-1.npy", test)
    assert find_anomaly(tmp_path)["SMAP"] == ["P-1"] and find_anomaly(tmp_path)["MSL"] == []
    series = load_anomaly("SMAP", "P-1", tmp_path)
    assert np.flatnonzero(series.labels).tolist() == [4, 5, 7] and series.train_length == 3


def test_what_cannot_be_found_or_read(tmp_path, monkeypatch):
    monkeypatch.delenv("TSREP_DATA", raising=False)
    with pytest.raises(ValueError, match="archive is 'kpi'; wanted one of KPI, NAB"):
        load_anomaly("kpi", "x", tmp_path)
    with pytest.raises(DatasetNotFoundError, match=r"No series 'x' of KPI among the 0 under \(no folder\)"):
        load_anomaly("KPI", "x")
    (folder(tmp_path, "UCR_Anomaly") / "ECG1.npz").write_bytes(b"PK\3\4 no")
    with pytest.raises(DatasetNotFoundError, match="Did you mean ECG1"):
        load_anomaly("UCR", "ECG2", tmp_path)
    with pytest.raises(DatasetFileError, match="UCR/ECG1: the files of ECG1 cannot be read"):
        load_anomaly("UCR", "ECG1", tmp_path)
    np.savez(folder(tmp_path, "SMD") / "m.npz", train=np.ones(3))
    with pytest.raises(DatasetFileError, match="KeyError: .*test"):
        load_anomaly("SMD", "m", tmp_path)


def test_public_archives(data_root):
    found = find_anomaly(data_root)
    if not found["UCR"] or not found["NAB"]:
        pytest.skip("no anomaly archives in TSREP_DATA")
    series = load_anomaly("UCR", found["UCR"][0], data_root)
    assert series.labels[series.train_length :].any() and not series.labels[: series.train_length].any()
    taxi = load_anomaly("NAB", "realKnownCause/nyc_taxi", data_root)
    assert len(taxi.values) == 10320 and taxi.labels.sum() == 1035 and taxi.train_length == 750


# Preparation


# Recorded from statsmodels 0.15: adfuller(x, 1)[1], adfuller(x, 5)[1], adfuller(x)[1]
@pytest.mark.parametrize(
    ("x", "one", "five", "own"),
    [
        (NOISE, 4.84933416000922e-25, 4.84933416000922e-25, 4.84933416000922e-25),
        (np.cumsum(NOISE), 0.38453384341159563, 0.38453384341159563, 0.38453384341159563),
        (NOISE + 0.05 * STEPS, 0.5305267677544022, 0.9248831880282509, 0.9080668459714956),
        (np.sin(STEPS / 9) + 0.1 * NOISE, 0.5769717002319119, 2.551005084022931e-06, 1.0098951612790763e-11),
    ],
)
def test_unit_root_test_is_that_of_statsmodels(x, one, five, own):
    assert unit_root_p_value(x, 1) == pytest.approx(one, rel=1e-6)
    assert unit_root_p_value(x, 5) == pytest.approx(five, rel=1e-6)
    assert unit_root_p_value(x) == pytest.approx(own, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "words"),
    [(np.ones(50), "constant"), (np.arange(5.0), "5 steps; wanted at least"), (np.ones((9, 2)), r"\(9, 2\)")],
)
def test_unit_root_test_refuses(x, words):
    with pytest.raises(ValueError, match=words):
        unit_root_p_value(x, 1)


def series_of(values, train_length, labels=None):
    values = np.asarray(values, dtype=float)
    labels = np.zeros(len(values), dtype=int) if labels is None else labels
    times = pd.date_range("2026-01-01", periods=len(values), freq="min")
    return AnomalySeries("KPI", "x", values.reshape(len(values), -1), labels, train_length, times)


def test_a_wandering_series_is_differenced_and_standardised_by_its_training_part():
    walk, labels = np.cumsum(NOISE), (STEPS == 150).astype(int)
    prepared = ts2vec_preparation(series_of(walk, 120, labels))
    difference = np.diff(walk)
    wanted = (difference - difference[:119].mean()) / difference[:119].std()
    np.testing.assert_allclose(prepared.values[:, 0], wanted)
    assert prepared.train_length == 119
    assert np.flatnonzero(prepared.labels).tolist() == [149]
    assert prepared.times[0] == pd.Timestamp("2026-01-01 00:01")


def test_preparation_does_not_read_what_comes_after_training():
    walk = np.cumsum(NOISE)
    changed = np.append(walk[:120], 1e6 * NOISE[:80])
    first, second = (ts2vec_preparation(series_of(x, 120)).values[:119] for x in (walk, changed))
    np.testing.assert_array_equal(first, second)


def test_gaps_stay_and_constant_parts_are_only_centred():
    gappy = NOISE.copy()
    gappy[[0, 50, 51, 180]] = np.nan
    prepared = ts2vec_preparation(series_of(gappy, 120))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(prepared.values)), [49, 50, 179])
    assert np.nanmean(prepared.values[:119]) == pytest.approx(0, abs=1e-12)
    flat = ts2vec_preparation(series_of(np.append(np.full(120, 3.0), [5.0]), 120))
    np.testing.assert_array_equal(flat.values[-2:, 0], [0, 2])
    with pytest.raises(ValueError, match="2 channels; wanted 1"):
        ts2vec_preparation(series_of(np.ones((30, 2)), 20))
