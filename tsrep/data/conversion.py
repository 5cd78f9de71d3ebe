"""Containers to arrays: NumPy, torch, pandas, polars, Arrow, sktime's panel types and lists, each by its own rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.frames import as_pandas
from tsrep.data.grid import on_grid
from tsrep.data.long import is_long, split_long
from tsrep.data.plain import plain
from tsrep.data.times import series_time
from tsrep.data.wording import worded_as_call

Array = NDArray[Any]

DATED = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
"""Indices of times."""
MOST_PADDED = 2**27
"""Values of a padded panel up to which nothing is asked."""
LEAST_FILLED = 0.05
"""Share of a larger panel that must not be padding."""


def array_of(X: Any) -> Array:
    """`X` as a float array `(n, t)` or `(n, c, t)`; contents unchecked."""
    if type(X).__module__.startswith("scipy.sparse"):
        raise TypeError("X is a sparse matrix; wanted a dense one: use X.toarray()")
    if isinstance(X, (str, bytes)) or X is None or isinstance(X, dict):
        raise TypeError(
            f"X is a {type(X).__name__}; wanted an array, a list of arrays or a pandas object, with numbers"
        )
    X = as_pandas(X)
    if is_long(X):
        return _from_frames(list(split_long(X, min_steps=1, empty_columns=True).values()))
    if isinstance(X, pd.DataFrame | pd.Series) and (series := as_series(X)) is not None:
        return _on_grid(series)
    if isinstance(X, pd.DataFrame):
        return _from_frame(X)
    if isinstance(X, pd.Series):
        return _from_series(X)
    if isinstance(X, (list, tuple)):
        return _from_list(list(X))
    array = np.asarray(plain(X))
    if array.dtype == object and array.ndim == 1 and array.size and np.ndim(array[0]) > 0:
        return _from_list(list(array))
    if array.dtype == object and array.ndim == 2 and array.size and _is_series(array[0, 0]):
        return _from_nested([list(row) for row in array])
    return _two_or_three_axes(_numbers(array, "X"))


def as_series(X: pd.DataFrame | pd.Series) -> pd.DataFrame | None:
    """A pandas object that is one long series, with its times as index and its channels as columns; None otherwise."""
    frame = X.to_frame() if isinstance(X, pd.Series) else X
    if frame.size == 0 or _is_series(frame.iat[0, 0]) or is_long(frame):
        return None
    time = series_time(frame)
    if time is None or len(time.columns) == frame.shape[1]:
        return None
    return frame.drop(columns=list(time.columns)).set_axis(time.index, axis=0)


def pad_ragged(series: list[Array]) -> Array:
    """Series `(c, t_i)` of unequal length as one panel `(n, c, max t_i)`, NaN-padded at the end.

    Raises
    ------
    ValueError
        One series is so long that the panel would be gigabytes of padding.
    """
    lengths = np.array([item.shape[1] for item in series])
    values = len(series) * series[0].shape[0] * int(lengths.max())
    if values > MOST_PADDED and lengths.sum() < LEAST_FILLED * len(series) * lengths.max():
        raise ValueError(
            f"instance {int(lengths.argmax())} of X has {lengths.max()} time points and most others about "
            f"{int(np.median(lengths))}, which makes a panel of {values * 8 / 2**30:.1f} GiB; wanted series of like "
            "length: cut the long ones"
        )
    panel = np.full(
        (len(series), series[0].shape[0], max(item.shape[1] for item in series)),
        np.nan,
        dtype=np.result_type(*{item.dtype for item in series}),
    )
    for row, item in zip(panel, series, strict=True):
        row[:, : item.shape[1]] = item
    return panel


def _two_or_three_axes(array: Array) -> Array:
    if array.ndim == 0:
        raise ValueError(f"Expected 2D array, got scalar array instead: X is {array}")
    if array.ndim == 1:
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X has shape {array.shape}. Reshape your data either "
            "using array.reshape(1, -1) if it is one series, or array.reshape(-1, 1) for series of one step."
        )
    if array.ndim > 3:
        raise ValueError(
            f"Found array with dim {array.ndim}: X has shape {array.shape}; wanted (n_instances, n_channels, "
            "n_timepoints) or (n_instances, n_timepoints)"
        )
    return array


def _from_list(items: list[Any]) -> Array:
    if not items:
        raise ValueError(
            "Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is required: X is empty"
        )
    frames = [isinstance(item, pd.DataFrame) for item in items]
    if any(frames):
        if not all(frames):
            raise TypeError(
                f"X mixes data frames with others: instance {frames.index(False)} is not a data frame"
            )
        return _from_frames(items)
    series = [_list_item(item, i) for i, item in enumerate(items)]
    if all(item.ndim == 0 for item in series):
        return _two_or_three_axes(np.stack(series))
    for i, item in enumerate(series):
        if item.ndim != series[0].ndim:
            raise ValueError(
                f"X mixes shapes: instance 0 has shape {series[0].shape}, instance {i} {item.shape}"
            )
    if len({item.shape for item in series}) == 1:
        return _two_or_three_axes(np.stack(series))
    if series[0].ndim == 1:
        series = [item[None] for item in series]
    for i, item in enumerate(series):
        if item.ndim != 2:
            raise ValueError(f"Instance {i} of X has shape {item.shape}; wanted (n_channels, n_timepoints)")
        if item.shape[0] != series[0].shape[0]:
            raise ValueError(
                f"X has ragged channels: instance 0 has {series[0].shape[0]} channels, "
                f"instance {i} has {item.shape[0]}"
            )
    return pad_ragged(series)


def _list_item(item: Any, i: int) -> Array:
    """One element of a list: `(t,)` or `(c, t)`, or a number."""
    if isinstance(item, pd.Series):
        if isinstance(item.index, DATED):
            _refuse_unsorted(item.index, f"instance {i} of X")
        item = item.to_numpy()
    try:
        array = np.asarray(plain(item))
    except ValueError:  # NumPy: "inhomogeneous shape"
        lengths = sorted({np.size(channel) for channel in item})
        raise ValueError(
            f"X has ragged channels: those of instance {i} have lengths {lengths}; wanted one length per "
            "instance: pad them with NaN"
        ) from None
    return _numbers(array, f"instance {i} of X")


def _from_frames(frames: list[pd.DataFrame]) -> Array:
    """sktime's `df-list`."""
    columns = list(frames[0].columns)
    for i, frame in enumerate(frames):
        if list(frame.columns) != columns:
            raise ValueError(
                f"X has ragged channels: instance 0 has columns {columns}, {i} has {list(frame.columns)}"
            )
        _refuse_unsorted(frame.index, f"instance {i} of X")
    series = [_frame_values(frame).T for frame in frames]
    if len({item.shape for item in series}) == 1:
        return np.stack(series)
    return pad_ragged(series)


