"""The commands of `tsrep`: what each takes, and its help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tsrep import __version__
from tsrep.cli.errors import OneLineErrors

app = typer.Typer(
    name="tsrep",
    cls=OneLineErrors,
    help="Representations of time series: train an encoder, score it, use it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Probe(StrEnum):
    """The classifiers that `tsrep.tasks` trains on representations."""

    svm = "svm"
    logistic = "logistic"
    knn = "knn"
    ridge = "ridge"
    auto = "auto"


class AnomalyScore(StrEnum):
    """The scores of `tsrep.tasks.RepresentationAnomalyDetector`."""

    hidden = "hidden"
    scales = "scales"
    standardised = "standardised"
    mahalanobis = "mahalanobis"
    nearest = "nearest"


class AnomalyThreshold(StrEnum):
    """Its thresholds."""

    deviation = "deviation"
    quantile = "quantile"
    budget = "budget"
    running = "running"


class Split(StrEnum):
    """The two parts of an archive set."""

    train = "train"
    test = "test"


Root = Annotated[
    Path | None, typer.Option(help="Folder of the archives; default $TSREP_DATA, then what sktime has.")
]
Seed = Annotated[int, typer.Option(help="Seed of the encoder: the same seed gives the same numbers.", min=0)]
MaxSteps = Annotated[
    int | None, typer.Option(help="Training steps; default the paper's rule, 200 or 600.", min=0)
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tsrep {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Representations of time series: train an encoder, score it, use it."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the page, the figures and the numbers.")] = Path(
        "demo"
    ),
    seed: Seed = 0,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
    max_steps: Annotated[int | None, typer.Option(hidden=True, min=1)] = None,
) -> None:
    """Train on small bundled data sets, score, draw, and write one HTML page. A few minutes, no network."""
    from tsrep.cli.demo.run import run

    page = run(out, seed=seed, max_steps=max_steps)
    if open_page:
        typer.launch(page.as_uri())


@app.command()
def classify(
    name: Annotated[str, typer.Argument(help="A UCR or UEA data set, for example GunPoint.")],
    root: Root = None,
    seed: Seed = 0,
    probe: Annotated[Probe, typer.Option(help="Classifier on the representations.")] = Probe.svm,
    max_steps: MaxSteps = None,
    save: Annotated[Path | None, typer.Option(help="Folder to keep the trained encoder in.")] = None,
) -> None:
    """Train TS2Vec on a data set and score it on the test part, beside the untrained encoder."""
    from tsrep.cli.classify import classify_dataset

    classify_dataset(name, root=root, seed=seed, probe=probe.value, max_steps=max_steps, save=save)


@app.command()
def encode(
    source: Annotated[
        str,
        typer.Argument(
            help="A file (.ts .tsv .arff .txt .npy .npz; .csv: one long series) or a data set's name."
        ),
    ],
    model: Annotated[Path, typer.Option(help="Folder of a saved encoder.")],
    out: Annotated[Path, typer.Option(help="Where the representations go: .npz, .npy or .csv.")],
    per_step: Annotated[
        bool, typer.Option("--per-step", help="One vector a step, not one a series.")
    ] = False,
    split: Annotated[Split, typer.Option(help="Which part of a data set given by name.")] = Split.test,
    root: Root = None,
) -> None:
    """Turn series into representations with a saved encoder.

    A data set given by name is normalised as `tsrep classify` does; a file's values are taken as they are.
    """
    from tsrep.cli.encode import encode_to_file

    encode_to_file(source, model=model, out=out, per_step=per_step, split=split.value, root=root)


@app.command()
def detect(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file with a time column.")],
    time: Annotated[str | None, typer.Option(help="The time column; default: guessed.")] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to watch, separated by commas; default: all.")
    ] = None,
    train: Annotated[
        float, typer.Option(help="Share of the steps, from the first on, that show what is normal.")
    ] = 0.5,
    score: Annotated[AnomalyScore, typer.Option(help="How strange a step is.")] = AnomalyScore.hidden,
    context: Annotated[
        int | None, typer.Option(help="Steps that are looked back on; default 200, or what fits.", min=1)
    ] = None,
    threshold: Annotated[
        AnomalyThreshold, typer.Option(help="What makes an alarm, see --level.")
    ] = AnomalyThreshold.deviation,
    level: Annotated[
        float | None,
        typer.Option(
            help="deviation, running: so many (4); quantile: 0.999; budget: alarms in 10,000 steps (10)."
        ),
    ] = None,
    delay: Annotated[int, typer.Option(help="No alarm within so many steps of the last.", min=0)] = 7,
    model: Annotated[
        Path | None, typer.Option(help="Folder of a saved detector to use, or of an encoder to build on.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Folder to keep the detector in.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the scores go; default NAME-alarms.csv.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a picture beside --out.")] = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="Sort the rows, and take the mean of those of one time.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="Average the rows over steps of this length, 5min for example.")
    ] = None,
    missing: Annotated[
        float | None, typer.Option(help="A number that stands for a missing value, -9999 for example.")
    ] = None,
    seed: Seed = 0,
    max_steps: MaxSteps = None,
) -> None:
    """Find anomalies in a long series: learn from its first half what is normal, raise alarms on the rest."""
    from tsrep.cli.detect import detect_in_file

    detect_in_file(
        file,
        time=time,
        columns=_names(columns),
        train=train,
        score=score.value,
        context=context,
        threshold=threshold.value,
        level=level,
        delay=delay,
        model=model,
        save=save,
        out=out,
        plot=plot,
        mend=mend,
        every=every,
        missing=missing,
        seed=seed,
        max_steps=max_steps,
    )


@app.command()
def forecast(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file with a time column.")],
    target: Annotated[
        str | None, typer.Option(help="Columns to forecast, separated by commas; default: all.")
    ] = None,
    horizon: Annotated[int, typer.Option(help="Steps ahead.", min=1)] = 24,
    time: Annotated[str | None, typer.Option(help="The time column; default: guessed.")] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to learn from, separated by commas; default: all.")
    ] = None,
    known: Annotated[
        str | None,
        typer.Option(help="Columns that the file holds for the steps to come too, separated by commas."),
    ] = None,
    context: Annotated[
        int | None, typer.Option(help="Steps that are looked back on; default 200, or what fits.", min=1)
    ] = None,
    level: Annotated[float, typer.Option(help="Share of values that the intervals shall hold.")] = 0.9,
    model: Annotated[Path | None, typer.Option(help="Folder of a saved forecaster to use.")] = None,
    save: Annotated[Path | None, typer.Option(help="Folder to keep the forecaster in.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the forecasts go; default NAME-forecast.csv.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a picture beside --out.")] = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="Sort the rows, and take the mean of those of one time.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="Average the rows over steps of this length, 5min for example.")
    ] = None,
    missing: Annotated[
        float | None, typer.Option(help="A number that stands for a missing value, -9999 for example.")
    ] = None,
    seed: Seed = 0,
    max_steps: MaxSteps = None,
) -> None:
    """Forecast what comes after the last row of a table, with intervals."""
    from tsrep.cli.forecast import forecast_file

    forecast_file(
        file,
        targets=_names(target),
        horizon=horizon,
        time=time,
        columns=_names(columns),
        known=_names(known) or [],
        context=context,
        level=level,
        model=model,
        save=save,
        out=out,
        plot=plot,
        mend=mend,
        every=every,
        missing=missing,
        seed=seed,
        max_steps=max_steps,
    )


@app.command()
def impute(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file with a time column and gaps.")],
    time: Annotated[str | None, typer.Option(help="The time column; default: guessed.")] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to use and fill, separated by commas; default: all.")
    ] = None,
    std: Annotated[
        bool, typer.Option("--std", help="How uncertain each value is, in columns beside.")
    ] = False,
    samples: Annotated[
        int, typer.Option(help="Draw so many tables that could be the true one, into a file beside.", min=0)
    ] = 0,
    model: Annotated[Path | None, typer.Option(help="Folder of a saved imputer to use.")] = None,
    save: Annotated[Path | None, typer.Option(help="Folder to keep the imputer in.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the table goes, .csv or .parquet; default NAME-imputed.csv.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a picture beside --out.")] = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="Sort the rows, and take the mean of those of one time.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="Average the rows over steps of this length, 5min for example.")
    ] = None,
    missing: Annotated[
        float | None, typer.Option(help="A number that stands for a missing value, -9999 for example.")
    ] = None,
    seed: Seed = 0,
    max_steps: Annotated[
        int | None, typer.Option(help="Training steps; default: until values held out get no better.", min=0)
    ] = None,
) -> None:
    """Fill the gaps of a table: observed values stay as they are."""
    from tsrep.cli.impute import impute_file

    impute_file(
        file,
        time=time,
        columns=_names(columns),
        std=std,
        samples=samples,
        model=model,
        save=save,
        out=out,
        plot=plot,
        mend=mend,
        every=every,
        missing=missing,
        seed=seed,
        max_steps=max_steps,
    )


def _names(text: str | None) -> list[str] | None:
    """What stands between commas."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


@app.command()
def info(model: Annotated[Path, typer.Argument(help="Folder of a saved model.")]) -> None:
    """Tell what a saved model is, and whether its files are intact."""
    from tsrep.cli.info import print_info

    print_info(model)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bench(ctx: typer.Context) -> None:
    """Measure methods on the UCR and UEA archives, resumably, and make tables of it."""
    from tsrep.bench.commands import app as harness  # reads scipy and pandas, so not before it is asked for

    command = typer.main.get_group(harness)
    with command.make_context("bench", ctx.args, parent=ctx.parent) as own:
        command.invoke(own)


def main() -> None:
    """Entry point of the `tsrep` command."""
    app()
