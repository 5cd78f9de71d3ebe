"""`tsrep forecast`: a table with a time column in, what comes next as a table and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tsrep.cli.series import described

CONTEXT = 200
SHOWN = 12
MOST_COLUMNS = 9


def forecast_file(
    file: Path,
    *,
    targets: list[str] | None,
    horizon: int,
    time: str | None,
    columns: list[str] | None,
    known: list[str],
    context: int | None,
    level: float,
    model: Path | None,
    save: Path | None,
    out: Path | None,
    plot: bool,
    mend: bool,
    every: str | None,
    missing: float | None,
    seed: int,
    max_steps: int | None,
) -> None:
    """Learn from `file`, forecast the steps after its last, print and write them.

    `out` (default: the file's name with `-forecast.csv`, in the folder one is in) has a row for each step to come: for
    each target the forecast and the ends of its interval. With `plot` a picture of the same name lies beside it.
    """
    console = Console(highlight=False)
    stem = file.name.split(".")[0]
    out = Path(f"{stem}-forecast.csv") if out is None else out
    if out.suffix != ".csv":
        raise ValueError(f"--out is {out.name!r}, wanted a name that ends in .csv")
    data, future = _read(file, targets, horizon, time, columns, known, mend, every, missing)
    if "unique_id" in data:
        console.print(
            f"[bold]{escape(file.name)}[/bold]: {data['unique_id'].nunique()} series, {len(data)} rows"
        )
    else:
        console.print(described(file, data))

    if model is None:
        forecaster = _fitted(data, console, targets, horizon, known, context, level, seed, max_steps)
    else:
        forecaster = _loaded(model)
        console.print("a saved forecaster: nothing is learned from this file")
    if save is not None:
        forecaster.save(save)
    forecast = forecaster.predict(data, future)
    out.parent.mkdir(parents=True, exist_ok=True)
    several = "unique_id" in forecast
    forecast.to_csv(out, index=not several, index_label=None if several else "time")

    _print_forecast(console, forecast)
    console.print(f"every step: {out}", soft_wrap=True)
    if plot:
        if several:
            raise ValueError("--plot draws one series, and the file holds several; the table is written")
        forecaster.plot(data, future, title=stem).savefig(out.with_suffix(".png"), dpi=150)
        console.print(f"picture: {out.with_suffix('.png')}", soft_wrap=True)
    if save is not None:
        console.print(
            f"forecaster saved: {save}\nnext: tsrep forecast NEW_FILE --model {save}", soft_wrap=True
        )


def _read(
    file: Path,
    targets: list[str] | None,
    horizon: int,
    time: str | None,
    columns: list[str] | None,
    known: list[str],
    mend: bool,
    every: str | None,
    missing: float | None,
) -> tuple[Any, Any]:
    """(what is known, the known columns of the steps to come or None). A long table comes as it is."""
    from tsrep.data import read_long, read_table
    from tsrep.data.times import column_called

    long = read_long(file)
    if long is not None:
        if known or columns or every or mend or missing is not None:
            raise ValueError(
                "a long table (unique_id, ds) takes none of --known, --columns, --every, --missing and --mend"
            )
        return long, None
    frame = read_table(file, time=time, columns=columns, mend=mend, every=every, missing=missing)
    for name in [*(targets or []), *known]:
        column_called(frame, name)
    if not known:
        return frame, None
    wanted = targets or [name for name in frame.columns if name not in known]
    observed = np.flatnonzero(frame[wanted].notna().any(axis=1))
    past = frame.iloc[: observed[-1] + 1]
    future = frame.iloc[observed[-1] + 1 :][known]
    if len(future) < horizon:
        raise ValueError(
            f"--known {','.join(known)}: wanted {horizon} rows after the last value of {', '.join(wanted)}, there are "
            f"{len(future)}; the columns that are known for the future stand in rows without the others"
        )
    return past, future


def _fitted(
    data: Any,
    console: Console,
    targets: list[str] | None,
    horizon: int,
    known: list[str],
    context: int | None,
    level: float,
    seed: int,
    max_steps: int | None,
) -> Any:
    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationForecaster

    rows = len(data) if "unique_id" not in data else int(data.groupby("unique_id").size().max())
    if context is None:  # of three quarters of the rows, half to look back on at most
        context = max(1, min(CONTEXT, (3 * rows // 4 - horizon) // 2))
    encoder = TS2Vec(max_steps=max_steps, random_state=seed, verbose=int(console.is_terminal))
    console.print(f"learning from the first three quarters, choosing on the last; context {context}")
    forecaster = RepresentationForecaster(encoder, horizon, context, level=level)
    forecaster.fit(data, targets, known)
    if "unique_id" not in data:
        _print_errors(console, forecaster, data, horizon)
    return forecaster


def _print_errors(console: Console, forecaster: Any, data: Any, horizon: int) -> None:
    """How far forecasts were off on the last quarter, beside those that repeat the last value."""
    first = int(len(data) * 0.75)
    one = len(forecaster.targets_) == 1
    error = forecaster.backtest(data, data.index[first])["mae_raw" if one else "mae"].iloc[0]
    values = data[forecaster.targets_].ffill()
    if not one:
        places = [forecaster.columns_.index(name) for name in forecaster.targets_]
        values = values / forecaster.scales_[""].deviation[places]
    truth = values.to_numpy()
    origins = np.arange(first, len(data) - horizon)
    changes = [np.abs(truth[origins + step] - truth[origins]) for step in range(1, horizon + 1)]
    console.print(
        f"mean absolute error on the last quarter, {horizon} steps ahead"
        f"{'' if one else ', in standard deviations'}: {error:.3g} "
        f"(repeating the last value: {np.nanmean(changes):.3g})"
    )


def _loaded(model: Path) -> Any:
    from tsrep import load
    from tsrep.tasks import RepresentationForecaster

    found = load(model)
    if not isinstance(found, RepresentationForecaster):
        raise ValueError(f"--model {model} holds a {type(found).__name__}, wanted a forecaster")
    return found


def _print_forecast(console: Console, forecast: Any) -> None:
    shown = forecast if "unique_id" in forecast else forecast.rename_axis("time").reset_index()
    title = f"{len(forecast)} rows" if len(forecast) > SHOWN else None
    if shown.shape[1] > MOST_COLUMNS:
        shown = shown[[name for name in shown if not str(name).endswith(("_lower", "_upper"))]]
        title = f"{len(forecast)} rows; the intervals, and what has no place here, are in the file"
        shown = shown.iloc[:, :MOST_COLUMNS]
    table = Table(*(escape(str(name)) for name in shown.columns), title=title)
    for row in shown.head(SHOWN).itertuples(index=False):
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row))
    console.print(table)
