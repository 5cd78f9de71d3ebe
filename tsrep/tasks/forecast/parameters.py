"""Checks of what a forecaster is given: its parameters, the names of columns, and the length of the data."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.base.names import places_of_names
from tsrep.base.parameters import (
    Range,
    boolean,
    check_parameters,
    integer,
    is_integer,
    is_number,
    number,
    one_of,
    out_of_range,
)
from tsrep.data.columns import one_or_several
from tsrep.tasks.forecast.history import History
from tsrep.tasks.representation import check_encoder
from tsrep.tasks.series import ONLY, in_message


def as_horizons(horizons: int | Sequence[int]) -> list[int]:
    """The horizons in increasing order, without repetitions."""
    several = [horizons] if isinstance(horizons, int | np.integer) else horizons
    return sorted({int(horizon) for horizon in several})


def validation_rows(validation: float | int, rows: int) -> int:
    """How many of `rows` rows are the validation part."""
    return int(validation) if is_integer(validation) else rows - int(rows * (1 - validation))


def _are_horizons(horizons: Any) -> bool:
    several = [horizons] if is_integer(horizons) else horizons
    if isinstance(several, str | set) or not isinstance(several, Collection | pd.Index | np.ndarray):
        return False
    values = list(several)
    return bool(values) and all(is_integer(value) and value >= 1 for value in values)


def _is_part(validation: Any) -> bool:
    return validation >= 2 if is_integer(validation) else is_number(validation) and 0 < validation < 1


FAR = 10.0
"""Training deviations from the training mean, in the median, that a series is hardly away from itself."""
FIXED_BY_FIT = ("horizons", "context", "recipe", "level", "context_across_split")

RANGES = {
    "recipe": one_of("best", "paper"),
    "context": integer(1),
    "horizons": Range("an integer of at least 1, or several", _are_horizons),
    "level": number(above=0, below=1),
    "validation": Range("a share above 0 and below 1, or a number of at least 2 rows", _is_part),
    "refit": boolean(),
    "context_across_split": boolean(),
    "prefit": boolean(),
}


def check_forecaster(forecaster: Any) -> None:
    """Raises `ValueError`, or `TypeError` for the encoder, for the first parameter out of range."""
    check_encoder(forecaster.encoder, "fit", "encode_causal")
    check_parameters(forecaster, RANGES)
    if forecaster.refit and forecaster.recipe == "paper":
        raise ValueError(
            "refit is True; wanted False with recipe='paper', which fits on the training part only"
        )


class Columns(NamedTuple):
    """Names of all columns, of those that are forecast, and of those that are known for the future."""

    all: list[str]
    targets: list[str]
    known: list[str]


def choose_columns(
    frames: Mapping[Hashable, pd.DataFrame],
    targets: str | Sequence[str] | None,
    known: str | Sequence[str] | None,
    recipe: str,
) -> Columns:
    """The names of the columns as text, checked: every series has all columns, and known columns have no gap.

    Raises
    ------
    ValueError
        A name is no column, there is no target, a target is known or called like the bounds of another, a known column
        has gaps or recipe="paper", or a series lacks a column.
    """
    columns = [str(column) for column in next(iter(frames.values())).columns]
    for name, frame in frames.items():
        absent = [column for column in columns if column not in frame.columns]
        if absent:
            raise ValueError(f"{in_message(name, 'data')} lacks the column {absent[0]!r}")
    known = [] if known is None else one_or_several(known, columns, "known")
    if targets is None:
        candidates = ["y"] if list(frames) != [ONLY] and "y" in columns else columns
        targets = [name for name in candidates if name not in known]
    targets = one_or_several(targets, columns, "targets")
    for argument, names in (("targets", targets), ("known", known)):
        for name in names:
            if name not in columns:
                raise ValueError(
                    f"{argument} has {name!r}; wanted columns of data: {', '.join(map(repr, columns))}"
                )
    if not targets or set(targets) & set(known):
        raise ValueError(
            f"targets is {targets!r}; wanted at least one column, and none that is known ({known})"
        )
    for target in targets:
        for bound in (f"{target}_lower", f"{target}_upper"):
            if bound in targets:
                raise ValueError(
                    f"targets has {target!r} and {bound!r}, which forecasts of {target!r} have as a bound; rename one"
                )
    if known and recipe == "paper":
        raise ValueError(f"known is {known!r}; wanted no column with recipe='paper', which cannot use them")
    for name in known:
        if any(frame[name].isna().any() for frame in frames.values()):
            raise ValueError(f"the known column {name!r} has gaps; wanted a value at every step")
    return Columns(columns, targets, known)


def long_enough(
    histories: Mapping[Hashable, History], stops: Mapping[Hashable, int], context: int, horizon: int
) -> dict[Hashable, History]:
    """The series with enough rows: a context and a horizon in the first `stops` rows, a horizon in the rows after them.

    Raises
    ------
    ValueError
        No series has enough; the message describes the longest.
    """
    training_rows, validation_rows = context + horizon + 2, horizon + 1
    enough = {
        name: history
        for name, history in histories.items()
        if stops[name] >= training_rows and len(history) - stops[name] >= validation_rows
    }
    if not enough:
        longest = max(histories, key=lambda name: len(histories[name]))
        rows, stop = len(histories[longest]), stops[longest]
        raise ValueError(
            f"data is too short: {rows} rows, {stop} for training and {rows - stop} for validation; wanted at least "
            f"{training_rows} and {validation_rows} for context={context} and a horizon of {horizon}: "
            "use a shorter context or horizon"
        )
    return enough


def check_targets(
    histories: Mapping[Hashable, History], stops: Mapping[Hashable, int], context: int, targets: Sequence[str]
) -> None:
    """Raises the `ValueError` of a target without a value to learn from, in the first `stops` rows of any series."""
    for place, target in enumerate(targets):
        learnt = [
            history.target_values[context + 1 : stops[name], place] for name, history in histories.items()
        ]
        if all(np.isnan(values).all() for values in learnt):
            raise ValueError(
                f"the target {target!r} has no value in the rows for training after the first {context + 1}; wanted "
                "one to learn from: use a smaller validation or later data"
            )


def check_values(frame: pd.DataFrame, targets: Sequence[str], series: str) -> None:
    """A `ValueError` for a target without any value in (t, c) to forecast from, a `UserWarning` for another column."""
    for column in frame.columns[frame.isna().all()]:
        if column in targets:
            raise ValueError(f"{series} has no value of the target {column!r}; wanted one to forecast from")
        warnings.warn(f"{series} has no value of {column!r}, which counts as its training mean", stacklevel=4)


def check_level(history: History, series: str) -> None:
    """A `UserWarning` where a series is so far from the one that was fitted by its name that it may be another."""
    deviations = np.abs(history.target_values)
    distance = float(np.nanmedian(deviations)) if not np.isnan(deviations).all() else 0.0
    if distance > FAR:
        warnings.warn(
            f"{series} is {distance:.3g} deviations away from the series that was fitted by this name: forecasts of "
            "another series want a name of its own, in a long table with the column unique_id",
            stacklevel=5,
        )


def as_moment(start: Any, index: pd.Index) -> Any:
    """`start` as a value of a regular index: a date in its time zone, or a step number.

    Raises
    ------
    ValueError
        `start` is no date for an index of dates, no number for one of numbers, or has a time zone where the index has
        none.
    """
    if isinstance(index, pd.TimedeltaIndex):
        return pd.Timedelta(start)
    if not isinstance(index, pd.DatetimeIndex):
        if not is_number(start):
            raise out_of_range("start", start, f"a step number, from {index[0]} to {index[-1]}")
        return start
    wanted = f"a date, from {index[0]} to {index[-1]}"
    if is_number(start):
        raise out_of_range("start", start, wanted)
    try:
        moment = start.to_timestamp() if isinstance(start, pd.Period) else pd.Timestamp(start)
    except (ValueError, TypeError) as error:
        raise out_of_range("start", start, wanted) from error
    if moment is pd.NaT:
        raise out_of_range("start", start, wanted)
    if moment.tz is None and index.tz is not None:
        return moment.tz_localize(index.tz, ambiguous=True, nonexistent="shift_forward")
    if moment.tz is not None and index.tz is None:
        raise out_of_range("start", start, f"{wanted}, without a time zone")
    return moment


def select_columns(frame: pd.DataFrame, columns: list[str], argument: str) -> pd.DataFrame:
    """The columns of `frame`, which may have others, too.

    Raises
    ------
    ValueError
        One of them is missing; after the name of the argument the message is scikit-learn's.
    """
    present = [name for name in frame.columns if name in columns]
    try:
        return frame[present].iloc[:, places_of_names(present, columns)]
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def known_values(future: pd.DataFrame | None, known: list[str], index: pd.Index) -> NDArray[np.float64]:
    """The known columns at the steps of `index`, (h, g).

    Raises
    ------
    ValueError
        `future` is None, lacks a column, or has no value at one of the steps.
    """
    steps = f"from {index[0]} to {index[-1]}"
    if future is None:
        raise ValueError(f"future is None; wanted {', '.join(known)} {steps}")
    values = select_columns(future, known, "future").reindex(index)
    missing = values.isna().any(axis=1)
    if missing.any():
        raise ValueError(f"future has no value at {index[missing][0]}; wanted every step {steps}")
    return values.to_numpy()
