"""`tsrep pretrain`: every kind of source to a saved encoder that `tsrep encode` uses, and refusals before training."""

import shlex
from functools import partial

import numpy as np
import pandas as pd
import pytest

from tsrep import MaskedSeriesEncoder, TS2Vec, load
from tsrep.data import load_dataset, read_table, ts2vec_normalisation

rng = np.random.default_rng(0)
SMALL = ("--max-steps", 1, "--design", "mae", "--target", "values")
ONE_STEP = {"max_steps": 1, "random_state": 0}
TIMES = pd.date_range("2026-01-01", periods=60, freq="h")


@pytest.fixture
def pretrain(shell, tmp_path, monkeypatch):
    """Runs the command with a model of one step, saved as m, and gives what it printed."""
    monkeypatch.chdir(tmp_path)
    return lambda source, *options, **how: shell("pretrain", source, *SMALL, "--save", "m", *options, **how)


@pytest.fixture
def encode(shell):
    """Runs the printed next command on new series and gives the representations."""

    def run(shown, new):
        words = shlex.split(shown.split("next: ")[1])
        assert words[:2] == ["tsrep", "encode"] and words[3:7] == ["--model", "m", "--out", "Z.npz"]
        shell("encode", new, *words[3:])
        with np.load("Z.npz") as stored:
            return dict(stored)

    return run


def table(steps=60, columns=("load", "price")):
    values = {name: np.sin(np.arange(steps) / (place + 3)) for place, name in enumerate(columns)}
    return pd.DataFrame({"time": TIMES[:steps], **values})


def paper(X, **parameters):
    """What the options `SMALL` train."""
    return MaskedSeriesEncoder(design="mae", target="values", **ONE_STEP, **parameters).fit(X)


# Kinds of sources


def test_a_data_set_by_name(pretrain, encode):
    shown = pretrain("ItalyPowerDemand")
    assert "ItalyPowerDemand: 67 series, 1 channel, 24 steps trained for 1 step in" in shown
    train, test = ts2vec_normalisation(
        "ItalyPowerDemand", *(load_dataset("ItalyPowerDemand", split=part)[0] for part in ("train", "test"))
    )
    stored = encode(shown, "ItalyPowerDemand")
    np.testing.assert_array_equal(stored["Z"], paper(train).transform(test))
    assert stored["y"].shape == (1029,)


def test_arrays_and_the_files_of_archives(pretrain, encode, tmp_path):
    X = rng.normal(size=(12, 2, 32)).astype(np.float32)
    X[0, 1, 3] = X[1, :, 30:] = np.nan
    expected = paper(X).transform(X)
    np.savez("x.npz", X=X, y=np.arange(12))
    np.save("x.npy", X)
    assert "x.npz: 12 series, 2 channels, 30 to 32 steps, 1 missing value" in pretrain("x.npz")
    np.testing.assert_array_equal(encode(pretrain("x.npy"), "x.npz")["Z"], expected)
    np.savetxt("x.tsv", np.column_stack([np.arange(12), X[:, 0]]), delimiter="\t")
    np.testing.assert_allclose(
        encode(pretrain("x.tsv"), "x.tsv")["Z"], paper(X[:, :1]).transform(X[:, :1]), rtol=1e-4, atol=1e-5
    )
    np.save("flat.npy", X[:, 0])
    pretrain("flat.npy")
    assert load("m").transform(X[:, :1, :20]).shape[0] == 12  # the length is not fixed


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_is_one_series(pretrain, encode, ending):
    frame = table()
    frame.loc[5, "load"] = np.nan
    file = f"power{ending}"
    frame.to_csv(file, index=False) if ending == ".csv" else frame.to_parquet(file)
    shown = pretrain(file)
    assert "60 steps, one every 0 days 01:00:00, 1 steps with a missing value; columns load, price" in shown
    assert "--columns" not in shown
    indexed = frame.set_index("time")
    fitted = paper(indexed)
    np.testing.assert_array_equal(encode(shown, file)["Z"], fitted.transform(indexed))
    assert list(load("m").feature_names_in_) == ["load", "price"]


