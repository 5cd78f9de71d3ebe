"""Long series: the methods of an encoder give in stretches what they give of whole series, and read no more at once."""

import numpy as np
import pytest
import torch

from tsrep import MaskedSeriesEncoder, TS2Vec
from tsrep.data import lazy, stored
from tsrep.encoding import long
from tsrep.encoding.backbone import Surroundings, surroundings_of
from tsrep.encoding.pooling import STATISTICS
from tsrep.encoding.read_out import RICH, equal_parts, read_out
from tsrep.encoding.running import RunningReadOut

T, STRETCH = 300, 50
SMALL = {"n_components": 6, "depth": 2, "max_steps": 0, "random_state": 0, "device": "cpu"}
TRAINED_ON = np.random.default_rng(1).normal(size=(4, 2, 60))

ENCODERS = {
    "dilated convolutions": TS2Vec(hidden_channels=4, **SMALL),
    "all layers": TS2Vec(hidden_channels=4, **SMALL, layers=[0, -1], pool=["rich", "mean/3"]),
    "patches": MaskedSeriesEncoder("paper", **SMALL, patch_length=5, max_train_length=30),
    "masked steps": MaskedSeriesEncoder(design="simmim", encoder="ts2vec", hidden_channels=4, **SMALL),
}


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request):
    return ENCODERS[request.param].fit(TRAINED_ON)


@pytest.fixture(scope="module")
def panel():
    random = np.random.default_rng(0)
    X = random.normal(size=(3, 2, T)).cumsum(-1).astype(np.float32)
    X[0, :, :60] = X[1, :, 221:] = X[1, :, 100:160] = np.nan
    X[2, :, :150] = X[2, :, 152:] = np.nan  # two steps
    return X


@pytest.fixture
def in_stretches(monkeypatch):
    """Long series are those of more than 50 steps; and a list of the lengths that are read."""
    lengths, read = [], lazy.LazyPanel.read

    def counted(self, rows, steps=slice(None)):
        part = read(self, rows, steps)
        lengths.append(part.shape[0] * part.shape[2])
        return part

    def begin():
        monkeypatch.setattr(long, "STRETCH_STEPS", STRETCH)
        monkeypatch.setattr(long, "LEAST_STRETCH", 0)
        monkeypatch.setattr(stored, "READ_AS_A_WHOLE", 0)
        monkeypatch.setattr(lazy, "BLOCK_VALUES", 64)
        monkeypatch.setattr(lazy, "SAMPLED", 4)
        monkeypatch.setattr(lazy.LazyPanel, "read", counted)
        return lengths

    return begin


