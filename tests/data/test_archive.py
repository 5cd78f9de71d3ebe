"""Sets by name: where they are found, and every set of the archive folder against its README."""

import gzip
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tsrep.data.archive as archive
from tsrep.data import DatasetFileError, DatasetNotFoundError, find_datasets, load_dataset

TSV = b"1\t0.5\t1\t2\n2\t1\t2\t3\n"
UNIVARIATE_TS = b"@univariate true\n@classLabel true 1 2\n@data\n0.5,1,2:1.0\n1,2,3:2.0\n"
MULTIVARIATE_TS = b"@dimensions 2\n@classLabel true a\n@data\n1,2:3,4:a\n"
ARFF = b"@attribute a numeric\n@attribute b numeric\n@attribute c numeric\n@attribute y {1,2}\n@data\n"
ARFF += b"0.5,1,2,1\n1,2,3,2\n"


@pytest.fixture
def no_variable(monkeypatch):
    monkeypatch.delenv("TSREP_DATA", raising=False)


@pytest.fixture
def no_download(monkeypatch):
    def refuse(*args, **keywords):
        raise ConnectionError("no network in this test")

    monkeypatch.setattr("sktime.datasets.load_UCR_UEA_dataset", refuse)


def put(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def zipped(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)


@pytest.mark.parametrize(
    "layout",
    [
        "UCR/Toy/Toy_TRAIN.tsv.gz",
        "Toy/Toy_TRAIN.tsv",
        "Toy_TRAIN.tsv",
        "Toy_TRAIN.arff",
        "Univariate_ts/Toy/Toy_TRAIN.ts",
        "UCRArchive_2018/Toy/Toy_TRAIN.txt",
        "Toy.zip/Toy_TRAIN.ts",
        "Toy/Toy.zip/Toy_TRAIN.arff",
        "Univariate2018_ts.zip/Univariate_ts/Toy/Toy_TRAIN.ts",
        "UCR/UCRArchive_2018.zip/UCRArchive_2018/Toy/Toy_TRAIN.tsv.gz",
    ],
)
def test_the_usual_layouts_are_found(tmp_path, no_variable, layout):
    ending = layout.removesuffix(".gz").rpartition(".")[2]
    data = {"ts": UNIVARIATE_TS, "arff": ARFF}.get(ending, TSV)
    if layout.endswith(".gz"):
        data = gzip.compress(data)
    other = layout.replace("_TRAIN", "_TEST")
    if ".zip/" in layout:
        outer, inner = layout.split(".zip/")
        zipped(tmp_path / f"{outer}.zip", {inner: data, other.split(".zip/")[1]: data})
    else:
        put(tmp_path, {layout: data, other: data})
    put(tmp_path, {"notes.txt": b"nothing", "x/y.zip": b"no zip", "Toy_TRAIN.md": b"# Toy"})
    for name, split in (("Toy", "train"), ("toy", "TEST")):
        X, y = load_dataset(name, split, root=tmp_path)
        assert X.tolist() == [[[0.5, 1, 2]], [[1, 2, 3]]]
        assert y.tolist() == ["1", "2"]
    assert find_datasets(tmp_path) == {"UCR": ["Toy"], "UEA": []}


def test_the_order_of_places(tmp_path, monkeypatch):
    put(tmp_path / "root", {"Toy_TRAIN.tsv": b"1\t1\n"})
    put(tmp_path / "variable", {"Toy_TRAIN.tsv": b"1\t2\n", "GunPoint_TRAIN.tsv": b"1\t3\n"})
    monkeypatch.setenv("TSREP_DATA", str(tmp_path / "variable"))
    assert load_dataset("Toy", root=tmp_path / "root")[0].item() == 1
    assert load_dataset("Toy")[0].item() == 2
    assert load_dataset("GunPoint", root=tmp_path / "root")[0].item() == 3
    monkeypatch.delenv("TSREP_DATA")
    assert load_dataset("GunPoint", root=tmp_path / "root")[0].shape == (50, 1, 150)  # sktime's


def test_the_order_within_a_place(tmp_path, no_variable):
    put(tmp_path, {"UCR/Toy/Toy_TRAIN.tsv": b"1\t1\n", "UCR/Toy/adjusted/Toy_TRAIN.tsv": b"1\t9\n"})
    zipped(tmp_path / "Toy.zip", {"Toy_TRAIN.tsv": b"1\t2\n"})
    assert load_dataset("Toy", root=tmp_path)[0].item() == 1  # a folder before a zip, the nearer first
    put(tmp_path, {"UCR/Toy/Toy_TRAIN.tsv.gz": b"not gzip"})
    assert load_dataset("Toy", root=tmp_path)[0].item() == 1  # plain before gzipped
    put(tmp_path, {"UCR/Toy/Toy_TRAIN.ts": b"@classLabel true\n@data\n5:a\n"})
    assert load_dataset("Toy", root=tmp_path)[0].item() == 5  # .ts, which has a header, before .tsv
    put(tmp_path, {"TOY_TRAIN.tsv": b"1\t7\n"})
    assert load_dataset("Toy", root=tmp_path)[0].item() == 5  # the exact name before other letters
    assert load_dataset("TOY", root=tmp_path)[0].item() == 7


def test_a_zip_of_the_2018_archive_has_the_raw_sets_before_the_adjusted_ones(tmp_path, no_variable):
    members = {
        "UCRArchive_2018/Missing_value_and_variable_length_datasets_adjusted/Toy/Toy_TRAIN.tsv": b"1\t9\n",
        "UCRArchive_2018/Toy/Toy_TRAIN.tsv": b"1\t1\n",
    }
    zipped(tmp_path / "UCRArchive_2018.zip", members)
    assert load_dataset("Toy", root=tmp_path)[0].item() == 1


def test_find_datasets_tells_archives_apart(tmp_path, no_variable):
    regression = b"@targetLabel true\n@data\n1,2:0.5\n"
    for name, data in {"Uni": UNIVARIATE_TS, "Multi": MULTIVARIATE_TS, "Target": regression}.items():
        put(tmp_path, {f"{name}/{name}_TRAIN.ts": data, f"{name}/{name}_TEST.ts": data})
    put(tmp_path, {"Half/Half_TRAIN.tsv": TSV, "Broken/Broken_TRAIN.ts": b"?", "Broken/Broken_TEST.ts": b"?"})
    assert find_datasets(tmp_path) == {"UCR": ["Broken", "Uni"], "UEA": ["Multi"]}
    assert load_dataset("Target", root=tmp_path)[1].tolist() == [0.5]
    with pytest.raises(DatasetFileError, match="line 1"):
        load_dataset("Broken", root=tmp_path)


def test_what_sktime_bundles_is_read_without_a_root(no_variable):
    assert "GunPoint" in find_datasets()["UCR"] and "BasicMotions" in find_datasets()["UEA"]
    X, y = load_dataset("BasicMotions", "test")
    assert X.shape == (40, 6, 100) and len(set(y)) == 4


def test_our_reading_of_the_bundled_sets_is_sktimes(no_variable):
    from sktime.datasets import load_basic_motions, load_italy_power_demand

    for name, loader in (("ItalyPowerDemand", load_italy_power_demand), ("BasicMotions", load_basic_motions)):
        X, y = load_dataset(name, "test")
        theirs, labels = loader(split="test", return_type="numpy3D")
        np.testing.assert_allclose(X, theirs)
        assert [label.lower() for label in y] == list(labels)  # sktime changes their case


def test_a_downloaded_file_is_read_by_our_reader(tmp_path, no_variable, monkeypatch):
    asked = []

    def download(name, split, extract_path):
        asked.append((name, split))
        if name == "FordB":
            put(Path(extract_path), {f"{name}/{name}_TEST.ts": b"@classLabel true\n@data\n1,2:A\n"})

    monkeypatch.setattr("sktime.datasets.load_UCR_UEA_dataset", download)
    monkeypatch.setattr(archive, "_sktime_folders", lambda: [tmp_path / "data", tmp_path / "local_data"])
    X, y = load_dataset("fordb", "test")
    assert X.tolist() == [[[1, 2]]] and y.tolist() == ["A"]
    load_dataset("FordB", "test")
    assert asked == [("FordB", "test")]  # the second time it is there
    with pytest.raises(DatasetNotFoundError, match="left no file"):
        load_dataset("FordA", "test")


def test_a_set_that_is_nowhere_is_one_clear_error(tmp_path, monkeypatch, no_download):
    put(tmp_path, {"UCR/MyToy/MyToy_TRAIN.tsv": TSV})
    monkeypatch.setenv("TSREP_DATA", str(tmp_path))
    with pytest.raises(DatasetNotFoundError, match="Did you mean MyToy") as caught:
        load_dataset("MyToys")
    assert str(tmp_path) in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(DatasetNotFoundError, match="No test part of a data set 'MyToy'"):
        load_dataset("MyToy", "test")
    with pytest.raises(DatasetNotFoundError, match=r"sktime's download \(ConnectionError: no network"):
        load_dataset("FordA")
    with pytest.raises(DatasetNotFoundError, match="root is .* not a folder"):
        load_dataset("GunPoint", root=tmp_path / "none")
    monkeypatch.setenv("TSREP_DATA", str(tmp_path / "none"))
    with pytest.raises(DatasetNotFoundError, match="TSREP_DATA is .* not a folder"):
        find_datasets()


@pytest.mark.parametrize("name", ["", "../GunPoint", "/etc/passwd", "a\\b", "C:x", "*", ".", "..", 3, None])
def test_names_that_are_no_names_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="name is .*; wanted that of a data set"):
        load_dataset(name, root=tmp_path)


