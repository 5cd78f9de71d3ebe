"""`tsrep search`: the series and stretches that are most like a query."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tsrep
from tsrep import load
from tsrep.cli import app
from tsrep.tasks import SeriesIndex

rng = np.random.default_rng(0)
X = np.sin(np.outer(np.linspace(1, 3, 9), np.linspace(0, 6, 24)))
LONG = 0.3 * rng.normal(size=200)
SHAPE = np.concatenate([np.linspace(-2, 2, 8), np.linspace(2, -2, 8)])
for start in (40, 150):
    LONG[start : start + 16] = SHAPE
HOURS = pd.date_range("2026-01-01", periods=200, freq="h")


@pytest.fixture
def search(shell, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    pd.DataFrame({"time": HOURS, "load": LONG}).to_csv("power.csv", index=False)
    return partial(shell, "search", "--model", model)


def test_whole_series_are_found_as_the_index_finds_them(search, model, tmp_path):
    shown = search("x.npy", "--query", 4, "-k", 3, "--plot")
    assert "x.npy: 9 series" in shown
    table = pd.read_csv("x-matches.csv")
    index = SeriesIndex(load(model), prefit=True).fit(X)
    distances, indices = index.query(X[4:5], k=4)
    assert table["series"].tolist() == indices[0, 1:].tolist()  # without itself
    np.testing.assert_allclose(table["distance"], distances[0, 1:], rtol=1e-5)
    assert table["rank"].tolist() == [1, 2, 3] and set(table["query"]) == {4}
    assert (tmp_path / "x-matches.png").stat().st_size > 10_000


def test_queries_from_a_file_find_themselves(search):
    np.save("new.npy", X[[2, 7]])
    search("x.npy", "--query", "new.npy", "-k", 2, "--metric", "cosine", "--out", "m.parquet")
    table = pd.read_parquet("m.parquet")
    assert table.groupby("query")["series"].first().to_dict() == {0: 2, 1: 7}
    np.testing.assert_allclose(table.groupby("query")["distance"].first(), 0.0, atol=1e-6)


def test_stretches_of_a_long_series_are_found_at_their_time(search, model):
    result = CliRunner().invoke(
        app, f"search power.csv --query 40:56 --sub -k 2 --model {model} --plot --json".split()
    )
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["matches"]
    assert (first["start"], first["stop"]) == (150, 166) and first["distance"] < 1e-4
    assert first["time"] == str(HOURS[150])
    assert abs(second["start"] - 40) >= 16 and abs(second["start"] - 150) >= 16  # they do not overlap
    pd.DataFrame({"time": HOURS[:16], "load": SHAPE}).to_csv("shape.csv", index=False)
    search("power.csv", "--query", "shape.csv", "--sub", "-k", 2)
    assert sorted(pd.read_csv("power-matches.csv")["start"]) == [40, 150]


def test_a_series_of_a_long_table_is_named(search, shell):
    frames = [
        pd.DataFrame({"unique_id": name, "ds": HOURS[:24], "y": wave})
        for name, wave in zip("abcdefghi", X, strict=True)
    ]
    pd.concat(frames).to_csv("long.csv", index=False)
    search("long.csv", "--query", "c:4:12", "--sub", "-k", 3, "--out", "m.csv")
    table = pd.read_csv("m.csv")
    assert list(table) == ["query", "rank", "series", "distance", "start", "stop", "time"]
    assert set(table["series"]) <= set("abcdefghi")
    assert not ((table["series"] == "c") & (abs(table["start"] - 4) < 8)).any()
    shell("search", "long.csv", "--query", "c", "-k", 2, "--max-steps", 0)  # by an encoder of its own
    assert len(pd.read_csv("long-matches.csv")) == 2


@pytest.fixture
def never_fitted(monkeypatch):
    def fit(*_, **__):
        raise AssertionError("nothing is fitted with a saved model")

    for name in ("MaskedSeriesEncoder", "TS2Vec"):
        monkeypatch.setattr(getattr(tsrep, name), "fit", fit)
    monkeypatch.setattr(SeriesIndex, "fit", fit)


@pytest.mark.parametrize(
    "options", ["--query 4", "--query 4 --metric cosine", "--query 4:2:14 --sub", "--query new.npy"]
)
def test_a_saved_index_finds_the_same_and_learns_nothing(options, search, shell, request):
    np.save("new.npy", X[[2, 7]])
    shown = search("x.npy", *options.split(), "-k", 3, "--save", "index", "--out", "first.csv")
    assert "next: tsrep search x.npy --index index --query NAME" in shown
    request.getfixturevalue("never_fitted")
    words = [word for word in options.split() if word not in ("--sub", "--metric", "cosine")]
    shown = shell("search", "x.npy", *words, "-k", 3, "--index", "index", "--out", "again.csv")
    assert "a saved index: nothing is learned from this source" in shown
    pd.testing.assert_frame_equal(pd.read_csv("again.csv"), pd.read_csv("first.csv"))


def test_an_index_that_does_not_fit_is_an_error(search, shell, model):
    search("x.npy", "--query", 4, "--save", "whole")
    search("x.npy", "--query", "4:2:14", "--sub", "--save", "parts")
    np.save("other.npy", X + rng.normal(size=X.shape))
    np.save("fewer.npy", X[:8])
    for index, query in (("whole", 4), ("parts", "4:2:14")):
        for source in ("other.npy", "fewer.npy"):
            said = shell("search", source, "--query", query, "--index", index, code=1)
            assert "--index holds other series than the source" in said
    for words, message in (
        (
            ("--query", "4:2:13", "--index", "parts"),
            "the query has 11 steps; wanted 12, as the stretches in the index",
        ),
        (
            ("--query", "4:2:13", "--sub", "--index", "whole"),
            "whole holds whole series; wanted one that was made with",
        ),
        (
            ("--query", 4, "--index", "whole", "--model", model),
            "--model cannot be given with --index: the saved index",
        ),
        (("--query", 4, "--index", model), "holds a TS2Vec; wanted an index"),
        (("--query", 4, "--index", "none"), "none"),
    ):
        assert message in shell("search", "x.npy", *words, code=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "x.npy --query 9",
            "--query is '9', no file and no series of the source; wanted a file, or one of 0",
        ),
        ("x.npy --query missing.csv", "--query is 'missing.csv', no file and no series"),
        ("x.npy --query 1:2:9", "--query is '1:2:9', a stretch of a series; wanted --sub with it"),
        ("x.npy --query 2:9 --sub", "there are 9 series; wanted NAME:START:STOP"),
        ("x.npy --query 1:9:2 --sub", "wanted START below STOP, and STOP at most 24"),
        ("x.npy --query 1 -k 9", "-k is 9; wanted at most 8, the series that can be found"),
        ("x.npy --query 1 --sub", "the query has 24 steps and the longest series 24; wanted a shorter one"),
        ("x.npy --query two.npy", "query 0 has 2 channels; wanted 1, as the source has"),
        ("x.npy --query 1 --out x.npy", "--out is 'x.npy'; wanted a name that ends in .csv or .parquet"),
    ],
)
def test_what_is_wrong_is_said(arguments, message, search):
    np.save("two.npy", np.ones((1, 2, 24)))
    assert message in search(*arguments.split(), code=1)
