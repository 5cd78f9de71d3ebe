"""What the predictions of a classifier are worth, on test series or by cross-validation, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tsrep.cli.probes import (
    Predictions,
    confusion,
    cross_validated,
    fit_probe,
    folds_for,
    known_labels,
    majority,
    predictions_of,
    scores,
)
from tsrep.cli.series import Series

SHOWN_CLASSES = 12
SHOWN_ROWS = 20
SHOWN_ERRORS = 10
SHOWN_NAMES = 6


@dataclass(frozen=True)
class Judgement:
    """Predictions of `series`, and scores of several encoders by name where the series have labels.

    folds : those of a cross-validation; None: the series are others than those of the training.
    """

    predictions: Predictions
    series: Series
    rows: list[dict[str, Any]] = field(default_factory=list)
    folds: int | None = None

    def summary(self) -> dict[str, Any]:
        """The same for programs, without the predictions."""
        result: dict[str, Any] = {
            "series": len(self.predictions.predicted),
            "classes": self.predictions.classes,
        }
        if not self.series.has_labels:
            return result
        counts = confusion(self.series.labels, self.predictions.predicted)
        return {
            **result,
            **scores(self.series.labels, self.predictions.predicted),
            "measured": "test" if self.folds is None else f"cross-validation in {self.folds} folds",
            "encoders": self.rows,
            "confusion": counts.to_dict("index"),
        }

    def print(self, console: Console) -> None:
        """Scores and confusion, or the first predictions where no label is known."""
        if not self.series.has_labels:
            self._print_predictions(console)
            return
        measured = scores(self.series.labels, self.predictions.predicted)
        known = int(known_labels(self.series.labels).sum())
        on = "test" if self.folds is None else "cross-validated"
        if self.rows:
            table = Table("encoder", "steps", "probe", f"{on} accuracy", "balanced accuracy")
            for row in self.rows:
                steps, probe = ("-" if row[name] is None else str(row[name]) for name in ("steps", "probe"))
                table.add_row(
                    escape(row["encoder"]),
                    steps,
                    probe,
                    f"{row['accuracy']:.3f}",
                    f"{row['balanced_accuracy']:.3f}",
                )
            console.print(table)
        else:
            accuracy, balanced = measured["accuracy"], measured["balanced_accuracy"]
            console.print(
                f"accuracy {accuracy:.3f}, balanced accuracy {balanced:.3f}, of {known} series with labels"
            )
        if self.folds is not None:
            said = f"cross-validation of the probe in {self.folds} folds of TRAIN"
            console.print(f"{said}; the encoder saw all its series, without labels", soft_wrap=True)
        self._print_confusion(console)

    def _print_confusion(self, console: Console) -> None:
        counts = confusion(self.series.labels, self.predictions.predicted)
        if len(counts) <= SHOWN_CLASSES:
            table = Table("true class", *map(escape, counts.columns), title="predicted class")
            for name, row in counts.iterrows():
                table.add_row(escape(str(name)), *map(str, row))
            console.print(table)
            return
        errors = [
            (int(counts.loc[true, said]), str(true), str(said))
            for true in counts.index
            for said in counts.columns
            if true != said and counts.loc[true, said]
        ]
        table = Table("true class", "predicted class", "series", title="the most frequent errors")
        for count, true, said in sorted(errors, key=lambda error: -error[0])[:SHOWN_ERRORS]:
            table.add_row(escape(true), escape(said), str(count))
        console.print(table)

    def _print_predictions(self, console: Console) -> None:
        frame = self.predictions.table(self.series).iloc[:SHOWN_ROWS]
        more = len(self.predictions.predicted) > SHOWN_ROWS
        title = f"the first {SHOWN_ROWS} of {len(self.predictions.predicted)} series" if more else None
        table = Table("series", "predicted", "probability", title=title)
        highest = self.predictions.probabilities.max(axis=1)
        for name, said, probability in zip(frame["series"], frame["predicted"], highest, strict=False):
            table.add_row(escape(str(name)), escape(str(said)), f"{probability:.2f}")
        console.print(table)


def judge(
    console: Console,
    encoders: Mapping[str, Any],
    series: Series,
    tested: Series | None,
    probe: str,
    seed: int,
) -> Judgement:
    """The predictions of the first of several fitted encoders, and the scores of all, beside the most frequent class.

    Parameters
    ----------
    encoders : fitted encoders by name.
    series : those that the probes learn from.
    tested : those that are predicted; None: `series`, by cross-validation.
    """
    judged = series if tested is None else tested
    folds = folds_for(series.labels) if tested is None else None
    said: dict[str, Predictions] = {}
    rows = []
    for name, encoder in encoders.items():
        Z = np.asarray(encoder.transform(series.input))
        Z_test = None if tested is None else np.asarray(encoder.transform(tested.input))
        with console.status(f"the probe on {name} learns"):
            fitted = fit_probe(Z, series.labels, probe)
            if Z_test is None:
                said[name] = cross_validated(Z, series.labels, fitted, seed)
            else:
                said[name] = predictions_of(fitted, Z_test)
        steps = getattr(encoder, "n_steps_", None)
        rows.append(
            {"encoder": name, "steps": steps, "probe": fitted.probe_name_, **_scored(judged, said[name])}
        )
    if judged.has_labels:
        most = majority(series.labels)
        always = scores(judged.labels, np.full(len(judged.labels), most, dtype=object))
        rows.append({"encoder": f"always {most}", "steps": None, "probe": None, **always})
    return Judgement(next(iter(said.values())), judged, rows, folds)


def _scored(series: Series, said: Predictions) -> dict[str, float]:
    return scores(series.labels, said.predicted) if series.has_labels else {}


def check_classes(series: Series, tested: Series | None) -> str:
    """Rich markup: the classes of the training series and how many there are of each.

    Raises
    ------
    ValueError
        There is one class, or one that is too small for a cross-validation.
    """
    names, counts = np.unique(series.labels[known_labels(series.labels)].astype(str), return_counts=True)
    if len(names) < 2:
        found = f"all labels are {str(names[0])!r}" if len(names) else "no series has a label"
        raise ValueError(f"{found}; wanted series of at least two classes")
    if tested is None:
        folds_for(series.labels)
    sizes = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
    more = ", ..." if len(sizes) > SHOWN_CLASSES else ""
    lines = [f"{len(names)} classes: {escape(', '.join(sizes[:SHOWN_CLASSES]))}{more}"]
    without = int((~known_labels(series.labels)).sum())
    if without:
        lines.append(f"{without} series have no label: they train the encoder only")
    if tested is not None and tested.has_labels:
        new = sorted(set(tested.labels[known_labels(tested.labels)]) - set(names))
        if new:
            shown = escape(", ".join(new[:SHOWN_NAMES])) + (", ..." if len(new) > SHOWN_NAMES else "")
            lines.append(f"TEST has classes that TRAIN does not have, which count as errors: {shown}")
    return "\n".join(lines)
