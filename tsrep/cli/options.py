"""Options that several commands share, each typed once.

The values of an enumeration are written out, because the package that defines them takes a second to import; tests
compare the two. Options that describe a table file become one object, `TableOptions`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
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
Time = Annotated[
    str | None,
    typer.Option(
        help="The time column, or several that are one time together, separated by commas; none: each row is a step; "
        "default: detected.",
        rich_help_panel=TABLE,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(help="The columns to use, separated by commas; default: all.", rich_help_panel=TABLE),
]
Every = Annotated[
    str | None,
    typer.Option(
        help="Average the rows over steps of this length, for example 5min, or of the calendar, for example MS.",
        rich_help_panel=TABLE,
    ),
]
Missing = Annotated[
    float | None,
    typer.Option(
        help="The number that stands for a missing value, for example -9999.", rich_help_panel=TABLE
    ),
]
Sort = Annotated[
    bool,
    typer.Option(
        "--sort",
        help="Sort the rows by time and average rows with the same time.",
        rich_help_panel=TABLE,
    ),
]
DayFirst = Annotated[
    bool | None,
    typer.Option(
        "--day-first/--month-first",
        help="Which number of dates such as 01/02/2024 is the day; default: detected.",
        rich_help_panel=TABLE,
        show_default=False,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(help="The mark before decimals, . or , (default: detected).", rich_help_panel=TABLE),
]
Rows = Annotated[
    bool,
    typer.Option(
        "--rows",
        help="Each row of the table is a series, with a column per step.",
        rich_help_panel=TABLE,
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        help="The sheet of an Excel file; default: the first visible one that is not empty.",
        rich_help_panel=TABLE,
    ),
]


@dataclass(frozen=True)
class TableOptions:
    """How a table file is read: the options of the panel above, as `tsrep.data.read_table` takes them."""

    time: str | None = None
    columns: list[str] | None = None
    every: str | None = None
    missing: float | None = None
    sort: bool = False
    day_first: bool | None = None
    decimal: str | None = None
    sheet: str | None = None
    rows: bool = False

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"--decimal is {self.decimal!r}; wanted '.' or ','")

    @property
    def given(self) -> set[str]:
        """The options that were given, by the names they have in a shell."""
        values = {
            "--time": self.time,
            "--columns": self.columns,
            "--every": self.every,
            "--missing": self.missing is not None,
            "--sort": self.sort,
            "--day-first": self.day_first is not None,
            "--decimal": self.decimal,
            "--sheet": self.sheet,
            "--rows": self.rows,
        }
        return {name for name, value in values.items() if value}


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
