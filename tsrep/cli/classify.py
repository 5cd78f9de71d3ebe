"""`tsrep classify`: labelled series in, accuracies, a confusion table and predictions out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from tsrep.cli.encoders import Encoder, encoder_to_use, saved_task, scale_note, untrained
from tsrep.cli.files import (
    TABLE_ENDINGS,
    checked_folder,
    checked_out,
    new_source,
    print_saved,
    refuse_with_model,
    write_table,
)
from tsrep.cli.labels import Labels
from tsrep.cli.options import (
    OUTPUT,
    TABLE,
    Checkpoint,
    Model,
    Probe,
    Root,
    Save,
    Seed,
    Split,
    TrainingSteps,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.series import Series, describe
from tsrep.cli.source import channel_names, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

TRAIN_HELP = (
    "Series with labels: the name of a UCR or UEA data set; a file: .ts .tsv .arff .txt .npz, or a .csv, .parquet or "
    ".xlsx table, which is long (unique_id, ds, values, label) or has a row per series; or a folder with a file per "
    "series, in one sub-folder per class or beside a table labels.csv."
)


@reads_tables()
def classify(
    ctx: typer.Context,
    train: Annotated[str, typer.Argument(help=TRAIN_HELP)],
    test: Annotated[
        str | None,
        typer.Argument(
            help="Series to test on, or to predict if they have no labels; default: the test part of a data set by "
            "name, else a cross-validation on TRAIN."
        ),
    ] = None,
    *,
    label: Annotated[
        str | None,
        typer.Option(help="The column of labels; default: label, class, target, ...", rich_help_panel=TABLE),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A table with the names of the series, of TRAIN and TEST, and their labels.",
            rich_help_panel=TABLE,
        ),
    ] = None,
    model: Encoder = None,
    probe: Annotated[
        Probe | None,
        typer.Option(
            help="Classifier on the representations; default: svm on TS2Vec, ridge on other encoders."
        ),
    ] = None,
    max_steps: TrainingSteps = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    root: Root = None,
    options: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for the predictions, .csv or .parquet: a row per series, with a probability per class.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Train an encoder without labels and a probe with labels, and score them beside the untrained encoder.

    On files a masked model is trained, which standardises each channel itself; on a data set given by name, normalised
    as in the paper, TS2Vec. An empty label is none: such a series trains the encoder only.

    With the folder of a saved classifier as --model nothing is trained: the classes of the series in TRAIN are
    predicted, which need no labels then.
    """
    console = new_console(as_json)
    if out is not None:
        checked_out(out, TABLE_ENDINGS, *(Path(source) for source in (train, test, labels) if source))
    checked_folder(save)
    wanted = Labels(label, labels)
    classifier = saved_task(model, _is_classifier)
    if classifier is not None:
        if test is not None:
            raise ValueError(
                "TEST cannot be given with a saved classifier, which learns nothing; name one source"
            )
        refuse_with_model(ctx, "the saved classifier", "probe", "max_steps", "checkpoint", "seed", "save")
        _predict(console, classifier, train, options, root, wanted, out, as_json)
        return

    encoder, fitted = encoder_to_use(
        ctx,
        model,
        Model.masked if Path(train).exists() else Model.ts2vec,
        console,
        max_steps=max_steps,
        seed=seed,
        checkpoint=checkpoint,
    )
    series = read_source(
        train, options, Split.train, root, channel_names(encoder) if fitted else None, wanted
    )
    tested = _test_part(train, test, options, root, wanted, series)
    _describe(console, train, test, series, tested)
    probe_name = probe.value if probe else "svm" if type(encoder).__name__ == "TS2Vec" else "ridge"
    if not fitted and (note := scale_note(encoder, series.input)) is not None:
        console.print(note, soft_wrap=True)
    if not fitted:
        encoder.fit(series.input)
        encoder.set_params(checkpoint=None)
    if save is not None:  # before scoring, so that an error there does not lose the training
        from tsrep.tasks import RepresentationClassifier

        known = series.labelled
        RepresentationClassifier(encoder, probe_name, prefit=True).fit(
            known.input, known.labels.astype(str)
        ).save(save)

    from tsrep.cli.judging import judge

    rivals = {type(encoder).__name__: encoder}
    if (tested or series).has_labels and (random := untrained(encoder, series.input, seed)) is not None:
        rivals["untrained"] = random
    judgement = judge(console, rivals, series, tested, probe_name, seed)
    judgement.print(console)
    table = judgement.predictions.table(judgement.series)
    if out is not None:
        write_table(table, out)
        console.print(f"predictions: {escape(str(out))}", soft_wrap=True)
    if save is not None:
        print_saved(
            console, ctx, "classifier", save, ["tsrep", "classify", new_source(train), "--model", str(save)]
        )
    print_json(as_json, **judgement.summary(), out=out, saved=save, predictions=table.to_dict("records"))


def _is_classifier(model: Any) -> bool:
    return hasattr(model, "classes_") and hasattr(model, "encoder_")


def _test_part(
    train: str,
    test: str | None,
    options: TableOptions,
    root: Path | None,
    labels: Labels,
    series: Series,
) -> Series | None:
    """The series to test on: those in `test`, the test part of a data set given by name, or None."""
    if not Path(train).exists():
        if test is not None:
            raise ValueError(
                f"TEST is {test!r}; wanted none, for the data set {train} has a test part of its own"
            )
        return read_source(train, options, Split.test, root, labels=labels)
    if test is None:
        return None
    channels = None if series.frames is None else [str(name) for name in series.frames[0].columns]
    return read_source(test, options, Split.test, root, channels, replace(labels, needed=False))


def _describe(console: Console, train: str, test: str | None, series: Series, tested: Series | None) -> None:
    """Prints what is in the sources, and raises what can be known of their classes before the training."""
    from tsrep.cli.judging import check_classes

    console.print(describe(train, series), soft_wrap=True)
    if tested is not None:
        console.print(describe(test or f"{train}, test part", tested), soft_wrap=True)
    console.print(check_classes(series, tested), soft_wrap=True)


def _predict(
    console: Console,
    classifier: Any,
    source: str,
    options: TableOptions,
    root: Path | None,
    labels: Labels,
    out: Path | None,
    as_json: bool,
) -> None:
    """The classes of the series in `source` by a saved classifier."""
    from tsrep.cli.judging import Judgement
    from tsrep.cli.probes import predictions_of

    channels = channel_names(classifier.encoder_)
    series = read_source(source, options, Split.test, root, channels, replace(labels, needed=False))
    console.print(describe(source, series), soft_wrap=True)
    console.print("a saved classifier: nothing is learned from this source")
    judgement = Judgement(predictions_of(classifier, series.input), series)
    judgement.print(console)
    table = judgement.predictions.table(series)
    if out is not None:
        write_table(table, out)
        console.print(f"predictions: {escape(str(out))}", soft_wrap=True)
    print_json(as_json, **judgement.summary(), out=out, predictions=table.to_dict("records"))
