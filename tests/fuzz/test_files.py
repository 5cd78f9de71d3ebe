"""Files of data sets, arrays, and saved models."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from tsrep import SSGANImputer, TS2Vec, load
from tsrep.data import read_dataset_file
from tsrep.data.arrays import read_array, read_arrays
from tsrep.train.checkpoint import ModelFileError

TS = """@problemName Toy
@timeStamps false
@univariate false
@dimensions 2
@classLabel true up 2.0
@data
1,2,3:4,?,6:up
7,8:9,10:2
"""
TIMED = "@timestamps true\n@univariate true\n@classlabel true a b\n@data\n(0,1.5),(1,?):a\n(10,4),(12,5):b\n"
ARFF = "@relation toy\n@ATTRIBUTE t0 numeric\n@attribute target {-1,'b c'}\n@data\n1.5,-1\n?,'b c'\n"
RELATIONAL = r"""@relation toy
@attribute series relational
 @attribute t0 numeric
 @attribute t1 numeric
@end series
@attribute class {Up,Down}
@data
'1,2\n3,?',Up
"5,6\n7,8", Down
"""
FILES = (
    (TS, ".ts"), (TIMED, ".ts"), (ARFF, ".arff"), (RELATIONAL, ".arff"), ("1\t0.5\tNaN\n-1\t1\t2\n", ".tsv"),
    ("  1.0e+00   5.0e-01\n  2.0e+00   1.0\n", ".txt"), ("1,0.5,2\n2,1,2\n", ".csv"),
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "@data",
        "@end",
        "true",
        "false",
        "999999999",
        "1e400",
        "(",
        ")",
        ":",
        ",",
        "?",
        "'",
        "{",
        "}",
        "\\n",
        "%",
        "@",
        "\x00",
    ]
)


@st.composite
def dataset_files(draw: st.DrawFn, damaged: Any) -> tuple[bytes, str]:
    """A file in which words are inserted or bytes damaged, and its ending."""
    text, ending = draw(st.sampled_from(FILES))
    if draw(st.booleans()):
        return draw(damaged(text.encode())), ending
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(WORDS) + text[place:]
    return text.encode(), ending


def test_data_sets(fuzz: Any, damaged: Any, tmp_path: Path) -> None:
    def read(example: tuple[bytes, str]) -> None:
        content, ending = example
        path = tmp_path / f"x{ending}"
        path.write_bytes(content)
        X, y = read_dataset_file(path)
        assert X.ndim == 3 and min(X.shape) > 0 and not np.isinf(X).any()
        assert y is None or len(y) == len(X)

    fuzz(dataset_files(damaged), read)


@st.composite
def array_files(draw: st.DrawFn, damaged: Any) -> tuple[bytes, str]:
    """A .npy or .npz file: strange arrays, headers that promise much, damaged bytes; and its ending."""
    dtype = draw(st.sampled_from(["f8", "f2", ">f4", "i8", "u1", "?", "c16", "O", "U3", "M8[s]", "f8,i4"]))
    shape = draw(st.sampled_from([(6,), (2, 3), (1, 2, 3), (0,), (2, 0), (), (1, 1, 2, 3)]))
    array = np.zeros(shape, dtype=dtype)
    file = io.BytesIO()
    if draw(st.booleans()):
        np.savez(file, **{draw(st.sampled_from(["X", "y", "Z"])): array, "a": array})
        ending = ".npz"
    else:
        np.save(file, array)
        ending = ".npy"
    content = file.getvalue()
    if draw(st.booleans()):
        promised = draw(
            st.sampled_from([b"(999999999999,)", b"(-1,)", b"(6, 10**9)", b"(99999999, 99999999)"])
        )
        return content.replace(repr(shape).encode(), promised), ending
    return draw(damaged(content)) if draw(st.booleans()) else content, ending


def test_arrays(fuzz: Any, damaged: Any, tmp_path: Path) -> None:
    def read(example: tuple[bytes, str]) -> None:
        content, ending = example
        path = tmp_path / f"x{ending}"
        path.write_bytes(content)
        found = read_arrays(path).values() if ending == ".npz" else [read_array(path)]
        for array in found:
            assert not array.dtype.hasobject and array.nbytes <= len(content)

    fuzz(array_files(damaged), read)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    X = np.random.default_rng(0).normal(size=(4, 1, 12))
    X[0, 0, 3] = np.nan
    tiny = {"depth": 1, "max_steps": 0, "random_state": 0}
    root = tmp_path_factory.mktemp("models")
    TS2Vec(n_components=2, hidden_channels=2, **tiny).fit(X).save(root / "encoder")
    SSGANImputer(hidden_size=2, n_heads=1, **tiny).fit(X).save(root / "imputer")
    return [root / "encoder", root / "imputer"]


VALUES = st.sampled_from(
    [None, -1, 0, 1e9, 10**30, "", "text", [], {}, [None], True, float("nan"), "\x00", "../../x"]
)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A value of JSON in which one place holds another value, or is missing."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 4)) == 0:
        return draw(VALUES)
    places = sorted(value) if isinstance(value, dict) else range(len(value))
    place = draw(st.sampled_from(list(places)))
    result = dict(value) if isinstance(value, dict) else list(value)
    if draw(st.integers(0, 5)) == 0:
        del result[place]
    else:
        result[place] = draw(changed(value[place]))
    return result


@st.composite
def model_files(draw: st.DrawFn, models: list[Path], damaged: Any) -> tuple[Path, str, bytes]:
    """(a saved model, the name of one of its files, what this shall hold)."""
    model = draw(st.sampled_from(models))
    names = sorted(file.name for file in model.iterdir())
    name = draw(st.sampled_from([*names, "config.json", "config.json"]))
    content = (model / name).read_bytes()
    if name == "config.json" and draw(st.booleans()):
        return model, name, json.dumps(draw(changed(json.loads(content)))).encode()
    return model, name, draw(damaged(content))


def test_saved_models(fuzz: Any, damaged: Any, models: list[Path], tmp_path: Path) -> None:
    def read(example: tuple[Path, str, bytes]) -> None:
        model, name, content = example
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(model, copy)
        (copy / name).write_bytes(content)
        try:
            load(copy)
        except ModelFileError:
            return
        assert content == (model / name).read_bytes() or name == "config.json"

    fuzz(model_files(models, damaged), read)
