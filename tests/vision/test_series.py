"""The encoder that sees series as images; saved models and tasks in test_series_uses.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import MAE
from tsrep_vision.series import SeriesImageEncoder


@pytest.fixture
def panel() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 2, 50))


def mae() -> MAE:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4}
    return MAE(**sizes, decoder_dim=32, decoder_depth=1, decoder_heads=4)


@pytest.mark.parametrize("image", ["stacked", "line"])
def test_check_estimator(image: str) -> None:
    check_estimator(SeriesImageEncoder(image=image, depth=1, random_state=0))


@pytest.mark.parametrize("image", ["stacked", "line"])
def test_shapes_and_joins(panel: np.ndarray, image: str) -> None:
    side = SeriesImageEncoder(mae(), image).fit(panel)
    Z, steps = side.transform(panel), side.encode(panel)
    assert Z.shape == (5, 96) and steps.shape == (5, 50, 96) and Z.dtype == np.float32
    assert side.n_features_out_ == 96 and len(side.get_feature_names_out()) == 96
    mean = SeriesImageEncoder(mae(), image, channels="mean").fit(panel)
    np.testing.assert_allclose(mean.transform(panel), (Z[:, :48] + Z[:, 48:]) / 2, atol=1e-6)
    np.testing.assert_allclose(mean.encode(panel), (steps[..., :48] + steps[..., 48:]) / 2, atol=1e-6)
    for options in ({"pool": "class"}, {"depth": 1}, {"image_size": 64}):
        other = SeriesImageEncoder(mae(), image, **options).fit(panel).transform(panel)
        assert other.shape == Z.shape and not np.allclose(other, Z, atol=1e-3)


def test_series_do_not_see_one_another(panel: np.ndarray) -> None:
    """Batch, order, length of others, and scale of a series change nothing."""
    encoder = SeriesImageEncoder(mae(), batch_size=3).fit(panel)
    Z, steps = encoder.transform(panel), encoder.encode(panel)
    np.testing.assert_allclose(encoder.transform(panel[::-1])[::-1], Z, atol=1e-5)
    np.testing.assert_allclose(encoder.transform(panel[2:3]), Z[2:3], atol=1e-5)
    np.testing.assert_allclose(encoder.transform(20 * panel - 7), Z, atol=1e-3)
    np.testing.assert_allclose(encoder.set_params(batch_size=64).transform(panel), Z, atol=1e-5)
    padded = np.full((5, 2, 80), np.nan)
    padded[:, :, 10:60] = panel
    padded[0] = np.random.default_rng(1).normal(size=(2, 80))
    np.testing.assert_allclose(encoder.transform(padded)[1:], Z[1:], atol=1e-5)
    inside = encoder.encode(padded)
    np.testing.assert_allclose(inside[1:, 10:60], steps[1:], atol=1e-5)
    assert (
        np.isnan(inside[1:, :10]).all() and np.isnan(inside[1:, 60:]).all() and np.isfinite(inside[0]).all()
    )


def test_missing_steps_are_interpolated(panel: np.ndarray) -> None:
    line = np.broadcast_to(np.linspace(0, 1, 30), (2, 2, 30)).copy()
    encoder = SeriesImageEncoder(mae()).fit(line)
    whole = encoder.transform(line)
    gaps = line.copy()
    gaps[0, 0, 7:11] = np.nan
    np.testing.assert_allclose(encoder.transform(gaps), whole, atol=1e-5)
    gaps[0, 1] = np.nan
    assert np.isfinite(encoder.transform(gaps)).all() and np.isfinite(encoder.encode(gaps)).all()


def test_checkpoints(tmp_path: Path, panel: np.ndarray) -> None:
    model = mae()
    save_file(model.official_state(), tmp_path / "m.safetensors")
    expected = SeriesImageEncoder(model).fit(panel).transform(panel)
    read = SeriesImageEncoder(tmp_path / "m.safetensors", num_heads=4).fit(panel)
    np.testing.assert_allclose(read.transform(panel), expected, atol=1e-6)
    assert not any(p.requires_grad for p in read.encoder_.parameters())
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(ModelFileError):
        SeriesImageEncoder(tmp_path / "text.pth").fit(panel)


def test_random_weights_have_a_seed(panel: np.ndarray) -> None:
    state = torch.get_rng_state()
    one, same, other = (SeriesImageEncoder(random_state=s).fit(panel).transform(panel) for s in (0, 0, 1))
    assert np.array_equal(one, same) and not np.allclose(one, other, atol=1e-3)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_tells_frequencies_apart() -> None:
    """In a pipeline, joined with another view."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    phase, steps = rng.uniform(0, 6.28, (60, 1)), np.arange(64)
    X = np.sin(2 * np.pi * steps / (8 + 5 * y[:, None]) + phase) + 0.1 * rng.normal(size=(60, 64))
    view = make_union(SeriesImageEncoder(random_state=0), SeriesImageEncoder(image="line", random_state=0))
    model = make_pipeline(view, StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    assert model.fit(X[:40], y[:40]).score(X[40:], y[40:]) > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "spectrum"}, r"image is 'spectrum'; wanted one of \['stacked', 'line'\]"),
        ({"channels": "first"}, "channels is 'first'"),
        ({"pool": "max"}, "pool is 'max'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"depth": 5}, "depth is 5; wanted 1 to 4"),
        ({"depth": 0}, "depth is 0; wanted an integer of at least 1, or None"),
        ({"image_size": 30}, "image_size is 30"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"random_state": -1}, "random_state is -1"),
        ({"backbone": 3}, "backbone is a int"),
        ({"backbone": torch.nn.Linear(1, 1)}, "backbone is a Linear"),
    ],
)
def test_what_is_refused(panel: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SeriesImageEncoder(**options).fit(panel)


@pytest.mark.parametrize("image", ["stacked", "line"])
@pytest.mark.parametrize("hide_last", [False, True])
def test_a_causal_vector_is_that_of_the_last_step_of_its_window(
    panel: np.ndarray, image: str, hide_last: bool
) -> None:
    encoder = SeriesImageEncoder(mae(), image, batch_size=7).fit(panel)
    Z = encoder.encode_causal(panel, context=9, hide_last=hide_last)
    assert Z.shape == (5, 50, 96)
    window = panel[2:3, :, 20:30].copy()
    if hide_last:
        window[:, :, -1] = window[:, :, -2]
    np.testing.assert_allclose(Z[2, 29], encoder.encode(window)[0, -1], atol=1e-5)
    early = np.concatenate([np.repeat(panel[2:3, :, :1], 7, axis=2), panel[2:3, :, :3]], axis=2)
    if hide_last:
        early[:, :, -1] = early[:, :, -2]
    np.testing.assert_allclose(Z[2, 2], encoder.encode(early)[0, -1], atol=1e-5)


def test_the_future_does_not_move_a_causal_vector(panel: np.ndarray) -> None:
    encoder = SeriesImageEncoder(mae()).fit(panel)
    Z = encoder.encode_causal(panel, context=9)
    other = panel.copy()
    other[:, :, 30] = 1e3
    moved = encoder.encode_causal(other, context=9)
    assert np.array_equal(moved[:, :30], Z[:, :30]) and np.array_equal(moved[:, 40:], Z[:, 40:])
    assert not np.allclose(moved[:, 30:40], Z[:, 30:40], atol=1e-3)
    np.testing.assert_array_equal(
        encoder.encode_causal(other, context=9, hide_last=True)[:, 30],
        encoder.encode_causal(panel, context=9, hide_last=True)[:, 30],
    )
    gaps = panel.copy()
    gaps[:, :, :12] = gaps[:, :, 20] = gaps[:, :, 45:] = np.nan
    assert np.isfinite(encoder.encode_causal(gaps, context=9)).all()
    with pytest.raises(ValueError, match="context is -1; wanted an integer of at least 0"):
        encoder.encode_causal(panel, context=-1)


def test_a_fit_that_fails_changes_nothing(panel: np.ndarray) -> None:
    encoder = SeriesImageEncoder(mae()).fit(panel)
    before = encoder.transform(panel)
    with pytest.raises(ValueError, match="depth is 9; wanted 1 to 2, or None"):
        encoder.set_params(depth=9).fit(panel[:, :1])
    np.testing.assert_array_equal(encoder.transform(panel), before)


def test_large_numbers_keep_their_small_differences(panel: np.ndarray) -> None:
    encoder = SeriesImageEncoder(mae()).fit(panel)
    np.testing.assert_allclose(encoder.transform(panel + 1e9), encoder.transform(panel), atol=1e-3)


def test_other_channels_are_refused(panel: np.ndarray) -> None:
    encoder = SeriesImageEncoder(mae()).fit(panel)
    with pytest.raises(ValueError, match="X has 1 channels, SeriesImageEncoder was fitted with 2"):
        encoder.transform(panel[:, :1])
