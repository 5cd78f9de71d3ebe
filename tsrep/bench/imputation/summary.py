"""From result lines to the pages of the imputation table: one row per set and variant, one column per method.

Linear interpolation stands beside everything: a second section has the ratios to it.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from tsrep.bench.imputation.errors import (
    AVERAGED,
    KEYS,
    LINEAR,
    N_SEEDS,
    OURS,
    PAPER,
    WITHOUT_LABELS,
    aims_table,
    beside_published,
    error_table,
    label,
    place,
    ratios,
    steadiness,
    verdicts,
)
from tsrep.bench.imputation.methods import PEERS
from tsrep.bench.pages import Section, Summary, conditions, lowest_in_bold, seeds_of, with_labels


def summarise(good_lines: list[dict[str, Any]]) -> Summary:
    """Errors, their ratios, aims, variants, labels, samples and published numbers, as far as they were measured."""
    measured = pd.DataFrame(good_lines)
    lines = measured[measured["seed"] < N_SEEDS]
    mae, rmse = error_table(lines, "mae"), error_table(lines, "rmse")
    main = [name for name in map(str, mae) if not name.startswith("ssgan-") or name in (AVERAGED, PAPER)]
    sections = [("Mean absolute error", with_labels(lowest_in_bold(mae[main]), label))]
    if LINEAR in mae:
        to_linear = with_labels(_among(main, lines, LINEAR), label)
        sections += [
            ("Ratio to linear interpolation, mean absolute error", to_linear),
            ("Against the aims", aims_table(mae)),
        ]
    sections += [
        ("Root mean squared error", with_labels(lowest_in_bold(rmse[main]), label)),
        (
            "Standard deviation of the mean absolute error over seeds",
            with_labels(_spread(lines)[main], label),
        ),
        *_variants(lines, [name for name in map(str, mae) if name.startswith(f"{OURS}-")]),
        ("With labels", _labelled(lines)),
        ("Samples: CRPS, and share of the held-out values in the middle 90 %", _sampled(lines)),
        ("Beside published numbers", beside_published(mae, rmse)),
    ]
    return Summary(
        notes=[
            conditions(lines),
            f"Seeds {seeds_of(lines)}: of the networks, and of what is taken away. The lowest error of a row is bold.",
            f"{', '.join(PEERS)} are those of PyPOTS, 64 wide, at most 100 epochs.",
            *verdicts(lines),
            *steadiness(measured),
        ],
        sections=sections,
        csv=mae.add_suffix(" mae").join(rmse.add_suffix(" rmse")).round(6),
    )


def _variants(lines: pd.DataFrame, names: list[str]) -> list[Section]:
    """Headings and tables: the variants of the default as multiples of it, those of the paper's settings of these."""
    of_paper = [name for name in names if name.startswith(f"{PAPER}-")]
    of_ours = [name for name in names if name not in (*of_paper, PAPER)]
    return [
        (
            f"Variants: mean absolute error as a multiple of {base}'s on the same seeds",
            with_labels(_among(some, lines, base), label),
        )
        for base, some in ((OURS, of_ours), (PAPER, of_paper))
    ]


def _among(names: list[str], lines: pd.DataFrame, base: str) -> pd.DataFrame:
    """Ratios of mean absolute errors to `base`, of some methods, in the rows where there are any."""
    table = ratios(lines, "mae", base)
    return table[[name for name in names if name in table]].dropna(how="all")


def _labelled(lines: pd.DataFrame) -> pd.DataFrame:
    """Imputation error and classification of the methods that had labels, by their share."""
    if "labels" not in lines:
        return pd.DataFrame()
    some = lines[lines["labels"].notna() | (lines["method"] == WITHOUT_LABELS)].fillna({"labels": 0.0})
    columns = [name for name in ("mae", "accuracy", "auc") if name in some]
    table = some.groupby([*KEYS, "method"])[["labels", *columns]].mean()
    return with_labels(table, _with_method)


def _sampled(lines: pd.DataFrame) -> pd.DataFrame:
    if "crps" not in lines:
        return pd.DataFrame()
    table = (
        lines[lines["crps"].notna()].groupby([*KEYS, "method"])[["mae", "rmse", "crps", "coverage"]].mean()
    )
    return with_labels(table, _with_method)


def _spread(lines: pd.DataFrame) -> pd.DataFrame:
    table = lines.pivot_table(
        index=KEYS, columns="method", values="mae", aggfunc=lambda v: v.std(ddof=1), dropna=False
    )
    table = table.rename_axis(columns=None).dropna(how="all")
    return table.loc[sorted(table.index, key=place)]


def _with_method(key: Any) -> str:
    """The label of a (dataset, variant, method)."""
    return f"{label(key)}, {key[2]}"
