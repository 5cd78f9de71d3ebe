"""`tsrep encode`: files and data sets in, representations out."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tsrep.cli import app

rng = np.random.default_rng(0)


def test_encode_a_dataset_to_csv(shell, model, tmp_path):
    out = tmp_path / "new" / "z.csv"
    shell("encode", "ItalyPowerDemand", "--split", "train", "--model", model, "--out", out)
    lines = out.read_text().splitlines()
    assert lines[0] == "series,label,z0,z1,z2,z3"
    assert len(lines) == 68


def test_encode_arrays_keeps_labels_and_agrees_with_the_estimator(shell, model, tmp_path):
    X, y = rng.normal(size=(3, 1, 24)), np.array(["a", "b", "a"])
    np.savez(tmp_path / "x.npz", X=X, y=y)
    shell("encode", tmp_path / "x.npz", "--model", model, "--out", tmp_path / "z.npz")
    from tsrep import load

    with np.load(tmp_path / "z.npz") as stored:
        np.testing.assert_array_equal(stored["Z"], load(model).transform(X))
        np.testing.assert_array_equal(stored["y"], y)


def test_encode_every_step(shell, model, tmp_path):
    np.save(tmp_path / "x.npy", rng.normal(size=(3, 1, 24)))
    shell("encode", tmp_path / "x.npy", "--model", model, "--out", tmp_path / "z.npy", "--per-step")
    shell("encode", tmp_path / "x.npy", "--model", model, "--out", tmp_path / "z.csv", "--per-step")
    steps = np.load(tmp_path / "z.npy")
    table = np.loadtxt(tmp_path / "z.csv", delimiter=",", skiprows=1)
    assert steps.shape == (3, 24, 4)
    np.testing.assert_allclose(table[:, 2:].reshape(3, 24, 4), steps, rtol=1e-5)
    np.testing.assert_array_equal(table[:25, 0], [0] * 24 + [1])
    np.testing.assert_array_equal(table[:25, 1], [*range(24), 0])


def test_encode_a_table_with_time_stamps_is_one_long_series(shell, model, tmp_path):
    rows = "".join(f"2026-01-01T00:{i:02},{value}\n" for i, value in enumerate(rng.normal(size=30)))
    (tmp_path / "x.csv").write_text("time,load\n" + rows)
    shown = shell("encode", tmp_path / "x.csv", "--model", model, "--out", tmp_path / "z.npy", "--per-step")
    assert "1 x 30 x 4" in shown


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
        ("text.csv", "no column reads as a time among 'a', 'b'"),
        ("broken.ts", "broken.ts"),
        ("nothing.npz", "wanted an array called X"),
        ("wide.npy", "3 channels"),
        ("objects.npy", "Python objects"),
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


def test_only_an_encoder_encodes(shell, tmp_path):
    from tsrep import SSGANImputer

    X = rng.normal(size=(4, 1, 24))
    np.save(tmp_path / "x.npy", X)
    SSGANImputer(hidden_size=8, max_steps=0).fit(X).save(tmp_path / "imputer")
    shown = shell(
        "encode", tmp_path / "x.npy", "--model", tmp_path / "imputer", "--out", tmp_path / "z.npz", code=1
    )
    assert "holds a SSGANImputer; wanted an encoder" in shown


def test_columns_of_a_csv_file_are_known_by_name(shell, tmp_path):
    import pandas as pd

    from tsrep import TS2Vec

    hours = pd.date_range("2026-01-01", periods=40, freq="h")
    frame = pd.DataFrame(rng.normal(size=(40, 2)), hours, ["a", "b"]).rename_axis("time")
    TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1, random_state=0).fit(frame).save(
        tmp_path / "m"
    )
    written = []
    for number, columns in enumerate((["a", "b"], ["b", "a"])):
        frame[columns].to_csv(tmp_path / "x.csv")
        out = tmp_path / f"{number}.npy"
        shell("encode", tmp_path / "x.csv", "--model", tmp_path / "m", "--out", out)
        written.append(np.load(out))
    np.testing.assert_array_equal(*written)
    frame.rename(columns={"b": "c"}).to_csv(tmp_path / "x.csv")
    shown = shell("encode", tmp_path / "x.csv", "--model", tmp_path / "m", "--out", out, code=1)
    assert "has the columns ['a', 'c']; wanted ['a', 'b'], as in the fit of the encoder" in shown
