"""`tsrep cluster`: groups of series as a table and a picture."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tsrep import load
from tsrep.cli import app
from tsrep.tasks import RepresentationClusterer

rng = np.random.default_rng(0)
WAVES = np.concatenate([np.tile(np.sin(np.arange(24) / 2), (7, 1)), np.tile(np.arange(24) / 8 - 1.5, (5, 1))])
WAVES += 0.02 * rng.normal(size=WAVES.shape)
KINDS = ["wave"] * 7 + ["ramp"] * 5


@pytest.fixture
def cluster(shell, model, tmp_path, monkeypatch):
    """The command with a saved encoder, on series of two kinds."""
    monkeypatch.chdir(tmp_path)
    np.savez("x.npz", X=WAVES, y=np.array(KINDS))
    return partial(shell, "cluster", "--model", model)


def test_two_kinds_are_two_clusters(cluster, model, tmp_path):
    shown = cluster("x.npz", "--plot", "--save", "clusters")
    assert "x.npz: 12 series, 1 channel, 24 steps" in shown
    assert "of 2 to 10 clusters, 2 have the best silhouette" in shown
    assert "adjusted Rand index with the labels: 1.00" in shown
    table = pd.read_csv("x-clusters.csv")
    assert list(table) == ["series", "label", "cluster", "distance"]
    assert table.groupby("label")["cluster"].nunique().to_dict() == {"ramp": 1, "wave": 1}
    assert table["cluster"].nunique() == 2
    assert (tmp_path / "x-clusters.png").stat().st_size > 10_000
    clusterer = load("clusters")
    np.testing.assert_array_equal(clusterer.predict(WAVES[:, None]), table["cluster"])
    distances = clusterer.model_.transform(clusterer.encoder_.transform(WAVES[:, None]).astype(float))
    np.testing.assert_allclose(table["distance"], distances.min(axis=1), rtol=1e-5)
    nearest = table.sort_values("distance").groupby("cluster")["series"].first().to_dict()
    result = CliRunner().invoke(
        app, ["cluster", "x.npz", "--model", str(model), "--clusters", "2", "--json", "--out", "y.csv"]
    )
    said = json.loads(result.stdout)
    assert {each["cluster"]: each["nearest"][0] for each in said["clusters"]} == nearest
    assert sorted(each["size"] for each in said["clusters"]) == [5, 7]
    assert said["noise"] == 0 and said["silhouette"] > 0.5


def test_dense_groups_leave_noise(cluster):
    odd = np.concatenate([WAVES, [np.where(np.arange(24) % 2, 3.0, -3.0)]])
    frame = pd.DataFrame(odd, columns=[f"t{step}" for step in range(24)])
    frame.insert(0, "id", [f"s{number}" for number in range(13)])
    frame.to_csv("rows.csv", index=False)
    shown = cluster("rows.csv", "--rows", "--method", "hdbscan", "--min-size", 3, "--out", "c.csv", "--plot")
    assert "1 of 13 series are in no cluster" in shown
    table = pd.read_csv("c.csv")
    assert table["cluster"].iloc[-1] == -1 and np.isnan(table["distance"].iloc[-1])
    assert table["series"].tolist() == frame["id"].tolist()


def test_a_long_table_trains_its_own_encoder(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2026-01-01", periods=24)
    parts = [pd.DataFrame({"unique_id": f"s{n}", "ds": days, "y": wave}) for n, wave in enumerate(WAVES)]
    pd.concat(parts).to_csv("long.csv", index=False)
    shown = shell("cluster", "long.csv", "--clusters", 3, "--max-steps", 1, "--save", "m")
    assert "long.csv: 12 series" in shown and "│ 2 │" in shown
    assert pd.read_csv("long-clusters.csv")["series"].tolist() == [f"s{n}" for n in range(12)]
    assert load("m").encoder_.n_steps_ == 1 and load("m").n_clusters_ == 3
    shell("encode", "long.csv", "--model", "m", "--out", "z.npy")
    np.testing.assert_array_equal(np.load("z.npy"), load("m").encoder_.transform(WAVES[:, None]))


def test_saved_clusters_take_new_series_and_learn_nothing(cluster, shell, monkeypatch):
    shown = cluster("x.npz", "--clusters", 3, "--save", "clusters")
    assert "next: tsrep cluster NEW_FILE --model clusters" in shown
    monkeypatch.setattr(RepresentationClusterer, "fit", None)
    shown = shell("cluster", "x.npz", "--model", "clusters", "--out", "again.csv")
    assert "saved clusters: nothing is learned from this source" in shown
    pd.testing.assert_frame_equal(pd.read_csv("again.csv"), pd.read_csv("x-clusters.csv"))
    np.savez("ramp.npz", X=WAVES[7:8])
    result = CliRunner().invoke(
        app, ["cluster", "ramp.npz", "--model", "clusters", "--plot", "--json"], catch_exceptions=False
    )
    said = json.loads(result.stdout)
    first = pd.read_csv("x-clusters.csv").iloc[7]
    (placed,) = said["series"]
    assert placed["cluster"] == first["cluster"] and placed["distance"] == pytest.approx(first["distance"])
    assert [each["size"] for each in said["clusters"]] == [int(n == first["cluster"]) for n in range(3)]
    assert Path("ramp-clusters.png").stat().st_size > 10_000


def test_what_saved_clusters_decide_is_refused(cluster, shell):
    cluster("x.npz", "--clusters", 3, "--save", "clusters")
    said = shell("cluster", "x.npz", "--model", "clusters", "--clusters", 2, "--seed", 1, code=1)
    assert "--clusters, --seed cannot be given with --model: the saved clusterer decides it" in said
    shown = cluster("x.npz", "--method", "hdbscan", "--save", "dense", "--out", "y.csv")
    assert "next: tsrep encode NEW_FILE --model dense --out Z.npz" in shown
    assert "clusters of hdbscan, which have no centres" in shell(
        "cluster", "x.npz", "--model", "dense", code=1
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--clusters 13", "--clusters is 13, and there are 12 series; wanted at most that many"),
        ("--method hdbscan --min-size 20", "--min-size is 20, and there are 12 series"),
        ("--out c.txt", "--out is 'c.txt'; wanted a name that ends in .csv or .parquet"),
        ("--out folder.csv", "--out is 'folder.csv', which is a folder"),
        ("--out picture.csv --plot", "--plot is 'picture.png', which is a folder"),
        ("--max-steps 3", "--max-steps cannot be given with --model: the saved encoder decides it"),
        ("--time t", "--time cannot be given: x.npz is no table"),
    ],
)
def test_what_is_wrong_is_said(options, message, cluster, tmp_path):
    for name in ("folder.csv", "picture.png"):
        (tmp_path / name).mkdir()
    assert message in cluster("x.npz", *options.split(), code=1)
