"""Masks: how much is hidden, where, and how far from what is visible."""

import numpy as np
import pytest
import torch

from tsrep.masked.masks import KINDS, Mask, average_distance
from tsrep.nn.masking import hidden_count


def observed_with_gaps():
    """(5, 16, 4, 3): whole, begun late, a gap, one channel never observed, two patches only."""
    observed = torch.ones(5, 16, 4, 3, dtype=torch.bool)
    observed[1, :7] = False
    observed[2, 5:8] = False
    observed[3, :, :, 1] = False
    observed[4, :14] = False
    return observed


def slow_distance(hidden, observed):
    found = []
    for b, _, c in np.ndindex(hidden.shape[0], 1, hidden.shape[2]):
        visible = [t for t in range(hidden.shape[1]) if observed[b, t, c] and not hidden[b, t, c]]
        found += [
            min(abs(t - v) for v in visible)
            for t in range(hidden.shape[1])
            if hidden[b, t, c] and observed[b, t, c] and visible
        ]
    return float(np.mean(found))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("ratio", [0.01, 0.3, 0.75, 0.99, (0.2, 0.6)])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "channel"])
def test_missing_values_are_never_hidden_and_something_is_always_visible_and_hidden(kind, ratio, shared):
    observed = observed_with_gaps()
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        hidden = Mask(kind, ratio, shared=shared)(observed, generator)
        assert hidden.shape == observed.shape and not (hidden & ~observed).any()
        for series, seen in zip(hidden, observed, strict=True):
            channels = seen.flatten(0, 1).any(0)
            per_channel = series.flatten(0, 1).sum(0)[channels]
            total = seen.flatten(0, 1).sum(0)[channels]
            assert (per_channel >= 1).all() and (per_channel < total).all()


@pytest.mark.parametrize("kind", ["random", "block", "span", "future"])
def test_the_ratio_counts_patches_rounded_half_up(kind):
    observed = torch.ones(3, 10, 2, 1, dtype=torch.bool)
    generator = torch.Generator().manual_seed(1)
    for ratio, wanted in ((0.9, 9), (0.75, 8), (0.05, 1), (0.999, 9), (0.5, 5)):
        hidden = Mask(kind, ratio)(observed, generator)
        assert (hidden.any(2).sum(1) == wanted).all()
        assert (hidden.all(2) == hidden.any(2)).all()  # patches are hidden whole


def test_counts_that_other_rules_get_wrong():
    totals = torch.tensor([10, 10, 2, 1, 0, 196])
    assert hidden_count(totals, 0.9).tolist() == [9, 9, 1, 1, 0, 176]
    assert hidden_count(torch.tensor([196]), 0.75).tolist() == [147]  # MAE keeps 49
    assert hidden_count(torch.tensor([10]), 1.0).tolist() == [9]  # int(10 * (1 - 1.0)) = 0 would be visible
    assert hidden_count(torch.tensor([10]), 0.001).tolist() == [1]


def test_runs_of_patches_hide_neighbours_together():
    observed = torch.ones(4, 12, 3, 1, dtype=torch.bool)
    hidden = Mask("random", 0.5, 3)(observed, torch.Generator().manual_seed(0)).any(2)[..., 0]
    in_runs = hidden.unflatten(1, (4, 3))
    assert (in_runs.all(2) == in_runs.any(2)).all()
    assert (hidden.sum(1) == 6).all()


def test_runs_as_long_as_what_was_observed_do_not_hide_it_all():
    observed = observed_with_gaps()
    generator = torch.Generator().manual_seed(0)
    for span in (2, 4, 8, 40):
        for _ in range(20):
            hidden = Mask("random", 0.6, span)(observed, generator).flatten(1, 2).any(2)
            assert hidden.any(1).all() and (hidden < observed.flatten(1, 2).any(2)).any(1).all()
            halves = hidden[0].unflatten(0, (2, -1))
            assert (
                span < 8 or (halves.all(1) != halves.any(1)).sum() == 0
            )  # half of a series is hidden as one


def test_runs_are_counted_from_the_end_where_the_length_is_no_multiple():
    observed = torch.ones(6, 11, 1, 1, dtype=torch.bool)
    hidden = Mask("random", 0.5, 4)(observed, torch.Generator().manual_seed(0))[:, :, 0, 0]
    assert (hidden[:, 7:11].all(1) == hidden[:, 7:11].any(1)).all()
    assert (hidden[:, 3:7].all(1) == hidden[:, 3:7].any(1)).all()


