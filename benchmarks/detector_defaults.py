"""What the detector does with its defaults: how often it raises alarms where nothing is wrong, and what it finds.

Measures     rates: alarms per 10,000 steps of twenty ordinary series, twelve made and eight real, after a training
             part; by the default rule for the threshold ("deviation"), with the rate that the fitted detector expects
             (`alarm_rate_`), and by "budget" with its default level, which promises 10 alarms. By "quantile",
             which promises that 10 in 10,000 scores exceed it, the scores that do.
             peaks: the share of the UCR anomaly series at hand whose highest score lies within 100 steps of the
             anomaly, with the scores of live use and of a finished series (`look_ahead=(0, 16, 50, 100)`).
Series       made: 3,000 steps of training, 6,000 scored. Real: the training parts of eight UCR anomaly series, which
             hold no anomaly, their first half for training.
Command      TSREP_DATA=... python benchmarks/detector_defaults.py [SERIES ...] [--results FOLDER]
             A finished cell is not measured again.
             Scores follow one another closely, so those above a threshold come together, and the rate of one series
             says little: ten made ones have five seeds (--seeds 5).
Expectation  "quantile" and "budget" keep 10 within a factor of 1.5 on noise, autoregressive and seasonal series; 85 %
             of the highest scores of live use lie at the anomaly.
Budget       1.5 core-hours: 102 trainings of 200 or 600 steps.
Result       benchmarks/results/detector-defaults/table.md
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from tsrep.bench.cells import Cell
from tsrep.bench.commands import command_of
from tsrep.bench.options import Names, Seeds, known, read_seeds
from tsrep.bench.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from tsrep.bench.pages import Summary

TRAINED, SCORED = 3000, 6000
STEPS = np.arange(TRAINED + SCORED)
RULES = ("deviation", "quantile", "budget")
RATES = ("deviation", "expected", "quantile", "budget")
LOOK_AHEAD = (0, 16, 50, 100)
CLOSE = 100  # steps

Random = np.random.Generator


def autoregressive(random: Random, *coefficients: float) -> NDArray[Any]:
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, *(-c for c in coefficients)], random.normal(size=len(STEPS))))


def season(period: float, depth: float = 1.0) -> NDArray[Any]:
    return depth * np.sin(2 * np.pi * STEPS / period)


MADE: dict[str, Callable[[Random], NDArray[Any]]] = {
    "white noise": lambda random: random.normal(size=len(STEPS)),
    "noise with heavy tails (Student, 4)": lambda random: random.standard_t(4, size=len(STEPS)),
    "two channels of noise": lambda random: random.normal(size=(len(STEPS), 2)),
    "autoregressive, 0.5": lambda random: autoregressive(random, 0.5),
    "autoregressive, 0.9": lambda random: autoregressive(random, 0.9),
    "autoregressive, oscillating": lambda random: autoregressive(random, 1.6, -0.9),
    "season of 50": lambda random: season(50) + 0.1 * random.normal(size=len(STEPS)),
    "season of 50, noisy": lambda random: season(50) + random.normal(size=len(STEPS)),
    "seasons of 24 and 168": lambda random: (
        season(24) + season(168, 0.5) + 0.2 * random.normal(size=len(STEPS))
    ),
    "counts with a season of 24": lambda random: random.poisson(np.exp(2 + season(24, 0.7))).astype(float),
    "trend": lambda random: STEPS / 3000 + 0.1 * random.normal(size=len(STEPS)),
    "trend and season": lambda random: STEPS / 3000 + season(190, 0.3) + 0.1 * random.normal(size=len(STEPS)),
}
KINDS = dict(
    zip(MADE, ["noise"] * 3 + ["autoregressive"] * 3 + ["seasonal"] * 4 + ["with a trend"] * 2, strict=True)
)
REAL = (
    "CIMIS44AirTemperature1",
    "ECG3",
    "GP711MarkerLFM5z1",
    "Italianpowerdemand",
    "Lab2Cmac011215EPG4",
    "MesoplodonDensirostris",
    "PowerDemand4",
    "insectEPG3",
)
ORDINARY, PEAKS = "rates", "peaks"


@dataclass(frozen=True)
class DetectorDefaults(Table):
    """One row per ordinary series, one column per rule; the share of peaks at the anomaly."""

    def cells(self, root: Path | None, *, names: Names = None, seeds: Seeds = "1") -> list[Cell]:
        """Every ordinary series, then every series of the UCR archive at hand."""
        from tsrep.data import find_anomaly

        every = {**dict.fromkeys((*MADE, *REAL), ORDINARY)}
        peaks = dict.fromkeys(find_anomaly(root)["UCR"], PEAKS)
        series_of_both = list(every | peaks)  # a real one is in both tables
        wanted = known("SERIES", names or series_of_both, series_of_both)
        return [
            Cell(self.name, series, method, seed)
            for seed in read_seeds(seeds)
            for table, method in ((every, ORDINARY), (peaks, PEAKS))
            for series in wanted
            if series in table
        ]

    def evaluate(self, cell: Cell, root: Path | None, folder: Path) -> dict[str, Any]:
        return rates(cell, root) if cell.method == ORDINARY else peak(cell, root)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        import pandas as pd

        from tsrep.bench.pages import Summary, conditions, seeds_of

        frame = pd.DataFrame(lines)
        notes = [
            f"Defaults of `RepresentationAnomalyDetector(TS2Vec())`; seeds {seeds_of(frame)}. Alarms "
            "per 10,000 steps, and scores above the threshold for 'quantile'; it and 'budget' promise 10.",
            conditions(frame),
        ]
        sections = []
        ordinary = frame[frame["method"] == ORDINARY]
        if len(ordinary):
            sections += [
                ("Where nothing is wrong: kinds of series", means_of_kinds(ordinary)),
                (
                    "Where nothing is wrong: means of the seeds",
                    rates_by(ordinary, ordinary["dataset"]).mean(),
                ),
            ]
        peaks = frame[frame["method"] == PEAKS]
        if len(peaks):
            shares = (
                peaks[["live", "finished"]].mean().to_frame(f"share of {peaks['dataset'].nunique()} series").T
            )
            sections.append(("Highest score within 100 steps of the anomaly, UCR", shares))
        columns = [*RULES, "expected", "live", "finished"]
        return Summary(notes, sections, frame.set_index(["dataset", "method"]).reindex(columns=columns))


def rates_by(lines: pd.DataFrame, names: pd.Series) -> Any:
    """The rates of the lines, grouped by these names in their order."""
    return lines[list(RATES)].groupby(names, sort=False)


def means_of_kinds(lines: pd.DataFrame) -> pd.DataFrame:
    """Mean rates of the kinds of series over series and seeds, with standard errors in brackets."""
    grouped = rates_by(lines, lines["dataset"].map(lambda name: KINDS.get(name, "real")))
    table = grouped.mean().map("{:.1f}".format) + " (" + grouped.sem().map("{:.1f}".format) + ")"
    table.insert(0, "cells", grouped.size())
    return table.rename_axis("kind")


def rates(cell: Cell, root: Path | None) -> dict[str, Any]:
    """Alarms, or scores above the threshold, per 10,000 steps of an ordinary series by each rule."""
    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationAnomalyDetector

    train, test = ordinary_series(cell, root)
    detector = RepresentationAnomalyDetector(TS2Vec(random_state=cell.seed)).fit(train)
    found = {"expected": float(detector.alarm_rate_), "n_train": len(train), "n_test": len(test)}
    for rule in RULES:
        if rule != "deviation":
            encoder = detector.encoder_
            detector = RepresentationAnomalyDetector(encoder, prefit=True, threshold=rule).fit(train)
        scores, alarms = detector.scores_and_alarms(test, history="training")
        promised = scores > detector.threshold_ if rule == "quantile" else alarms
        found[rule] = float(10_000 * promised.mean())
    return found


def ordinary_series(cell: Cell, root: Path | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """The training part and what follows."""
    if cell.dataset in MADE:
        values = MADE[cell.dataset](np.random.default_rng([cell.seed, *cell.dataset.encode()]))
        return values[:TRAINED], values[TRAINED:]
    from tsrep.data import load_anomaly

    series = load_anomaly("UCR", cell.dataset, root=root)
    values, half = series.values[: series.train_length], series.train_length // 2
    return values[:half], values[half:]


def peak(cell: Cell, root: Path | None) -> dict[str, Any]:
    """Whether the highest score after the training part lies within `CLOSE` steps of the anomaly."""
    from tsrep import TS2Vec
    from tsrep.data import load_anomaly
    from tsrep.tasks import RepresentationAnomalyDetector

    series = load_anomaly("UCR", cell.dataset, root=root)
    train, test = np.split(series.values, [series.train_length])
    wrong = np.flatnonzero(series.labels[series.train_length :])
    detector = RepresentationAnomalyDetector(TS2Vec(random_state=cell.seed)).fit(train)
    found = {"live": at_anomaly(detector, test, wrong)}
    finished = detector.set_params(encoder=detector.encoder_, prefit=True, look_ahead=LOOK_AHEAD).fit(train)
    return found | {"finished": at_anomaly(finished, test, wrong), "n_train": len(train), "n_test": len(test)}


def at_anomaly(detector: Any, test: NDArray[Any], wrong: NDArray[Any]) -> float:
    highest = int(np.nanargmax(detector.decision_function(test, history="training")))
    return float(wrong.min() - CLOSE <= highest <= wrong.max() + CLOSE)


TABLE = DetectorDefaults(
    name="detector-defaults",
    title="The anomaly detector with its defaults",
    help="Alarms on ordinary series, and whether the highest score is at the anomaly.",
)

if __name__ == "__main__":
    typer.run(command_of(TABLE))
