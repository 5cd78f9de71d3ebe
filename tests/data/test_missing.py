"""Patterns of missingness: each hits its rate and shows its pattern, and nothing of the caller's is changed."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.data import missing

EXACT = {
    "mcar": missing.mcar,
    "blocks": missing.blocks,
    "blocks of 4": partial(missing.blocks, length=4, n_channels=2),
    "ends": missing.ends,
    "mnar": missing.mnar,
}
ALL = EXACT | {"channels": missing.channels, "mar": missing.mar}


def panel(seed: int = 0, shape: tuple[int, int, int] = (12, 4, 40), gaps: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    values[rng.random(shape) < gaps] = np.nan
    values[:, 0, 0] = 1.0
    return values


def runs(gone: np.ndarray) -> list[int]:
    """Lengths of the runs of True in a vector."""
    edges = np.diff(np.concatenate([[0], gone.astype(int), [0]]))
    return (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)).tolist()


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15)
@given(seed=st.integers(0, 999), rate=st.sampled_from([0.0, 0.1, 0.35, 0.6]))
def test_only_observed_values_go_and_the_rest_stay_as_they_are(name: str, seed: int, rate: float) -> None:
    X = panel(seed)
    before = X.copy()
    removed = ALL[name](X, rate, seed)
    np.testing.assert_array_equal(X, before)
    stayed = ~np.isnan(removed)
    np.testing.assert_array_equal(removed[stayed], X[stayed])
    held_out = np.isnan(removed) & ~np.isnan(X)
    if name in EXACT:
        assert held_out.sum() == round(rate * (~np.isnan(X)).sum())
    assert stayed.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(removed, ALL[name](X, rate, np.random.default_rng(seed)))
    if rate:
        assert not np.array_equal(removed, ALL[name](X, rate, seed + 1000), equal_nan=True)


def test_completely_at_random_is_blind_to_place_and_value() -> None:
    X = np.sort(np.random.default_rng(0).normal(size=(200, 5, 50)), axis=None).reshape(200, 5, 50)
    gone = np.isnan(missing.mcar(X, 0.3, 0))
    for axes in ((0, 1), (0, 2)):
        np.testing.assert_allclose(gone.mean(axis=axes), 0.3, atol=0.03)
    assert abs(X[gone].mean() - X[~gone].mean()) < 0.03


def test_blocks_are_runs_of_their_length_on_their_channels() -> None:
    X = np.zeros((60, 3, 100))
    gone = np.isnan(missing.blocks(X, 0.05, 0, length=6, n_channels=2))
    lengths = [length for one in gone for channel in one for length in runs(channel)]
    assert np.mean(np.array(lengths) % 6 == 0) > 0.75 and min(lengths) <= 6  # some overlap, the last is cut
    together = gone.sum(axis=1)
    assert np.mean(together[together > 0] == 2) > 0.85
    every = np.isnan(missing.blocks(X, 0.1, 0, n_channels=None))
    assert np.isin(every.sum(axis=1), [0, 3]).mean() > 0.99


def test_blocks_of_a_mean_length() -> None:
    gone = np.isnan(missing.blocks(np.zeros((200, 1, 1000)), 0.02, 0, mean_length=8))
    lengths = np.array([length for one in gone[:, 0] for length in runs(one)])
    assert 7 < lengths.mean() < 9.5 and 6 < lengths.std() < 10  # geometric: they differ as much as they last


def test_whole_channels_go() -> None:
    X = panel(gaps=0.5)
    removed = missing.channels(X, 0.3, 0)
    held = (~np.isnan(X)).sum(axis=2)
    left = (~np.isnan(removed)).sum(axis=2)
    assert ((left == 0) | (left == held)).all()
    share = 1 - left.sum() / held.sum()
    assert abs(share - 0.3) * held.sum() <= held.max() / 2


def test_ends_are_ends_and_differ() -> None:
    X = panel(gaps=0.0, shape=(300, 2, 50))
    gone = np.isnan(missing.ends(X, 0.25, 0))
    assert (np.diff(gone.astype(int), axis=2) >= 0).all()  # once gone, gone
    lost = gone.sum(axis=(1, 2)) / 100
    assert lost.min() < 0.05 and 0.4 < lost.max() < 0.6 and abs(np.median(lost) - 0.25) < 0.05  # uniform
    padded = X.copy()
    padded[:150, :, 30:] = np.nan
    held_out = np.isnan(missing.ends(padded, 0.25, 0)) & ~np.isnan(padded)
    assert held_out[:150, :, 29].mean() > 0.9  # of a shorter series its own end


@pytest.mark.parametrize("strength", [2.0, -2.0, 0.0])
def test_at_random_given_others_follows_the_other_channel(strength: float) -> None:
    X = np.random.default_rng(1).normal(size=(100, 3, 60))
    removed = missing.mar(X, 0.3, 0, driver=1, strength=strength)
    gone = np.isnan(removed)
    assert not gone[:, 1].any() and gone[:, [0, 2]].mean() == pytest.approx(0.3, abs=1e-3)
    driver = X[:, 1]
    odds = [np.log(p / (1 - p)) for p in (gone[:, 0][abs(driver - at) < 0.2].mean() for at in (-1, 1))]
    assert (odds[1] - odds[0]) / 2 == pytest.approx(strength, abs=0.35)  # the slope of a logistic regression
    assert abs(np.corrcoef(X[:, 2].ravel(), gone[:, 2].ravel())[0, 1]) < 0.05  # not its own value


def test_not_at_random_takes_large_values() -> None:
    X = np.random.default_rng(1).normal(size=(100, 2, 60)) * [[3.0], [0.1]] + 5
    for strength, sign in ((2.0, 1), (-2.0, -1)):
        gone = np.isnan(missing.mnar(X, 0.4, 0, strength=strength))
        for channel, spread in ((0, 3.0), (1, 0.1)):
            here = X[:, channel]
            apart = here[gone[:, channel]].mean() - here[~gone[:, channel]].mean()
            assert sign * apart > spread and 0.37 < gone[:, channel].mean() < 0.43


@pytest.mark.parametrize("name", ALL)
def test_the_kind_of_container_comes_back(name: str) -> None:
    days = pd.date_range("2026-01-01", periods=60)
    frame = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) ** 2}, days).astype(np.float32)
    removed = ALL[name](frame, 0.3, 0)
    assert removed.index.equals(days) and list(removed) == ["a", "b"] and removed.dtypes.eq(np.float32).all()
    array = frame.to_numpy().T[None]
    np.testing.assert_array_equal(removed.to_numpy().T[None], ALL[name](array, 0.3, 0))

    lengths = [30, 50]
    ragged = [np.ones((2, length)) for length in lengths]
    holes = ALL[name](ragged, 0.3, 0)
    assert [one.shape for one in holes] == [(2, 30), (2, 50)]
    tall = pd.concat({i: pd.DataFrame(one.T) for i, one in enumerate(ragged)})
    from_tall = ALL[name](tall, 0.3, 0)
    assert from_tall.index.equals(tall.index)
    for i, one in enumerate(holes):
        np.testing.assert_array_equal(from_tall.loc[i].to_numpy().T, one)
    if name not in {"mar", "blocks of 4"}:  # these take two channels
        flat = partial(ALL[name], leave_one=False)(np.arange(200).reshape(4, 50), 0.3, 0)
        assert flat.shape == (4, 50) and flat.dtype == np.float64


def test_an_instance_keeps_one_value_unless_told_otherwise() -> None:
    X = np.ones((50, 2, 3))
    for name in ("mcar", "mnar", "ends", "blocks"):
        assert (~np.isnan(ALL[name](X, 0.8, 0))).any(axis=(1, 2)).all()
        assert np.isnan(ALL[name](X, 0.8, 0, leave_one=False)).all(axis=(1, 2)).any() or name == "blocks"
        assert np.isnan(ALL[name](X, 1.0, 0, leave_one=False)).all()
        with pytest.raises(ValueError, match="rate is 1.0, which is 300 values; wanted at most 250"):
            ALL[name](X, 1.0, 0)
    with pytest.raises(ValueError, match="wanted at most 150 values"):
        missing.channels(X, 0.9, 0)
    empty = np.concatenate([X, np.full((1, 2, 3), np.nan)])
    assert np.isnan(missing.mcar(empty, 0.5, 0)).sum() == 150 + 6


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (partial(missing.mcar, rate=1.2), "rate is 1.2"),
        (partial(missing.blocks, rate=0.1, length=0), "length is 0"),
        (partial(missing.blocks, rate=0.1, mean_length=0.5), "mean_length is 0.5"),
        (partial(missing.blocks, rate=0.1, n_channels=9), "n_channels is 9; wanted 1 to 4"),
        (partial(missing.mar, rate=0.1, driver=4), "driver is 4; wanted the index of one of the 4 channels"),
    ],
)
def test_what_cannot_be_asked_for(call: partial, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(panel())


def test_one_channel_has_no_other() -> None:
    with pytest.raises(ValueError, match="at least two"):
        missing.mar(np.ones((3, 10)), 0.1)