def test_splits_that_are_none_are_refused(tmp_path):
    for split in ("valid", None, "TRAIN.ts"):
        with pytest.raises(ValueError, match="split is .*; wanted 'train' or 'test'"):
            load_dataset("GunPoint", split, root=tmp_path)


def test_faults_of_zips_are_reported(tmp_path, no_variable):
    put(tmp_path, {"Toy.zip": b"PK no zip at all"})
    with pytest.raises(DatasetFileError, match=r"Toy\.zip: the zip is damaged"):
        load_dataset("Toy", root=tmp_path)
    zipped(tmp_path / "Archive.zip", {"Other/Other_TRAIN.tsv": TSV})
    data = bytearray((tmp_path / "Archive.zip").read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "Archive.zip").write_bytes(data)
    with pytest.raises(DatasetFileError, match="encrypted: unpack it with the archive's password"):
        load_dataset("Other", root=tmp_path)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 255), st.booleans(), st.sampled_from(["Toy", "Set"]))
def test_a_damaged_zip_gives_no_other_error(tmp_path_factory, place, flipped, cut, name):
    folder = tmp_path_factory.mktemp("zips")
    zipped(folder / "Toy.zip", {"Toy_TRAIN.tsv": TSV, "Set/Set_TRAIN.ts": UNIVARIATE_TS, "Set_TEST.ts": b""})
    data = bytearray((folder / "Toy.zip").read_bytes())
    data[place % len(data)] ^= flipped
    (folder / "Toy.zip").write_bytes(data[: place % len(data)] if cut else data)
    find_datasets(folder)
    try:
        X, y = load_dataset(name, root=folder)
    except (DatasetFileError, DatasetNotFoundError):
        return
    assert X.shape == (2, 1, 3) and len(y) == 2


