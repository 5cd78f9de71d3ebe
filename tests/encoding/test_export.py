"""Exported encoders against the estimator they came from, in ONNX Runtime and after `torch.export.load`."""

import importlib.util
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import tsrep
from tsrep import TS2Vec, __version__
from tsrep.encoding.export import ExportableEncoder
from tsrep.nn.padding import first_to_last, inside

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ENDINGS = (".onnx", ".pt2")
DEPTH = 3  # dilations up to 8, so that the lengths below lie on both sides of the largest


def fitted(**parameters):
    small = {"n_components": 12, "hidden_channels": 8, "depth": DEPTH, "max_steps": 0, "random_state": 0}
    X = np.random.default_rng(0).normal(size=(4, 2, 30))
    return TS2Vec(**{**small, **parameters}).fit(X)


def one_thread():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return options


def program_in(path):
    """The written program as a function from a panel to {"steps": ..., "series": ...}."""
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(path, one_thread())
        names = [output.name for output in session.get_outputs()]
        return lambda X: dict(zip(names, session.run(names, {"panel": X}), strict=True))
    module = torch.export.load(path).module()
    return lambda X: {name: z.numpy() for name, z in module(torch.from_numpy(X)).items()}


@pytest.fixture(scope="module")
def encoder():
    return fitted()


@pytest.fixture(scope="module")
def paths(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    written = [folder / f"encoder{ending}" for ending in ENDINGS]
    for path in written:
        encoder.export(path)
    return written


@pytest.fixture(scope="module")
def programs(paths):
    return [program_in(path) for path in paths]


def panel(batch, length, gaps, ragged, seed, channels=2):
    """Random values with a share of `gaps`; `ragged`: instances begin late and end early. Nobody is all missing."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(batch, channels, length)).astype(np.float32)
    X[random.random(X.shape) < gaps] = np.nan
    for instance in X:
        first, last = np.sort(random.integers(0, length, size=2)) if ragged else (0, length - 1)
        instance[:, :first] = instance[:, last + 1 :] = np.nan
        instance[0, first] = 1.0
    return X


def assert_same(given_by_program, encoder, X):
    for name, wanted in (("steps", encoder.encode(X)), ("series", encoder.transform(X))):
        np.testing.assert_allclose(given_by_program[name], wanted, rtol=0, atol=1e-5, err_msg=name)


@settings(max_examples=25)
@example(batch=1, length=1, gaps=0.0, ragged=False, seed=0)
@example(batch=50, length=1, gaps=0.0, ragged=False, seed=0)
@example(batch=2, length=500, gaps=0.1, ragged=True, seed=0)
@given(
    batch=st.integers(1, 6),
    length=st.integers(1, 50),
    gaps=st.sampled_from([0.0, 0.1, 0.6]),
    ragged=st.booleans(),
    seed=st.integers(0, 999),
)
def test_a_program_gives_what_the_estimator_gives(encoder, programs, batch, length, gaps, ragged, seed):
    X = panel(batch, length, gaps, ragged, seed)
    for program in programs:
        assert_same(program(X), encoder, X)


@pytest.mark.parametrize(
    "parameters",
    [
        {"pooling": "mean"},
        {"pool": ["max", "deviation/2", "positive/4"]},
        {"recipe": "best"},
        {"input_projection": False},
        {"depth": 0},
        {"n_components": 320, "hidden_channels": 64, "depth": 10},
    ],
)
def test_every_encoder_of_convolutions_can_be_exported(parameters):
    encoder = fitted(**parameters)
    exportable = ExportableEncoder(encoder.encoder_, encoder._read_out())
    for length in (1, 40):
        X = panel(3, length, 0.2, True, seed=1)
        given_by_program = exportable(torch.from_numpy(X))
        assert_same({name: z.numpy() for name, z in given_by_program.items()}, encoder, X)


@settings(max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_counting_finds_what_lies_inside(seen):
    seen = torch.tensor([seen])
    x = torch.where(seen, 1.0, torch.nan).unsqueeze(-1)
    assert first_to_last(seen).equal(inside(x))


def test_an_instance_without_an_observed_step_is_nan_and_moves_no_other(programs):
    X = panel(2, 20, 0.1, True, seed=0)
    with_nothing = np.stack([X[0], np.full_like(X[0], np.nan), X[1]])
    for program in programs:
        alone, among = program(X), program(with_nothing)
        for name in ("steps", "series"):
            assert np.isnan(among[name][1]).all()
            np.testing.assert_allclose(among[name][[0, 2]], alone[name], rtol=0, atol=1e-6)


def test_the_onnx_model_is_valid_and_says_what_it_takes_and_gives(paths):
    model = onnx.load(paths[0])
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(paths[0], one_thread())
    assert {i.name: i.shape for i in session.get_inputs()} == {"panel": ["batch", 2, "length"]}
    outputs = {"steps": ["batch", "length", 12], "series": ["batch", 12]}
    assert {o.name: o.shape for o in session.get_outputs()} == outputs


def test_a_program_carries_what_it_was_made_from(paths, encoder):
    session = onnxruntime.InferenceSession(paths[0], one_thread())
    archive = {"tsrep.json": ""}
    torch.export.load(paths[1], extra_files=archive)
    for found in (session.get_modelmeta().custom_metadata_map, archive):
        description = json.loads(found["tsrep.json"])
        assert description["parameters"] == encoder.get_params()
        assert description["versions"]["tsrep"] == __version__
        assert description["class"] == "tsrep.ts2vec.estimator:TS2Vec"


def test_a_program_names_no_place_on_the_machine_that_wrote_it(paths):
    root = str(Path(tsrep.__file__).parent).encode()
    with zipfile.ZipFile(paths[1]) as archive:
        contents = [archive.read(name) for name in archive.namelist()] + [paths[0].read_bytes()]
    assert len(contents) > 2
    assert not any(root in content for content in contents)


def test_export_draws_no_random_number_and_leaves_the_encoder_as_it_was(tmp_path):
    encoder = fitted(depth=0)
    state, weights = torch.random.get_rng_state(), encoder.encoder_.state_dict()
    before = {name: weight.clone() for name, weight in weights.items()}
    encoder.export(tmp_path / "encoder.pt2")
    assert torch.random.get_rng_state().equal(state)
    assert all(weights[name].equal(weight) for name, weight in before.items())


@pytest.mark.parametrize(("backbone", "named"), [("lstm", "LSTM"), ("transformer", "Transformer")])
def test_other_backbones_are_refused(backbone, named, tmp_path):
    path = tmp_path / "encoder.onnx"
    with pytest.raises(ValueError, match=f"backbone is {named}, which cannot be exported"):
        fitted(backbone=backbone).export(path)
    assert not path.exists()


def test_what_cannot_be_written_is_said(encoder, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"encoder.bin'; wanted a name that ends in .onnx or .pt2"):
        encoder.export(tmp_path / "encoder.bin")
    with pytest.raises(NotFittedError):
        TS2Vec().export(tmp_path / "encoder.onnx")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"ONNX needs onnx: pip install 'tsrep\[export\]'"):
        encoder.export(tmp_path / "encoder.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "encoder.pt2"
    fitted(depth=0).export(path)
    first = path.read_bytes()

    def full_disk(descriptor):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(OSError, match="no space left"):
            fitted(depth=0, random_state=1).export(path)
    assert [file.name for file in path.parent.iterdir()] == ["encoder.pt2"]
    assert path.read_bytes() == first
    fitted(depth=0, random_state=1).export(path)
    assert [file.name for file in path.parent.iterdir()] == ["encoder.pt2"]
    assert path.read_bytes() != first
