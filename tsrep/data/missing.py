"""Removes values by seeded patterns of missingness, to measure how well they are imputed.

Each function returns a copy of `X` in which a share `rate` of the observed values is NaN; `X` is not changed. Values
that are already missing do not count in the share. So afterwards

    held_out = np.isnan(removed) & ~np.isnan(X)

is True for the removed values (`tsrep.metrics.held_out_mae` and related functions score these). `held_out` has exactly
`round(rate * observed)` values, unless a docstring says otherwise.

mcar      all values with the same probability: missing completely at random
blocks    runs of consecutive steps, on one or several channels at once: a sensor that fails for a while
channels  whole channels of an instance: a sensor that is absent
ends      the last steps of an instance, on all channels: a recording that stops too early
mar       more likely where another channel, which is kept, is large: missing at random given others
mnar      more likely where the value itself is large: missing not at random

A pattern assigns a *key* to each value, and the values with the smallest keys are removed until the share is reached.
For `mar` and `mnar` the key is linear in the driving value plus logistic noise, so the probability of removal is a
logistic function of that value, whose intercept follows from the rate.

`X` is an array `(n, c, t)` or `(n, t)`, a list of `(c, t_i)` arrays, or a data frame as `tsrep.data.as_panel` reads it
(with a time index one series, time down and channels across; with two levels instance and time). The result is of the
same type; integers become float64. With `leave_one` (the default) each instance keeps at least one value, because
estimators do not accept instances without values. `random_state` is a seed or a `numpy.random.Generator`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.containers import Series
from tsrep.data.conversion import as_series
from tsrep.data.frames import as_pandas, is_frame, like
from tsrep.data.panel import as_panel, is_flat

Array = NDArray[Any]
Flags = NDArray[np.bool_]
RandomState = int | np.random.Generator | None

RUNS_AT_ONCE = 20_000
"""Runs drawn together, which limits memory."""


def mcar(X: Any, rate: float, random_state: RandomState = None, *, leave_one: bool = True) -> Any:
    """All observed values are removed with the same probability.

    Examples
    --------
    >>> import numpy as np
    >>> int(np.isnan(mcar(np.ones((2, 3, 10)), rate=0.25, random_state=0)).sum())
    15
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    return _without(X, _smallest_keys(random.random(panel.shape), ~np.isnan(panel), rate, leave_one))


def blocks(
    X: Any,
    rate: float,
    random_state: RandomState = None,
    *,
    length: int | None = None,
    mean_length: float = 10.0,
    n_channels: int | None = 1,
    leave_one: bool = True,
) -> Any:
    """Runs of consecutive steps, anywhere in an instance, on `n_channels` channels at once (None: all channels).

    Each run has `length` steps, or if `length` is None a geometrically distributed number with mean `mean_length`, and
    at most that of the series. Runs may touch and overlap; the last run is shortened to reach the rate exactly.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    if length is not None and length < 1:
        raise ValueError(f"length is {length}; wanted at least 1 step")
    if mean_length < 1:
        raise ValueError(f"mean_length is {mean_length}; wanted at least 1 step")
    wide = panel.shape[1] if n_channels is None else n_channels
    if not 1 <= wide <= panel.shape[1]:
        raise ValueError(f"n_channels is {n_channels}; wanted 1 to {panel.shape[1]}, the channels of X")

    observed = ~np.isnan(panel)
    needed = min(_count(rate, observed) + len(panel) * leave_one, int(observed.sum()))
    key = np.full(panel.shape, np.inf)
    drawn = 0
    while (n_lacking := needed - int(np.isfinite(key[observed]).sum())) > 0:
        more = min(RUNS_AT_ONCE, 1 + int(n_lacking / (wide * (mean_length if length is None else length))))
        lengths = random.geometric(1 / mean_length, more) if length is None else np.full(more, length)
        lengths = np.minimum(lengths, panel.shape[2])
        starts = random.integers(0, panel.shape[2] - lengths + 1)
        instances = random.integers(0, len(panel), more)
        places = random.permuted(np.tile(np.arange(panel.shape[1]), (more, 1)), axis=1)[:, :wide]
        run, channel, step = np.nonzero(
            np.broadcast_to(np.arange(lengths.max()) < lengths[:, None, None], (more, wide, lengths.max()))
        )
        covered = instances[run], places[run, channel], starts[run] + step
        np.minimum.at(key, covered, drawn + run)
        drawn += more
    return _without(X, _smallest_keys(key, observed, rate, leave_one))


def channels(X: Any, rate: float, random_state: RandomState = None, *, leave_one: bool = True) -> Any:
    """Whole channels of instances.

    The number of channels is that which comes closest to the rate, so the rate is met to within half a channel.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    observed = np.asarray(~np.isnan(panel))
    n_values = observed.sum(axis=2)  # (n, c) values in each channel
    key = np.where(n_values > 0, random.random(n_values.shape), -1.0)
    free = n_values > 0
    if leave_one:
        free[np.arange(len(n_values)), key.argmax(axis=1)] = False
    order = np.argsort(np.where(free, key, np.inf), axis=None)[: free.sum()]
    n_removed = np.concatenate([[0], np.cumsum(n_values.ravel()[order])])
    count = _count(rate, observed)
    if count > n_removed[-1] + n_values.max() / 2:
        raise ValueError(_too_many(rate, count, int(n_removed[-1])))
    whole = np.zeros(n_values.size, dtype=bool)
    whole[order[: np.abs(n_removed - count).argmin()]] = True
    return _without(X, whole.reshape(n_values.shape)[:, :, None] & observed)


