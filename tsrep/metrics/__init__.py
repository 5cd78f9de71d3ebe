"""Measures of quality: arrays in, numbers out; nothing is fitted.

forecasting.py  errors of forecasts, coverage of intervals
imputation.py   errors, CRPS and coverage on held-out values
detection.py    alarms and anomaly scores against labelled anomalies
ranking.py      several methods over several data sets: ranks, wins, tests
"""

from tsrep.metrics.detection import (
    Detection,
    adjust_to_delay,
    adjust_to_segments,
    auc_pr,
    delay_adjusted_f1,
    f1,
    peak_hits,
    point_adjusted_f1,
    precision_recall_f1,
    vus_pr,
    vus_roc,
)
from tsrep.metrics.forecasting import coverage, mae, mse
from tsrep.metrics.imputation import (
    held_out_coverage,
    held_out_crps,
    held_out_mae,
    held_out_mre,
    held_out_mse,
    held_out_rmse,
)
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
    "Detection",
    "adjust_to_delay",
    "adjust_to_segments",
    "auc_pr",
    "cliques",
    "compare",
    "coverage",
    "delay_adjusted_f1",
    "f1",
    "friedman_p",
    "held_out_coverage",
    "held_out_crps",
    "held_out_mae",
    "held_out_mre",
    "held_out_mse",
    "held_out_rmse",
    "holm",
    "mae",
    "mean_ranks",
    "mse",
    "nemenyi_distance",
    "pairwise_p",
    "peak_hits",
    "point_adjusted_f1",
    "precision_recall_f1",
    "rank_scores",
    "vus_pr",
    "vus_roc",
    "wilcoxon_p",
]
