"""The tables of the page, one function per question; what was not measured gives no section."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from tsrep.bench.masked.averages import (
    common_sets,
    compared,
    difference,
    means_over_sets,
    rank_correlations,
    seed_means,
)
from tsrep.bench.masked.studies import (
    CONFIGURATIONS,
    REFERENCES,
    STUDIES,
    Study,
)
from tsrep.bench.pages import Section

READ_OUTS = {"plain": "maximum over time", "rich": "rich read-out"}
SHORT = {"plain": "maximum", "rich": "rich"}
MEASURES = {
    "probe": "all labels",
    "precision_at_10": "precision at 10",
    "adjusted_rand": "adjusted Rand",
    "labels_1": "1 label per class",
    "labels_5": "5 labels per class",
}
SHARES = {"percent_1": "1 %", "percent_5": "5 %", "percent_10": "10 %", "probe": "100 %"}
HALVES = ("choosing", "reporting")

PLAIN = {"mae": "MAE", "simmim": "SimMIM"}
"""Configurations from which the others of their study differ in one setting."""

RATIO_TO_LINEAR = "filling_ratio"
"""A column that `with_ratio` adds: the error on hidden values divided by that of straight lines."""


def with_ratio(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with the column `RATIO_TO_LINEAR`, where there are errors on hidden values."""
    if "filling" not in lines:
        return lines
    return lines.assign(**{RATIO_TO_LINEAR: pd.to_numeric(lines["filling"]) / lines["filling_linear"]})


def present(lines: pd.DataFrame, study: Study) -> list[str]:
    """The measured configurations of a study, in its order; none if they are fewer than a third of all, or than two."""
    measured = [each.name for each in study.configurations if each.name in set(lines["method"])]
    return measured if len(measured) >= max(2, len(study.configurations) / 3) else []


def labels_of(names: Sequence[str]) -> list[str]:
    return [CONFIGURATIONS[name].label for name in names]


def references_of(study: Study) -> tuple[str, ...]:
    """The configurations that figures show apart from those of a study, in the order of their lines."""
    return (*REFERENCES, *study.bases)


def with_references(lines: pd.DataFrame, names: Sequence[str], sets: Sequence[str]) -> list[str]:
    """`names`, and those of `REFERENCES` that were measured on all of `sets`."""
    table = seed_means(lines, "plain_probe")
    there = [name for name in REFERENCES if name in table and table[name].reindex(list(sets)).notna().all()]
    return [*names, *(name for name in there if name not in names)]


def effects(lines: pd.DataFrame, study: Study, number: int) -> list[Section]:
    """Sections 1 to 4: probe, fine-tuning, error on hidden values, and what the mask was, per configuration."""
    names = compared(lines, present(lines, study), "plain_probe")
    sets = common_sets(lines, names, "plain_probe")
    if not sets:
        return []
    columns = {
        "plain_probe": "probe, maximum",
        "rich_probe": "probe, rich",
        "finetuned": "fine-tuned",
        RATIO_TO_LINEAR: "filling / straight lines",
        "average_distance": "average distance",
        "steps": "steps",
    }
    rows = {
        heading: list(map(str, means_over_sets(lines, names, value, sets)))
        for value, heading in columns.items()
        if not seed_means(lines, value).reindex(index=sets, columns=names).isna().any(axis=None)
    }
    base = next((name for name in PLAIN if name in names), names[0])
    seeds = lines[lines["method"].isin(names)].groupby("method")["seed"].agg(set)
    shared = lines[lines["seed"].isin(set.intersection(*seeds))]  # a difference is between the same seeds
    for read_out in READ_OUTS:
        gains = seed_means(shared, f"{read_out}_probe")
        rows[f"{SHORT[read_out]}, minus {PLAIN.get(base, base)}"] = [
            str(difference(gains, name, base, sets)) for name in names
        ]
    if "steps" in rows:
        rows["steps"] = [f"{mean.mean:.0f}" for mean in means_over_sets(lines, names, "steps", sets)]
    table = pd.DataFrame(rows, index=pd.Index(labels_of(names), name="configuration"))
    for heading in ("probe, maximum", "probe, rich", "fine-tuned"):
        if heading in table:
            table[heading] = best_in_bold(table[heading])
    return [(f"{number}. {study.question} ({_count(sets)})", table)]


