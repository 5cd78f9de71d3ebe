"""Checks of what a forecaster is given: its parameters, the names of columns, and whether the data are long enough."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrep.tasks.forecast.history import ONLY, History

RECIPES = ("best", "paper")


class Columns(NamedTuple):
    """Names of all columns, of those that are forecast, and of those that are known for the future too."""

    all: list[str]
    targets: list[str]
    known: list[str]


def check_parameters(forecaster: Any) -> None:
    """ValueError, or TypeError for the encoder, that names the first parameter out of range."""
    for method in ("fit", "encode_causal"):
        if not hasattr(forecaster.encoder, method):
            raise TypeError(f"encoder is {forecaster.encoder!r}, wanted an object with fit and encode_causal")
    if forecaster.recipe not in RECIPES:
        raise ValueError(f"recipe is {forecaster.recipe!r}, wanted one of {', '.join(map(repr, RECIPES))}")
    if forecaster.refit and forecaster.recipe == "paper":
        raise ValueError(
            "refit=True needs recipe='best': the paper's protocol learns from the training part only"
        )
    if not isinstance(forecaster.context, int | np.integer) or forecaster.context < 1:
        raise ValueError(f"context is {forecaster.context!r}, wanted an integer of at least 1")
    horizons = as_horizons(forecaster.horizons)
    if not horizons or horizons[0] < 1:
        raise ValueError(f"horizons is {forecaster.horizons!r}, wanted integers of at least 1")
    if not 0 < forecaster.level < 1:
        raise ValueError(f"level is {forecaster.level!r}, wanted a number between 0 and 1")
    number = isinstance(forecaster.validation, int | np.integer)
    if not (forecaster.validation >= 2 if number else 0 < forecaster.validation < 1):
        raise ValueError(
            f"validation is {forecaster.validation!r}, wanted a share below 1 or a number of rows"
        )


def as_horizons(horizons: int | Sequence[int]) -> list[int]:
    """In increasing order, each once."""
    given = [horizons] if isinstance(horizons, int | np.integer) else horizons
    return sorted({int(horizon) for horizon in given})


def choose_columns(
    frames: Mapping[Hashable, pd.DataFrame],
    targets: str | Sequence[str] | None,
    known: Sequence[str],
    recipe: str,
) -> Columns:
    """The columns of the series, checked: all series have them, targets are not known, known ones have no gap.

    Raises
    ------
    ValueError
        A name that is no column, no target, a target that is known, a known column with gaps or with recipe="paper", or
        a series without one of the columns.
    """
    columns = [str(column) for column in next(iter(frames.values())).columns]
    for name, frame in frames.items():
        absent = [column for column in columns if column not in frame.columns]
        if absent:
            raise ValueError(f"the series {name!r} lacks the column {absent[0]!r}")
    known = list(known)
    if targets is None:
        usual = ["y"] if list(frames) != [ONLY] and "y" in columns else columns
        targets = [name for name in usual if name not in known]
    chosen = [targets] if isinstance(targets, str) else list(targets)
    for what, names in (("targets", chosen), ("known", known)):
        for name in names:
            if name not in columns:
                raise ValueError(f"{what} names {name!r}, the data have {', '.join(map(repr, columns))}")
    if not chosen or set(chosen) & set(known):
        raise ValueError(f"targets are {chosen}, wanted at least one, and none that is known ({known})")
    if known and recipe == "paper":
        raise ValueError("known columns need recipe='best': the paper's protocol has no place for them")
    for name in known:
        if any(frame[name].isna().any() for frame in frames.values()):
            raise ValueError(f"the known column {name!r} has gaps, wanted a value at every step")
    return Columns(columns, chosen, known)


def long_enough(
    histories: Mapping[Hashable, History], stops: Mapping[Hashable, int], context: int, horizon: int
) -> dict[Hashable, History]:
    """The series whose first `stops` rows hold a context and a horizon, and whose other rows hold a horizon.

    Raises
    ------
    ValueError
        There is none; the message tells of the longest.
    """
    to_learn, to_choose = context + horizon + 2, horizon + 1
    enough = {
        name: history
        for name, history in histories.items()
        if stops[name] >= to_learn and len(history) - stops[name] >= to_choose
    }
    if not enough:
        longest = max(histories, key=lambda name: len(histories[name]))
        rows, stop = len(histories[longest]), stops[longest]
        raise ValueError(
            f"the data are too short: {rows} rows leave {stop} to learn from and {rows - stop} to choose on; "
            f"context={context} and a horizon of {horizon} want at least {to_learn} and {to_choose}. "
            "Look back or ahead less far"
        )
    return enough
