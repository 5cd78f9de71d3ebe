"""Numbers that say how good a result is. Arrays in, numbers out; nothing is fitted."""

from tsrep.metrics.forecasting import coverage, mae, mse
from tsrep.metrics.ranking import (
    Comparison,
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

__all__ = [
    "Comparison",
    "cliques",
    "compare",
    "coverage",
    "friedman_p",
    "holm",
    "mae",
    "mean_ranks",
    "mse",
    "nemenyi_distance",
    "pairwise_p",
    "rank_scores",
    "wilcoxon_p",
]