def as_mapped(X, folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


def as_zarr(X, folder):
    zarr = pytest.importorskip("zarr")
    return zarr.create_array(folder / "x.zarr", data=X, chunks=(1, 1, 70), overwrite=True)


def as_lists(X, folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({f"c{c}": X[:, c].tolist() for c in range(2)}), folder / "x.parquet")
    return stored.open_panel(folder / "x.parquet")


def as_long_table(X, folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    n, _, t = X.shape
    columns = {"unique_id": np.repeat(np.arange(n), t), "ds": np.tile(np.arange(t), n)}
    table = pa.table({**columns, **{f"c{c}": X[:, c].ravel() for c in range(2)}})
    pq.write_table(table, folder / "x.parquet", row_group_size=80)
    return stored.open_panel(folder / "x.parquet")


METHODS = {
    "transform": lambda encoder, X, **more: encoder.transform(X, **more),
    "encode": lambda encoder, X, **more: encoder.encode(X, **more),
    "pooled": lambda encoder, X, **more: encoder.encode(X, window=6, **more),
    "full series": lambda encoder, X, **more: encoder.encode(X, window="full_series", **more),
    "causal": lambda encoder, X, **more: encoder.encode_causal(X, context=20, **more),
}


@pytest.mark.parametrize("method", METHODS)
def test_stretches_give_what_whole_series_give(encoder, panel, in_stretches, method, tmp_path):
    compute = METHODS[method]
    expected = compute(encoder, panel)
    lengths = in_stretches()
    for X in (panel, as_mapped(panel, tmp_path)):
        np.testing.assert_allclose(compute(encoder, X), expected, rtol=1e-5, atol=2e-6)
    around = surroundings_of(encoder.encoder_)
    most = 20 if method == "causal" else 6 + 2 * max(around.reach, around.window or 0)
    assert max(lengths) <= STRETCH + most


@pytest.mark.parametrize(("way", "suffix"), [(as_zarr, ".zarr"), (as_lists, ".npy"), (as_long_table, ".npy")])
def test_every_store_is_read_and_written_in_stretches(panel, in_stretches, tmp_path, way, suffix):
    encoder = ENCODERS["all layers"].fit(TRAINED_ON)
    wanted = {method: compute(encoder, panel) for method, compute in METHODS.items()}
    lengths = in_stretches()
    X = way(panel, tmp_path)
    for method, expected in wanted.items():
        written = METHODS[method](encoder, X, out=tmp_path / f"z{suffix}")
        np.testing.assert_allclose(written[:], expected, rtol=1e-5, atol=2e-6)
    assert max(lengths) < 100


def test_wide_windows_read_a_series_three_times_at_most(panel, in_stretches, tmp_path):
    encoder = ENCODERS["dilated convolutions"].fit(TRAINED_ON)
    panel = np.tile(panel[:1], (1, 1, 3))
    expected = encoder.encode(panel, window=200)
    lengths = in_stretches()
    Z = encoder.encode(as_mapped(panel, tmp_path), window=200)
    np.testing.assert_allclose(Z, expected, rtol=1e-5, atol=2e-6)
    assert sum(lengths) < 3 * panel.shape[2]


def test_a_mask_hides_the_steps_that_it_hides_of_the_whole(panel, in_stretches, tmp_path):
    encoder = ENCODERS["dilated convolutions"].fit(TRAINED_ON)
    expected = [encoder.encode(panel, window, mask="binomial") for window in (None, "full_series")]
    in_stretches()
    X = as_mapped(panel, tmp_path)
    for window, Z in zip((None, "full_series"), expected, strict=True):
        np.testing.assert_allclose(encoder.encode(X, window, mask="binomial"), Z, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("mask", [None, "binomial"])
def test_an_interrupted_result_is_continued_within_a_series(panel, in_stretches, tmp_path, monkeypatch, mask):
    encoder = ENCODERS["dilated convolutions"].fit(TRAINED_ON)
    in_stretches()
    X, out = as_mapped(panel, tmp_path), tmp_path / "z.npy"
    whole = encoder.encode(X, mask=mask)
    read = long.read_steps

    def interrupted(panel, row, start, stop):
        if row == 1 and start > 100:
            raise KeyboardInterrupt
        return read(panel, row, start, stop)

    monkeypatch.setattr(long, "read_steps", interrupted)
    monkeypatch.setattr(long, "observed", lambda panel, row: [(60, 300), (0, 221), (150, 152)][row])
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(X, mask=mask, out=out)
    rows = []
    monkeypatch.setattr(
        long, "read_steps", lambda panel, row, *where: rows.append(row) or read(panel, row, *where)
    )
    np.testing.assert_array_equal(encoder.encode(X, mask=mask, out=out), whole)
    assert rows == [1, 1, 2]  # of the second series, the steps from 100 on; those from 250 on are padding


def test_what_does_not_fit_is_refused_before_it_is_read(panel, in_stretches, tmp_path):
    encoder = ENCODERS["dilated convolutions"].fit(TRAINED_ON)
    table = TS2Vec(hidden_channels=4, **SMALL).fit(TRAINED_ON[:, 0])
    lengths = in_stretches()
    with pytest.raises(ValueError, match="X has 1 channels, TS2Vec was fitted with 2"):
        encoder.transform(as_mapped(panel[:, :1], tmp_path))
    with pytest.raises(ValueError, match="X has 300 features, but TS2Vec is expecting 60"):
        table.transform(as_mapped(panel[:, 0], tmp_path))
    assert not lengths
    with pytest.raises(ValueError, match="instance 1 of X holds no observed value"):
        encoder.transform(as_mapped(np.where(np.arange(3)[:, None, None] == 1, np.nan, panel), tmp_path))
    far = panel.copy()
    far[1, 0, 170] = np.inf
    with pytest.raises(ValueError, match="infinity.* in instance 1 at step 170"):
        encoder.transform(as_mapped(far, tmp_path))


@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
def test_a_backbone_that_looks_at_all_steps_is_given_all(panel, in_stretches, tmp_path, backbone):
    encoder = TS2Vec(hidden_channels=4, backbone=backbone, **SMALL).fit(TRAINED_ON)
    expected = encoder.transform(panel)
    in_stretches()
    np.testing.assert_allclose(encoder.transform(as_mapped(panel, tmp_path)), expected, rtol=1e-5, atol=2e-6)


def test_a_running_read_out_is_that_of_all_steps():
    z = torch.from_numpy(np.random.default_rng(0).normal(3, 0.1, (1, 97, 5))).float()
    statistics = read_out(None, [*RICH, "mean/5", "deviation/60"])
    running = RunningReadOut(statistics, 97)
    for stretch in z.split([1, 40, 3, 53], dim=1):
        running.add([stretch])
    torch.testing.assert_close(running.features(), statistics([z]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="layers is \\[3\\]; wanted indices of the encoder's 1 layers"):
        RunningReadOut(read_out(3, "max"), 97).add([z])
    few = z[:, :3]
    running = RunningReadOut(read_out(None, "max/4"), 3)
    running.add([few])
    parts = equal_parts(torch.ones(1, 3, dtype=torch.bool), 4)
    expected = torch.cat([STATISTICS["max"](few, part) for part in parts], dim=1)
    torch.testing.assert_close(running.features(), expected)


@pytest.mark.parametrize("around", [Surroundings(reach=7), Surroundings(window=16)])
def test_surroundings_are_those_on_which_steps_depend(around):
    first, end = 3, 100
    for start in range(first, end, 13):
        stop = min(end, start + 13)
        begin, until = around.of(start, stop, first, end)
        of_each = [around.of(step, step + 1, first, end) for step in range(start, stop)]
        assert (begin, until) == (min(pair[0] for pair in of_each), max(pair[1] for pair in of_each))
        assert first <= begin <= start < stop <= until <= end