def test_one_span_is_one_run_of_the_observed_patches():
    observed = observed_with_gaps()
    hidden = Mask("span", 0.4)(observed, torch.Generator().manual_seed(0)).any((2, 3))
    for series, seen in zip(hidden, observed.any((2, 3)), strict=True):
        of_observed = series[seen].int()
        assert of_observed.diff().abs().sum() <= 2


def test_future_hides_the_last_observed_patches():
    hidden = Mask("future", 0.25)(observed_with_gaps(), torch.Generator()).any((2, 3))
    assert hidden[0].tolist() == [False] * 12 + [True] * 4
    assert hidden[4].tolist() == [False] * 15 + [True]


def test_channel_hides_whole_channels_but_never_the_only_one_that_was_observed():
    observed = observed_with_gaps()
    observed[4, ..., 1:] = False
    hidden = Mask("channel", 0.5)(observed, torch.Generator().manual_seed(0))
    whole = hidden.flatten(1, 2)
    for b in range(4):
        seen = observed[b].flatten(0, 1).any(0)
        assert whole[b].any(0).sum() in (1, 2) and whole[b].any(0).sum() < seen.sum()


def test_geometric_spans_have_their_ratio_and_mean_length():
    observed = torch.ones(200, 64, 8, 1, dtype=torch.bool)
    for ratio, span in ((0.15, 3), (0.5, 3), (0.6, 16)):
        hidden = Mask("geometric", ratio, span)(observed, torch.Generator().manual_seed(0)).flatten(1, 2)[
            ..., 0
        ]
        runs = (hidden[:, 1:] & ~hidden[:, :-1]).sum() + hidden[:, 0].sum()
        assert hidden.float().mean() == pytest.approx(ratio, abs=0.02)
        assert float(hidden.sum() / runs) == pytest.approx(span, rel=0.08)


def test_masks_are_those_of_the_seed_and_differ_between_draws():
    observed = observed_with_gaps()
    for kind in KINDS:
        mask = Mask(kind, 0.5)
        one, other = (mask(observed, torch.Generator().manual_seed(3)) for _ in range(2))
        assert torch.equal(one, other)
    generator = torch.Generator().manual_seed(3)
    assert not torch.equal(Mask()(observed, generator), Mask()(observed, generator))


def test_shared_masks_are_alike_in_all_channels():
    observed = torch.ones(3, 16, 2, 4, dtype=torch.bool)
    shared = Mask("block", 0.5)(observed, torch.Generator().manual_seed(0))
    assert (shared == shared[..., :1]).all()
    apart = Mask("block", 0.5, shared=False)(observed, torch.Generator().manual_seed(0))
    assert not (apart == apart[..., :1]).all()


def test_average_distance_of_worked_examples():
    hidden = torch.zeros(1, 7, 1, dtype=torch.bool)
    hidden[0, 2:5] = True
    assert float(average_distance(hidden)) == pytest.approx((1 + 2 + 1) / 3)
    hidden[:] = False
    hidden[0, 4:] = True  # the future: 1, 2, 3 steps from step 3
    assert float(average_distance(hidden)) == 2
    observed = torch.ones(1, 7, 1, dtype=torch.bool)
    observed[0, 6] = False
    assert float(average_distance(hidden, observed)) == 1.5
    observed[0, 3] = False  # a missing value is not visible: 2 and 3 steps from step 2
    assert float(average_distance(hidden, observed)) == 2.5
    assert torch.isnan(average_distance(torch.ones(1, 5, 1, dtype=torch.bool)))


def test_average_distance_against_brute_force():
    generator = torch.Generator().manual_seed(5)
    hidden = torch.rand(6, 40, 2, generator=generator) < 0.7
    observed = torch.rand(6, 40, 2, generator=generator) < 0.8
    observed[0, 30:] = False
    observed[1, :9] = False
    hidden[2, :, 1] = True
    wanted = slow_distance(hidden.numpy(), observed.numpy())
    assert float(average_distance(hidden, observed)) == pytest.approx(wanted, rel=1e-6)
