"""Options that several commands share, each typed once; those of a table file are in `table_options.py`.

The values of an enumeration are written out, because the package that defines them takes a second to import; tests
compare the two.
"""

from __future__ import annotations

import csv
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Probe(StrEnum):
    """The classifiers of `tsrep.tasks.RepresentationClassifier`."""

    svm = "svm"
    logistic = "logistic"
    knn = "knn"
    ridge = "ridge"
    auto = "auto"


class Score(StrEnum):
    """The scores of `tsrep.tasks.RepresentationAnomalyDetector`: `tsrep.tasks.ANOMALY_SCORES`."""

    hidden = "hidden"
    scales = "scales"
    standardised = "standardised"
    mahalanobis = "mahalanobis"
    nearest = "nearest"
    pooled = "pooled"
    window = "window"
    combined = "combined"


class Threshold(StrEnum):
    """Its thresholds."""

    deviation = "deviation"
    quantile = "quantile"
    budget = "budget"
    running = "running"


class Split(StrEnum):
    """The two parts of an archive's data set."""

    train = "train"
    test = "test"


class Model(StrEnum):
    """The encoders that the commands train."""

    masked = "masked"
    ts2vec = "ts2vec"


class Clustering(StrEnum):
    """The methods of `tsrep.tasks.RepresentationClusterer`."""

    kmeans = "kmeans"
    hdbscan = "hdbscan"


class Metric(StrEnum):
    """The distances of `tsrep.tasks.SeriesIndex`: `tsrep.tasks.neighbours.METRICS`."""

    euclidean = "euclidean"
    cosine = "cosine"


class Design(StrEnum):
    """The designs of `tsrep.MaskedSeriesEncoder`: `tsrep.masked.recipe.DESIGNS`."""

    mae = "mae"
    simmim = "simmim"
    autoencoder = "autoencoder"


class Network(StrEnum):
    """Its encoders by name: `tsrep.masked.recipe.ENCODERS`."""

    transformer = "transformer"
    ts2vec = "ts2vec"
    ssgan = "ssgan"


class MaskKind(StrEnum):
    """Its masks: `tsrep.masked.masks.KINDS`."""

    random = "random"
    block = "block"
    span = "span"
    geometric = "geometric"
    channel = "channel"
    future = "future"


# The table file

TABLE = "How the file is read"

Table = Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file with a time column.")]


def names(text: str | None) -> list[str] | None:
    """The names between commas; one that holds a comma stands in double quotes.

    Examples
    --------
    >>> names('load, "power, kW"')
    ['load', 'power, kW']
    """
    if text is None:
        return None
    fields = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in fields if name.strip()]


# The model

CONTEXT = 200
"""Steps of context where the series is long enough, the paper's."""

Context = Annotated[
    int | None,
    typer.Option(
        help=f"Number of steps to look back; default: {CONTEXT}, fewer for a short series.",
        min=1,
    ),
]
MaxSteps = Annotated[
    int | None, typer.Option(help="Training steps; default: the paper's rule, 200 or 600.", min=0)
]
TrainingSteps = Annotated[
    int | None, typer.Option(help="Training steps; default: 1,000 for masked, 200 or 600 for ts2vec.", min=0)
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Folder for the state of the training: the same command continues from it."),
]
Seed = Annotated[
    int, typer.Option(help="Random seed of the training: the same seed gives the same numbers.", min=0)
]
Root = Annotated[
    Path | None,
    typer.Option(help="Folder of the archives; default: $TSREP_DATA, then what comes with sktime."),
]

# What is written

OUTPUT = "What is written"

Plot = Annotated[
    bool, typer.Option("--plot", help="Draw a picture, saved beside --out.", rich_help_panel=OUTPUT)
]
Save = Annotated[Path | None, typer.Option(help="Folder to save the model in.", rich_help_panel=OUTPUT)]
