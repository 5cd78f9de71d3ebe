"""Series drawn as images, and the encoder that sees them."""

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
from tsrep_vision.series import (
    INK,
    WHITE,
    SeriesImageEncoder,
    at_places,
    draw_line,
    draw_stacked,
    quantile,
    robust_scale,
)


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


def test_scaling_is_robust_and_monotonic() -> None:
    x = torch.randn(3, 101, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(quantile(x, 0.3), torch.quantile(x, 0.3, dim=-1, keepdim=True))
    scaled = robust_scale(x)
    assert torch.equal(scaled.argsort(1), x.argsort(1))
    torch.testing.assert_close(robust_scale(7 * x - 3), scaled, atol=1e-5, rtol=0)
    spiked = x.clone()
    spiked[:, 5] = 1e6
    usual = torch.arange(101) != 5
    assert float((robust_scale(spiked) - scaled)[:, usual].abs().max()) < 0.1
    assert torch.equal(robust_scale(torch.full((1, 9), 4.0)), torch.zeros(1, 9))
    mostly_flat = torch.zeros(1, 100)
    mostly_flat[0, 3] = 1
    assert 1 < float(robust_scale(mostly_flat).max()) < 5


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 50, 64, 127])
def test_a_step_is_drawn_at_its_place(steps: int) -> None:
    x = torch.arange(float(steps)).expand(2, -1)
    size = 4 * steps
    images, places = draw_stacked(x, size)
    assert images.shape == (2, size, size) and places.shape == (2, steps, 2)
    nearest = ((places + 1) / 2 * size - 0.5).round().long().clamp(0, size - 1)
    found = images[0][nearest[0, :, 1], nearest[0, :, 0]]
    assert float((found - x[0]).abs().max()) <= max(1.0, 0.51 * steps**0.5)
    assert float(places.abs().max()) <= 1
    line, places = draw_line(x, 32)
    column, row = ((places[0] + 1) / 2 * 32).long().clamp(0, 31).unbind(1)
    assert bool((line[0][row, column] < 0).all())  # inked


def test_a_period_of_a_window_is_a_vertical_pattern() -> None:
    x = torch.sin(2 * torch.pi * torch.arange(100.0) / 10)[None]
    images, _ = draw_stacked(x, 30)
    torch.testing.assert_close(images[0], images[0, :1].expand(30, -1), atol=1e-4, rtol=0)


def test_a_line_is_antialiased_and_connected() -> None:
    x = torch.cat([torch.zeros(40), torch.ones(40)])[None]
    [image], _ = draw_line(x, 64)
    ink = (WHITE - image) / (WHITE - INK)
    assert bool(((ink >= 0) & (ink <= 1)).all()) and bool(((ink > 0) & (ink < 1)).any())
    torch.testing.assert_close(ink[:, 5].sum(), torch.tensor(1.5))  # as wide as a line
    assert float(ink[:, 31:33].sum()) > 50  # the jump
    flat, _ = draw_line(torch.zeros(1, 7), 16)
    assert bool((flat[0] == flat[0, :, :1]).all()) and float(flat.min()) < 0
    long, _ = draw_line(torch.randn(1, 5000, generator=torch.Generator().manual_seed(0)), 16)
    assert bool(((WHITE - long[0]).sum(0) > 0).all())


def test_vectors_of_patches_are_interpolated() -> None:
    z = torch.cat([torch.full((1, 1, 1), 9.0), torch.arange(4.0).view(1, 4, 1)], dim=1)
    places = torch.tensor([[[-0.5, -0.5], [0.5, 0.5], [0, 0.5], [-1, -1]]])
    assert at_places(z, places).flatten().tolist() == [0, 3, 2.5, 0]


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
        ({"image": "spectrum"}, "image is 'spectrum'; wanted one of 'stacked', 'line'"),
        ({"channels": "first"}, "channels is 'first'"),
        ({"pool": "max"}, "pool is 'max'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"depth": 5}, "depth is 5; wanted 1 to 4"),
        ({"image_size": 30}, "image_size is 30"),
        ({"backbone": 3}, "backbone is a int"),
        ({"backbone": torch.nn.Linear(1, 1)}, "backbone is a Linear"),
    ],
)
def test_what_is_refused(panel: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SeriesImageEncoder(**options).fit(panel)


def test_other_channels_are_refused(panel: np.ndarray) -> None:
    encoder = SeriesImageEncoder(mae()).fit(panel)
    with pytest.raises(ValueError, match="X has 1 channels, SeriesImageEncoder was fitted with 2"):
        encoder.transform(panel[:, :1])
