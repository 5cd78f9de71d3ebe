"""A fitted forecaster as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import Scale
from tsrep.tasks.forecast.best import BestRecipe, Stretch
from tsrep.tasks.forecast.paper import PaperRecipe
from tsrep.tasks.forecast.ridge import Ridge
from tsrep.tasks.series import name_to_json

Arrays = dict[str, NDArray[Any]]
Recipe = BestRecipe | PaperRecipe


def recipe_to_arrays(recipe: Recipe) -> tuple[dict[str, Any], Arrays]:
    """(what is JSON, arrays by name) of a fitted recipe."""
    if isinstance(recipe, PaperRecipe):
        arrays = _scale_to_arrays("calendar", recipe.calendar_)
        for horizon, ridge in recipe.ridges_.items():
            arrays |= _ridge_to_arrays(f"{horizon}", ridge)
        return {"penalties": sorted(recipe.penalties_.items())}, arrays
    arrays = {
        "deviation": recipe.deviation_,
        "effects": recipe.effects_,
        "z.range": np.stack(recipe.z_range_),
    }
    arrays |= _scale_to_arrays("z", recipe.z_scale_)
    selected = []
    for target, stretches in enumerate(recipe.stretches_):
        selected.append([list(stretch[:-1]) for stretch in stretches])
        for stretch in stretches:
            assert stretch.ridge is not None
            arrays |= _ridge_to_arrays(f"{target}.{stretch.start}", stretch.ridge)
    return {"cycles": list(recipe.cycles_), "stretches": selected}, arrays


def recipe_from_arrays(recipe: Recipe, described: dict[str, Any], arrays: Arrays) -> Recipe:
    """`recipe` with what was fitted: the inverse of `recipe_to_arrays`."""
    if isinstance(recipe, PaperRecipe):
        recipe.calendar_ = _scale_from_arrays("calendar", arrays)
        recipe.penalties_ = {int(horizon): float(penalty) for horizon, penalty in described["penalties"]}
        recipe.ridges_ = {horizon: _ridge_from_arrays(f"{horizon}", arrays) for horizon in recipe.penalties_}
        return recipe
    recipe.cycles_ = tuple(described["cycles"])
    recipe.deviation_, recipe.effects_ = arrays["deviation"], arrays["effects"]
    recipe.z_scale_ = _scale_from_arrays("z", arrays)
    recipe.z_range_ = arrays["z.range"][0], arrays["z.range"][1]
    recipe.stretches_ = [
        [
            Stretch(*fields)._replace(ridge=_ridge_from_arrays(f"{target}.{fields[0]}", arrays))
            for fields in stretches
        ]
        for target, stretches in enumerate(described["stretches"])
    ]
    return recipe


def series_to_arrays(
    scales: dict[Hashable, Scale], ends: dict[Hashable, pd.DataFrame]
) -> tuple[list[dict[str, Any]], Arrays]:
    """(what is JSON, arrays by name) of the scale and the last rows of each series."""
    described, arrays = [], {}
    for number, (name, frame) in enumerate(ends.items()):
        described.append({"name": name_to_json(name), **_index_to_json(frame.index)})
        arrays[f"{number}.end"] = frame.to_numpy(dtype=np.float64)
        arrays |= _scale_to_arrays(f"{number}", scales[name])
    return described, arrays


def series_from_arrays(
    described: list[dict[str, Any]], arrays: Arrays, columns: list[str]
) -> tuple[dict[Hashable, Scale], dict[Hashable, pd.DataFrame]]:
    """The inverse of `series_to_arrays`."""
    scales, ends = {}, {}
    for number, series in enumerate(described):
        values = arrays[f"{number}.end"]
        ends[series["name"]] = pd.DataFrame(values, _index_from_json(series, len(values)), columns)
        scales[series["name"]] = _scale_from_arrays(f"{number}", arrays)
    return scales, ends


def _index_to_json(index: pd.Index) -> dict[str, Any]:
    """A regular index by its start and step; one whose step has no name in pandas, or no whole width, by its times."""
    name = None if index.name is None else str(index.name)
    zone = _zone_to_json(index)
    if isinstance(index, pd.DatetimeIndex) and index.freq is not None:
        return {"index": name, "start": index[0].isoformat(), "zone": zone, "step": index.freqstr}
    if pd.api.types.is_integer_dtype(index.dtype):
        return {"index": name, "start": int(index[0]), "step": int(index[1] - index[0])}
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        kind = "datetime64" if isinstance(index, pd.DatetimeIndex) else "timedelta64"
        return {"index": name, "times": index.asi8.tolist(), "dtype": f"{kind}[{index.unit}]", "zone": zone}
    return {"index": name, "times": index.tolist(), "dtype": str(index.dtype), "zone": None}


def _zone_to_json(index: pd.Index) -> str | None:
    """The name of the time zone of an index, None where it has none.

    Raises
    ------
    ValueError
        No zone has this name, so the index could not be read again.
    """
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        return None
    try:
        named = index.tz_convert("UTC").tz_convert(str(index.tz))
        if named.tz_localize(None).equals(index.tz_localize(None)):
            return str(index.tz)
    except (ValueError, KeyError, OSError):
        pass
    raise ValueError(
        f"the time zone of the series is {index.tz!r}, which has no name to save; wanted one such as "
        "tz_convert('Europe/Berlin') gives"
    )


def _index_from_json(described: dict[str, Any], length: int) -> pd.Index:
    if "times" in described:
        times = np.asarray(described["times"]).astype(described["dtype"])
        index = pd.Index(times, name=described["index"])
        return index.tz_localize("UTC").tz_convert(described["zone"]) if described["zone"] else index
    start, step, name = described["start"], described["step"], described["index"]
    if isinstance(start, str):
        moment = pd.Timestamp(start)
        if described["zone"]:  # version 0.1 wrote no offset behind the start
            localised = moment if moment.tz else moment.tz_localize(described["zone"])
            moment = localised.tz_convert(described["zone"])
        return pd.date_range(moment, periods=length, freq=step, name=name)
    return pd.RangeIndex(start, start + length * step, step, name=name)


def _scale_to_arrays(name: str, scale: Scale) -> Arrays:
    return {f"{name}.mean": scale.mean, f"{name}.deviation": scale.deviation}


def _scale_from_arrays(name: str, arrays: Arrays) -> Scale:
    return Scale(arrays[f"{name}.mean"], arrays[f"{name}.deviation"])


def _ridge_to_arrays(name: str, ridge: Ridge) -> Arrays:
    return {f"{name}.weights": ridge.weights, f"{name}.intercept": ridge.intercept}


def _ridge_from_arrays(name: str, arrays: Arrays) -> Ridge:
    return Ridge(arrays[f"{name}.weights"], arrays[f"{name}.intercept"])