def test_a_table_is_encoded_as_it_was_read(pretrain, encode, shell):
    """An hour without a row is a step, in `pretrain` as in `encode`."""
    table().drop(index=[20, 21]).to_csv("gaps.csv", index=False)
    shown = pretrain("gaps.csv")
    frame = read_table("gaps.csv")
    assert len(frame) == 60
    np.testing.assert_array_equal(encode(shown, "gaps.csv")["Z"], load("m").transform(frame))
    shell("encode", "gaps.csv", "--model", "m", "--out", "z.npy", "--per-step")
    assert np.load("z.npy").shape[:2] == (1, 60)

    rows = table().iloc[rng.permutation(60)].assign(note="fine").replace({"load": {0.0: -999.0}})
    rows.to_csv("rows.csv", index=False)
    options = ("--columns", "price,load", "--every", "2h", "--missing", "-999.0", "--sort")
    shown = pretrain("rows.csv", *options)
    assert shlex.split(shown.split("next: ")[1])[7:] == list(options)
    frame = read_table("rows.csv", columns=["price", "load"], every="2h", missing=-999.0, sort=True)
    np.testing.assert_array_equal(encode(shown, "rows.csv")["Z"], load("m").transform(frame))


def test_a_numbered_time_column_is_no_channel(pretrain, encode):
    pd.DataFrame({"step": range(40), "load": rng.normal(size=40)}).to_csv("x.csv", index=False)
    shown = pretrain("x.csv")
    assert list(load("m").feature_names_in_) == ["load"]
    frame = read_table("x.csv")
    assert frame.shape == (40, 1)
    np.testing.assert_array_equal(encode(shown, "x.csv")["Z"], load("m").transform([frame]))


def test_packed_and_text_files_may_be_tables(pretrain, encode):
    frame = table()
    indexed = frame.set_index("time")
    frame.to_csv("power.csv.gz", index=False)
    assert "columns load, price" in pretrain("power.csv.gz")
    np.testing.assert_array_equal(load("m").transform(indexed), paper(indexed).transform(indexed))
    frame.to_csv("power.txt", index=False, sep=";")
    shown = pretrain("power.txt", "--time", "time")
    np.testing.assert_allclose(
        encode(shown, "power.txt")["Z"], load("m").transform(indexed), rtol=1e-4, atol=1e-6
    )
    X = rng.normal(size=(4, 20))
    np.savetxt("archive.csv.gz", np.column_stack([np.arange(4), X]), delimiter=",")  # labels, then values
    assert "archive.csv.gz: 4 series, 1 channel, 20 steps" in pretrain("archive.csv.gz")


def test_a_long_table_holds_many_series(pretrain, encode, shell):
    parts = [table(steps).assign(unique_id=name) for name, steps in (("b", 40), ("a", 60))]
    long = pd.concat(parts).rename(columns={"time": "ds"})
    long.to_csv("long.csv", index=False)
    shown = pretrain("long.csv")
    assert "long.csv: 2 series, 2 channels, 40 to 60 steps; columns load, price" in shown
    frames = [part.set_index("time")[["load", "price"]] for part in parts]
    stored = encode(shown, "long.csv")
    np.testing.assert_array_equal(stored["Z"], paper(frames).transform(frames))
    assert stored["names"].tolist() == ["b", "a"]
    long[["price", "unique_id", "load", "ds"]].to_parquet("other.parquet")  # columns are known by name
    shell("encode", "other.parquet", "--model", "m", "--out", "z.csv")
    lines = pd.read_csv("z.csv", index_col="series")
    assert list(lines.index) == ["b", "a"]
    np.testing.assert_allclose(lines, stored["Z"], rtol=1e-5)
    shell("encode", "long.csv", "--model", "m", "--out", "z.csv", "--per-step")
    steps = pd.read_csv("z.csv")
    assert steps.groupby("series", sort=False)["step"].max().to_dict() == {"b": 39, "a": 59}
    pretrain("long.csv", "--every", "2h", "--save", "m2")
    shell("encode", "long.csv", "--model", "m2", "--out", "z.csv", "--per-step", "--every", "2h")
    assert pd.read_csv("z.csv").groupby("series", sort=False)["step"].max().to_dict() == {"b": 19, "a": 29}


def test_a_folder_holds_a_series_per_file(pretrain, encode, shell, tmp_path):
    (tmp_path / "many").mkdir()
    table(60).to_csv("many/b.csv", index=False)
    table(30, ("price", "load")).to_parquet("many/a.parquet")
    (tmp_path / "many" / ".hidden").touch()
    shown = pretrain("many")
    assert "many: 2 series, 2 channels, 30 to 60 steps; columns price, load" in shown
    assert "encode NEW_FOLDER" in shown
    frames = [read_table("many/a.parquet"), read_table("many/b.csv")[["price", "load"]]]
    stored = encode(shown, "many")
    np.testing.assert_array_equal(stored["Z"], paper(frames).transform(frames))
    assert stored["names"].tolist() == ["a", "b"]

    (tmp_path / "arrays").mkdir()
    series = [rng.normal(size=(1, 40)), rng.normal(size=(1, 25))]
    for number, values in enumerate(series):
        np.save(f"arrays/{number}.npy", values if number else values[0])
    shown = pretrain("arrays")
    shell("encode", "arrays", "--model", "m", "--out", "z.csv")
    lines = pd.read_csv("z.csv", index_col="series")
    np.testing.assert_allclose(lines, paper(series).transform(series), rtol=1e-4, atol=1e-6)


