"""`tsrep forecast`: a table with a time column in, forecasts as a table and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.files import checked_folder, checked_out, load_model, print_saved, refuse_with_model, stem
from tsrep.cli.options import (
    CONTEXT,
    OUTPUT,
    TABLE,
    Columns,
    Context,
    DayFirst,
    Decimal,
    Every,
    MaxSteps,
    Missing,
    Plot,
    Save,
    Seed,
    Sheet,
    Sort,
    Table,
    TableOptions,
    Time,
    names,
)
from tsrep.cli.reading import described, read_long_table, read_series

REFUSED = ("--known", "--columns", "--every", "--missing", "--sort")
"""Options that a long table does not take."""
SHOWN_ROWS = 12
SHOWN_COLUMNS = 9


def forecast(
    ctx: typer.Context,
    file: Table,
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
    model: Annotated[Path | None, typer.Option(help="Folder of a saved forecaster to use.")] = None,
    time: Time = None,
    columns: Columns = None,
    known: Annotated[
        str | None,
        typer.Option(
            help="Columns whose values the file holds for the forecast steps too, separated by commas.",
            rich_help_panel=TABLE,
        ),
    ] = None,
    every: Every = None,
    missing: Missing = None,
    sort: Sort = False,
    day_first: DayFirst = None,
    decimal: Decimal = None,
    sheet: Sheet = None,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV file for the forecasts; default: NAME-forecast.csv.", rich_help_panel=OUTPUT),
    ] = None,
    plot: Plot = False,
    save: Save = None,
) -> None:
    """Forecast the steps after the last row of a table, with intervals.

    The file written has one row per forecast step: for each target the forecast and both ends of its interval.
    """
    console = Console(highlight=False)
    out = checked_out(out or Path(f"{stem(file)}-forecast.csv"), (".csv",), file)
    checked_folder(save)
    targets, known_columns = names(target), names(known) or []
    options = TableOptions(time, names(columns), every, missing, sort, day_first, decimal, sheet)
    forecaster: Any = None
    if model is not None:
        refuse_with_model(
            ctx, "the saved forecaster", "target", "horizon", "context", "level", "max_steps", "seed"
        )
        forecaster = load_model(model, _is_forecaster, "a forecaster")
        horizon, targets = max(forecaster.radii_), forecaster.targets_
    data = read_long_table(file, options, REFUSED, given=["--known"] if known_columns else [])
    future = None
    if data is None:
        table = read_series(file, options)
        data, future = _split_future(table.frame, targets, known_columns, horizon)
        console.print(described(file, table), soft_wrap=True)
    else:
        series = data["unique_id"].nunique()
        console.print(
            f"[bold]{escape(file.name)}[/bold]: {series} series, {len(data)} rows, from {data['ds'].min()} to "
            f"{data['ds'].max()}"
        )

    if forecaster is None:
        forecaster = _forecaster(_longest(data), horizon, context, level, max_steps, seed, console)
        console.print(
            f"learning from the first three quarters, choosing on the last; context {forecaster.context}"
        )
        forecaster.fit(data, targets, known_columns)
        if "unique_id" not in data:
            _print_errors(console, forecaster, data, horizon)
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
    if plot:
        if several:
            raise ValueError("--plot draws one series, and the file holds several; the table is written")
        forecaster.plot(data, future, title=stem(file)).savefig(out.with_suffix(".png"), dpi=150)
        console.print(f"picture: {escape(str(out.with_suffix('.png')))}", soft_wrap=True)
    if save is not None:
        print_saved(console, ctx, "forecaster", save)


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
    max_steps: int | None,
    seed: int,
    console: Console,
) -> Any:
    """An unfitted forecaster for a series of `rows` steps."""
    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationForecaster

    if context is None:  # at most half of the first three quarters of the rows
        context = max(1, min(CONTEXT, (3 * rows // 4 - horizon) // 2))
    encoder = TS2Vec(max_steps=max_steps, random_state=seed, verbose=int(console.is_terminal))
    return RepresentationForecaster(encoder, horizon, context, level=level)


def _is_forecaster(model: Any) -> bool:
    from tsrep.tasks import RepresentationForecaster

    return isinstance(model, RepresentationForecaster)


def _print_errors(console: Console, forecaster: Any, data: Any, horizon: int) -> None:
    """The error of forecasts on the last quarter, beside that of repeating the last value."""
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
    console.print(
        f"mean absolute error on the last quarter, {horizon} steps ahead"
        f"{'' if single else ', in standard deviations'}: {error:.3g} "
        f"(repeating the last value: {np.nanmean(changes):.3g})"
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
