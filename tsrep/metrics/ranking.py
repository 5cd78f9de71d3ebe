"""Comparison of several methods over several data sets: ranks, wins and tests (Demšar, JMLR 7, 2006).

Scores are (n_datasets, n_methods), higher = better, without missing values: select the sets that all methods have.
The pairwise test is Wilcoxon's signed-rank test with Holm's correction, as Benavoli et al. (JMLR 17, 2016) recommend
over comparing mean ranks; `nemenyi_distance` gives the critical difference of Demšar's own diagram.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

DECIMALS = 12
"""Scores that agree in this number of decimals are equal: means of the same numbers may differ in their last bits."""


class Comparison(NamedTuple):
    """Numbers of data sets on which the first of two methods is better than, equal to and worse than the second."""

    wins: int
    ties: int
    losses: int


def rank_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Ranks within each row, 1 for the highest score; equal scores share the mean of their ranks. Same shape."""
    return stats.rankdata(-_complete(scores), axis=1)


def mean_ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """(n_methods,) mean over the data sets of `rank_scores`."""
    return rank_scores(scores).mean(axis=0)


def compare(first: ArrayLike, second: ArrayLike) -> Comparison:
    """Wins, ties and losses of `first` against `second`, scores (n_datasets,) each; scores within 1e-12 are equal."""
    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    equal = np.abs(difference) <= 1e-12
    return Comparison(
        int(np.sum((difference > 0) & ~equal)), int(np.sum(equal)), int(np.sum((difference < 0) & ~equal))
    )


def friedman_p(scores: ArrayLike) -> float:
    """p-value of Friedman's test that all methods are equal (chi-squared form, corrected for ties).

    It needs three or more methods (ValueError otherwise); 1.0 if all methods are tied on all sets.
    """
    table = _complete(scores)
    if table.shape[1] < 3:
        raise ValueError(f"scores has {table.shape[1]} methods; wanted three or more for Friedman's test")
    if np.all(table == table[:, :1]):
        return 1.0
    return float(stats.friedmanchisquare(*table.T).pvalue)


def wilcoxon_p(first: ArrayLike, second: ArrayLike) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test on paired scores (n_datasets,).

    Zero differences are left out; 1.0 if all are zero. Exact up to 50 differences without ties, else the normal
    approximation.
    """
    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    difference = np.round(difference[np.abs(difference) > 1e-12], 12)
    if len(difference) == 0:
        return 1.0
    exact = len(difference) <= 50 and len(np.unique(np.abs(difference))) == len(difference)
    return float(stats.wilcoxon(difference, method="exact" if exact else "asymptotic").pvalue)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values (k,) corrected for testing k hypotheses by Holm's step-down procedure, in the given order."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def pairwise_p(scores: ArrayLike) -> NDArray[np.float64]:
    """Symmetric (n_methods, n_methods) Holm-corrected Wilcoxon p-values, 1 on the diagonal."""
    table = _complete(scores)
    first, second = np.triu_indices(table.shape[1], k=1)
    corrected = holm([wilcoxon_p(table[:, i], table[:, j]) for i, j in zip(first, second, strict=True)])
    matrix = np.ones((table.shape[1], table.shape[1]))
    matrix[first, second] = matrix[second, first] = corrected
    return matrix


def cliques(ranks: ArrayLike, p_values: ArrayLike, level: float = 0.05) -> list[list[int]]:
    """Groups of methods with adjacent mean ranks of which no pair differs: the bars of the diagram.

    `ranks` (n_methods,) and symmetric `p_values` (n_methods, n_methods) give lists of method indices, best rank first.
    Groups of one method and groups inside a larger one are left out.
    """
    order = np.argsort(np.asarray(ranks), kind="stable")
    alike = np.asarray(p_values)[np.ix_(order, order)] >= level
    groups: list[list[int]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and alike[start : end + 1, start : end + 1].all():
            end += 1
        if end > max(reached, start + 1):
            groups.append(order[start:end].tolist())
            reached = end
    return groups


def nemenyi_distance(n_methods: int, n_datasets: int, level: float = 0.05) -> float:
    """Difference of mean ranks from which two of `n_methods` differ over `n_datasets` (Nemenyi, as in Demšar 2006)."""
    quantile = stats.studentized_range.ppf(1 - level, n_methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_methods * (n_methods + 1) / (6 * n_datasets)))


def _complete(scores: ArrayLike) -> NDArray[Any]:
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"scores has shape {table.shape}; wanted (n_datasets, n_methods)")
    if np.isnan(table).any():
        raise ValueError(
            f"scores has {int(np.isnan(table).sum())} missing values; wanted sets that all methods have"
        )
    return np.round(table, DECIMALS)
