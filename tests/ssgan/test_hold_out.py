"""Values held out of the imputer's training: in all windows that hold them, and never the last of a window."""

import pytest
import torch

from tsrep.nn.overlap import cover, cut
from tsrep.ssgan.step import Batch
from tsrep.ssgan.training import hold_out


def batch_of(observed, length):
    """The windows of series (n, T, C) that are observed there, and their positions."""
    windows = cover(*observed.shape[:2], length)
    seen = cut(observed, windows)
    values = cut(torch.randn(observed.shape), windows).masked_fill(~seen, 0.0)
    times = cut(torch.arange(observed.shape[1] * 1.0).expand(observed.shape[:2]), windows)
    return Batch(values, seen, times, torch.full((len(seen),), -1)), windows


@pytest.mark.parametrize("steps", [20, 128, 150, 512, 515])
@pytest.mark.parametrize("fraction", [0.05, 0.6, 0.99])
def test_a_held_out_value_is_shown_in_no_window(steps, fraction):
    observed = torch.rand(4, steps, 2, generator=torch.Generator().manual_seed(0)) < 0.8
    batch, windows = batch_of(observed, 128)
    data = hold_out(batch, windows, fraction, seed=0)

    def entries(mask):
        window, step, channel = mask.nonzero().T
        return set(
            zip(
                windows.rows[window].tolist(),
                (windows.starts[window] + step).tolist(),
                channel.tolist(),
                strict=True,
            )
        )

    held_out, shown = entries(data.held_out), entries(data.batch.observed)
    assert held_out and not held_out & shown
    assert len(held_out) + len(shown) == int(observed.sum())
    assert data.batch.observed.flatten(1).any(1).all()
    expected = fraction * int(observed.sum())
    spread = 5 * (expected * (1 - fraction)) ** 0.5
    assert expected - spread - len(windows.rows) <= len(held_out) <= expected + spread
    torch.testing.assert_close(data.truth + data.batch.values, batch.values)


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.99])
def test_a_series_keeps_its_only_value(fraction):
    observed = torch.zeros(500, 24, 2, dtype=torch.bool)
    observed[torch.arange(500), torch.arange(500) % 24, 0] = True
    data = hold_out(*batch_of(observed, 128), fraction, seed=0)
    assert not data.held_out.any()
    two = observed.clone()
    two[:, :, 1] = observed[:, :, 0]
    assert hold_out(*batch_of(two, 128), fraction, seed=0).batch.observed.flatten(1).any(1).all()


def test_nothing_is_held_out_of_nothing():
    observed = torch.rand(3, 30, 2) < 0.5
    assert not hold_out(*batch_of(observed, 128), 0.0, seed=0).held_out.any()
