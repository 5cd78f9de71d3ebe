"""The figures of the demonstration and the page that holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tsrep import report
from tsrep.cli.demo.classification import METHODS, TRAINED, UNTRAINED, Classified
from tsrep.cli.demo.gaps import OURS as IMPUTER
from tsrep.cli.demo.gaps import RATE, SET, STRETCHES, Filled
from tsrep.cli.demo.heartbeats import HORIZON, LEARNED_FROM, OURS, Forecast, Watched
from tsrep.cli.demo.masked import Masked
from tsrep.cli.demo.recording import SAMPLING_RATE, SHOWN, Encoded
from tsrep.cli.demo.results import Results
from tsrep.plots import (
    plot_accuracy,
    plot_anomalies,
    plot_imputation,
    plot_loss,
    plot_maps,
    plot_representation,
    plot_rivals,
)

GO_ON = """
from tsrep import TS2Vec
from tsrep.data import load_dataset
from tsrep.tasks import RepresentationClassifier

X, y = load_dataset("GunPoint", split="train")        # or your own array (n_series, n_channels, n_steps)
classifier = RepresentationClassifier(TS2Vec(random_state=0)).fit(X, y)
print(classifier.score(*load_dataset("GunPoint", split="test")))

encoder = classifier.encoder_
encoder.transform(X)                                  # one vector per series
encoder.encode(X)                                     # one vector per step
encoder.save("gunpoint-encoder")
"""


def draw(results: Results) -> dict[str, Figure]:
    """Every figure by the name of its file, without the ending."""
    figures: dict[str, Figure] = {}
    histories = {result.example.name: result.history for result in results.classified}
    if results.recording is not None:
        figures["representation"] = draw_recording(results.recording)
        histories["electrocardiogram"] = results.recording.history
    if results.forecast is not None:
        forecast = results.forecast
        figures["forecast"] = plot_rivals(forecast.past, forecast.came, forecast.shown, label="ECG (mV)")
    if results.anomalies is not None:
        watched = results.anomalies
        figures["anomalies"] = plot_anomalies(
            np.arange(LEARNED_FROM, LEARNED_FROM + len(watched.values)),
            watched.values,
            watched.scores,
            watched.alarms,
            threshold=watched.threshold,
            labels=watched.labels,
        )
    if results.gaps is not None:
        gaps = results.gaps
        names = [f"channel {number}" for number in range(len(gaps.seen))]
        figures["gaps"] = plot_imputation(gaps.seen, gaps.imputed, gaps.bands, names=names, truth=gaps.truth)
    if results.classified:
        scores = {result.example.name: result.accuracy for result in results.classified}
        figures["accuracy"] = plot_accuracy(scores)
    if results.masked is not None:
        figures["masked"] = results.masked.picture
    for result in results.classified:
        maps = {method: result.representations[method] for method in (UNTRAINED, TRAINED)}
        figures[f"map-{result.example.name}"] = plot_maps(maps, result.y_test)
    figures["loss"] = plot_loss(histories)
    return figures


def draw_recording(recording: Encoded) -> Figure:
    """The heat-map of the shown stretch of the recording."""
    first, last = recording.labelled
    return plot_representation(
        recording.series[SHOWN],
        recording.representation[SHOWN],
        sampling_rate=SAMPLING_RATE,
        start=SHOWN.start,
        highlight=[(first - SHOWN.start, last - SHOWN.start)],
        series_label="ECG (mV)",
    )


def build_page(results: Results, pictures: Mapping[str, bytes], facts: Mapping[str, Any]) -> str:
    """The page as HTML; `pictures` are those of `draw` as PNG, `facts` the seed, the seconds, the environment."""
    sections = []
    if results.classified:
        sections.append(_accuracy(results.classified, pictures["accuracy"]))
    if results.masked is not None:
        sections.append(_masked(results.masked, pictures["masked"]))
    if results.recording is not None:
        sections.append(_over_time(results.recording, pictures["representation"]))
    if results.forecast is not None:
        sections.append(_forecast(results.forecast, pictures["forecast"]))
    if results.anomalies is not None:
        sections.append(_anomalies(results.anomalies, pictures["anomalies"]))
    if results.gaps is not None:
        sections.append(_gaps(results.gaps, pictures["gaps"]))
    if results.classified:
        sections.append(_maps(results.classified, pictures))
    sections.append(_training(pictures["loss"]))
    sections.append(_facts(facts))
    sections.append(report.section("Next", report.code(GO_ON), report.code(NEXT_COMMANDS)))
    return report.page(
        "tsrep: demonstration",
        sections,
        lead="Encoders trained without labels on small data sets, beside cheap baselines.",
    )


NEXT_COMMANDS = """
tsrep classify GunPoint --save gunpoint-encoder    # train on a data set of the archive, score, save the encoder
tsrep pretrain your.csv --save encoder             # learn from your own series without labels
tsrep info gunpoint-encoder                        # the class, parameters and files of a saved model
tsrep encode GunPoint --model gunpoint-encoder --out gunpoint.csv
tsrep forecast your.csv --horizon 48 --plot        # any table with a time column: forecasts
tsrep detect your.csv --plot                       # anomalies
tsrep impute your.csv --plot                       # imputed gaps
"""


def _accuracy(classified: Sequence[Classified], picture: bytes) -> str:
    rows = [
        [
            result.example.name,
            *(result.accuracy[method] for method in METHODS),
            f"{result.shape['n_train']} + {result.shape['n_test']}",
            f"{result.shape['n_channels']} x {result.shape['length']}",
            result.shape["n_classes"],
            f"{result.seconds['train']:.0f} s",
        ]
        for result in classified
    ]
    columns = ["data set", *METHODS, "series", "size", "classes", "time"]
    caption = (
        "Share of test series classified correctly, the best of each row in bold. Series: training + test; "
        "size: channels x steps; time: training of the encoder."
    )
    return report.section(
        "Accuracy",
        report.prose(
            "TS2Vec was trained on the training part of each data set without its labels. A support vector "
            "machine then learned the classes from the representations, one vector of 320 numbers per series, and "
            "was scored on the archive's test part. The baselines are the same encoder with its random initial "
            "weights, and the nearest neighbour among the raw series."
        ),
        report.prose(verdict(classified)),
        report.table(columns, rows, caption, best=(1, 2, 3)),
        report.figure(picture, "Test accuracy of the three methods on each data set."),
    )


def _masked(masked: Masked, picture: bytes) -> str:
    name, loss = masked.example.name, masked.loss
    rows = [[method, accuracy] for method, accuracy in masked.accuracy.items()]
    return report.section(
        "Masked prediction",
        report.prose(
            "A MaskedSeriesEncoder learns by another task: parts of each series are hidden from it, and it predicts "
            f"them from the parts that it sees. The one in the picture saw a quarter of each training series of {name} "
            "at a time."
        ),
        report.figure(
            picture,
            f"A test series of {name}: the original, what the encoder saw of it, and what it rebuilt (blue) of the "
            "hidden parts (shaded). The squared error of hidden values in the training series, where 1 is that of the "
            f"best constant, was {loss['loss']:.2f} at the end; the mean of the training series at each position gives "
            f"{loss['positional_mean']:.2f}, straight lines between visible values {loss['lines']:.2f}.",
            alt="Three panels with one series: original, with most of it hidden, and rebuilt.",
        ),
        report.table(
            ["", f"test accuracy on {name}"],
            rows,
            f"The default MaskedSeriesEncoder after only {masked.steps} training steps, trained in "
            f"{masked.seconds['train']:.0f} s and scored as the others are; their accuracies are those above. One data "
            "set and one seed are an example, not a measurement.",
        ),
    )


def verdict(classified: Sequence[Classified]) -> str:
    """Whether training helped, in words, counted from the results."""
    gains = [result.accuracy[TRAINED] - result.accuracy[UNTRAINED] for result in classified]
    better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    means = ", ".join(
        f"{sum(result.accuracy[method] for result in classified) / len(classified):.3f} ({method})"
        for method in METHODS
    )
    return (
        f"On {better} of {len(gains)} data sets the trained encoder does better than the untrained one, on "
        f"{worse} worse, on {len(gains) - better - worse} the same. Mean accuracies: {means}. This is one seed on "
        "small test parts: differences of a few hundredths are noise."
    )


def _over_time(recording: Encoded, picture: bytes) -> str:
    first, last = (step / SAMPLING_RATE for step in recording.labelled)
    return report.section(
        "A representation over time",
        report.prose(
            "TS2Vec also gives one vector per step. Here it was trained on windows of one electrocardiogram "
            f"of {len(recording.series) / SAMPLING_RATE:.0f} seconds and then encoded all its "
            f"{len(recording.series):,} steps."
        ),
        report.figure(
            picture,
            "Above: the end of the recording; shaded is the interval that the file labels as abnormal "
            f"({first:.1f} to {last:.1f} s), which the encoder did not see. Below, on the same time axis: the "
            f"16 of {recording.representation.shape[1]} dimensions that vary most, each standardised.",
            alt="An electrocardiogram above a heat-map of its representation, with a band at every beat.",
        ),
    )


def _forecast(forecast: Forecast, picture: bytes) -> str:
    least = forecast.errors["mae"].idxmin()
    rows = [[name, f"{row['mae']:.4f}", f"{row['mse']:.5f}"] for name, row in forecast.errors.iterrows()]
    verdict = (
        f"The lowest mean absolute error here is that of {least}."
        if least != OURS
        else "Representation and raw values together have the lowest mean absolute error."
    )
    return report.section(
        "Forecasting",
        report.prose(
            f"A forecaster was fitted on the first {LEARNED_FROM:,} steps of the electrocardiogram and then forecast, "
            f"at every later step, the next {HORIZON} steps: a third of a second. Its input is the last 200 values "
            "and their TS2Vec representation. Ridge regression has the same values without TS2Vec; the last row "
            "repeats the values of one heartbeat before."
        ),
        report.prose(
            f"{verdict} Its {forecast.level:.0%} intervals contained {forecast.coverage:.0%} of the values."
        ),
        report.table(
            ["", "mean absolute error (mV)", "mean squared error (mV²)"],
            rows,
            "Over all steps of all forecasts in the test part.",
        ),
        report.figure(
            picture,
            "The forecasts of the three methods from the same step, the middle of the test part. Black: known values; "
            "grey: truth; shaded: the interval. The errors in the titles are those of this forecast.",
            alt="Three panels with a heartbeat, each with a forecast drawn over it.",
        ),
    )


def _anomalies(watched: Watched, picture: bytes) -> str:
    alarms = int(watched.alarms.sum())
    where = "within it" if watched.labels[watched.scores.argmax()] else "outside it"
    rows = [[name, value] for name, value in watched.vus_pr.items()]
    return report.section(
        "Anomaly detection",
        report.prose(
            f"A detector was fitted on the same {LEARNED_FROM:,} steps. Its score of a later step is the distance of "
            "the step's representation to the nearest one in training. Of its "
            f"{alarms} alarm{'s' if alarms != 1 else ''}, {watched.true_alarms} are in the interval that the file "
            f"labels as abnormal, which the detector did not see. The highest score is {where}."
        ),
        report.table(
            ["", "VUS-PR"],
            rows,
            "How well the scores separate the abnormal interval, without a threshold: 1 is perfect. One recording "
            "with one abnormal interval is an example, not a measurement; tsrep bench anomaly makes those.",
        ),
        report.figure(
            picture,
            "The last third of the recording, in steps, and its scores. Shaded: the labelled interval.",
            alt="An electrocardiogram with alarms as vertical lines above the score of each step.",
        ),
    )


def _gaps(gaps: Filled, picture: bytes) -> str:
    rows = [[name, *(f"{error:.3f}" for error in row)] for name, row in gaps.errors.iterrows()]
    least = {kind: gaps.errors[kind].idxmin() for kind in gaps.errors}
    ours = [str(kind) for kind, name in least.items() if name == IMPUTER]
    verdict = (
        f"{IMPUTER} has the lowest error for {' and for '.join(ours)}."
        if ours
        else f"{IMPUTER} has the lowest error for neither kind of gap."
    )
    held = " and ".join(f"{share:.0%} ({kind})" for kind, share in gaps.coverage.items())
    return report.section(
        "Imputation",
        report.prose(
            f"From the training part of {SET}, six channels of a smart watch, {RATE:.0%} of the values were removed "
            "at random, and an imputer was fitted on the rest. Then it filled the same share of gaps in the test "
            "part: single values, and gaps of several steps, which it had not seen in training."
        ),
        report.prose(f"{verdict} Its 90% bands contained {held} of the values."),
        report.table(
            ["mean absolute error", *gaps.errors],
            rows,
            "In standard deviations of each channel, over the removed values.",
        ),
        report.figure(
            picture,
            f"Three channels of a test series with {STRETCHES} removed. Blue: imputed values with their 50% and 90% "
            "bands; grey: truth.",
            alt="Three panels with a motion signal, its gaps filled and shaded bands around them.",
        ),
    )


def _maps(classified: Sequence[Classified], pictures: Mapping[str, bytes]) -> str:
    blocks = [
        report.prose(
            "Each point is one test series: its representation along the two directions in which the "
            "representations of that data set vary most. The colours are the classes, which the encoder did not see."
        )
    ]
    for result in classified:
        name = result.example.name
        caption = f"{name}. {result.example.about}"
        alt = f"{name}: two scatter plots of test series by class, untrained encoder and trained encoder."
        blocks.append(report.figure(pictures[f"map-{name}"], caption, alt=alt))
    return report.section("A map of the series", *blocks)


def _training(picture: bytes) -> str:
    return report.section(
        "Training",
        report.figure(
            picture,
            "The contrastive loss per step, and its running mean. Its level depends on the length of the random "
            "crops and on the batch, so the curves of different data sets cannot be compared.",
        ),
    )


def _facts(facts: Mapping[str, Any]) -> str:
    environment = facts["environment"]
    versions = {name: version for name, version in environment["versions"].items() if version}
    rows = [
        ["seed", facts["seed"]],
        ["total time", f"{facts['seconds']:.0f} s"],
        ["processor", f"{environment['hardware']['cpu']} ({environment['hardware']['cores']} cores)"],
        *versions.items(),
    ]
    if environment["commit"]:
        rows.append(["commit", environment["commit"][:12]])
    return report.section(
        "How this was measured", report.table(["", ""], rows, "The same numbers are in results.json.")
    )


def write_pictures(figures: Mapping[str, Figure], out: Path) -> dict[str, bytes]:
    """Save every figure as `out/<name>.png` and give the contents back by name."""
    pictures = {name: report.png(figure) for name, figure in figures.items()}
    for name, content in pictures.items():
        (out / f"{name}.png").write_bytes(content)
    return pictures
