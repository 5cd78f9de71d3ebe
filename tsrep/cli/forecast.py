"""`tsrep forecast`: a table with a time column in, forecasts as a table and a picture out."""

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
from tsrep.cli.long_table import as_long
from tsrep.cli.options import (
    CONTEXT,
    OUTPUT,
    TABLE,
    Checkpoint,
    Context,
    MaxSteps,
    Plot,
    Save,
    Seed,
    Table,
    names,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.reading import described, described_series, read_long_table, read_series
from tsrep.cli.table_options import TableOptions, reads_tables

SHOWN_ROWS = 12
SHOWN_COLUMNS = 9


@reads_tables(rows=False)
def forecast(
    ctx: typer.Context,
    file: Table,
    *,
    target: Annotated[
        str | None, typer.Option(help="The columns to forecast, separated by commas; default: all.")
    ] = None,
    horizon: Annotated[int, typer.Option(help="Number of steps to forecast.", min=1)] = 24,
    level: Annotated[
        float, typer.Option(help="Share of the values that the intervals are meant to cover.")
    ] = 0.9,
    context: Context = None,
    max_steps: MaxSteps = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a saved forecaster to use.")] = None,
    known: Annotated[
        str | None,
        typer.Option(
            help="Columns whose values the file holds for the forecast steps too, separated by commas.",
            rich_help_panel=TABLE,
        ),
    ] = None,
    options: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV file for the forecasts; default: NAME-forecast.csv.", rich_help_panel=OUTPUT),
    ] = None,
    plot: Plot = False,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Forecast the steps after the last row of a table, with intervals.

    The file written has one row per forecast step: for each target the forecast and both ends of its interval.
    """
    console = new_console(as_json)
    out = checked_out(out or Path(f"{stem(file)}-forecast.csv"), (".csv",), file)
    picture = picture_beside(out, plot)
    checked_folder(save)
    targets, known_columns = names(target), names(known) or []
    forecaster: Any = None
    errors: dict[str, float] = {}
    if model is not None:
        decided = ("target", "horizon", "context", "level", "max_steps", "seed", "checkpoint")
        refuse_with_model(ctx, "the saved forecaster", *decided)
        forecaster = load_model(model, _is_forecaster, "a forecaster")
        horizon, targets = max(forecaster.radii_), forecaster.targets_
    long = read_long_table(file, options, ["--known"] if known_columns else [])
    if long is not None and plot:
        raise ValueError(f"--plot draws one series, and {file.name} is a long table of several; leave it out")
    if long is None:
        table = read_series(file, options)
        data, future = _split_future(table.frame, targets, known_columns, horizon)
        console.print(described(file, table), soft_wrap=True)
    else:
        series = long.series()
        data, future = as_long(series), None
        console.print(described_series(file, f"{len(series)} series", series, long.notes), soft_wrap=True)

    if forecaster is None:
        training = {"max_steps": max_steps, "random_state": seed, "checkpoint": checkpoint}
        training["verbose"] = int(console.is_terminal)
        forecaster = _forecaster(_longest(data), horizon, context, level, training)
        console.print(
            f"learning from the first three quarters, choosing on the last; context {forecaster.context}"
        )
        forecaster.fit(data, targets, known_columns)
        forecaster.encoder_.set_params(checkpoint=None)
        if "unique_id" not in data:
            errors = _errors(forecaster, data, horizon)
            _print_errors(console, errors, horizon, in_units=len(forecaster.targets_) == 1)
    else:
        console.print("a saved forecaster: nothing is learned from this file")
    if save is not None:
        forecaster.save(save)
    result = forecaster.predict(data, future)
    out.parent.mkdir(parents=True, exist_ok=True)
    several = "unique_id" in result
    result.to_csv(out, index=not several, index_label=None if several else "time")

    _print_forecast(console, result)
    console.print(f"all forecasts: {escape(str(out))}", soft_wrap=True)
    if picture is not None:
        forecaster.plot(data, future, title=stem(file)).savefig(picture, dpi=150)
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    if save is not None:
        print_saved(console, ctx, "forecaster", save)
    rows = result if several else result.rename_axis("time").reset_index()
    print_json(as_json, **errors, forecast=rows.to_dict("records"), out=out, plot=picture, saved=save)


def _split_future(frame: Any, targets: list[str] | None, known: list[str], horizon: int) -> tuple[Any, Any]:
    """(rows up to the last with a target, the known columns of the `horizon` rows after it or None)."""
    from tsrep.data.columns import column_called

    for name in [*(targets or []), *known]:
        column_called(frame, name)
    if not known:
        return frame, None
    wanted = targets or [name for name in frame.columns if name not in known]
    last = frame[wanted].notna().any(axis=1).to_numpy().nonzero()[0][-1]
    past, future = frame.iloc[: last + 1], frame.iloc[last + 1 :][known]
    if len(future) < horizon:
        raise ValueError(
            f"--known is {','.join(known)!r}; wanted {horizon} rows after the last value of {', '.join(wanted)}, "
            f"there are {len(future)}: values known for the future stand in rows in which the other columns are empty"
        )
    return past, future


def _longest(data: Any) -> int:
    """Rows of the longest series."""
    return len(data) if "unique_id" not in data else int(data.groupby("unique_id").size().max())


def _forecaster(
    rows: int,
    horizon: int,
    context: int | None,
    level: float,
    training: dict[str, Any],
) -> Any:
    """An unfitted forecaster for a series of `rows` steps."""
    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationForecaster

    if context is None:  # at most half of the first three quarters of the rows
        context = max(1, min(CONTEXT, (3 * rows // 4 - horizon) // 2))
    return RepresentationForecaster(TS2Vec(**training), horizon, context, level=level)


def _is_forecaster(model: Any) -> bool:
    from tsrep.tasks import RepresentationForecaster

    return isinstance(model, RepresentationForecaster)


def _errors(forecaster: Any, data: Any, horizon: int) -> dict[str, float]:
    """The mean absolute error of forecasts on the last quarter, and that of repeating the last value.

    Of one target it is in its unit, of several in standard deviations.
    """
    import numpy as np

    first = int(len(data) * 0.75)
    single = len(forecaster.targets_) == 1
    error = forecaster.backtest(data, data.index[first])["mae_raw" if single else "mae"].iloc[0]
    values = data[forecaster.targets_].ffill()
    if not single:
        places = [forecaster.columns_.index(name) for name in forecaster.targets_]
        values = values / forecaster.scales_[""].deviation[places]
    truth = values.to_numpy()
    origins = np.arange(first, len(data) - horizon)
    changes = [np.abs(truth[origins + step] - truth[origins]) for step in range(1, horizon + 1)]
    return {"error": float(error), "error_of_last_value": float(np.nanmean(changes))}


def _print_errors(console: Console, errors: dict[str, float], horizon: int, *, in_units: bool) -> None:
    console.print(
        f"mean absolute error on the last quarter, {horizon} steps ahead"
        f"{'' if in_units else ', in standard deviations'}: {errors['error']:.3g} "
        f"(repeating the last value: {errors['error_of_last_value']:.3g})"
    )


def _print_forecast(console: Console, forecast: Any) -> None:
    """The first rows as a table: without intervals, and with the first columns only, where it would be too wide."""
    shown = forecast if "unique_id" in forecast else forecast.rename_axis("time").reset_index()
    title = f"{len(forecast)} rows" if len(forecast) > SHOWN_ROWS else None
    if shown.shape[1] > SHOWN_COLUMNS:
        shown = shown[[name for name in shown if not str(name).endswith(("_lower", "_upper"))]]
        title = f"{len(forecast)} rows; the file has the intervals and all columns"
        shown = shown.iloc[:, :SHOWN_COLUMNS]
    table = TextTable(*(escape(str(name)) for name in shown.columns), title=title)
    for row in shown.head(SHOWN_ROWS).itertuples(index=False):
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else escape(str(value)) for value in row))
    console.print(table)
