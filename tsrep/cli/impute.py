"""`tsrep impute`: a table with a time column and gaps in, the same table without gaps and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tsrep.cli.series import described

SHORTEST = 20
"""Steps that a table must have."""
SHOWN = 20
ENDINGS = (".csv", ".parquet")
APART = " / "
"""Between series and column, where the series of a long table stand side by side."""


def impute_file(
    file: Path,
    *,
    time: str | None,
    columns: list[str] | None,
    std: bool,
    samples: int,
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
    """Learn from the values in `file`, fill its gaps, print how many there were, and write the table.

    `out` (default: the file's name with `-imputed.csv`, in the folder one is in) has a row for each step, the rows that
    the file lacks too; observed values are in it as they were. With `std` a column "NAME std" for each: how uncertain
    its values are, 0 where they were observed. `samples` draws lie beside it in a table of their own, led by their
    number; with `plot` a picture of the same name.
    """
    console = Console(highlight=False)
    stem = file.name.split(".")[0]
    out = Path(f"{stem}-imputed.csv") if out is None else out
    if out.suffix not in ENDINGS:
        raise ValueError(f"--out is {out.name!r}, wanted a name that ends in {' or '.join(ENDINGS)}")
    frame, series = _read(file, time, columns, mend, every, missing)
    gone = frame.isna() & _inside(frame, series)
    if not gone.to_numpy().any():
        raise ValueError(f"{file.name} has no gap: every value of every step is there")
    found = None if model is None else _loaded(model)
    console.print(described(file, frame))
    console.print(f"{int(gone.to_numpy().sum())} of {gone.size} values missing")

    imputer = _fitted(frame, console, seed, max_steps) if found is None else found
    if found is not None:
        console.print("a saved imputer: nothing is learned from this file")
    if save is not None:  # before filling, so that a training is not lost
        imputer.save(save)
    if std:
        filled, deviation = imputer.transform(frame, return_std=True)
        deviation = np.where(frame.isna(), np.asarray(deviation), 0.0)
    else:
        filled, deviation = imputer.transform(frame), None
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(_laid_out(filled, deviation, series), out)
    _print_filled(console, gone, filled)
    console.print(f"every step without gaps: {out}", soft_wrap=True)
    if samples:
        beside = out.with_name(f"{out.stem}-samples{out.suffix}")
        _write(_sampled(imputer.sample(frame, n_samples=samples), frame, series), beside)
        console.print(f"{samples} samples of them: {beside}", soft_wrap=True)
    if plot:
        imputer.plot(frame).savefig(out.with_suffix(".png"), dpi=150)
        console.print(f"picture: {out.with_suffix('.png')}", soft_wrap=True)
    if save is not None:
        console.print(f"imputer saved: {save}\nnext: tsrep impute NEW_FILE --model {save}", soft_wrap=True)


def _read(
    file: Path,
    time: str | None,
    columns: list[str] | None,
    mend: bool,
    every: str | None,
    missing: float | None,
) -> tuple[Any, dict[Any, Any] | None]:
    """(a regular frame, None), or of a long table its series side by side and each one's frame by its name."""
    from tsrep.data import as_regular, read_long, read_table, split_long

    long = read_long(file)
    if long is None:
        frame = read_table(
            file, time=time, columns=columns, min_steps=SHORTEST, mend=mend, every=every, missing=missing
        )
        return frame, None
    if time or every or mend:
        raise ValueError("a long table (unique_id, ds) takes none of --time, --every and --mend")
    if columns is not None:
        absent = [name for name in columns if name not in long.columns]
        if absent:
            raise ValueError(f"no column {absent[0]!r} among {', '.join(map(repr, long.columns))}")
        long = long[["unique_id", "ds", *columns]]
    import pandas as pd

    series = split_long(long if missing is None else long.replace(missing, np.nan))
    side_by_side = [one.add_prefix(f"{name}{APART}") for name, one in series.items()]
    return as_regular(pd.concat(side_by_side, axis=1).sort_index(), min_steps=SHORTEST), series


def _inside(frame: Any, series: dict[Any, Any] | None) -> Any:
    """Where a value is asked for: everywhere, or between the first and the last row of a series of its own."""
    if series is None:
        return True
    inside = np.zeros(frame.shape, dtype=bool)
    for name, one in series.items():
        rows = (frame.index >= one.index[0]) & (frame.index <= one.index[-1])
        inside[np.ix_(rows, [column.startswith(f"{name}{APART}") for column in frame.columns])] = True
    return inside


def _fitted(frame: Any, console: Console, seed: int, max_steps: int | None) -> Any:
    from tsrep import SSGANImputer

    imputer = SSGANImputer(max_steps=max_steps, random_state=seed, verbose=int(console.is_terminal)).fit(
        frame
    )
    lines = [str(name) for name, falls in zip(frame.columns, imputer.fallback_, strict=True) if falls]
    if lines:
        names = ", ".join(lines[:6]) + (" ..." if len(lines) > 6 else "")
        console.print(f"no better than straight lines on values held out, so filled with lines: {names}")
    return imputer


def _loaded(model: Path) -> Any:
    from tsrep import SSGANImputer, load

    found = load(model)
    if not isinstance(found, SSGANImputer):
        raise ValueError(f"--model {model} holds a {type(found).__name__}, wanted an imputer")
    return found


def _laid_out(filled: Any, deviation: Any, series: dict[Any, Any] | None) -> Any:
    """The table as it is written: time and values, or `unique_id`, `ds` and values of a long one."""
    table = filled.copy()
    if deviation is not None:
        names = list(table.columns)
        table[[f"{name} std" for name in names]] = deviation
        table = table[[column for name in names for column in (name, f"{name} std")]]
    if series is None:
        return table.rename_axis("time").reset_index()
    import pandas as pd

    rows = []
    for name, one in series.items():
        own = table.loc[one.index, [column for column in table if column.startswith(f"{name}{APART}")]]
        own = own.rename(columns=lambda column, start=f"{name}{APART}": column.removeprefix(start))
        rows.append(own.rename_axis("ds").reset_index().assign(unique_id=name))
    long = pd.concat(rows, ignore_index=True)
    return long[["unique_id", *long.columns.drop("unique_id")]]


def _sampled(draws: Any, frame: Any, series: dict[Any, Any] | None) -> Any:
    import pandas as pd

    tables = []
    for number, draw in enumerate(draws):
        values = pd.DataFrame(np.asarray(draw).reshape(frame.shape), frame.index, frame.columns)
        table = _laid_out(values, None, series)
        table.insert(0, "sample", number)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _write(table: Any, out: Path) -> None:
    if out.suffix == ".csv":
        table.to_csv(out, index=False)
        return
    try:
        table.to_parquet(out, index=False)
    except ImportError as error:
        raise ImportError("writing Parquet needs pyarrow: pip install 'tsrep[parquet]'") from error


def _print_filled(console: Console, gone: Any, filled: Any) -> None:
    """For the columns with the most gaps: how many, the longest, and the range of what they were filled with."""
    counts = gone.sum().sort_values(ascending=False, kind="stable")
    gaps = counts[counts > 0]
    title = f"the {SHOWN} of {len(gaps)} columns with the most gaps" if len(gaps) > SHOWN else None
    table = Table("column", "missing", "longest gap", "filled with", title=title)
    for name, count in gaps.head(SHOWN).items():
        here = gone[name].to_numpy()
        ends = np.flatnonzero(np.diff(np.concatenate([[0], here, [0]])))
        values = filled[name].to_numpy()[here]
        table.add_row(
            str(name),
            str(count),
            str((ends[1::2] - ends[::2]).max()),
            f"{values.min():.4g} to {values.max():.4g}",
        )
    console.print(table)
