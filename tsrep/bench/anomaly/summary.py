"""From result lines to the pages of the anomaly table: one row per method and score, one column per archive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsrep.bench.anomaly.scores import (
    MEAN,
    OF_SERIES,
    archive_means,
    of_all_methods,
    pooled_f1,
    score_table,
    time_table,
)
from tsrep.bench.anomaly.task import (
    AHEAD,
    AHEAD_STEPS,
    DELAY_STEPS,
    TRAIN_LENGTH_STEPS,
    TRAINING,
    VUS_WINDOW_STEPS,
)
from tsrep.bench.pages import Section, Summary, conditions
from tsrep.plots.style import PALETTE, bare, new_figure

KPI_GAPS = (
    "KPI: the files at hand came with their missing minutes filled by straight lines and no mark of where, and cut in "
    "one half for training and one for test. The paper leaves those minutes out and halves the competition's two files "
    "apart, so its numbers are for other series than these."
)
HOW = (
    f"VUS-PR with buffers of 0 to {VUS_WINDOW_STEPS} steps, mean over series; series without a labelled anomaly after "
    "the training part count for alarms only. Alarms: the paper's rule for every row (above the mean and four "
    "deviations of training, for the scores `hidden` and `scales` after the comparison with the 21 scores before; "
    f"none within {DELAY_STEPS} steps of the last); in the cold start mean and deviation of all steps so far, for the "
    "baselines of the first tenth. F1 is counted over the steps of all series together. NAB's windows are wide around "
    "each anomaly, and its rows count as steps."
)
_REACHES = ", ".join(map(str, AHEAD_STEPS[:-1])) + f" and {AHEAD_STEPS[-1]}"
ENCODERS = (
    f"One encoder an archive and seed, trained on the training parts of all its series in windows of "
    f"{TRAIN_LENGTH_STEPS} steps (the paper: 3000); in the cold start on classification sets only. Scores are those of "
    "`tsrep.tasks.RepresentationAnomalyDetector` with 200 steps of context; `hidden` is the paper's. They and the "
    "baselines use no later step, but for the matrix profile, which stands at the middle of its window, and for the "
    f"rows `{AHEAD}`: there a score is the mean of four means, of a step's score and the next {_REACHES} (for the "
    "matrix profile half before, half after). `window` is the part of `combined` that needs no encoder."
)


def summarise(good_lines: list[dict[str, Any]]) -> Summary:
    """The metrics of each setting, the seconds, and what the series and the encoders were."""
    lines = pd.DataFrame(good_lines)
    all_scores = score_table(lines)
    scores = of_all_methods(all_scores)
    sections: list[Section] = []
    for setting in dict.fromkeys(scores["setting"]):
        of_setting = scores[scores["setting"] == setting]
        sections += [(f"{heading}, {setting}", table) for heading, table in _sections(of_setting)]
    normal = scores[scores["setting"] == "normal"]
    shown = normal if len(normal) else scores
    sections.append(("Seconds for 100,000 steps", time_table(shown)))
    return Summary(
        notes=[HOW, ENCODERS, KPI_GAPS, _coverage(scores, all_scores), conditions(lines), *_trainings(lines)],
        sections=sections,
        csv=scores.drop(columns=["counts"]).round(6).set_index("archive"),
        figures={"vus_pr.png": plot_means(archive_means(shown, "vus_pr"))},
    )


def plot_means(means: pd.DataFrame) -> Figure:
    """Mean VUS-PR: one row per method, one dot per archive, the best row on top."""
    columns = [column for column in means if column not in (MEAN, OF_SERIES)]
    figure = new_figure(7.5, 1.2 + 0.32 * len(means))
    ax = figure.subplots()
    places = np.arange(len(means))
    for index, archive in enumerate(columns):
        ax.plot(means[archive], places, "o", color=PALETTE[index % len(PALETTE)], alpha=0.8, label=archive)
    if MEAN in means:
        ax.plot(means[MEAN], places, "|", color="black", markersize=14, markeredgewidth=2.5, label=MEAN)
    ax.set_yticks(places, [str(name) for name in means.index])
    ax.set_ylim(len(means) - 0.5, -0.5)
    ax.set_xlabel("mean VUS-PR")
    bare(ax, grid="x")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def _sections(scores: pd.DataFrame) -> list[Section]:
    sections = [
        ("VUS-PR", archive_means(scores, "vus_pr")),
        (f"F1, delay-adjusted ({DELAY_STEPS} steps)", pooled_f1(scores, "delay")),
        ("F1, raw", pooled_f1(scores, "raw")),
        ("F1, point-adjusted, which flatters (compare `random`)", pooled_f1(scores, "segment")),
        ("AUC-PR", archive_means(scores, "auc_pr")),
        ("VUS-ROC", archive_means(scores, "vus_roc")),
    ]
    if "UCR" in set(scores["archive"]):
        hits = archive_means(scores[scores["archive"] == "UCR"], "peak_hits")
        sections.insert(1, ("Share of UCR series whose strangest step lies within 100 of the anomaly", hits))
    return sections


def _coverage(scores: pd.DataFrame, all_scores: pd.DataFrame) -> str:
    """The number of series in the tables, and of those that were left out."""
    said, unfinished = [], False
    for (setting, archive), of_archive in scores.groupby(["setting", "archive"], sort=False):
        same = (all_scores["setting"] == setting) & (all_scores["archive"] == archive)
        begun = all_scores[same]["series"].nunique()
        kept = of_archive["series"].nunique()
        unfinished |= begun > kept
        left = f" ({begun - kept} more that not every method has finished)" if begun > kept else ""
        said.append(f"{archive} {kept}{left}, {setting}")
    shortest = " Where an archive was not finished, these are its shortest." if unfinished else ""
    return "Series: " + "; ".join(sorted(said)) + "." + shortest


def _trainings(lines: pd.DataFrame) -> list[str]:
    trained = lines[lines["method"] == TRAINING]
    if trained.empty:
        return []
    said = ", ".join(f"{r.dataset} {r.steps:.0f} steps in {r.seconds:.0f} s" for r in trained.itertuples())
    return [f"Trainings: {said}."]
