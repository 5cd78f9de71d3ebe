"""Bands in gaps that are longer than those of the training."""

import numpy as np
import pytest

from tsrep import SSGANImputer, load
from tsrep.ssgan.long_gaps import line_widths, widths_in_long_gaps

NORMAL = np.array([0.6745, 1.6449])  # half widths of the middle 50 and 90 % of a normal distribution


def test_widths_of_a_random_walk():
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(1, 2, 100_000)).cumsum(-1)
    walk[0, 1, rng.random(100_000) < 0.3] = np.nan
    widths = line_widths(walk)
    assert len(widths) == 16  # 2 ** 15 steps on either side
    distances = 2.0 ** np.arange(6)
    expected = NORMAL[:, None] * np.sqrt(distances / 2)[:, None, None] * np.ones(2)
    np.testing.assert_allclose(widths[:6], expected, rtol=0.07)
    assert (np.diff(widths, axis=0) >= 0).all()


def test_widths_where_nothing_is_known():
    np.testing.assert_array_equal(line_widths(np.zeros((3, 2, 2))), np.zeros((1, 2, 2)))
    empty = np.full((1, 1, 64), np.nan)
    assert not line_widths(empty).any()
    few = np.where(np.arange(64) < 40, np.arange(64) % 2, np.nan)[None, None]
    assert (line_widths(few)[:, 1] > 0).all()  # what is known at one step holds for larger distances


def test_widths_in_gaps_by_the_distance_to_both_ends():
    widths = np.array([1.0, 2.0, 4.0, 8.0])[:, None, None] * [[1], [3]]  # at 1, 2, 4 and 8 steps
    observed = np.ones((1, 1, 40), dtype=bool)
    observed[0, 0, 10:13] = False  # three steps
    observed[0, 0, 20:27] = False  # seven
    observed[0, 0, 38:] = False  # two, with one end, which counts as four
    found = widths_in_long_gaps(observed, 3, widths)[:, 0, 0]
    a, b = np.arange(1, 8), np.arange(7, 0, -1)
    exact = 2 * a * b / (a + b)
    assert (found[0, 20:27] >= exact - 0.01).all() and (
        found[0, 20:27] <= 1.1 * exact
    ).all()  # linear in log2
    np.testing.assert_allclose(found[1], 3 * found[0])
    assert not np.delete(found[0], [*range(20, 27), 38, 39]).any()
    assert found[0, 39] == 4  # two steps after the last observation
    nothing = np.zeros((1, 1, 9), dtype=bool)
    np.testing.assert_array_equal(widths_in_long_gaps(nothing, 3, widths)[0], np.full((1, 1, 9), 8.0))


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    x = 100 + 0.3 * rng.normal(size=(1, 3, 1200)).cumsum(-1) + 2 * np.sin(2 * np.pi * np.arange(1200) / 24)
    gaps = np.where(rng.random(x.shape) < 0.1, np.nan, x)
    return x, gaps, SSGANImputer(max_steps=30, random_state=0).fit(gaps)


@pytest.mark.parametrize("length", [10, 40, 100, 200, 400])
def test_bands_hold_in_gaps_of_any_length(fitted, length):
    x, gaps, imputer = fitted
    held = []
    for channel in range(3):
        for start in (200, 500, 700):
            longer = gaps.copy()
            place = (0, channel, slice(start, start + length))
            longer[place] = np.nan
            filled, deviation = imputer.transform(longer, return_std=True)
            held.append(np.abs(filled - x)[place] <= deviation[place] / np.sqrt(2) * np.log(10))
    assert np.mean(held) > 0.75  # of 0.9; without the lines' scales 0.02 to 0.17


def test_a_loaded_imputer_tells_the_same(fitted, tmp_path):
    _, gaps, imputer = fitted
    gaps = gaps.copy()
    gaps[0, 0, 300:500] = np.nan
    imputer.save(tmp_path / "m")
    for again, expected in zip(
        load(tmp_path / "m").transform(gaps, return_std=True),
        imputer.transform(gaps, return_std=True),
        strict=True,
    ):
        np.testing.assert_array_equal(again, expected)