def _from_frame(X: pd.DataFrame) -> Array:
    if isinstance(X.index, pd.MultiIndex):
        return _from_multiindex(X)
    if X.size and _is_series(X.iat[0, 0]):
        return _from_nested(X.to_numpy(dtype=object).tolist())
    return _frame_values(X)


@worded_as_call("as_regular")
def _on_grid(series: pd.DataFrame) -> Array:
    """One long series as (1, c, t), with NaN at the steps without a row."""
    _refuse_unsorted(series.index, "X")
    values = _frame_values(series)
    index = series.index.to_timestamp() if isinstance(series.index, pd.PeriodIndex) else series.index
    if len(index) == 0:
        return values.T[None]
    steps = on_grid(pd.DataFrame(index=index)).steps
    if steps[-1] + 1 == len(steps):
        return values.T[None]
    placed = np.full((1, values.shape[1], steps[-1] + 1), np.nan, dtype=values.dtype)
    placed[0][:, steps] = values.T
    return placed


def _from_series(X: pd.Series) -> Array:
    if isinstance(X.index, pd.MultiIndex):
        return _from_frame(X.to_frame())
    if len(X) and _is_series(X.iat[0]):
        return _from_list(list(X))
    return _two_or_three_axes(_numbers(X.to_numpy(), "X"))


