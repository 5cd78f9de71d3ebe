"""`tsrep impute`: a table with a time column and gaps in, the same table without gaps and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.files import (
    TABLE_ENDINGS,
    checked_folder,
    checked_out,
    load_model,
    picture_beside,
    print_saved,
    refuse_with_model,
    stem,
    write_table,
)
from tsrep.cli.long_table import SideBySide
from tsrep.cli.options import (
    OUTPUT,
    Checkpoint,
    Plot,
    Save,
    Seed,
    Table,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.reading import described, described_series, read_long_table, read_series
from tsrep.cli.table_options import TableOptions, reads_tables

MIN_STEPS = 20
SHOWN_COLUMNS = 20
SHOWN_NAMES = 6


@reads_tables(rows=False)
def impute(
    ctx: typer.Context,
    file: Table,
    *,
    std: Annotated[
        bool,
        typer.Option(
            "--std",
            help="Add a column 'NAME std' per column: standard deviations, 0 where a value was observed.",
        ),
    ] = False,
    samples: Annotated[
        int, typer.Option(help="Number of tables to sample, into a second file beside --out.", min=0)
    ] = 0,
    max_steps: Annotated[
        int | None,
        typer.Option(help="Training steps; default: until held-out values are filled no better.", min=0),
    ] = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a saved imputer to use.")] = None,
    options: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for the table, .csv or .parquet; default: NAME-imputed.csv.", rich_help_panel=OUTPUT
        ),
    ] = None,
    plot: Plot = False,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Fill the gaps of a table: observed values stay as they are.

    The file written has one row per step, also for the steps that the table lacks.
    """
    import numpy as np

    console = new_console(as_json)
    out = checked_out(out or Path(f"{stem(file)}-imputed.csv"), TABLE_ENDINGS, file)
    beside = out.with_name(f"{out.stem}-samples{out.suffix}")
    if samples:
        checked_out(beside, TABLE_ENDINGS, file, option="--samples")
    picture = picture_beside(out, plot)
    checked_folder(save)
    long = read_long_table(file, options)
    series = {} if long is None else long.series()
    several = None if long is None else SideBySide(series, MIN_STEPS)
    table: Any = read_series(file, options, MIN_STEPS) if several is None else None
    frame = table.frame if several is None else several.frame
    channels = list(frame.columns) if several is None else several.channels
    gaps = frame[channels].isna()
    if not gaps.to_numpy().any():
        raise ValueError(f"{file.name} has no gap: every value of every step is there")
    imputer = None if model is None else load_model(model, _is_imputer, "an imputer")
    if long is None:
        console.print(described(file, table), soft_wrap=True)
    else:
        counted = f"{len(series)} series, {len(frame)} steps"
        console.print(described_series(file, counted, series, long.notes), soft_wrap=True)
    console.print(f"{int(gaps.to_numpy().sum())} of {gaps.size} values missing")

    if imputer is None:
        imputer = _fitted(frame, channels, max_steps, seed, checkpoint, console)
    else:
        refuse_with_model(ctx, "the saved imputer", "max_steps", "seed", "checkpoint")
        console.print("a saved imputer: nothing is learned from this file")
    if save is not None:  # before filling, so that an error there does not lose the training
        imputer.save(save)
    if std:
        filled, deviation = imputer.transform(frame, return_std=True)
        deviation = np.asarray(deviation) if several is None else several.rows_of(np.asarray(deviation))
        deviation = np.where(gaps, deviation, 0.0)
    else:
        filled, deviation = imputer.transform(frame), None
    write_table(_table(filled, channels, deviation), out)
    _print_filled(console, gaps, filled)
    console.print(f"filled table: {escape(str(out))}", soft_wrap=True)
    if samples:
        draws = imputer.sample(frame, n_samples=samples)
        rows = [np.asarray(draw) if several is None else several.rows_of(np.asarray(draw)) for draw in draws]
        write_table(_sampled(rows, frame, channels), beside)
        console.print(f"{samples} sampled tables: {escape(str(beside))}", soft_wrap=True)
    if picture is not None:
        imputer.plot(frame).savefig(picture, dpi=150)
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    if save is not None:
        print_saved(console, ctx, "imputer", save)
    print_json(
        as_json,
        values=gaps.size,
        missing=gaps.sum().to_dict(),
        lines=_lines(imputer, channels),
        out=out,
        samples=beside if samples else None,
        plot=picture,
        saved=save,
    )


def _is_imputer(model: Any) -> bool:
    from tsrep import SSGANImputer

    return isinstance(model, SSGANImputer)


def _fitted(
    frame: Any,
    channels: list[str],
    max_steps: int | None,
    seed: int,
    checkpoint: Path | None,
    console: Console,
) -> Any:
    from tsrep import SSGANImputer

    settings: dict[str, Any] = {"max_steps": max_steps, "random_state": seed, "checkpoint": checkpoint}
    imputer = SSGANImputer(**settings, verbose=int(console.is_terminal)).fit(frame)
    imputer.set_params(checkpoint=None)
    lines = _lines(imputer, channels)
    if lines:
        shown = ", ".join(lines[:SHOWN_NAMES]) + (" ..." if len(lines) > SHOWN_NAMES else "")
        console.print(
            f"filled by linear interpolation, which is at least as good on held-out values: {shown}"
        )
    return imputer


def _lines(imputer: Any, channels: list[str]) -> list[str]:
    """The columns that are filled by linear interpolation."""
    return [str(name) for name, falls in zip(channels, imputer.fallback_, strict=True) if falls]


def _table(filled: Any, channels: list[str], deviation: Any) -> Any:
    """The table as it is written: time and values, or `unique_id`, `ds` and values of a long table."""
    table = filled.copy() if "unique_id" in filled else filled.rename_axis("time").reset_index()
    for place, name in enumerate(channels if deviation is not None else ()):
        table.insert(table.columns.get_loc(name) + 1, f"{name} std", deviation[:, place])
    return table


def _sampled(draws: Any, frame: Any, channels: list[str]) -> Any:
    """The sampled tables, one below the other, with the number of each in the column `sample`."""
    import numpy as np
    import pandas as pd

    tables = []
    for number, draw in enumerate(draws):
        values = pd.DataFrame(np.asarray(draw).reshape(len(frame), -1), frame.index, channels)
        table = _table(frame.assign(**{name: values[name] for name in channels}), channels, None)
        table.insert(0, "sample", number)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _print_filled(console: Console, gaps: Any, filled: Any) -> None:
    """The columns with the most gaps: missing values, the longest gap, and the range of the values filled in."""
    import numpy as np

    counts = gaps.sum().sort_values(ascending=False, kind="stable")
    counts = counts[counts > 0]
    many = len(counts) > SHOWN_COLUMNS
    title = f"the {SHOWN_COLUMNS} of {len(counts)} columns with the most gaps" if many else None
    table = TextTable("column", "missing", "longest gap", "filled with", title=title)
    for name, count in counts.head(SHOWN_COLUMNS).items():
        missing = gaps[name].to_numpy()
        ends = np.flatnonzero(np.diff(np.concatenate([[0], missing, [0]])))
        values = filled[name].to_numpy()[missing]
        longest = (ends[1::2] - ends[::2]).max()
        table.add_row(
            escape(str(name)), str(count), str(longest), f"{values.min():.4g} to {values.max():.4g}"
        )
    console.print(table)
