"""Readers of `.ts`, `.arff` and tables: what they read, and how a broken file is reported."""

import gzip
import io
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsrep.data import DatasetFileError, read_dataset_file

NAN = np.nan
TS = """# a comment with a bad byte \xff
@problemName Toy
@timeStamps false
@univariate false
@dimensions 2
@equalLength false
@classLabel true up 2.0
@data
1,2,3:4,?,6:up
7,8:9,10:2
"""
TIMED = """@timestamps true
@univariate true
@classlabel true a b
@data
(0,1.5),(1,2.5),(2,?):a
(10,4),(12,5):b
"""
ARFF = """% a comment
@relation toy
@ATTRIBUTE t0 numeric
@attribute 't 1' REAL
@attribute target {-1,'b c'}
@data
1.5,?,-1
2,3,'b c'
"""
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
TSV = "1\t0.5\t-2e-1\tNaN\n-1\t1\t2\t3\n"
TXT = "  1.0000000e+00   5.0e-01  2.0\n  2.0000000e+00   1.0  2.0\n"
CSV = "1,0.5,2\n2,1,2\n"
FORMATS = {
    "toy.ts": TS,
    "timed.ts": TIMED,
    "toy.arff": ARFF,
    "rel.arff": RELATIONAL,
    "toy.tsv": TSV,
    "toy.txt": TXT,
}