def ends(X: Any, rate: float, random_state: RandomState = None, *, leave_one: bool = True) -> Any:
    """The last steps of each instance, on all channels, in different numbers.

    Each instance loses a share of its length, uniform between 0 and a maximum that follows from the rate. One step of
    one instance may keep some of its channels, to reach the rate exactly.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    observed = ~np.isnan(panel)
    # Steps counted from the end of each instance: 1 at its last one.
    backwards = np.asarray(observed.any(axis=1))[:, ::-1].cumsum(axis=1)[:, ::-1]
    key = backwards / (1.0 - random.random((len(panel), 1))) / np.maximum(backwards.max(axis=1), 1)[:, None]
    return _without(X, _smallest_keys(np.broadcast_to(key[:, None], panel.shape), observed, rate, leave_one))


def mar(
    X: Any,
    rate: float,
    random_state: RandomState = None,
    *,
    driver: int = 0,
    strength: float = 2.0,
    leave_one: bool = True,
) -> Any:
    """Missing at random given another channel: the probability is logistic in the channel `driver` at the same step.

    The driver keeps its values, and `rate` is the share of the observed values of the *other* channels. `strength` is
    the slope of the log odds per standard deviation of the driver; if it is negative, more values are removed where the
    driver is small. A missing value of the driver counts as its mean.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    if panel.shape[1] < 2:
        raise ValueError("X has 1 channel; wanted at least two, one of them the driver")
    if not -panel.shape[1] <= driver < panel.shape[1]:
        raise ValueError(f"driver is {driver}; wanted the index of one of the {panel.shape[1]} channels of X")
    driving = np.nan_to_num(_standardised(panel)[:, driver])[:, None]
    observed = np.asarray(~np.isnan(panel))
    observed[:, driver] = False
    key = random.logistic(size=panel.shape) - strength * driving
    return _without(X, _smallest_keys(key, observed, rate, leave_one))


