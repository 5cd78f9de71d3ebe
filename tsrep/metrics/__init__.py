"""Numbers that say how good a result is. Arrays in, numbers out; nothing is fitted."""

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
    "friedman_p",
    "holm",
    "mean_ranks",
    "nemenyi_distance",
    "pairwise_p",
    "rank_scores",
    "wilcoxon_p",
]