# Models and their options


def test_ts2vec(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X = rng.normal(size=(6, 1, 24))
    np.save("x.npy", X)
    shown = shell("pretrain", "x.npy", "--model", "ts2vec", "--max-steps", 1, "--seed", 3, "--save", "m")
    assert "contrastive loss at the end" in shown
    expected = TS2Vec(max_steps=1, random_state=3).fit(X)
    np.testing.assert_array_equal(load("m").transform(X), expected.transform(X))
    shown = shell("pretrain", "x.npy", "--model", "ts2vec", "--max-steps", 0, "--save", "m")
    assert "the weights are random" in shown


def test_options_are_those_of_the_estimator(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", rng.normal(size=(12, 1, 32)))
    options = (
        "--encoder transformer --design simmim --target spectrum,values --mask block --mask-ratio 0.2,0.4"
    )
    rest = "--patch-length 4 --max-steps 3 --max-epochs 1 --seed 5 --save m"
    shell("pretrain", "x.npy", *options.split(), *rest.split())
    saved = load("m")
    wanted = {
        "encoder": "transformer",
        "design": "simmim",
        "target": ["spectrum", "values"],
        "mask": "block",
        "patch_length": 4,
        "max_steps": 3,
        "max_epochs": 1,
        "random_state": 5,
        "decoder_depth": 2,
    }
    assert {name: value for name, value in saved.get_params().items() if name in wanted} == wanted
    assert tuple(saved.mask_ratio) == (0.2, 0.4)
    assert saved.n_steps_ == 1  # an epoch


def test_the_loss_stands_beside_its_references(pretrain):
    X = np.tile(np.sin(np.arange(64) / 3), (12, 1, 1)) + 0.1 * rng.normal(size=(12, 1, 64))
    np.save("x.npy", X)
    shown = pretrain("x.npy")
    assert "(1 is that of the best constant), beside 0.0" in shown
    assert "for the mean at each position" in shown and "for straight lines between visible values" in shown
    assert "it is not below that of the mean at each position" in shown and "--max-steps" in shown
    np.save("one.npy", X[:1])  # its mean at each position is the series itself
    assert "the mean at each position" not in pretrain("one.npy")
    assert "nothing is hidden from it" in pretrain("x.npy", "--design", "autoencoder")
    shown = pretrain("x.npy", "--patch-length", 64)
    assert "with nothing visible: a series is one patch of 64 steps" in shown and "has learned" not in shown


def test_a_picture_of_the_first_series(pretrain, tmp_path):
    table().to_csv("power.csv", index=False)
    shown = pretrain("power.csv", "--plot", "new/picture.png")
    assert "picture: new/picture.png" in shown
    assert (tmp_path / "new" / "picture.png").stat().st_size > 10_000


def test_the_picture_shows_the_end_of_a_long_series():
    from tsrep.cli.pretrain import SHOWN_PATCHES, _shown

    X = np.arange(2000.0).reshape(2, 1, 1000)
    X[0, 0, 900:] = np.nan
    shown = _shown(X, 2)
    np.testing.assert_array_equal(shown[0, 0], np.arange(900 - 2 * SHOWN_PATCHES, 900))


def test_a_training_continues_from_its_checkpoint(pretrain, monkeypatch):
    np.save("x.npy", rng.normal(size=(6, 1, 24)))
    pretrain("x.npy", "--checkpoint", "c")
    monkeypatch.setattr("tsrep.encoding.estimator.train", None)  # would fail if it were called
    pretrain("x.npy", "--checkpoint", "c", "--save", "n")
    np.testing.assert_array_equal(
        load("m").transform(np.ones((1, 1, 9))), load("n").transform(np.ones((1, 1, 9)))
    )
    assert load("n").checkpoint is None
    assert "holds a run" in pretrain("x.npy", "--checkpoint", "c", "--patch-length", 3, code=1)


# Refusals


@pytest.fixture
def refused(shell, tmp_path, monkeypatch):
    """Runs the command, which must end with one line before it trains."""

    def untrained(*_, **__):
        raise AssertionError("trained before the refusal")

    monkeypatch.setattr("tsrep.encoding.estimator.train", untrained)
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", rng.normal(size=(6, 1, 24)))
    return partial(shell, "pretrain", code=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model ts2vec --design mae", "--design cannot be given with --model ts2vec"),
        ("--model ts2vec --mask-ratio 0.5 --plot p.png", "--mask-ratio, --plot cannot be given with --model"),
        ("--mask-ratio half", "--mask-ratio is 'half'; wanted a share"),
        ("--mask-ratio 0.5,0.6,0.7", "--mask-ratio is '0.5,0.6,0.7'"),
        ("--mask-ratio 1.5", "mask_ratio is 1.5; wanted a number between 0 and 1"),
        ("--target valeus --plot p.png", "target is 'valeus'; wanted one of ['values',"),
        (
            "--encoder ssgan --target spectrum,sax --plot p.png",
            "which --encoder ssgan does not learn without values",
        ),
        ("--plot p.jpg", "--plot is 'p.jpg'; wanted a name that ends in .png"),
        ("--plot folder.png", "--plot is 'folder.png', which is a folder"),
        ("--design mae --encoder ts2vec", "design is 'mae' and encoder 'ts2vec'"),
        ("--mask channel", "mask is 'channel'"),
        ("--time ds", "--time cannot be given: x.npy is no table with a time column"),
        ("--checkpoint full", "full"),
    ],
)
def test_a_wrong_option_is_refused_before_training(options, message, refused, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    assert message in refused("x.npy", "--save", "m", *options.split())
    assert not (tmp_path / "m").exists()


def test_a_folder_that_cannot_be_saved_to_is_refused_before_training(refused, shell, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    assert "full" in refused("x.npy", "--save", "full")
    assert "Missing option" in shell("pretrain", "x.npy", code=2)
    assert "--mask" in shell("pretrain", "x.npy", "--save", "m", "--mask", "none", code=2)


def _sources(folder):
    for name in ("mixed", "other", "empty", "columns", "channels", "shape", "irregular"):
        (folder / name).mkdir()
    frame = table()
    np.save(folder / "mixed" / "a.npy", np.ones(5))
    frame.to_csv(folder / "mixed" / "b.csv", index=False)
    frame.to_csv(folder / "other" / "a.csv", index=False)
    (folder / "other" / "notes.md").touch()
    frame.to_csv(folder / "columns" / "a.csv", index=False)
    frame.rename(columns={"price": "cost"}).to_csv(folder / "columns" / "b.csv", index=False)
    np.save(folder / "channels" / "a.npy", np.ones((2, 5)))
    np.save(folder / "channels" / "b.npy", np.ones(5))
    np.save(folder / "shape" / "a.npy", np.ones((2, 5, 5)))
    frame.drop(index=range(1, 50)).to_csv(folder / "irregular" / "a.csv", index=False)
    np.save(folder / "text.npy", np.array(["a", "b"]))
    np.savez(folder / "nothing.npz", other=np.zeros(3))
    (folder / "sheet.ods").touch()
    (folder / "text.csv").write_text("time,a\n2026-01-01,x\n2026-01-02,y\n")
    np.save(folder / "empty.npy", np.full((2, 1, 5), np.nan))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mixed", "mixed holds arrays and tables (a.npy, b.csv); wanted one of the two"),
        ("other", "other holds notes.md; wanted one .csv, .tsv, .txt, .parquet, .xlsx or .npy file"),
        ("empty", "empty is empty; wanted one .csv"),
        ("columns", "b.csv has the columns ['load', 'cost']; wanted ['load', 'price'], as in a.csv"),
        ("channels", "b.npy has 1 channels; wanted 2, as in a.npy"),
        ("shape", "a.npy has shape (2, 5, 5); wanted one series, (steps,) or (channels, steps)"),
        ("irregular", "a.csv: 49 of 60 steps are missing"),
        ("text.npy", "text.npy holds values of the type <U1; wanted numbers"),
        ("nothing.npz", "wanted an array called X"),
        ("sheet.ods", "sheet.ods is of no known kind; wanted a file that ends in .csv, .parquet"),
        ("text.csv", "column 'a' holds text"),
        ("empty.npy", "without any observed value"),
        ("missing.csv", "missing.csv does not exist"),
        ("NoSuchDataSet", "NoSuchDataSet"),
    ],
)
def test_a_wrong_source_is_refused_before_training(source, message, refused, tmp_path):
    _sources(tmp_path)
    shown = refused(source, "--save", "m")
    assert shown.startswith("error: ") and message in shown


def test_encode_refuses_other_columns(pretrain, shell):
    table().to_csv("power.csv", index=False)
    pretrain("power.csv")
    table(columns=("load", "cost")).to_parquet("other.parquet")
    shown = shell("encode", "other.parquet", "--model", "m", "--out", "z.npy", code=1)
    assert "has the columns ['load', 'cost']; wanted ['load', 'price'], as in the fit of the encoder" in shown
