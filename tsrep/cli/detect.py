"""`tsrep detect`: a table with a time column in, alarms as a table and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.files import (
    checked_folder,
    checked_out,
    load_model,
    picture_beside,
    print_saved,
    refuse_with_model,
    stem,
)
from tsrep.cli.options import (
    CONTEXT,
    OUTPUT,
    Checkpoint,
    Context,
    MaxSteps,
    Plot,
    Save,
    Score,
    Seed,
    Table,
    Threshold,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.reading import described, read_series
from tsrep.cli.table_options import TableOptions, reads_tables

MIN_STEPS = 100
SHOWN_ALARMS = 20
OWN_COLUMNS = ("score", "alarm", "part")


@reads_tables(rows=False)
def detect(
    ctx: typer.Context,
    file: Table,
    *,
    train: Annotated[
        float, typer.Option(help="Share of the steps, from the first on, to learn what is normal from.")
    ] = 0.5,
    score: Annotated[
        Score | None,
        typer.Option(help="The anomaly score; default: combined, which measures best. hidden: the paper's."),
    ] = None,
    threshold: Annotated[
        Threshold, typer.Option(help="The rule that sets the threshold, see --level.")
    ] = Threshold.deviation,
    level: Annotated[
        float | None,
        typer.Option(
            help="For deviation and running: standard deviations above the mean (4); for quantile: which one (0.999); "
            "for budget: alarms per 10,000 steps (10)."
        ),
    ] = None,
    delay: Annotated[
        int, typer.Option(help="Steps after an alarm in which there is no other alarm.", min=0)
    ] = 7,
    context: Context = None,
    max_steps: MaxSteps = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a saved detector to use, or of a saved encoder to build a detector on."),
    ] = None,
    options: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV file for the scores; default: NAME-alarms.csv.", rich_help_panel=OUTPUT),
    ] = None,
    plot: Plot = False,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Find anomalies in a long series: learn from its first half what is normal, raise alarms on the rest.

    The file written has one row per step: time, values, score (higher = more anomalous), alarm (0 or 1) and part.
    """
    import numpy as np

    console = new_console(as_json)
    out = checked_out(out or Path(f"{stem(file)}-alarms.csv"), (".csv",), file)
    picture = picture_beside(out, plot)
    checked_folder(save)
    if not 0 < train <= 1:
        raise ValueError(f"--train is {train:g}; wanted a share of the steps, above 0 and at most 1")
    table = read_series(file, options, MIN_STEPS, empty_columns=model is not None)
    saved: Any = None if model is None else _loaded(model)
    frame = table.frame
    console.print(described(file, table), soft_wrap=True)

    rows = len(frame) if train == 1 else int(train * len(frame))
    if saved is not None:
        refuse_with_model(ctx, "the saved model", "max_steps", "seed", "checkpoint")
    if _is_detector(saved):
        refuse_with_model(
            ctx, "the saved detector", "context", "score", "threshold", "level", "delay", "train"
        )
        console.print("a saved detector: nothing is learned from this file")
        detector, start = saved, 0
    else:
        settings = {"threshold": threshold.value, "level": level, "delay": delay}
        if score is not None:
            settings["score"] = score.value
        training = {"max_steps": max_steps, "random_state": seed, "checkpoint": checkpoint}
        training["verbose"] = int(console.is_terminal)
        detector = _detector(saved, rows, context, training, settings)
        console.print(f"learning what is normal from the first {rows} steps, context {detector.context}")
        detector.fit(frame.iloc[:rows])
        if saved is None:
            detector.encoder_.set_params(checkpoint=None)
        start = 0 if rows == len(frame) else rows  # of the test part
    if save is not None:
        detector.save(save)
    scores, alarms = detector.scores_and_alarms(frame)
    score_name, alarm_name, part_name = own = _own_columns(frame.columns)
    result = frame.assign(**{score_name: scores, alarm_name: alarms})
    result[part_name] = np.where(np.arange(len(frame)) < start, "train", "test")
    if own != OWN_COLUMNS:
        console.print(escape(f"the file has columns of these names: the results are called {', '.join(own)}"))
    out.parent.mkdir(parents=True, exist_ok=True)
    result.rename_axis("time").to_csv(out)

    tested = result.iloc[start:]
    _print_alarms(console, tested.loc[tested[alarm_name] == 1, score_name], len(tested))
    if not np.isnan(detector.alarm_rate_):
        rate = f"{detector.alarm_rate_:.3g}"
        console.print(f"of 10,000 steps like those that it learned from, about {rate} raise an alarm")
    console.print(f"scores of all steps: {escape(str(out))}", soft_wrap=True)
    if picture is not None:
        history = frame.iloc[:start] if start else None
        figure = detector.plot(tested[frame.columns], history=history, title=stem(file))
        figure.savefig(picture, dpi=150)
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    if save is not None:
        print_saved(console, ctx, "detector", save)
    alarmed = tested.loc[tested[alarm_name] == 1, score_name]
    print_json(
        as_json,
        steps=len(frame),
        tested=len(tested),
        alarms=[{"time": time, "score": score} for time, score in alarmed.items()],
        alarms_per_10000=detector.alarm_rate_,
        out=out,
        plot=picture,
        saved=save,
    )


def _loaded(model: Path) -> Any:
    """The detector or encoder in a folder."""
    return load_model(
        model,
        lambda saved: _is_detector(saved) or hasattr(saved, "encode_causal"),
        "a detector or an encoder",
    )


def _is_detector(model: Any) -> bool:
    from tsrep.tasks import RepresentationAnomalyDetector

    return isinstance(model, RepresentationAnomalyDetector)


def _detector(
    encoder: Any,
    rows: int,
    context: int | None,
    training: dict[str, Any],
    settings: dict[str, Any],
) -> Any:
    """An unfitted detector for `rows` training steps: on a saved encoder, or on a new one if `encoder` is None."""
    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationAnomalyDetector

    context = min(CONTEXT, rows // 4) if context is None else context
    if encoder is not None:
        return RepresentationAnomalyDetector(encoder, context=context, prefit=True, **settings)
    return RepresentationAnomalyDetector(TS2Vec(**training), context=context, **settings)


def _own_columns(taken: Any) -> tuple[str, str, str]:
    """The names of the columns of results: `OWN_COLUMNS`, with "_" behind them where the file has one of these."""
    names = OWN_COLUMNS
    while set(names) & set(taken):
        score, alarm, part = names
        names = f"{score}_", f"{alarm}_", f"{part}_"
    return names


def _print_alarms(console: Console, alarms: Any, tested: int) -> None:
    """The alarms by time, from their scores."""
    if len(alarms) == 0:
        console.print(f"no alarm in {tested} steps")
        return
    highest = alarms.nlargest(SHOWN_ALARMS).sort_index()
    title = f"{len(alarms)} alarm{'s' if len(alarms) > 1 else ''} in {tested} steps"
    shown = f", the {SHOWN_ALARMS} with the highest scores" if len(alarms) > SHOWN_ALARMS else ""
    table = TextTable("time", "score", title=title + shown)
    for time, score in highest.items():
        table.add_row(str(time), f"{score:.3g}")
    console.print(table)
