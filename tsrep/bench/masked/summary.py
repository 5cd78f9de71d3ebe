"""From result lines to the page: one section per question, in the order of the studies.

Section 6, the speed of training, is measured elsewhere.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tsrep.bench.masked import figures, sections
from tsrep.bench.masked.averages import rank_correlations, seed_means
from tsrep.bench.masked.studies import CONFIGURATIONS, STUDIES
from tsrep.bench.pages import Summary, conditions, seeds_of

LEFT_OUT = (
    "status",
    "table",
    "variant",
    "started",
    "versions",
    "commit",
    "hardware",
    "settings",
    "traceback",
)
"""Entries of a line that do not go into table.csv."""


def summarise(good_lines: list[dict[str, Any]]) -> Summary:
    """The sections and figures of the studies that were run; lines of configurations that are gone are left out."""
    every = pd.DataFrame(good_lines)
    lines = sections.with_ratio(every[every["method"].isin(CONFIGURATIONS)])
    return Summary(
        notes=[conditions(every), *_explanations(lines), *_verdict_on_filling(lines)],
        sections=[
            *sections.effects(lines, STUDIES["ratio"], 1),
            *sections.effects(lines, STUDIES["mask"], 2),
            *sections.effects(lines, STUDIES["decoder"], 3),
            *sections.effects(lines, STUDIES["loss"], 4),
            *sections.comparison(lines, STUDIES["targets"], 5),
            *sections.filling_against_probe(lines, 7),
            *sections.comparison(lines, STUDIES["encoders"], 8),
            *sections.label_efficiency(lines, 9),
        ],
        csv=_flat(lines),
        figures=figures.figures(lines),
    )


def _explanations(lines: pd.DataFrame) -> list[str]:
    return [
        f"Seeds {seeds_of(lines)}. Means over the sets that all configurations of a table have, of means over seeds; "
        "± is the standard deviation of the mean over seeds. Differences are means over sets with their standard error "
        "over sets in brackets, then the number of sets won. The best of a column is bold.",
        "Features are standardised by the training part. Accuracies are those of a ridge classifier on the test part "
        "(at most 600 series); retrieval and clustering are over both parts and use labels for scoring only. Sets for "
        "choosing were looked at when settings were chosen, sets for reporting were not. Raw values and Hydra have no "
        "read-out; their numbers are the same under both.",
        "Filling: mean absolute error on hidden values of the test part, half of the steps, in runs of a sixteenth of "
        "the series, divided by that of straight lines between the visible steps; below 1 is better than they.",
    ]


def _verdict_on_filling(lines: pd.DataFrame) -> list[str]:
    some = sections.able_to_fill(lines)
    if some.empty:
        return []
    errors = seed_means(some, "filling")
    said = []
    for value, name in (("plain_probe", "the maximum over time"), ("rich_probe", "the rich read-out")):
        found = rank_correlations(errors, seed_means(some, value))
        if "pooled" in found:
            said.append(f"{found['pooled']:+.2f} with {name}")
    if not said:
        return []
    return [
        "Rank correlation of the error on hidden values with the accuracy of the probe, pooled over the ranks within "
        f"sets (-1: models that fill better always classify better): {', '.join(said)}."
    ]


def _flat(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per configuration, data set and seed; lists and dictionaries as JSON."""
    kept = lines.drop(columns=[name for name in LEFT_OUT if name in lines])
    kept = kept.map(lambda value: json.dumps(value) if isinstance(value, (list, dict)) else value)
    return kept.sort_values(["method", "dataset", "seed"]).set_index("cell")
