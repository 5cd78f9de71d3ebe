"""`tsrep demo`: the page and the numbers beside it."""

import json

import pytest
from rich.console import Console

from tsrep.cli.demo.recording import read_electrocardiogram
from tsrep.cli.demo.run import run


def test_demo_writes_a_page_that_needs_nothing_else(tmp_path):
    console = Console(file=open(tmp_path / "log", "w"), width=120)  # noqa: SIM115
    page = run(tmp_path / "out", datasets=("ItalyPowerDemand",), max_steps=2, seed=3, console=console)
    assert page == tmp_path / "out" / "index.html"
    names = {
        "index.html",
        "results.json",
        "representation.png",
        "forecast.png",
        "anomalies.png",
        "gaps.png",
        "accuracy.png",
        "masked.png",
        "loss.png",
        "map-ItalyPowerDemand.png",
    }
    assert {path.name for path in page.parent.iterdir()} == names
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == 8
    assert "http://" not in html and "https://" not in html and "<script src" not in html

    results = json.loads((page.parent / "results.json").read_text())
    measured = results["datasets"]["ItalyPowerDemand"]
    assert (results["seed"], measured["steps"], measured["n_test"]) == (3, 2, 1029)
    assert set(measured["accuracy"]) == {"TS2Vec", "untrained encoder", "1-NN Euclidean"}
    assert all(f"{value:.3f}" in html for value in measured["accuracy"].values())
    masked = results["masked"]
    assert (masked["dataset"], masked["steps"]) == ("ItalyPowerDemand", 2)
    assert list(masked["accuracy"]) == ["masked prediction", *measured["accuracy"]]
    assert all(f"<td>{name}</td>" in html for name in masked["accuracy"]) and "Masked prediction" in html
    assert 0.6 < masked["accuracy"]["masked prediction"] <= 1
    assert {"loss", "positional_mean", "lines", "all_hidden"} == set(masked["rebuilt"])
    assert results["recording"]["length"] == 7500
    errors = results["forecast"]["errors"]
    assert list(errors) == ["TS2Vec and raw values", "ridge on raw values", "the last beat again"]
    assert all(f"{error['mae']:.4f}" in html and error["mae"] < 0.2 for error in errors.values())
    assert 0.5 < results["forecast"]["coverage"] < 1
    filled = results["gaps"]["errors"]
    assert list(filled) == ["SSGANImputer", "straight lines", "the last value again", "the mean"]
    assert all(f"{error:.3f}" in html for row in filled.values() for error in row.values())
    assert filled["SSGANImputer"]["single values"] < filled["the mean"]["single values"]
    assert results["anomalies"]["vus_pr"]["TS2Vec, nearest"] > results["anomalies"]["vus_pr"]["chance"]

    console.file.close()
    told = (tmp_path / "log").read_text()
    assert "1/6" in told and "6/6" in told and "tsrep classify" in told
    assert str(page) in told.replace("\n", "")


def test_demo_refuses_a_name_that_it_has_not():
    with pytest.raises(ValueError, match="datasets holds Nonsense"):
        run(datasets=("Nonsense",))


def test_the_recording_is_the_one_that_the_figure_describes():
    series, (first, last) = read_electrocardiogram()
    assert series.shape == (7500,)
    assert (first, last) == (6936, 7288)
