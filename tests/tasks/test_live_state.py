"""A live detector that is saved and loaded after a restart gives, to the bit, what one without a restart gives."""

import warnings

import numpy as np
import pytest

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationAnomalyDetector
from tsrep.train.checkpoint import ModelFileError

STEPS = np.arange(420)
SERIES = np.stack([np.sin(STEPS / 6), np.cos(STEPS / 9)], axis=1)
SERIES += np.random.default_rng(0).normal(0, 0.1, SERIES.shape)
SERIES[330] = 5.0
SERIES[312:314, 1] = np.nan
TRAIN = 300


class Lag:
    """An encoder without weights and without `online`."""

    def fit(self, X):
        return self

    def encode_causal(self, X, context, hide_last=False):
        X = np.nan_to_num(np.asarray(X, dtype=np.float32))
        return np.concatenate([X, np.roll(X, 1, axis=2)], axis=1).transpose(0, 2, 1)


@pytest.fixture(scope="module")
def encoder():
    settings = {"n_components": 8, "hidden_channels": 6, "depth": 3, "random_state": 0, "device": "cpu"}
    return TS2Vec(**settings, max_steps=3).fit(SERIES[:TRAIN].T[None])


def detector_of(encoder, **options):
    return RepresentationAnomalyDetector(encoder, context=20, prefit=True, **options).fit(SERIES[:TRAIN])


OPTIONS = [
    {"score": "hidden"},
    {"score": "scales"},
    {"score": "nearest", "threshold": "running"},
    {"score": "combined"},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("at_once", [1, 7])
def test_a_restart_changes_no_bit(encoder, options, at_once, tmp_path):
    detector = detector_of(encoder, **options)
    detector.save(tmp_path / "detector")
    later = SERIES[TRAIN:]

    def pieces(start, stop):
        return [later[at : min(at + at_once, stop)] for at in range(start, stop, at_once)]

    unbroken = detector.online(history="training")
    expected = [verdict for points in pieces(0, 119) for verdict in unbroken.extend(points)]
    live, found = detector.online(history="training"), []
    for start, stop in ((0, 14), (14, 35), (35, 119)):  # before, in the middle of, and after the odd points
        found += [verdict for points in pieces(start, stop) for verdict in live.extend(points)]
        live.save(tmp_path / "live")
        live = load(tmp_path / "detector").online(state=tmp_path / "live")
    np.testing.assert_array_equal(np.array(found, dtype=float), np.array(expected, dtype=float))
    assert any(verdict.alarm for verdict in found)


def test_an_encoder_of_ones_own_is_gone_on_with(tmp_path):
    detector = detector_of(Lag(), score="nearest")
    unbroken = detector.online().extend(SERIES)
    live = detector.online()
    first = live.extend(SERIES[:311])
    live.save(tmp_path / "live")
    after = detector.online(state=tmp_path / "live").extend(SERIES[311:])
    np.testing.assert_array_equal(np.array(first + after, dtype=float), np.array(unbroken, dtype=float))


def test_a_dead_channel_is_named_once(encoder, tmp_path):
    detector = detector_of(encoder, score="nearest")
    live = detector.online(history="training")
    silent = np.where(np.arange(2) == 0, np.nan, SERIES[:5])
    with pytest.warns(UserWarning, match="'0' has no values"):
        live.extend(silent)
    live.save(tmp_path / "live")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector.online(state=tmp_path / "live").extend(silent)


def test_a_state_fits_its_own_detector_only(encoder, tmp_path):
    detector = detector_of(encoder, score="nearest")
    live = detector.online()
    live.save(tmp_path / "live")
    live.save(tmp_path / "live")  # replaced
    with pytest.raises(ModelFileError, match="the state of another detector"):
        detector_of(encoder, score="nearest", level=5.0).online(state=tmp_path / "live")
    with pytest.raises(ModelFileError, match="the state of another detector"):
        detector_of(Lag(), score="nearest").online(state=tmp_path / "live")
    encoder.save(tmp_path / "encoder")
    with pytest.raises(ModelFileError, match="no state of a live detector"):
        detector.online(state=tmp_path / "encoder")
    with pytest.raises(ModelFileError, match="is no estimator"):
        load(tmp_path / "live")
    with pytest.raises(FileExistsError):
        live.save(tmp_path)
    with pytest.raises(ValueError, match="history is given; wanted None with a state"):
        detector.online("training", state=tmp_path / "live")


def test_an_encoder_whose_online_has_no_state_is_said(encoder, tmp_path):
    class Opaque(Lag):
        def online(self, context):
            return object()

    with pytest.raises(TypeError, match="wanted an object with state_dict"):
        detector_of(Opaque(), score="nearest").online().save(tmp_path / "live")