def test_a_file_without_labels_is_refused(tmp_path, no_variable):
    put(tmp_path, {"Toy_TRAIN.ts": b"@classLabel false\n@data\n1,2\n"})
    with pytest.raises(DatasetFileError, match="no class labels or targets"):
        load_dataset("Toy", root=tmp_path)


# ---------------------------------------------------------------------------- the archive folder


def stated():
    """`{(archive, name): row}` of the two tables in the README of TSREP_DATA."""
    readme = Path(os.environ.get("TSREP_DATA", "")) / "README.md"
    if not os.environ.get("TSREP_DATA") or not readme.is_file():
        return {}
    rows = {}
    for name, table in re.findall(
        r"^## (UCR|UEA) sets here\n(.*?)(?=^## |\Z)", readme.read_text(), re.M | re.S
    ):
        lines = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines() if line
        ]
        for cells in lines[2:]:
            row = dict(zip(lines[0], cells, strict=True))
            rows[name, row["set"]] = row
    return rows


STATED = stated()
needs_archive = pytest.mark.skipif(not STATED, reason="TSREP_DATA names no folder with a README of its sets")


@needs_archive
def test_every_stated_set_is_found():
    wanted = {
        "UCR": sorted(n for a, n in STATED if a == "UCR"),
        "UEA": sorted(n for a, n in STATED if a == "UEA"),
    }
    assert find_datasets(os.environ["TSREP_DATA"]) == wanted
    assert (len(wanted["UCR"]), len(wanted["UEA"])) == (82, 12)


@needs_archive
@pytest.mark.parametrize(("kind", "name"), STATED or [("", "")])
def test_every_set_has_the_counts_that_are_stated(kind, name):
    row = STATED[kind, name]
    X, y = load_dataset(name, "train")
    X_test, y_test = load_dataset(name, "test")
    assert (len(X), len(X_test)) == (int(row["n_train"]), int(row["n_test"])) == (len(y), len(y_test))
    assert X.shape[1] == X_test.shape[1] == int(row.get("channels", 1))
    shortest, _, longest = row["length"].rpartition("..")
    assert max(X.shape[2], X_test.shape[2]) == int(longest)
    observed = [~np.isnan(part).all(axis=1) for part in (X, X_test)]
    lengths = np.concatenate([part.shape[1] - part[:, ::-1].argmax(axis=1) for part in observed])
    if shortest:
        assert (lengths.min(), lengths.max()) == (int(shortest), int(longest))
    assert len(set(y) | set(y_test)) == int(row["classes"])
    assert all(label == label.strip() and not label.endswith(".0") for label in set(y) | set(y_test))
    n_missing = int(np.isnan(X).sum() + np.isnan(X_test).sum())
    stated_missing = re.match(r"NaN (\d+)", row["note"])
    if stated_missing:
        assert n_missing == int(stated_missing[1])
    elif "variable length" not in row["note"] and "gaps" not in row["note"]:
        assert n_missing == 0


@needs_archive
def test_the_bundled_copy_and_the_archive_agree():
    ours = load_dataset("GunPoint", "train")
    bundled = load_dataset(
        "GunPoint", "train", root=next(p for p in archive._places(None) if "sktime" in str(p))
    )
    np.testing.assert_allclose(ours[0], bundled[0], atol=1e-6)
    assert ours[1].tolist() == bundled[1].tolist()