def read(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    return read_dataset_file(path)


@pytest.mark.parametrize(
    ("name", "text", "X", "y"),
    [
        ("toy.ts", TS, [[[1, 2, 3], [4, NAN, 6]], [[7, 8, NAN], [9, 10, NAN]]], ["up", "2"]),
        ("timed.ts", TIMED, [[[1.5, 2.5, NAN]], [[4, 5, NAN]]], ["a", "b"]),
        ("toy.arff", ARFF, [[[1.5, NAN]], [[2, 3]]], ["-1", "b c"]),
        ("rel.arff", RELATIONAL, [[[1, 2], [3, NAN]], [[5, 6], [7, 8]]], ["Up", "Down"]),
        ("toy.tsv", TSV, [[[0.5, -0.2, NAN]], [[1, 2, 3]]], ["1", "-1"]),
        ("toy.txt", TXT, [[[0.5, 2]], [[1, 2]]], ["1", "2"]),
        ("toy.csv", CSV, [[[0.5, 2]], [[1, 2]]], ["1", "2"]),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_format_reads(tmp_path, name, text, X, y, line_end):
    got, labels = read(tmp_path, name, text.replace("\n", line_end))
    np.testing.assert_array_equal(got, X)
    assert got.dtype == np.float64
    assert labels.tolist() == y


def test_targets_are_numbers_and_unlabelled_files_have_none(tmp_path):
    X, y = read(tmp_path, "reg.ts", "@targetlabel true\n@data\n1,2:0.5\n3,4:-2\n")
    assert X.shape == (2, 1, 2) and y.dtype == np.float64 and y.tolist() == [0.5, -2.0]
    X, y = read(tmp_path, "bare.ts", "@classLabel false\n@data\n1,2\n3,4\n")
    assert X.shape == (2, 1, 2) and y is None


def test_compressed_files_read_the_same(tmp_path):
    wanted = read(tmp_path, "toy.ts", TS)
    (tmp_path / "toy.ts.gz").write_bytes(gzip.compress(TS.encode("latin-1")))
    with zipfile.ZipFile(tmp_path / "toy.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/toy.ts", TS.encode("latin-1"))
        archive.writestr("toy.ts.gz", gzip.compress(TS.encode("latin-1")))
    for path, member in (("toy.ts.gz", None), ("toy.zip", "deep/toy.ts"), ("toy.zip", "toy.ts.gz")):
        X, y = read_dataset_file(tmp_path / path, member)
        np.testing.assert_array_equal(X, wanted[0])
        np.testing.assert_array_equal(y, wanted[1])


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("a.tsv", "", None, "no instances"),
        ("a.tsv", "1\t2\t3\n1\t2\n", 2, "1 values; wanted 2, as in the first line"),
        ("a.tsv", "1\t2\t3\n1\t2\tx\n", 2, "value 2 is 'x'; wanted a number"),
        ("a.tsv", "1\t2\t1_0\n", 1, "value 2 is '1_0'"),
        ("a.tsv", "1\t2\t\u0663\n".encode(), 1, "wanted a number"),
        ("a.tsv", "1\t2\t\t3\n", 1, "value 2 is ''"),
        ("a.tsv", "1\t2\t1e999\n", 1, "which is infinite"),
        ("a.tsv", "1\t2\tinf\n", 1, "which is infinite"),
        ("a.tsv", "1\n", 1, "a class label without values"),
        ("a.tsv", "NaN\t1\n", 1, "class label is missing"),
        ("a.tsv", b"\xff\t1\n", 1, "not readable text"),
        ("a.tsv", "1\t2\n".encode("utf-16"), 1, "wanted a number"),
        ("a.ts", "1,2:a\n", 1, "data before the line @data"),
        ("a.ts", "@classLabel true\n", None, "no line @data"),
        ("a.ts", "@data\n1,2:a\n", 1, "neither @classLabel nor @targetLabel"),
        ("a.ts", "@classLabel maybe\n@data\n1:a\n", 1, "@classlabel is 'maybe'; wanted true or false"),
        ("a.ts", "@dimensions 10e12\n", 1, "wanted a positive whole number"),
        ("a.ts", "@classLabel true a\n@data\n1,2:b\n", 3, "'b' is not among those of the header"),
        ("a.ts", "@classLabel true a\n@data\n1,2:1:a\n", 3, "ragged channels: the channels of one instance"),
        (
            "a.ts",
            "@classLabel true a\n@data\n1:2:a\n1:a\n",
            4,
            "1 channels; wanted 2, as in the first instance",
        ),
        ("a.ts", "@classLabel true a\n@data\n1,2\n", 3, "no ':' before"),
        (
            "a.ts",
            "@dimensions 3\n@classLabel true a\n@data\n1:2:a\n",
            4,
            "2 channels; wanted 3, as in @dimensions",
        ),
        ("a.ts", "@univariate true\n@classLabel true a\n@data\n1:2:a\n", 4, "@univariate true"),
        (
            "a.ts",
            "@equalLength true\n@classLabel true a\n@data\n1,2:a\n1:a\n",
            5,
            "1 steps; wanted 2, as in all instances",
        ),
        ("a.ts", "@equalLength true\n@seriesLength 3\n@classLabel true a\n@data\n1,2:a\n", 5, "wanted 3"),
        ("a.ts", "@targetLabel true\n@data\n1,2:a\n", 3, "the target is 'a'"),
        ("a.ts", "@timestamps true\n@classLabel true a\n@data\n1,2:a\n", 4, "wanted pairs"),
        ("a.ts", "@timestamps true\n@classLabel true a\n@data\n(0,1),(1,1),(3,1):a\n", 4, "one even step"),
        ("a.ts", "@timestamps true\n@classLabel true a\n@data\n(2,1),(1,1):a\n", 4, "one even step"),
        ("a.ts", "@timestamps true\n@classLabel true a\n@data\n(2020-01-01,1):a\n", 4, "wanted a number"),
        ("a.arff", "@relation x\n@data\n1,2\n", 2, "attributes for the steps and the class last"),
        ("a.arff", "hello\n", 1, "not a header line of an .arff file"),
        ("a.arff", "@attribute a numeric\n@attribute c {1}\n@attribute b numeric\n", 3, "after the class"),
        ("a.arff", "@attribute a date\n", 1, "of type 'date' here is not supported"),
        (
            "a.arff",
            "@attribute a numeric\n@attribute c {1}\n@data\n1,2,1\n",
            4,
            "2 values; wanted 1, the number of attributes",
        ),
        ("a.arff", "@attribute a numeric\n@attribute c {1}\n@data\n1,2\n", 4, "'2' is not among those"),
        ("a.arff", "@attribute a numeric\n@attribute c {1}\n@data\n{0 1}\n", 4, "without values"),
        ("a.xyz", "1\t2\n", None, "not a file of a known format"),
        ("a.tsv.gz", "not gzip", None, "damaged or cut off"),
        ("a.tsv.gz", gzip.compress(b"1\t2\t3\n" * 9999)[:-12], None, "damaged or cut off"),
    ],
)
def test_a_broken_file_is_reported_with_file_and_line(tmp_path, name, text, line, reason):
    with pytest.raises(DatasetFileError, match=re.escape(reason)) as caught:
        read(tmp_path, name, text)
    error = caught.value
    assert error.line == line or (line is None and name.endswith(".gz"))
    assert error.file == str(tmp_path / name)
    assert str(error).startswith(error.file + (f", line {error.line}: " if error.line else ": "))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.file, again.line) == (str(error), error.file, error.line)


def test_relational_rows_without_quotes_are_refused(tmp_path):
    with pytest.raises(DatasetFileError, match="line 8: wanted the channels in quotes"):
        read(tmp_path, "a.arff", RELATIONAL.replace(r"'1,2\n3,?',Up", "1,2,Up"))
    with pytest.raises(DatasetFileError, match="line 8: ragged channels"):
        read(tmp_path, "a.arff", RELATIONAL.replace(r"3,?'", "3'"))


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_dataset_file(tmp_path / "none.ts")


