import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from tsrep import TS2Vec, __version__
from tsrep.cli import app
from tsrep.cli.demo.recording import read_electrocardiogram
from tsrep.cli.demo.run import run

rng = np.random.default_rng(0)


def tsrep(*arguments: object, code: int = 0) -> str:
    """Run a command, check its exit code, and give what it printed (stdout and stderr) with single spaces."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A saved univariate encoder of width 4."""
    folder = tmp_path_factory.mktemp("models") / "encoder"
    encoder = TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1, random_state=0)
    encoder.fit(rng.normal(size=(5, 1, 24))).save(folder)
    return folder


def test_help_and_version_load_nothing_heavy():
    heavy = "{'torch', 'sktime', 'tsai', 'matplotlib', 'pandas', 'sklearn', 'scipy'}"
    code = f"""
import sys
sys.argv = ["tsrep", "--help"]
from tsrep.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
raise SystemExit(bool({heavy} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "tsrep", "--version"], capture_output=True, text=True)
    assert done.stdout == f"tsrep {__version__}\n"


@pytest.mark.parametrize("command", ["demo", "classify", "encode", "info", "bench"])
def test_every_command_has_help(command):
    assert "Usage:" in tsrep(command, "--help")


def test_bench_hands_its_arguments_on():
    assert "UCR" in tsrep("bench", "ucr", "--help")
    assert "--seeds" in tsrep("bench", "ucr", "GunPoint", "--seeds", "many", code=2)


def test_classify_scores_beside_the_untrained_encoder_and_saves(tmp_path):
    for split in ("TRAIN", "TEST"):
        rows = np.column_stack([np.arange(8) % 2, rng.normal(size=(8, 16))])
        np.savetxt(tmp_path / f"Tiny_{split}.tsv", rows, delimiter="\t")
    options = ("--root", tmp_path, "--max-steps", 1, "--probe", "knn", "--save", tmp_path / "m")
    shown = tsrep("classify", "Tiny", *options)
    assert "8 training and 8 test series, 1 channel(s), 16 steps" in shown
    assert "TS2Vec │ 1 │" in shown and "untrained │ 0 │" in shown
    assert (tmp_path / "m" / "model.safetensors").is_file()
    assert "max_steps 1" in tsrep("info", tmp_path / "m")


def test_encode_a_dataset_to_csv(model, tmp_path):
    out = tmp_path / "new" / "z.csv"
    tsrep("encode", "ItalyPowerDemand", "--split", "train", "--model", model, "--out", out)
    lines = out.read_text().splitlines()
    assert lines[0] == "series,label,z0,z1,z2,z3"
    assert len(lines) == 68


def test_encode_arrays_keeps_labels_and_agrees_with_the_estimator(model, tmp_path):
    X, y = rng.normal(size=(3, 1, 24)), np.array(["a", "b", "a"])
    np.savez(tmp_path / "x.npz", X=X, y=y)
    tsrep("encode", tmp_path / "x.npz", "--model", model, "--out", tmp_path / "z.npz")
    from tsrep import load

    with np.load(tmp_path / "z.npz") as stored:
        np.testing.assert_array_equal(stored["Z"], load(model).transform(X))
        np.testing.assert_array_equal(stored["y"], y)


def test_encode_every_step(model, tmp_path):
    np.save(tmp_path / "x.npy", rng.normal(size=(3, 1, 24)))
    tsrep("encode", tmp_path / "x.npy", "--model", model, "--out", tmp_path / "z.npy", "--per-step")
    tsrep("encode", tmp_path / "x.npy", "--model", model, "--out", tmp_path / "z.csv", "--per-step")
    steps = np.load(tmp_path / "z.npy")
    table = np.loadtxt(tmp_path / "z.csv", delimiter=",", skiprows=1)
    assert steps.shape == (3, 24, 4)
    np.testing.assert_allclose(table[:, 2:].reshape(3, 24, 4), steps, rtol=1e-5)
    np.testing.assert_array_equal(table[:25, 0], [0] * 24 + [1])
    np.testing.assert_array_equal(table[:25, 1], [*range(24), 0])


def test_encode_a_table_with_time_stamps_is_one_long_series(model, tmp_path):
    rows = "".join(f"2026-01-01T00:{i:02},{value}\n" for i, value in enumerate(rng.normal(size=30)))
    (tmp_path / "x.csv").write_text("time,load\n" + rows)
    shown = tsrep("encode", tmp_path / "x.csv", "--model", model, "--out", tmp_path / "z.npy", "--per-step")
    assert "1 x 30 x 4" in shown


def test_info_tells_what_a_model_is(model):
    shown = tsrep("info", model)
    assert "TS2Vec" in shown
    assert "n_components 4" in shown
    assert f"tsrep {__version__}" in shown
    assert "checksum" in shown and "is right" in shown


def test_info_finds_a_damaged_model(model, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in model.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    content = bytearray((damaged / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (damaged / "model.safetensors").write_bytes(content)
    assert "is damaged" in tsrep("info", damaged, code=1)


def _inputs(folder: Path) -> dict[str, Path]:
    (folder / "text.csv").write_text("a,b\n1,x\n2,y\n")
    (folder / "broken.ts").write_text("@data\nnot a number:1\n")
    np.savez(folder / "nothing.npz", other=np.zeros(3))
    np.save(folder / "wide.npy", np.zeros((2, 3, 24)))
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("text.csv", "column 'b' holds text"),
        ("broken.ts", "broken.ts"),
        ("nothing.npz", "wanted an array called X"),
        ("wide.npy", "3 channels"),
        ("objects.npy", "pickle"),
        ("missing.npy", "missing.npy does not exist"),
        ("NoSuchDataSet", "NoSuchDataSet"),
    ],
)
def test_a_wrong_input_is_one_line(source, message, model, tmp_path):
    path = _inputs(tmp_path).get(source, source if source == "NoSuchDataSet" else tmp_path / source)
    result = CliRunner().invoke(
        app, ["encode", str(path), "--model", str(model), "--out", str(tmp_path / "z.npy")]
    )
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert message in result.stderr


def test_a_wrong_model_or_ending_is_one_line(model, tmp_path):
    assert "is not a saved model" in tsrep("info", tmp_path, code=1)
    message = tsrep("encode", "GunPoint", "--model", model, "--out", tmp_path / "z.xls", code=1)
    assert message.startswith("error: --out is 'z.xls'")


def test_wrong_usage_ends_with_two(tmp_path):
    assert "Missing option" in tsrep("encode", "GunPoint", code=2)
    assert "No such command" in tsrep("dance", code=2)
    assert "--probe" in tsrep("classify", "GunPoint", "--probe", "magic", code=2)


def test_debug_keeps_the_traceback(tmp_path):
    result = CliRunner().invoke(app, ["--debug", "info", str(tmp_path)])
    assert isinstance(result.exception, ValueError)


def test_a_mistake_in_the_program_keeps_its_traceback(monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("tsrep.cli.info.print_info", broken)
    assert isinstance(CliRunner().invoke(app, ["info", "x"]).exception, KeyError)


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
        "loss.png",
        "map-ItalyPowerDemand.png",
    }
    assert {path.name for path in page.parent.iterdir()} == names
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == 7
    assert "http://" not in html and "https://" not in html and "<script" not in html

    results = json.loads((page.parent / "results.json").read_text())
    measured = results["datasets"]["ItalyPowerDemand"]
    assert (results["seed"], measured["steps"], measured["n_test"]) == (3, 2, 1029)
    assert set(measured["accuracy"]) == {"TS2Vec", "untrained encoder", "1-NN Euclidean"}
    assert all(f"{value:.3f}" in html for value in measured["accuracy"].values())
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
    assert "1/5" in told and "5/5" in told and "tsrep classify" in told
    assert str(page) in told.replace("\n", "")


def test_demo_refuses_a_name_that_it_has_not():
    with pytest.raises(ValueError, match="datasets holds Nonsense"):
        run(datasets=("Nonsense",))


def test_the_recording_is_the_one_that_the_figure_describes():
    series, (first, last) = read_electrocardiogram()
    assert series.shape == (7500,)
    assert (first, last) == (6936, 7288)
