"""Ranks and tests against hand-computed examples and scipy."""

import numpy as np
import pytest
from scipy import stats

from tsrep.metrics import (
    cliques,
    compare,
    friedman_p,
    holm,
    mean_ranks,
    nemenyi_distance,
    pairwise_p,
    rank_scores,
    wilcoxon_p,
)


def test_best_score_ranks_first_and_ties_share():
    scores = [[0.9, 0.8, 0.9, 0.1], [0.2, 0.4, 0.6, 0.8]]
    assert rank_scores(scores).tolist() == [[1.5, 3.0, 1.5, 4.0], [4.0, 3.0, 2.0, 1.0]]
    assert mean_ranks(scores).tolist() == [2.75, 3.0, 1.75, 2.5]


def test_compare_counts_from_the_first_methods_side():
    assert compare([0.9, 0.5, 0.5, 0.7], [0.8, 0.5, 0.6, 0.1]) == (2, 1, 1)
    assert compare([0.1 + 0.2], [0.3]) == (0, 1, 0)


def test_friedman_by_hand():
    """Three methods, four sets, one order: chi2 = 12 / (4*3*4) * (4^2 + 8^2 + 12^2) - 3*4*4 = 8, 2 degrees."""
    scores = np.tile([3.0, 2.0, 1.0], (4, 1))
    assert friedman_p(scores) == pytest.approx(np.exp(-4.0))
    assert friedman_p(np.ones((4, 3))) == 1.0
    with pytest.raises(ValueError, match="three or more"):
        friedman_p(scores[:, :2])


def test_wilcoxon_by_hand():
    """Five differences of one sign: 2 of the 2^5 sign patterns are as extreme."""
    assert wilcoxon_p([0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 0.2, 0.3, 0.4, 0.5]) == pytest.approx(2 / 32)
    assert wilcoxon_p([0.5, 0.5], [0.5, 0.5]) == 1.0


def test_wilcoxon_with_ties_and_zeros_is_scipys_normal_approximation():
    first, second = np.array([5.0, 6, 7, 8, 9, 9]), np.array([4.0, 5, 6, 9, 7, 9])
    wanted = stats.wilcoxon([1, 1, 1, -1, 2], method="asymptotic").pvalue
    assert wilcoxon_p(first, second) == pytest.approx(wanted)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_pairwise_is_symmetric_and_corrected():
    scores = np.random.default_rng(0).uniform(size=(12, 3))
    matrix = pairwise_p(scores)
    assert np.array_equal(matrix, matrix.T) and np.all(np.diag(matrix) == 1)
    raw = [wilcoxon_p(scores[:, i], scores[:, j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert matrix[[0, 0, 1], [1, 2, 2]].tolist() == holm(raw).tolist()


def test_cliques_are_the_largest_groups_without_a_differing_pair():
    """By rank 2, 0, 1, 3: the first differs from the third and the last, the second from the last."""
    ranks = [2.0, 3.0, 1.0, 4.0]
    p = np.ones((4, 4))
    for i, j in ((2, 1), (2, 3), (0, 3)):
        p[i, j] = p[j, i] = 0.01
    assert cliques(ranks, p) == [[2, 0], [0, 1], [1, 3]]
    assert cliques(ranks, np.ones((4, 4))) == [[2, 0, 1, 3]]
    assert cliques(ranks, np.eye(4)) == []


def test_nemenyi_distance_uses_demsars_critical_values():
    """Demsar (2006), table 5: q at 0.05 is 1.960 for two methods and 2.569 for four."""
    assert nemenyi_distance(2, 6) == pytest.approx(1.960 * np.sqrt(2 * 3 / 36), abs=1e-3)
    assert nemenyi_distance(4, 14) == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3)


@pytest.mark.parametrize("scores", [[0.1, 0.2], [[]], [[0.1, np.nan]]])
def test_incomplete_scores_are_refused(scores):
    with pytest.raises(ValueError, match="scores has"):
        mean_ranks(scores)


def test_scores_that_differ_in_their_last_bits_are_ties():
    scores = np.column_stack([np.full(20, 0.7), np.full(20, 0.7 - 2e-16), np.full(20, np.mean([0.7] * 3))])
    assert mean_ranks(scores).tolist() == [2.0, 2.0, 2.0] and friedman_p(scores) == 1.0
