"""Crops, centring, splitting: what overlaps overlaps, and no value is lost or moved to another instance."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.data import observed_and_inside
from tsrep.nn.padding import inside
from tsrep.ts2vec import crops
from tsrep.ts2vec.augment import AUGMENTATIONS
from tsrep.ts2vec.masks import MASKS


def numbered(n, t):
    """Every value tells its instance and step."""
    return (1000.0 * torch.arange(n).unsqueeze(1) + torch.arange(t)).unsqueeze(-1)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=200)
@given(
    n=st.integers(1, 5), t=st.integers(1, 40), shortest=st.sampled_from([2, 4, 8]), seed=st.integers(0, 9999)
)
def test_the_contrasted_steps_of_both_crops_are_the_same_steps(n, t, shortest, seed):
    views = crops.overlapping_crops(numbered(n, t), seeded(seed), shortest)
    first, second = views.first[:, views.steps_of_first], views.second[:, views.steps_of_second]
    assert torch.equal(first, second)
    assert min(shortest, t) <= first.shape[1] <= t
    assert (first.diff(dim=1) == 1).all()  # consecutive steps of one instance
    assert (first[:, 0, 0] // 1000).tolist() == list(range(n))


def test_crops_differ_between_instances_and_reach_both_ends():
    starts, ends, lengths = set(), set(), set()
    for seed in range(300):
        views = crops.overlapping_crops(numbered(4, 12), seeded(seed))
        starts.update((views.first[:, 0, 0] % 1000).tolist())
        ends.update((views.second[:, -1, 0] % 1000).tolist())
        lengths.add(views.first[:, views.steps_of_first].shape[1])
    assert lengths == set(range(2, 13))
    assert 0.0 in starts
    assert 11.0 in ends
    assert len(starts) > 5


@settings(max_examples=100)
@given(t=st.integers(1, 40), seed=st.integers(0, 999))
def test_other_positive_pairs(t, seed):
    near = crops.neighbouring_crops(numbered(3, t), seeded(seed))
    apart = near.second - near.first
    assert near.first.shape == near.second.shape
    assert 0 <= apart.unique().item() <= max(1, t // 10)
    nested = crops.nested_crops(numbered(3, t), seeded(seed))
    assert (nested.second[:, 0] >= nested.first[:, 0]).all()
    assert (nested.second[:, -1] <= nested.first[:, -1]).all()


def test_a_long_series_is_cut_into_pieces_that_hold_all_of_it():
    x = numbered(2, 23)
    pieces = crops.split_long(x, 5)  # four pieces of 6, 6, 6 and 5 steps
    assert pieces.shape == (8, 6, 1)
    kept = pieces[~pieces.isnan()]
    assert sorted(kept.tolist()) == sorted(x.flatten().tolist())
    assert crops.split_long(x, 12) is x
    window = crops.random_window(x, 12, seeded(0))
    assert window.shape == (2, 12, 1)
    assert (window.diff(dim=1) == 1).all()


def test_centring_balances_what_is_missing_at_both_ends():
    x = numbered(3, 10)
    x[0, 4:] = torch.nan
    x[1, :3] = torch.nan
    x[2, 4] = torch.nan  # a gap is not an end
    centred = crops.centre(x)
    assert centred[0].isnan().flatten().tolist() == [True] * 3 + [False] * 4 + [True] * 3
    assert centred[0, 3:7].flatten().tolist() == [0.0, 1.0, 2.0, 3.0]
    assert centred[1, 1:8].flatten().tolist() == [1003.0, 1004.0, 1005.0, 1006.0, 1007.0, 1008.0, 1009.0]
    assert torch.equal(centred[2].nan_to_num(-1), x[2].nan_to_num(-1))


@settings(max_examples=100)
@given(seed=st.integers(0, 9999), n=st.integers(1, 4), c=st.integers(1, 3), t=st.integers(1, 9))
def test_inside_agrees_with_the_data_room(seed, n, c, t):
    X = np.random.default_rng(seed).normal(size=(n, c, t))
    X[np.random.default_rng(seed + 1).random(X.shape) < 0.6] = np.nan
    ours = inside(torch.from_numpy(X).transpose(1, 2))
    np.testing.assert_array_equal(ours, observed_and_inside(X)[1])


@pytest.mark.parametrize(
    ("name", "hidden"), [("all_true", 0.0), ("all_false", 1.0), ("last", 0.05), ("binomial", 0.5)]
)
def test_masks_hide_their_share(name, hidden):
    keep = MASKS[name](400, 20, seeded(0))
    assert keep.shape == (400, 20)
    assert keep.dtype == torch.bool
    assert (~keep).float().mean().item() == pytest.approx(hidden, abs=0.02)


def test_the_continuous_mask_hides_five_runs_of_a_tenth():
    keep = MASKS["continuous"](200, 100, seeded(0))
    assert ((~keep).sum(1) <= 50).all()
    assert ((~keep).sum(1) >= 10).all()
    runs = (~keep).int().diff(dim=1, prepend=torch.zeros(200, 1, dtype=torch.int)).eq(1).sum(1)
    assert (runs <= 5).all()


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_augmentations_change_a_copy_and_keep_gaps_in_number(name):
    x = torch.randn(3, 20, 2, generator=seeded(0))
    x[1, 4] = torch.nan
    before = x.clone()
    changed = AUGMENTATIONS[name](x, seeded(1))
    assert torch.equal(x.nan_to_num(9), before.nan_to_num(9))
    assert changed.shape == x.shape
    assert changed.isnan().sum() == x.isnan().sum()
    assert not torch.equal(changed.nan_to_num(9), x.nan_to_num(9))
    if name == "permutation":
        assert torch.equal(changed[0, :, 0].sort().values, x[0, :, 0].sort().values)


def test_a_permutation_moves_runs_within_each_series():
    x = numbered(4, 20)
    lengths = [(0, 20), (3, 17), (6, 8), (0, 12)]
    for row, (start, stop) in zip(x, lengths, strict=True):
        row[:start], row[stop:] = torch.nan, torch.nan
    moved = AUGMENTATIONS["permutation"](x, torch.Generator().manual_seed(0))
    assert torch.equal(moved.isnan(), x.isnan())
    for row, before, (start, stop) in zip(moved, x, lengths, strict=True):
        assert torch.equal(row[start:stop].sort(0).values, before[start:stop])
    assert not torch.equal(moved[1, 3:17], x[1, 3:17])
    runs = (moved[0, 1:, 0] - moved[0, :-1, 0] != 1).sum() + 1
    assert 2 <= runs <= 5
    nothing = torch.full((2, 6, 1), torch.nan)
    assert AUGMENTATIONS["permutation"](nothing, torch.Generator()).isnan().all()
