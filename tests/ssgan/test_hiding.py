"""What is hidden while training: rates, gaps of others, and which gaps count as sticking together."""

import numpy as np
import pytest
import torch

from tsrep.data import missing
from tsrep.ssgan.hiding import borrow_rate, hide, stickiness

SHAPE = (400, 30, 4)


def source():
    return torch.Generator().manual_seed(0)


def observed_after(take, **how):
    panel = take(np.ones((SHAPE[0], SHAPE[2], SHAPE[1])), 0.3, 0, **how)
    return torch.from_numpy(~np.isnan(panel)).transpose(1, 2)


def test_single_values_go_at_their_rate_and_only_observed_ones():
    observed = observed_after(missing.mcar)
    hidden = hide(observed, 0.25, 0.0, source())
    assert not (hidden & ~observed).any()
    assert hidden[observed].float().mean() == pytest.approx(0.25, abs=0.01)
    assert not hide(observed, 0.0, 0.5, source()).any()


def test_a_series_is_hidden_where_another_has_its_gaps():
    observed = observed_after(missing.blocks, length=10)
    hidden = hide(observed, 0.5, 1.0, source())
    gaps = {tuple(series.flatten().tolist()) for series in ~observed}
    for series, one in zip(hidden, observed, strict=True):
        wanted = [gap for gap in gaps if torch.equal(torch.tensor(gap).view(SHAPE[1:]) & one, series)]
        assert wanted
    some = hide(observed, 0.5, 0.4, source())
    assert 0.3 < (some == hidden).flatten(1).all(1).float().mean() < 0.5


def test_padding_is_nobodys_gap():
    observed = torch.ones(SHAPE, dtype=torch.bool)
    inside = torch.ones(SHAPE[:2], dtype=torch.bool)
    inside[::2, 20:] = False
    observed &= inside.unsqueeze(-1)
    assert not hide(observed, 0.5, 1.0, source(), inside).any()
    assert stickiness(observed, inside) == 0
    assert borrow_rate(observed, inside, 0.6) == 0


def test_stickiness_is_zero_by_chance_and_one_for_whole_channels():
    assert stickiness(observed_after(missing.mcar)) == pytest.approx(0, abs=0.02)
    assert stickiness(observed_after(missing.channels)) == pytest.approx(1)
    runs = stickiness(observed_after(missing.blocks, length=10))
    assert 0.8 < runs < 0.95
    assert borrow_rate(observed_after(missing.blocks, length=10), None, 0.6) == pytest.approx(runs / 2)
    assert borrow_rate(observed_after(missing.blocks, length=10), None, 0.2) == 0  # too little would be seen
    assert borrow_rate(observed_after(missing.mcar), None, 0.6) == 0
    assert stickiness(torch.ones(SHAPE, dtype=torch.bool)) == 0
