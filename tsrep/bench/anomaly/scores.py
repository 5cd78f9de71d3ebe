"""Scores of the anomaly table: from result lines to means and counts over series."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tsrep.bench.anomaly.task import COLD_START, TRAINING, UNIVARIATE
from tsrep.data import ANOMALY_ARCHIVES

MEAN = "mean of " + ", ".join(UNIVARIATE)
OF_SERIES = "mean of their series"


def score_table(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per series, method, score, setting and seed, with its metrics; trainings are left out."""
    rows: list[dict[str, Any]] = []
    for line in lines[lines["method"] != TRAINING].to_dict("records"):
        for score, metrics in line["scores"].items():
            rows.append(
                {
                    "archive": line["archive"],
                    "series": line["dataset"].partition("/")[2],
                    "row": f"{line['method']}, {score}" if score else line["method"],
                    "setting": COLD_START if line["variant"] == COLD_START else "normal",
                    "seed": line["seed"],
                    "n_train": line["n_train"],
                    "n_test": line["n_test"],
                    **metrics,
                }
            )
    if not rows:
        raise ValueError("no finished series, only trainings: nothing to tabulate")
    return pd.DataFrame(rows)


def of_all_methods(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the series that every method of their archive and setting has finished."""
    groups = scores.groupby(["setting", "archive"])["row"].transform("nunique")
    return scores[scores.groupby(["setting", "archive", "series"])["row"].transform("nunique") == groups]


def archive_means(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean of a metric over seeds, then over the series of an archive: one row per method and score, the best first.

    There is one column per archive. The column `MEAN` is that of KPI, NAB and UCR, where a row has all three, and
    `OF_SERIES` the mean over all their series.
    """
    of_series = scores.assign(**{metric: scores[metric].astype(float)}).groupby(["row", "archive", "series"])[
        metric
    ]
    each = of_series.mean()
    table = each.groupby(["row", "archive"]).mean().unstack("archive")
    table = table[[archive for archive in ANOMALY_ARCHIVES if archive in table]]
    if set(UNIVARIATE) <= set(table.columns):
        of_three = each[each.index.get_level_values("archive").isin(UNIVARIATE)].groupby("row").mean()
        table.insert(0, OF_SERIES, of_three.where(table[list(UNIVARIATE)].notna().all(axis=1)))
        table.insert(0, MEAN, table[list(UNIVARIATE)].mean(axis=1, skipna=False))
    return table.sort_values(table.columns[0], ascending=False).rename_axis(index="method", columns=None)


def pooled_f1(scores: pd.DataFrame, adjustment: str) -> pd.DataFrame:
    """F1 over the steps of all series of an archive, mean over seeds; `adjustment` is "raw", "delay" or "segment"."""
    counts = pd.DataFrame(
        [counts[adjustment] for counts in scores["counts"]], columns=["hits", "alarms", "there"]
    )
    keys = scores[["row", "archive", "seed"]].reset_index(drop=True)
    summed = pd.concat([keys, counts], axis=1).groupby(["row", "archive", "seed"]).sum()
    f1 = 2 * summed["hits"] / (summed["alarms"] + summed["there"])
    table = f1.groupby(["row", "archive"]).mean().unstack("archive")
    table = table[[archive for archive in ANOMALY_ARCHIVES if archive in table]]
    return table.sort_values(table.columns[0], ascending=False).rename_axis(index="method", columns=None)


def time_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Seconds per 100,000 steps for setting the threshold and scoring, by archive: median over series."""
    per_step = scores.assign(rate=scores["seconds"] / (scores["n_train"] + scores["n_test"]) * 100_000)
    table = per_step.groupby(["row", "archive"])["rate"].median().unstack("archive")
    return table.round(1).rename_axis(index="method", columns=None)
