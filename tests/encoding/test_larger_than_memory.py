"""Panels that are read block by block: the same results as in memory, with memory that does not grow with the data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tsrep import MaskedSeriesEncoder, SSGANImputer, TS2Vec
from tsrep.data import lazy, stored
from tsrep.encoding.pieces import Pieces, held_out_at_the_end
from tsrep.train.batches import TensorBatches
from tsrep.train.blocks import BlockBatches
from tsrep.ts2vec.crops import split_long

dd = pytest.importorskip("dask.dataframe")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
zarr = pytest.importorskip("zarr")

SMALL = {
    "n_components": 8,
    "hidden_channels": 4,
    "depth": 1,
    "max_steps": 3,
    "random_state": 0,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def panel():
    random = np.random.default_rng(0)
    X = random.normal(size=(30, 2, 24)).cumsum(-1).astype(np.float32)
    X[random.random(X.shape) < 0.1] = np.nan
    X[:, 0, 0] = X[:, 1, -1] = 1.0  # nothing ragged but the rows below
    X[7, :, 15:] = np.nan
    return X


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(stored, "READ_AS_A_WHOLE", 0)
    monkeypatch.setattr(lazy, "BLOCK_VALUES", 200)  # of 4 instances
    monkeypatch.setattr("tsrep.encoding.pieces.BLOCK_VALUES", 200)


def as_mapped(X, folder):
    np.save(folder / "x.npy", X)
    return stored.open_panel(folder / "x.npy")


def as_zarr(X, folder):
    zarr.create_array(folder / "x.zarr", data=X, chunks=(7, 1, 24), overwrite=True)
    return stored.open_panel(folder / "x.zarr")


def as_lists(X, folder):
    lengths = [int(np.flatnonzero(~np.isnan(row).all(0))[-1]) + 1 for row in X]
    rows = [[row[c, :k].tolist() for row, k in zip(X, lengths, strict=True)] for c in range(X.shape[1])]
    pq.write_table(
        pa.table({f"c{c}": values for c, values in enumerate(rows)}), folder / "x.parquet", row_group_size=7
    )
    return stored.open_panel(folder / "x.parquet")


def long_frame(X):
    n, _, t = X.shape
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(n), t), "ds": np.tile(np.arange(t), n)})
    return frame.assign(**{f"c{c}": X[:, c].ravel() for c in range(X.shape[1])})


def as_long(X, folder):
    (folder / "long").mkdir(exist_ok=True)
    frame = long_frame(X)
    pq.write_table(pa.Table.from_pandas(frame[:400]), folder / "long" / "a.parquet", row_group_size=100)
    pq.write_table(pa.Table.from_pandas(frame[400:]), folder / "long" / "b.parquet", row_group_size=90)
    return stored.open_panel(folder / "long")


def as_dask(X, folder):
    return dd.from_pandas(long_frame(X), npartitions=5, sort=False)


WAYS = [as_mapped, as_zarr, as_lists, as_long, as_dask]


@pytest.mark.parametrize("way", WAYS)
def test_every_store_is_read_as_the_array(panel, tmp_path, way):
    read = stored.as_lazy(way(panel, tmp_path))
    assert read.shape == panel.shape
    for rows, steps in (
        (slice(0, 30), slice(None)),
        (slice(5, 9), slice(3, 11)),
        (slice(29, 30), slice(23, 24)),
    ):
        np.testing.assert_array_equal(read.read(rows, steps), panel[rows, :, steps].astype(np.float32))
    assert read.fingerprint() == stored.as_lazy(way(panel, tmp_path)).fingerprint()


@pytest.mark.parametrize("way", [as_mapped, as_lists, as_long])
def test_the_fingerprint_of_a_long_series_is_of_runs_from_all_over_it(panel, tmp_path, way):
    series = np.nan_to_num(panel).transpose(1, 0, 2).reshape(1, 2, -1)
    changed = series.copy()
    changed[0, 1, -1] += 1
    first, other = (stored.as_lazy(way(X, tmp_path)).fingerprint() for X in (series, changed))
    assert first != other
    assert first == stored.as_lazy(way(series, tmp_path)).fingerprint()


def test_numbers_that_are_null_keep_their_precision(tmp_path):
    columns = {"0": pa.array([1, 2], pa.float32()), "1": pa.array([0.1, None], pa.float32())}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet", row_group_size=1)
    read = stored.as_lazy(stored.open_panel(tmp_path / "x.parquet"))
    parts = [read.read_as_stored(slice(row, row + 1)) for row in range(2)]
    assert [part.dtype for part in parts] == [np.float32] * 2
    np.testing.assert_array_equal(np.concatenate(parts)[:, 0], np.float32([[1, 0.1], [2, np.nan]]))


def test_a_table_of_numbers_is_read_as_univariate_series(panel, tmp_path):
    table = np.nan_to_num(panel[:, 0])
    pq.write_table(
        pa.table({str(i): table[:, i] for i in range(24)}), tmp_path / "x.parquet", row_group_size=11
    )
    read = stored.as_lazy(stored.open_panel(tmp_path / "x.parquet"))
    assert read.flat
    np.testing.assert_array_equal(read.read(slice(3, 30)), table[3:, None])
    encoder = TS2Vec(**SMALL).fit(stored.open_panel(tmp_path / "x.parquet"))
    assert encoder.n_features_in_ == 24
    np.testing.assert_array_equal(
        encoder.transform(stored.open_panel(tmp_path / "x.parquet")), encoder.transform(table)
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": ["x"]}), "X has the columns"),
        (pa.table({"a": [[1.0]], "b": [1.0]}), "X has the columns"),
        (pa.table({"a": pa.array([], pa.float64())}), "X has no rows"),
    ],
)
def test_other_tables_are_refused(tmp_path, table, said):
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=said):
        stored.as_lazy(stored.open_panel(tmp_path / "x.parquet"))


def test_rows_out_of_order_are_refused(panel):
    frame = long_frame(panel)
    frame.loc[[50, 51], "ds"] = frame.loc[[51, 50], "ds"].to_numpy()
    read = stored.as_lazy(pytest.importorskip("pyarrow.dataset").dataset(pa.Table.from_pandas(frame)))
    with pytest.raises(ValueError, match="ds of X falls at row 51"):
        read.read(slice(0, 30))


def test_an_infinite_value_is_refused_with_its_place(panel, tmp_path):
    X = panel.copy()
    X[17, 0, 3] = np.inf
    with pytest.raises(ValueError, match="infinity.* in instance 17"):
        TS2Vec(**SMALL).fit(as_mapped(X, tmp_path))


# Batches


class Counted:
    def __init__(self, count, block):
        self.count, self.block = count, block

    def __len__(self):
        return self.count

    def read(self, start, stop):
        return torch.arange(float(start), float(stop)).view(-1, 1, 1)


@pytest.mark.parametrize(("count", "block", "size"), [(50, 3, 8), (7, 10, 3), (100, 1, 30), (5, 2, 9)])
def test_an_epoch_has_every_instance_once_in_batches_of_nearly_equal_size(count, block, size):
    batches = BlockBatches(Counted(count, block), size, seed=3)
    epoch = [batch.flatten().tolist() for batch in batches.epoch(2)]
    assert sorted(sum(epoch, [])) == list(range(count))
    reference = [len(batch) for batch in TensorBatches(torch.arange(count), size, 3).epoch(2)]
    assert sorted(map(len, epoch)) == sorted(reference)
    for skip in range(len(epoch)):
        assert [batch.flatten().tolist() for batch in batches.epoch(2, skip)] == epoch[skip:]
    assert [batch.flatten().tolist() for batch in batches.epoch(3)] != epoch or count < 8


@pytest.mark.parametrize("longest", [None, 5, 8, 12, 20])
def test_pieces_are_those_of_split_long(panel, tmp_path, longest):
    pieces = Pieces(stored.as_lazy(as_mapped(panel, tmp_path)), longest, (0, len(panel)))
    x = torch.from_numpy(panel).transpose(1, 2)
    expected = split_long(x, longest or 100)
    sections = len(expected) // len(x)
    expected = expected.unflatten(0, (sections, len(x))).transpose(0, 1).flatten(0, 1)
    torch.testing.assert_close(pieces.read(0, len(pieces)), expected, equal_nan=True, rtol=0, atol=0)
    torch.testing.assert_close(pieces.read(4, 9), expected[4:9], equal_nan=True, rtol=0, atol=0)


def test_what_is_held_out_is_not_trained_on(panel, tmp_path):
    read = stored.as_lazy(as_mapped(panel, tmp_path))
    end, held_out = held_out_at_the_end(read, 0.2)
    assert (end, len(held_out)) == (24, 6)
    assert len(Pieces(read, None, (0, end))) == 24
    encoder = TS2Vec(**SMALL | {"max_steps": 10}, validation_fraction=0.2).fit(as_mapped(panel, tmp_path))
    assert "validation_loss" in encoder.history_[-1]


# Estimators


@pytest.mark.parametrize("kind", [TS2Vec, MaskedSeriesEncoder])
def test_fits_from_every_store_are_one_and_continue_to_the_bit(panel, tmp_path, kind):
    fits = [kind(**SMALL).fit(way(panel, tmp_path)) for way in (as_mapped, as_long)]
    halves = kind(**SMALL, checkpoint=tmp_path / "run", checkpoint_every=1)
    halves.set_params(max_steps=2).fit(as_zarr(panel, tmp_path))
    broken = kind(**SMALL, warm_start=True)
    broken.set_params(max_steps=2).fit(as_zarr(panel, tmp_path)).set_params(max_steps=1).fit(
        as_zarr(panel, tmp_path)
    )
    losses = [[record["loss"] for record in fit.history_] for fit in (*fits, broken)]
    assert losses[0] == losses[1]
    if kind is TS2Vec:  # its rate is constant
        assert losses[2] == losses[0]
    assert [record["loss"] for record in halves.history_] == losses[0][:2] or kind is not TS2Vec


@pytest.fixture(scope="module")
def encoder(panel):
    return TS2Vec(**SMALL).fit(panel)


@pytest.mark.parametrize("suffix", [".npy", ".zarr"])
@pytest.mark.parametrize("method", ["transform", "encode", "encode_causal"])
def test_results_are_those_in_memory(panel, encoder, tmp_path, method, suffix):
    compute = getattr(encoder, method)
    expected = compute(panel)
    np.testing.assert_allclose(compute(as_mapped(panel, tmp_path)), expected, rtol=1e-4, atol=1e-5)
    for X in (as_zarr(panel, tmp_path), panel):
        written = compute(X, out=tmp_path / f"z{suffix}")
        np.testing.assert_allclose(written[:], expected, rtol=1e-4, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy", "x.zarr", f"z{suffix}"]


@pytest.mark.parametrize("suffix", [".npy", ".zarr"])
def test_an_interrupted_result_is_continued(panel, encoder, tmp_path, suffix, monkeypatch):
    X, out = as_mapped(panel, tmp_path), tmp_path / f"z{suffix}"
    read = lazy.LazyPanel.read

    def counted(self, rows, steps=slice(None)):
        if rows.start == 16 and steps == slice(None):
            raise KeyboardInterrupt
        return read(self, rows, steps)

    monkeypatch.setattr(lazy.LazyPanel, "read", counted)
    with pytest.raises(KeyboardInterrupt):
        encoder.transform(X, out=out)
    assert not out.exists()
    monkeypatch.setattr(lazy.LazyPanel, "read", read)
    computed = []
    transform = TS2Vec.transform
    monkeypatch.setattr(
        TS2Vec, "transform", lambda self, X, **more: computed.append(len(X)) or transform(self, X, **more)
    )
    np.testing.assert_allclose(
        encoder.transform(X, out=out)[:], encoder.transform(panel), rtol=1e-4, atol=1e-5
    )
    assert sum(computed) == 30 + 14 + 30  # the call, the instances from the 16th on, and the panel in memory


@pytest.mark.parametrize(
    "model", [MaskedSeriesEncoder("paper", **SMALL), SSGANImputer(max_steps=2, random_state=0)]
)
def test_gaps_are_imputed_block_by_block(panel, tmp_path, model):
    X = panel.astype(np.float64) + 1e-9
    impute = (
        model.fit(as_mapped(X, tmp_path)).transform
        if isinstance(model, SSGANImputer)
        else model.fit(X).impute
    )
    filled = impute(as_mapped(X, tmp_path), out=tmp_path / "filled.npy")
    np.testing.assert_allclose(filled, impute(X), rtol=1e-4, atol=1e-4)
    assert (filled == X)[~np.isnan(X)].all()
    with pytest.raises(ValueError, match="X is a list; wanted an array or a lazy panel"):
        impute(list(X), out=tmp_path / "filled.npy")


def test_another_ending_is_refused(panel, encoder, tmp_path):
    with pytest.raises(ValueError, match=r"out is .*z.csv.*; wanted a name that ends in '.npy' or '.zarr'"):
        encoder.transform(panel, out=tmp_path / "z.csv")


# Memory

MEASURED = """
import re, sys
import numpy as np
from tsrep import TS2Vec
from tsrep.data import stored

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

