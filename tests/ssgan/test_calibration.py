"""Bands: what is measured in gaps that are cut into the training series, and what follows from it."""

import numpy as np
import pytest

from tsrep import SSGANImputer
from tsrep.data import missing
from tsrep.ssgan.calibration import MOST_STEPS, Sample, cut_gaps, measure, sample_of
from tsrep.ssgan.errors import LAPLACE, LEVELS, Widths, deviation, draw, gap_lengths, half_width

NORMAL = np.array([0.67449, 1.64485])


@pytest.mark.parametrize(
    "halves, shape", [(NORMAL, "normal"), (LAPLACE, "laplace"), (np.array([0.5, 0.9]), "uniform")]
)
def test_draws_fill_the_bands_and_have_the_deviation(halves, shape):
    halves = np.repeat(3.0 * halves[:, None], 100_000, axis=1)
    errors = draw(halves, np.random.default_rng(0))
    for level, half in zip(LEVELS, halves, strict=True):
        assert (np.abs(errors) <= half).mean() == pytest.approx(level, abs=0.02)
    assert errors.std() == pytest.approx(deviation(halves)[0], rel=0.02)
    expected = {"normal": 3.0, "laplace": 3 * np.sqrt(2), "uniform": 3 / np.sqrt(3)}[shape]
    assert deviation(halves)[0] == pytest.approx(expected, rel=0.06)
    assert (np.abs(errors) <= half_width(halves, 0.7)).mean() == pytest.approx(0.7, abs=0.02)
    np.testing.assert_allclose(half_width(halves, 0.9), halves[1])


def test_bands_of_no_width_are_certain():
    nothing = np.zeros((2, 5))
    assert not draw(nothing, np.random.default_rng(0)).any()
    assert not deviation(nothing).any()


def test_gap_lengths():
    observed = np.array([[[1, 0, 0, 1, 0, 1, 0, 0, 0], [0] * 9]], dtype=bool)
    np.testing.assert_array_equal(gap_lengths(observed)[0, 0], [0, 2, 2, 0, 1, 0, 6, 6, 6])
    assert (gap_lengths(observed)[0, 1] == 18).all()


def test_widths_between_the_measured_lengths():
    single = np.array([[0.5], [1.0]])
    widths = Widths(
        np.array([1, 2, 4]), single, np.array([1.0, 2.0, 8.0])[:, None, None] * np.ones((1, 2, 1))
    )
    observed = np.ones((1, 1, 40), dtype=bool)
    for start, length in ((1, 1), (4, 2), (9, 3), (15, 4), (22, 12)):
        observed[0, 0, start : start + length] = False
    found = widths.within(observed)[:, 0, 0]
    np.testing.assert_allclose(found[1, [1, 4, 15, 22]], [1, 2, 8, 8])
    assert 2 < found[1, 9] < 8
    np.testing.assert_allclose(found[0], found[1] / 2)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("size", [1, 3, 20])
def test_gaps_have_their_size_and_leave_the_ends(size, together):
    random = np.random.default_rng(size)
    observed = np.ones((6, 3, 200), dtype=bool)
    lengths = np.array([200, 200, 150, 60, 39, 10])
    observed &= (np.arange(200) < lengths[:, None])[:, None]
    cut = cut_gaps(observed, lengths, size, together, random)
    assert cut.any() and not (cut & ~observed).any()
    for row, length in zip(cut, lengths, strict=True):
        for channel in row:
            edges = np.flatnonzero(np.diff(np.pad(channel.astype(int), 1)))
            assert (edges[1::2] - edges[::2] == size).all()
            assert not channel[0] and not channel[length - 1 :].any()
        if length < 2 * size:
            assert not row.any()
    assert (cut == cut[:, :1]).all() == together


def test_measured_widths_of_known_errors():
    """A series of noise, filled with its mean: errors are normal, and four times as large as said in gaps of 8."""
    random = np.random.default_rng(0)
    panel = random.normal(size=(20, 2, 400)) * [[1.0], [5.0]]
    sample = Sample(panel, np.tile(np.arange(400.0), (20, 1)), np.full(20, 400))

    def fill(shown: Sample) -> tuple[np.ndarray, np.ndarray]:
        size = gap_lengths(~np.isnan(shown.panel)).max()
        return np.zeros_like(panel), np.full_like(panel, 0.25 if size >= 8 else 1.0) * [[1.0], [5.0]]

    widths = measure(sample, np.full((2, 2), 7.0), fill, random)
    assert widths.lengths.tolist() == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192]
    np.testing.assert_allclose(widths.factors[:5], 1.0, rtol=0.15)
    np.testing.assert_allclose(widths.factors[5:11], 4.0, rtol=0.2)
    assert (widths.single == 7).all()
    empty = Sample(np.full((3, 2, 9), np.nan), np.tile(np.arange(9.0), (3, 1)), np.full(3, 9))
    assert measure(empty, widths.single, fill, random).lengths.tolist() == [1]


def test_a_sample_is_small():
    panel, times = np.zeros((2, 1, 3 * MOST_STEPS)), np.tile(np.arange(3.0 * MOST_STEPS), (2, 1))
    sample = sample_of(panel, times, np.array([3 * MOST_STEPS, 5]), np.random.default_rng(1))
    assert sample.panel.shape == (1, 1, MOST_STEPS) and sample.times.shape == (1, MOST_STEPS)
    many = sample_of(
        np.zeros((900, 2, 100)), np.zeros((900, 100)), np.full(900, 100), np.random.default_rng(0)
    )
    assert len(many.panel) == MOST_STEPS // 100 and many.inside.all()


def test_intervals_hold_what_they_promise_in_single_gaps_and_stretches():
    random = np.random.default_rng(0)
    t = np.arange(96)
    x = np.sin(2 * np.pi * (t / 24 + random.random((60, 1, 1)))) * np.array([1, -0.7])[None, :, None]
    x = x + 0.07 * random.normal(size=x.shape).cumsum(-1) + 0.1 * random.normal(size=x.shape)
    imputer = SSGANImputer(max_steps=60, random_state=0).fit(missing.mcar(x, 0.1, random_state=0))
    for gaps in (missing.mcar(x, 0.1, random_state=9), missing.blocks(x, 0.3, random_state=9, length=10)):
        hidden = np.isnan(gaps)
        for level, tolerance in ((0.5, 0.12), (0.9, 0.05)):
            low, high = imputer.interval(gaps, level)
            assert ((low <= x) & (x <= high))[hidden].mean() == pytest.approx(level, abs=tolerance)
            assert (low[~hidden] == x[~hidden]).all() and (high[~hidden] == x[~hidden]).all()
    with pytest.raises(ValueError, match="level is 90; wanted a number between 0 and 1"):
        imputer.interval(gaps, 90)