def encrypted(data):
    """The zip with the encryption flag set in its two headers."""
    data = bytearray(data)
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def test_zip_faults(tmp_path):
    path = tmp_path / "toy.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy.tsv", TSV)
    whole = path.read_bytes()
    for data, reason in (
        (encrypted(whole), "the zip is encrypted"),
        (whole[:-30], "damaged"),
        (whole.replace(b"0.5", b"0.6"), "damaged"),
        (b"", "damaged"),
    ):
        path.write_bytes(data)
        with pytest.raises(DatasetFileError, match=reason) as caught:
            read_dataset_file(path, "toy.tsv")
        assert caught.value.file == f"{path}/toy.tsv"
    path.write_bytes(whole)
    with pytest.raises(DatasetFileError, match="damaged"):
        read_dataset_file(path, "other.tsv")


def test_small_files_cannot_ask_for_much_memory(tmp_path):
    header = "@equalLength true\n@seriesLength 999999999999\n@classLabel true a\n@data\n1,2:a\n"
    with pytest.raises(DatasetFileError, match="wanted 999999999999"):
        read(tmp_path, "a.ts", header)
    many_short_one_long = "@classLabel true a\n@data\n" + "1:a\n" * 20000 + "1," * 20000 + "1:a\n"
    with pytest.raises(DatasetFileError, match="would make"):
        read(tmp_path, "b.ts", many_short_one_long)


def test_a_file_that_unpacks_out_of_proportion_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tsrep.data.formats.source._ALWAYS_ALLOWED", 1 << 16)
    bomb = gzip.compress(b"1\t" + b"0\t" * (2 << 20))
    with pytest.raises(DatasetFileError, match="out of proportion"):
        read(tmp_path, "a.tsv.gz", bomb)


# ---------------------------------------------------------------------------- damage


def damaged(draw, data):
    """`data` after a few random injuries."""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["flip", "cut", "drop line", "insert", "swap lines", "number", "repeat"]))
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        lines = data.split(b"\n")
        row = draw(st.integers(0, len(lines) - 1))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop line":
            data = b"\n".join(lines[:row] + lines[row + 1 :])
        elif kind == "insert":
            data = data[:at] + draw(st.binary(max_size=12) | st.text(max_size=12).map(str.encode)) + data[at:]
        elif kind == "swap lines":
            other = draw(st.integers(0, len(lines) - 1))
            lines[row], lines[other] = lines[other], lines[row]
            data = b"\n".join(lines)
        elif kind == "number":
            number = draw(
                st.sampled_from([b"1e400", b"9" * 5000, b"-inf", b"1_0", b"0x10", b"nan", b"?", b"(1,2)"])
            )
            data = data[:at] + number + data[at + 1 :]
        else:
            data = data[:at] + data[: draw(st.integers(0, 40))] + data[at:]
    return data


@st.composite
def damaged_files(draw):
    name = draw(st.sampled_from(sorted(FORMATS)))
    inside = FORMATS[name].encode("latin-1")
    wrapping = draw(st.sampled_from(["plain", "gz", "zip"]))
    if draw(st.booleans()) or wrapping == "plain":
        inside = damaged(draw, inside)
    if wrapping == "gz":
        outside = gzip.compress(inside, mtime=0)
        return name + ".gz", None, damaged(draw, outside) if draw(st.booleans()) else outside
    if wrapping == "zip":
        outside = zipped(name, inside)
        return "toy.zip", name, damaged(draw, outside) if draw(st.booleans()) else outside
    return name, None, inside


def zipped(name, data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(file=damaged_files())
def test_damage_gives_a_valid_result_or_the_one_error(tmp_path_factory, file):
    name, member, data = file
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    try:
        X, y = read_dataset_file(path, member)
    except DatasetFileError as error:
        assert error.file.startswith(str(path))
        return
    assert X.ndim == 3 and X.dtype == np.float64 and min(X.shape) > 0
    assert not np.isinf(X).any()
    assert y is None or len(y) == len(X)


def test_a_ts_file_without_labels_and_one_with_labels_of_several_words(tmp_path: Path) -> None:
    header = "@problemName T\n@timeStamps false\n@univariate true\n"
    path = tmp_path / "x.ts"
    path.write_text(f"{header}@targetLabel false\n@data\n1,2,3\n2,3,4\n")
    X, y = read_dataset_file(path)
    assert X.shape == (2, 1, 3) and y is None
    path.write_text(f"{header}@classLabel true good very bad\n@data\n1,2,3:very bad\n2,3,4:good\n")
    labels = read_dataset_file(path)[1]
    assert labels is not None and labels.tolist() == ["very bad", "good"]
    path.write_text(f"{header}@classLabel true good very bad\n@data\n1,2,3:bad good\n")
    with pytest.raises(DatasetFileError, match="'bad good' is not among those of the header"):
        read_dataset_file(path)
