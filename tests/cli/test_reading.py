"""What the commands say of the tables that they read, and how that is said otherwise."""

import numpy as np
import pandas as pd
import pytest

DAYS = pd.date_range("2026-01-01", periods=30)
WAVE = np.sin(np.arange(30) / 3)


@pytest.fixture
def long():
    """Two series of a long table, one of 30 days without the fifth, one of 20."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": DAYS[:steps], "y": WAVE[:steps]})
        for name, steps in (("a", 30), ("b", 20))
    ]
    return pd.concat(parts, ignore_index=True).drop(index=4)


@pytest.fixture
def encode(shell, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words, code=0: shell("encode", *words, "--model", model, "--out", "z.npy", code=code)


def test_a_long_table_says_its_times_its_steps_and_how_it_was_read(encode, long):
    long.to_csv("x.csv", index=False, sep=";", decimal=",")
    shown = encode("x.csv")
    assert "x.csv: 2 series, 1 channel, 20 to 30 steps, 1 missing value; columns y" in shown
    assert "from 2026-01-01 00:00:00 to 2026-01-30 00:00:00, one every 1 days 00:00:00" in shown
    assert "; 49 rows, 1 step without a row" in shown
    assert "the separator is ';'" in shown and "the decimal mark is ','" in shown


@pytest.mark.parametrize("command", ["encode", "forecast", "impute"])
def test_the_sheet_of_a_long_table_is_said_and_can_be_named(
    command, shell, model, long, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pd.ExcelWriter("x.xlsx") as book:
        long.to_excel(book, sheet_name="Power", index=False)
        long.assign(y=long["y"] + 1).to_excel(book, sheet_name="Heat", index=False)
    words = ["--model", model, "--out", "z.npy"] if command == "encode" else ["--max-steps", 0]
    words += ["--horizon", 2] if command == "forecast" else []
    shown = shell(command, "x.xlsx", *words)
    assert "sheet 'Power' (others: 'Heat'; --sheet for another one) is read" in shown
    assert "1 step without a row" in shown
    assert "is read" not in shell(command, "x.xlsx", *words, "--sheet", "Heat")


def test_steps_that_differ_are_said_one_by_one(encode, long):
    hourly = pd.DataFrame(
        {"unique_id": "c", "ds": pd.date_range("2026-02-01", periods=20, freq="h"), "y": 0.5}
    )
    pd.concat([long, hourly]).to_csv("x.csv", index=False)
    shown = encode("x.csv")
    assert "time of 2 series (a, ...): column 'ds', from 2026-01-01" in shown
    assert "time of c: column 'ds', from 2026-02-01" in shown


def test_a_folder_says_it_too(encode, tmp_path):
    (tmp_path / "many").mkdir()
    for name, mark in (("a", ","), ("b", "|")):
        frame = pd.DataFrame({"day": DAYS, "y": WAVE})
        frame.to_csv(tmp_path / "many" / f"{name}.csv", sep=mark, index=False)
    shown = encode("many")
    assert "many: 2 series, 1 channel, 30 steps; columns y time: column 'day', from 2026-01-01" in shown
    assert "the separator is '|' (--separator for another one) of b" in shown


def test_named_marks_and_encodings_reach_every_kind_of_table(encode, long, tmp_path):
    options = ("--separator", "~", "--decimal", ",", "--encoding", "utf-16")
    style = {"sep": "~", "decimal": ",", "encoding": "utf-16", "index": False}
    (tmp_path / "many").mkdir()
    tables = {"long.csv": long, "one.csv": long[long["unique_id"] == "b"].drop(columns="unique_id")}
    tables |= {"many/a.csv": tables["one.csv"]}
    tables |= {"rows.csv": pd.DataFrame([WAVE[:20], WAVE[10:]], columns=[f"t{step}" for step in range(20)])}
    expected = {"long.csv": 2, "one.csv": 1, "many": 1, "rows.csv": 2}
    for name, table in tables.items():
        table.to_csv(name, **style)
    for name, count in expected.items():
        shown = encode(name, *options, *(["--rows"] if name == "rows.csv" else []))
        assert f"z.npy: {count} x 4" in shown
    assert "separator is 'xy'; wanted a character" in encode("long.csv", "--separator", "xy", code=1)
    assert "encoding is 'utf'; wanted" not in encode("long.csv", *options)


def test_the_next_command_has_the_options_of_reading(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"day": DAYS, "y": WAVE}).to_csv("x.csv", sep="~", index=False, encoding="utf-16")
    options = ("--separator", "~", "--encoding", "utf-16")
    shown = shell("pretrain", "x.csv", "--max-steps", 0, "--save", "m", *options)
    assert "--separator '~' --encoding utf-16" in shown


def test_a_long_table_is_sorted_averaged_and_its_marks_of_gaps_are_no_names(
    shell, long, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    long["unique_id"] = long["unique_id"].map({"a": 7, "b": 8})
    long["ds"] = long.groupby("unique_id").cumcount()
    long.loc[[9, 10], "y"] = 7.0
    long.sample(frac=1.0, random_state=0).to_parquet("x.parquet")
    shown = shell("impute", "x.parquet", "--missing", 7, code=1)
    assert "x.parquet: series 8: the rows are not sorted" in shown and "for example with --sort" in shown
    options = ("--missing", 7, "--sort", "--max-steps", 0, "--out")
    assert "2 of 49 values missing" in shell("impute", "x.parquet", *options, "full.csv")
    full = pd.read_csv("full.csv").sort_values(["unique_id", "ds"], ignore_index=True)
    assert full.groupby("unique_id").size().to_dict() == {7: 29, 8: 20}
    known = full.drop(index=[8, 9])
    np.testing.assert_allclose(known["y"], long.drop(index=[9, 10])["y"])
    shell("forecast", "x.parquet", "--horizon", 1, *options, "f.csv", "--every", 2)
    assert set(pd.read_csv("f.csv")["unique_id"]) == {7, 8}


@pytest.mark.parametrize("command", ["encode", "forecast", "impute"])
def test_what_a_long_table_does_not_take(command, shell, model, long, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long.to_csv("x.csv", index=False)
    words = ["--model", model, "--out", "z.npy"] if command == "encode" else []
    said = shell(command, "x.csv", "--time", "ds", *words, code=1)
    assert "--time cannot be given: x.csv is a long table, with the columns unique_id and ds" in said


def test_faults_of_a_long_table_name_the_file(encode, long):
    long.assign(kind="a").to_csv("x.csv", index=False)
    assert "x.csv: column 'kind' holds text, 'a' in row 1" in encode("x.csv", code=1)


def test_series_by_other_names_and_a_folder_are_explained(encode, shell, long, tmp_path):
    long.rename(columns={"unique_id": "item_id", "ds": "timestamp"}).to_csv("x.csv", index=False)
    assert "if 'item_id' names the series, call it unique_id and the time ds" in encode("x.csv", code=1)
    assert f"{tmp_path} is a folder; wanted a table in a file" in shell("forecast", tmp_path, code=1)


def test_a_name_that_stands_twice_is_said(encode, tmp_path):
    rows = "\n".join(f"{day:%Y-%m-%d},{value},{-value}" for day, value in zip(DAYS, WAVE, strict=True))
    (tmp_path / "x.csv").write_text(f"day,a,a\n{rows}")
    assert "a second column 'a' is called 'a.1'" in encode("x.csv", "--columns", "a.1")


def test_series_without_differences_are_one_cluster(shell, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones((4, 24)))
    assert "the series do not differ by groups: one cluster" in shell("cluster", "x.npy", "--model", model)
    assert pd.read_csv("x-clusters.csv")["cluster"].tolist() == [0] * 4


@pytest.mark.parametrize("ending", [".TSV", ".txt", ".csv.gz", ".pq", ".xlsx"])
def test_a_folder_holds_tables_of_every_kind(shell, model, tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    for kind in ("slow", "fast"):
        (tmp_path / "many" / kind).mkdir(parents=True)
        for number in range(2):
            frame, path = (
                pd.DataFrame({"day": DAYS, "y": WAVE}),
                tmp_path / "many" / kind / f"s{number}{ending}",
            )
            if ending == ".xlsx":
                frame.to_excel(path, index=False)
            elif ending == ".pq":
                frame.to_parquet(path)
            else:
                frame.to_csv(path, index=False, sep="\t" if ending == ".TSV" else ",")
    assert "many: 4 series, 1 channel, 30 steps" in shell(
        "encode", "many", "--model", model, "--out", "z.csv"
    )
    assert pd.read_csv("z.csv")["series"].tolist() == ["fast/s0", "fast/s1", "slow/s0", "slow/s1"]


def test_a_folder_of_archive_files_is_no_folder_of_series(encode, tmp_path):
    (tmp_path / "many").mkdir()
    np.savetxt(tmp_path / "many" / "X_TRAIN.tsv", np.ones((4, 9)), delimiter="\t")
    assert "X_TRAIN.tsv has no header; wanted a table of one series" in encode("many", code=1)