settings = dict(n_components=4, hidden_channels=4, depth=1, max_steps=4, batch_size=4, random_state=0, device="cpu")
small = np.random.default_rng(0).normal(size=(40, 100, 1000)).astype(np.float32)
TS2Vec(**settings).fit(small).transform(small)
before = peak()
X = np.load(sys.argv[1], mmap_mode="r") if sys.argv[2] == "mapped" else np.load(sys.argv[1])
loaded = peak()
encoder = TS2Vec(**settings).fit(X)
fitted = peak()
if sys.argv[2] == "mapped":
    encoder.transform(X, out=sys.argv[1] + ".z.npy")
    stored.READ_AS_A_WHOLE = 0
    TS2Vec(**settings | {"max_steps": 0}).fit(small[:, :1]).transform(X[:30].reshape(1, 1, -1))  # 3 million steps
print(loaded - before, fitted - loaded, peak() - loaded)
"""


@pytest.mark.parametrize(("way", "most"), [("mapped", 100), ("in memory", 100)])
def test_memory_does_not_grow_with_the_data(tmp_path, way, most):
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (500, 100, 1000))
    mapped[:] = np.linspace(-1, 1, 1000, dtype=np.float32)
    mapped.flush()
    del mapped
    script = tmp_path / "script.py"
    script.write_text(MEASURED)
    root = str(Path(__file__).parents[2])
    command = [sys.executable, str(script), str(tmp_path / "x.npy"), way]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    loaded, fitted, transformed = map(float, done.stdout.split())
    assert (loaded > 150) == (way == "in memory")
    assert transformed < most, done.stdout
