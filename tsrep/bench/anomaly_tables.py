"""The anomaly table: a row a method and score, a column an archive, from result lines to pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsrep.bench.anomaly import COLD_START, DELAY, TRAIN_LENGTH, TRAINING, UNIVARIATE, VUS_WINDOW
from tsrep.bench.detectors import AHEAD, REACHES
from tsrep.bench.pages import conditions, write_pages
from tsrep.bench.tables import failed_lines, good_lines
from tsrep.data import ANOMALY_ARCHIVES
from tsrep.plots.style import PALETTE, bare, new_figure

MEAN = "mean of " + ", ".join(UNIVARIATE)
OF_SERIES = "mean of their series"
TITLE = "Anomaly detection: a score a step, alarms, and what finds what"
KPI_GAPS = (
    "KPI: the files at hand came with their missing minutes filled by straight lines and no mark of where, and cut in "
    "one half for training and one for test. The paper leaves those minutes out and halves the competition's two files "
    "apart, so its numbers are for other series than these."
)
HOW = (
    f"VUS-PR with buffers of 0 to {VUS_WINDOW} steps, mean over series; series without a labelled anomaly after the "
    "training part count for alarms only. Alarms: the paper's rule for every row (above the mean and four deviations "
    "of training, for the scores `hidden` and `scales` after the comparison with the 21 scores before; none within "
    f"{DELAY} steps of the last); in the cold start mean and deviation of all steps so far, for the baselines of the "
    "first tenth. F1 is counted over the steps of all series together. NAB's windows are wide around each anomaly, and "
    "its rows count as steps."
)
_REACHES = ", ".join(map(str, REACHES[:-1])) + f" and {REACHES[-1]}"
ENCODERS = (
    f"One encoder an archive and seed, trained on the training parts of all its series in windows of {TRAIN_LENGTH} "
    "steps (the paper: 3000); in the cold start on classification sets only. Scores are those of "
    "`tsrep.tasks.RepresentationAnomalyDetector` with 200 steps of context; `hidden` is the paper's. They and the "
    "baselines use no later step, but for the matrix profile, which stands at the middle of its window, and for the "
    f"rows `{AHEAD}`: there a score is the mean of four means, of a step's score and the next {_REACHES} (for the "
    "matrix profile half before, half after). `window` is the part of `combined` that needs no encoder."
)


def write_anomaly(folder: Path) -> list[Path]:
    """Write the tables and the figure of `folder`/results.jsonl into `folder`; returns what was written."""
    everything = score_table(good_lines(folder))
    scores = of_all_methods(everything)
    sections: list[tuple[str, pd.DataFrame]] = []
    for setting in dict.fromkeys(scores["setting"]):
        of_setting = scores[scores["setting"] == setting]
        sections += [(f"{title}, {setting}", table) for title, table in _sections(of_setting)]
    normal = scores[scores["setting"] == "normal"]
    sections.append(("Seconds for 100,000 steps", time_table(normal if len(normal) else scores)))
    failures = failed_lines(folder)
    if failures:
        sections.append(("Failed cells", pd.DataFrame(failures)[["cell", "error"]].set_index("cell")))
    figure = folder / "vus_pr.png"
    plot_means(archive_means(normal if len(normal) else scores, "vus_pr")).savefig(figure, dpi=150)
    csv = folder / "table.csv"
    scores.drop(columns=["counts"]).round(6).to_csv(csv, index=False)
    lines = good_lines(folder)
    notes = [HOW, ENCODERS, KPI_GAPS, _coverage(scores, everything), conditions(lines), *_trainings(lines)]
    return [csv, *write_pages(TITLE, notes, sections, [figure], folder), figure]


def score_table(lines: pd.DataFrame) -> pd.DataFrame:
    """One row a series, method, score, setting and seed, with its metrics; trainings left out."""
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
    """The rows of those series that every method has finished, as far as any has in their archive and setting."""
    groups = scores.groupby(["setting", "archive"])["row"].transform("nunique")
    return scores[scores.groupby(["setting", "archive", "series"])["row"].transform("nunique") == groups]


def archive_means(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean of a metric: first over seeds, then over the series of an archive; rows from the best mean down.

    The column `MEAN` is that of KPI, NAB and UCR, where a row has all three, and `OF_SERIES` the mean over all their
    series.
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


def pooled_f1(scores: pd.DataFrame, kind: str) -> pd.DataFrame:
    """F1 over the steps of all series of an archive, mean over seeds; adjusted by `kind`: "raw", "delay", "segment"."""
    counts = pd.DataFrame([counts[kind] for counts in scores["counts"]], columns=["hits", "alarms", "there"])
    keys = scores[["row", "archive", "seed"]].reset_index(drop=True)
    summed = pd.concat([keys, counts], axis=1).groupby(["row", "archive", "seed"]).sum()
    f1 = 2 * summed["hits"] / (summed["alarms"] + summed["there"])
    table = f1.groupby(["row", "archive"]).mean().unstack("archive")
    table = table[[archive for archive in ANOMALY_ARCHIVES if archive in table]]
    return table.sort_values(table.columns[0], ascending=False).rename_axis(index="method", columns=None)


def time_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Seconds that setting the threshold and scoring take for 100,000 steps, by archive: median over series."""
    per_step = scores.assign(rate=scores["seconds"] / (scores["n_train"] + scores["n_test"]) * 100_000)
    table = per_step.groupby(["row", "archive"])["rate"].median().unstack("archive")
    return table.round(1).rename_axis(index="method", columns=None)


def plot_means(means: pd.DataFrame) -> Figure:
    """Mean VUS-PR by archive: a row a method, a dot an archive, the best row on top."""
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


def _sections(scores: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    found = [
        ("VUS-PR", archive_means(scores, "vus_pr")),
        (f"F1, delay-adjusted ({DELAY} steps)", pooled_f1(scores, "delay")),
        ("F1, raw", pooled_f1(scores, "raw")),
        ("F1, point-adjusted, which flatters (compare `random`)", pooled_f1(scores, "segment")),
        ("AUC-PR", archive_means(scores, "auc_pr")),
        ("VUS-ROC", archive_means(scores, "vus_roc")),
    ]
    if "UCR" in set(scores["archive"]):
        hits = archive_means(scores[scores["archive"] == "UCR"], "peak_hits")
        found.insert(1, ("Share of UCR series whose strangest step lies within 100 of the anomaly", hits))
    return found


def _coverage(scores: pd.DataFrame, everything: pd.DataFrame) -> str:
    """How many series the tables hold, and how many were left out."""
    said, unfinished = [], False
    for (setting, archive), of_archive in scores.groupby(["setting", "archive"], sort=False):
        same = (everything["setting"] == setting) & (everything["archive"] == archive)
        begun = everything[same]["series"].nunique()
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
