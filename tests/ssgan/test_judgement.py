"""What held-out values decide: channels that fall back to lines, and the stretch of the learned scales."""

import numpy as np
import pytest
import torch

from tsrep.ssgan.errors import LEVELS
from tsrep.ssgan.judgement import judge
from tsrep.ssgan.step import Batch
from tsrep.ssgan.training import HeldOut

N, T, C = 40, 10, 3


@pytest.fixture
def data():
    """Slopes of 1, two steps of each held out; nothing of channel 2 was ever seen."""
    truth = torch.arange(T).float().view(1, T, 1).expand(N, T, C).clone()
    held_out = torch.zeros(N, T, C, dtype=torch.bool)
    held_out[:, [1, 5], :2] = True
    observed = ~held_out
    observed[..., 2] = False
    times = torch.arange(T).float().expand(N, T)
    shown = Batch(truth * observed, observed, times, torch.full((N,), -1))
    return HeldOut(shown, truth * held_out, held_out)


SEEN = np.array([True, True, False])


def test_a_channel_falls_back_where_lines_are_as_good(data):
    bent = data.truth.clone()
    bent[..., 1] += 2.0
    judgement = judge(bent, torch.ones(N, T, C), data, SEEN, may_fall_back=True)
    assert judgement.fallback.tolist() == [True, True, True]  # a tie goes to the lines
    assert judgement.error == judgement.lines_error == pytest.approx(0, abs=1e-6)
    kept = judge(bent, torch.ones(N, T, C), data, SEEN, may_fall_back=False)
    assert kept.fallback.tolist() == [False, False, True]
    assert kept.error == pytest.approx(1.0)


def test_bands_hold_the_share_that_they_promise(data):
    random = torch.Generator().manual_seed(0)
    errors = torch.randn(N, T, C, generator=random) * torch.tensor([1.0, 5.0, 1.0])
    scale = torch.full((N, T, C), 0.7)
    judgement = judge(data.truth + errors, scale, data, SEEN, may_fall_back=False)
    for level, widths in zip(LEVELS, judgement.widths, strict=True):
        for channel in (0, 1):
            within = errors[..., channel][data.held_out[..., channel]].abs().numpy() <= 0.7 * widths[channel]
            assert within.mean() == pytest.approx(level, abs=0.01)
        assert widths[1] > 3 * widths[0]


def test_without_held_out_values_nothing_is_claimed(data):
    nothing = HeldOut(data.batch, data.truth, torch.zeros_like(data.held_out))
    judgement = judge(data.truth, torch.ones(N, T, C), nothing, SEEN, may_fall_back=False)
    np.testing.assert_allclose(judgement.widths, np.log([[2] * 3, [10] * 3]))  # of Laplace distributions
    assert np.isnan(judgement.error) and np.isnan(judgement.lines_error)
    assert judge(data.truth, torch.ones(N, T, C), nothing, SEEN, may_fall_back=True).fallback.all()
