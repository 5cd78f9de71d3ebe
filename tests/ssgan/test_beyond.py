"""Windows of long series: interpolated as the whole series is, whatever the windows are."""

import numpy as np
import pytest
import torch

from tsrep import SSGANImputer
from tsrep.nn.overlap import cover, cut, join
from tsrep.ssgan.beyond import nearest_beyond, with_beyond
from tsrep.ssgan.interpolating import interpolate, interpolated_without_self
from tsrep.ssgan.step import Batch

N, STEPS, C = 3, 50, 2


@pytest.fixture
def series():
    random = torch.Generator().manual_seed(0)
    values = torch.randn(N, STEPS, C, generator=random)
    observed = torch.rand(N, STEPS, C, generator=random) < 0.4
    observed[0, 10:40, 0] = False  # longer than a window
    observed[1, :, 1] = False
    observed[2, :25] = False
    times = torch.rand(N, STEPS, generator=random, dtype=torch.float64).add(0.1).cumsum(1)
    return values.masked_fill(~observed, 0.0), observed, times


def batch_of(values, observed, times, length):
    windows = cover(N, STEPS, length)
    here = cut(times, windows)
    no_labels = torch.full((len(here),), -1)
    relative = (here - here[:, :1]).float()
    batch = Batch(cut(values, windows), cut(observed, windows), relative, no_labels)
    return with_beyond(batch, windows, times), windows


@pytest.mark.parametrize("length", [2, 7, 12, 49])
@pytest.mark.parametrize("line", [lambda *series: interpolate(*series)[0], interpolated_without_self])
def test_interpolation_in_windows_is_that_of_the_whole_series(series, length, line):
    values, observed, times = series
    batch, windows = batch_of(*series, length)
    parts = line(batch.values, batch.observed, batch.times, batch.beyond)
    whole = line(values, observed, times.float())
    torch.testing.assert_close(parts, cut(whole, windows), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(join(parts, windows, (N, STEPS, C)), whole, rtol=1e-4, atol=1e-4)


def test_the_times_to_the_neighbours_are_at_most_the_window(series):
    batch, _ = batch_of(*series, 12)
    _, since, until = interpolate(batch.values, batch.observed, batch.times, batch.beyond)
    longest = batch.times[:, -1, None, None].expand_as(since)
    for distance in (since, until):
        assert (distance >= 0).all() and (distance <= longest).all()
        assert not distance[batch.observed].any()


def test_whole_series_have_nothing_beyond(series):
    assert batch_of(*series, STEPS)[0].beyond is None
    assert batch_of(*series, 3 * STEPS)[0].beyond is None
    _, observed, _ = series
    batch, windows = batch_of(*series, 12)
    there = batch.beyond[:, 1].isfinite()
    assert not there[windows.starts == 0, 0].any() and not there[windows.starts == STEPS - 12, 1].any()
    assert not there[..., 1][windows.rows == 1].any()  # a channel that was never observed
    assert torch.equal(nearest_beyond(*series, windows), batch.beyond)


def test_an_untrained_imputer_interpolates_a_gap_longer_than_a_window():
    steps = np.arange(400.0)
    X = np.stack([100 + steps, 5 - 2 * steps])[None]
    gaps = X.copy()
    gaps[0, 0, 60:340] = np.nan
    gaps[0, 1, 200:] = np.nan
    gaps[0, :, ::7] = np.nan
    imputer = SSGANImputer(max_steps=0, hidden_size=8, random_state=0, window_length=64, fallback=False).fit(
        gaps
    )
    filled = imputer.transform(gaps)
    np.testing.assert_allclose(filled[0, 0, 1:399], X[0, 0, 1:399], rtol=1e-4)
    np.testing.assert_allclose(filled[0, 1, 1:200], X[0, 1, 1:200], rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(filled[0, 1, 200:], filled[0, 1, 199], rtol=1e-3)


def test_held_out_values_are_not_seen_from_the_next_window(monkeypatch):
    """Neither as an observation of the window nor as the nearest one beyond it."""
    given = []

    def train(self, data, settings):
        given.append(data)
        raise InterruptedError

    monkeypatch.setattr(SSGANImputer, "_train", train)
    with pytest.raises(InterruptedError):
        SSGANImputer(validation_fraction=0.5, random_state=0).fit(
            np.random.default_rng(0).normal(size=(2, 1, 300))
        )
    [data] = given
    held_out = set(data.truth[data.held_out].tolist())
    seen = set(data.batch.beyond[:, 0].flatten().tolist())
    assert held_out and len(seen) > 2 and not held_out & seen