def mnar(
    X: Any, rate: float, random_state: RandomState = None, *, strength: float = 2.0, leave_one: bool = True
) -> Any:
    """Missing not at random: the probability is logistic in the value itself.

    `strength` is the slope of the log odds per standard deviation of the channel; if it is negative, small values are
    more likely to be removed.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    key = random.logistic(size=panel.shape) - strength * np.nan_to_num(_standardised(panel))
    return _without(X, _smallest_keys(key, ~np.isnan(panel), rate, leave_one))


# Keys


def _smallest_keys(key: Array, observed: Flags, rate: float, leave_one: bool) -> Flags:
    """The share `rate` of `observed` with the smallest keys; with `leave_one` the largest of each instance is kept."""
    free = observed.copy()
    if leave_one:
        flat = np.where(observed, key, -np.inf).reshape(len(key), -1)
        free.reshape(len(key), -1)[np.arange(len(key)), flat.argmax(axis=1)] = False
    count, places = _count(rate, observed), np.flatnonzero(free)
    if count > len(places):
        raise ValueError(_too_many(rate, count, len(places)))
    removed = np.zeros(observed.size, dtype=bool)
    removed[places[np.argsort(key.reshape(-1)[places], kind="stable")[:count]]] = True
    return removed.reshape(observed.shape)


def _count(rate: float, observed: Flags) -> int:
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}; wanted a share of the observed values, 0 to 1")
    return round(rate * int(observed.sum()))


def _too_many(rate: float, count: int, free: int) -> str:
    return (
        f"rate is {rate}, which is {count} values; wanted at most {free} values, as each instance keeps one: "
        "lower the rate, or pass leave_one=False"
    )


def _standardised(panel: Array) -> Array:
    """Each channel with mean 0 and deviation 1 over its observed values; constant channels are 0."""
    observed = ~np.isnan(panel)
    count = np.maximum(observed.sum(axis=(0, 2), keepdims=True), 1)
    centred = panel - np.sum(panel, axis=(0, 2), keepdims=True, where=observed) / count
    deviation = np.sqrt(np.sum(centred**2, axis=(0, 2), keepdims=True, where=observed) / count)
    return centred / np.where(deviation > 0, deviation, 1.0)


# Containers


def _panel_of(X: Any) -> Array:
    """`X` as `(n, c, t)`. Unlike in `as_panel`, an array may have instances without values; these do not change."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf" and X.ndim in (2, 3):
        return X[:, None] if X.ndim == 2 else X
    X = as_pandas(X)
    alone = as_series(X) if isinstance(X, pd.DataFrame | pd.Series) else None
    return as_panel(X if alone is None else [alone])


def _without(X: Any, removed: Flags) -> Any:
    """A copy of `X` with NaN where `removed` (n, c, t)."""
    if is_frame(X):
        frame = as_pandas(X)
        if isinstance(frame, pd.Series):
            return _frame_without(frame.to_frame("y"), removed)["y"].rename(frame.name)  # type: ignore[call-overload]
        return like(X, _frame_without(frame, removed))
    if isinstance(X, list | tuple) and not is_flat(X):
        return [_with_nan(np.asarray(item), flags) for item, flags in zip(X, removed, strict=True)]
    array = np.asarray(X)
    return _with_nan(array, removed[:, 0] if array.ndim == 2 else removed)


def _with_nan(array: Array, removed: Flags) -> Array:
    """A copy of `array` (..., t) with NaN where `removed`, which may be longer if a shorter series was padded."""
    kept = array.copy() if array.dtype.kind == "f" else array.astype(np.float64)
    kept[removed.reshape(*kept.shape[:-1], -1)[..., : kept.shape[-1]]] = np.nan
    return kept


def _frame_without(frame: pd.DataFrame, removed: Flags) -> pd.DataFrame:
    series = Series(frame)
    flags = series.in_rows(removed)
    out = frame.copy()
    places = np.flatnonzero(frame.columns.isin(series.source.columns)).tolist()
    for place, gone in zip(places, flags.T, strict=True):
        column: pd.Series = frame.iloc[:, place]
        if flags.dtype == object:  # a series in each cell
            cells = [_cell_without(*each) for each in zip(column.array, gone, strict=True)]
            out.isetitem(place, pd.Series(cells).array)
        else:
            out.isetitem(place, column.mask(gone.astype(bool)).array)
    return out


def _cell_without(cell: Any, gone: pd.Series) -> Any:
    flags = gone.to_numpy(dtype=bool)
    return cell.mask(flags) if isinstance(cell, pd.Series) else _with_nan(np.asarray(cell), flags)