def comparison(lines: pd.DataFrame, study: Study, number: int) -> list[Section]:
    """Sections 5 and 8: all measures, by read-out and half of the sets; then differences to the study's bases."""
    sections: list[Section] = []
    names = compared(lines, present(lines, study), "plain_probe")
    sets = common_sets(lines, names, "plain_probe")
    halves = lines.groupby("dataset")["half"].first()
    for part in HALVES:
        of_part = [name for name in sets if halves[name] == part]
        if not of_part:
            continue
        rows = with_references(lines, names, of_part)
        for read_out, said in READ_OUTS.items():
            where = f"{said}, {_count(of_part)} for {part}"
            sections.append(
                (f"{number}. {study.question} {where}", _means(lines, rows, read_out, MEASURES, of_part))
            )
            sections.extend(
                (
                    f"{number}. Minus {CONFIGURATIONS[base].label}: {where}",
                    _differences(lines, rows, base, read_out, of_part),
                )
                for base in study.bases
                if base in rows
            )
    return sections


def label_efficiency(lines: pd.DataFrame, number: int) -> list[Section]:
    """Section 9: accuracy by the share of the training labels, by read-out, over all sets of the encoders."""
    names = compared(lines, present(lines, STUDIES["encoders"]), "plain_probe")
    sets = common_sets(lines, names, "plain_probe")
    return [
        (
            f"{number}. How many labels are needed? {said}, {_count(sets)}",
            _means(lines, names, read_out, SHARES, sets),
        )
        for read_out, said in READ_OUTS.items()
        if sets
    ]


def filling_against_probe(lines: pd.DataFrame, number: int) -> list[Section]:
    """Section 7: rank correlation over configurations of the error on hidden values and the probe, per set."""
    some = able_to_fill(lines)
    if some.empty:
        return []
    errors = seed_means(some, "filling")
    columns = {
        said: rank_correlations(errors, seed_means(some, value))
        for value, said in (("plain_probe", "last layer, maximum"), ("rich_probe", "last layer, rich"))
    }
    for layer, lines_of_layer in by_layer(some):
        if layer < -1:
            accuracies = seed_means(lines_of_layer, "probe_of_layer")
            columns[f"layer {layer}, maximum"] = rank_correlations(errors, accuracies)
    table = pd.DataFrame(columns)
    table.insert(0, "configurations", errors.notna().sum(axis=1).reindex(table.index).astype("Int64"))
    order = [*sorted(set(table.index) - {"pooled"}), *(["pooled"] if "pooled" in table.index else [])]
    table = table.reindex(order).rename_axis("set")
    return [(f"{number}. Does better filling mean better features? Rank correlations", table)]


def able_to_fill(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines of the studies by layer whose model filled hidden values."""
    if "filling" not in lines:
        return lines.iloc[:0]
    asked = {each.name for study in STUDIES.values() if study.by_layer for each in study.configurations}
    return lines[lines["method"].isin(asked) & lines["filling"].notna()]


def by_layer(lines: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    """(-1, -2, ...) and the lines of the models that have this layer, with its accuracy as "probe_of_layer"."""
    if "probe_by_layer" not in lines:
        return []
    some = lines[lines["probe_by_layer"].map(lambda value: isinstance(value, list))]
    depth = int(some["probe_by_layer"].map(len).max()) if len(some) else 0
    layers = []
    for place in range(depth):
        there = some[some["probe_by_layer"].map(len) > place]
        accuracy = there["probe_by_layer"].map(_at(place)).astype(float)
        layers.append((-1 - place, there.assign(probe_of_layer=accuracy)))
    return layers


def best_in_bold(texts: pd.Series) -> pd.Series:
    """Texts that begin with a number, the highest of them in bold."""
    numbers = texts.map(lambda text: float(text.split()[0]) if text else float("nan"))
    best = numbers.max()
    return pd.Series(
        [f"**{text}**" if number == best else text for text, number in zip(texts, numbers, strict=True)],
        index=texts.index,
    )


def _at(place: int) -> Callable[[list[float]], float]:
    return lambda values: values[place]


def _means(
    lines: pd.DataFrame, names: Sequence[str], read_out: str, measures: dict[str, str], sets: Sequence[str]
) -> pd.DataFrame:
    columns = {
        said: list(map(str, means_over_sets(lines, names, f"{read_out}_{value}", sets)))
        for value, said in measures.items()
    }
    table = pd.DataFrame(columns, index=pd.Index(labels_of(names), name="configuration"))
    return table.apply(best_in_bold)


def _differences(
    lines: pd.DataFrame, names: Sequence[str], base: str, read_out: str, sets: Sequence[str]
) -> pd.DataFrame:
    others = [name for name in names if name != base]
    columns = {}
    for value, said in MEASURES.items():
        table = seed_means(lines, f"{read_out}_{value}")
        columns[said] = [str(difference(table, name, base, sets)) for name in others]
    return pd.DataFrame(columns, index=pd.Index(labels_of(others), name="configuration"))


def _count(sets: Sequence[str]) -> str:
    return f"{len(sets)} set{'' if len(sets) == 1 else 's'}"