def _from_multiindex(X: pd.DataFrame) -> Array:
    """sktime's `pd-multiindex`: rows are labelled (instance, time)."""
    if X.index.nlevels != 2:
        raise ValueError(f"X has {X.index.nlevels} index levels; wanted two, instance and time")
    values = _frame_values(X)
    if not len(values):
        return np.empty((0, values.shape[1], 0))
    instance = pd.factorize(X.index.get_level_values(0))[0]
    starts = np.flatnonzero(np.diff(instance, prepend=-1))
    names = X.index.get_level_values(0)[starts]
    if len(names.unique()) != len(names):
        raise ValueError("X is not sorted; wanted the rows of each instance together: use X.sort_index()")
    stops = np.append(starts[1:], len(values))
    time = X.index.get_level_values(1)
    for name, start, stop in zip(names, starts, stops, strict=True):
        _refuse_unsorted(time[start:stop], f"instance {name!r} of X")
    if len(set(stops - starts)) == 1:
        return values.reshape(len(starts), -1, values.shape[1]).transpose(0, 2, 1)
    return pad_ragged([values[start:stop].T for start, stop in zip(starts, stops, strict=True)])


def _from_nested(rows: list[list[Any]]) -> Array:
    """sktime's `nested_univ`: one row per instance, one column per channel, a whole series in each cell."""
    series = []
    for i, cells in enumerate(rows):
        for j, cell in enumerate(cells):
            if not _is_series(cell):
                raise TypeError(f"X has series in its cells, but instance {i}, channel {j} holds {cell!r}")
        series.append(_list_item([_list_item(cell, i) for cell in cells], i))
    return _from_list(series)


def _frame_values(frame: pd.DataFrame) -> Array:
    """The numbers of a data frame, in its own layout; pandas' NA is NaN."""
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, np.dtype) and dtype.kind in "biufcO":
            continue
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
            raise TypeError(
                f"Column {name!r} of X has dtype {dtype}; wanted numbers{_without_time(frame[name])}"
            )
    if set(frame.dtypes) == {np.dtype(np.float32)} or frame.select_dtypes(["object", "complex"]).size:
        return _numbers(frame.to_numpy(), "X")
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def _without_time(column: pd.Series) -> str:
    """What an error adds for a column of dates that is not the time, because a row has none."""
    if not pd.api.types.is_datetime64_any_dtype(column.dtype) or not column.isna().any():
        return ""
    return f", or a time in every row: row {int(column.isna().to_numpy().argmax()) + 1} has none"


def _is_series(cell: Any) -> bool:
    return isinstance(cell, (pd.Series, np.ndarray, list, tuple)) and np.ndim(cell) == 1


def _numbers(array: Array, what: str) -> Array:
    """`array` as float32 or float64 (no copy if it is one of them)."""
    kind, native = array.dtype.kind, array.dtype.newbyteorder("=")
    if native in (np.float32, np.float64):
        return array.astype(native, copy=False)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if kind == "c":
        raise ValueError(f"Complex data not supported: {what} has dtype {array.dtype}")
    if kind in "biuf":
        return array.astype(np.float64)
    if kind == "O":
        return _numbers_of_objects(array, what)
    if kind in "US":
        raise ValueError(f"{what} has dtype {array.dtype}, which is text; wanted numbers")
    raise TypeError(f"{what} has dtype {array.dtype}; wanted numbers")


def _numbers_of_objects(array: Array, what: str) -> Array:
    for value in array.flat:
        if isinstance(value, complex):
            raise ValueError(f"Complex data not supported: {what} holds complex numbers")
        if isinstance(value, (str, bytes)):
            raise ValueError(f"{what} has dtype object and holds text ({value[:30]!r}); wanted numbers")
    try:
        return np.where(pd.isna(array), np.nan, array).astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        error_type = TypeError if isinstance(error, TypeError) else ValueError
        raise error_type(f"{what} has dtype object, and some of it is not a number: {error}") from None


def _refuse_unsorted(time: pd.Index, what: str) -> None:
    if time.isna().any():
        row = int(time.isna().argmax()) + 1
        raise ValueError(f"The time index of {what} has no time in row {row}; wanted one in every row")
    if not time.is_monotonic_increasing:
        raise ValueError(f"The time index of {what} does not increase; use sort_index()")
    if not time.is_unique:
        raise ValueError(
            f"The time index of {what} has {time[time.duplicated()][0]} twice; keep one row per time, or average them, "
            "for example with groupby(level=-1).mean()"
        )
