"""Containers of series to panels and back: the same type, index, columns, dtype and shape, with the gaps filled.

`Series` reads a container once: a panel (n, c, t) with NaN where nothing was observed, the time stamps of all steps,
and the length of each instance. `put_back` writes the values of a panel into a copy of the container, only where a
value was missing, so observed values keep their bits.

In a long table (`unique_id`, `ds`, values) each series is an instance and each column of values a channel. No row is
added: a time without a row stays without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.columns import quoted
from tsrep.data.conversion import DATED, as_series
from tsrep.data.fill import fill_array, fill_columns, fill_item, is_item
from tsrep.data.frames import as_pandas, like
from tsrep.data.long import ID, TIME, is_long, with_columns
from tsrep.data.panel import as_panel, is_flat
from tsrep.data.plain import plain
from tsrep.data.times import times_of_series

Array = NDArray[Any]


class Series:
    """The series in `X`, anything that `tsrep.data.as_panel` takes.

    The rows of one long series are its steps, also where a step has no row: `times` says how far apart they are.

    Attributes
    ----------
    panel : (n, c, t), float32 or float64; NaN where nothing was observed. It may share memory with `X`.
    times : (n, t), time stamps in units of the median step; constant after the end of a series.
    lengths : (n,), number of steps of each instance.
    names : names of the channels, if the container has any.
    """

    def __init__(self, X: Any):
        self.given = X
        self.container = X = as_pandas(X)
        self.source = _indexed(X)
        self._alone = self.source is not X and not is_long(X)
        self.panel = as_panel([self.source] if self._alone else self.source)
        self.lengths = _lengths(self.source, self.panel)
        self.times = _times(self.source, self.panel, self.lengths)
        self.names = channel_names(self.source)
        self._places: Array | None = None  # of the container's channels in `panel`; None: the same

    def reorder(self, order: Sequence[int] | None) -> None:
        """Puts the channels of `panel` in this order; what is put back has the container's order again."""
        if order is not None:
            self.panel = self.panel[:, order]
            self.names = None if self.names is None else [self.names[channel] for channel in order]
            self._places = np.argsort(order)

    def _as_given(self, values: Array) -> Array:
        """`values` (n, c, ...) with the channels in the order of the container."""
        return values if self._places is None else values[:, self._places]

    @property
    def is_table(self) -> bool:
        """Whether the container is an array (n, t), or a frame whose columns are all channels or steps."""
        X = self.container
        if isinstance(X, pd.DataFrame | pd.Series):
            return not is_long(X) and (isinstance(X, pd.Series) or X.shape[1] == self.source.shape[1])
        return not isinstance(X, list | tuple) and getattr(X, "ndim", 0) == 2

    @property
    def inside(self) -> Array:
        """(n, t), False where a series has ended."""
        return np.asarray(np.arange(self.panel.shape[2]) < self.lengths[:, None])

    def put_back(self, values: Array) -> Any:
        """A copy of the container with the missing entries taken from `values` (n, c, t).

        Estimates of whole numbers are rounded.
        """
        return like(self.given, self._filled(self._as_given(values)))

    def _filled(self, values: Array) -> Any:
        """A copy of the container, in pandas if it is a frame, with the missing entries taken from `values`."""
        if is_long(self.container):
            filled = self._into_rows(self.source, values)
            out = self.container.copy()
            for name in self.source.columns:
                out[name] = filled[name].array[self._rows_of_long()]
            return out
        X = self.container
        if isinstance(X, pd.DataFrame):
            return self._into_frame(X, values)
        if isinstance(X, pd.Series):
            if self._alone or isinstance(X.index, pd.MultiIndex):
                return self._into_rows(X.to_frame(), values).iloc[:, 0].rename(X.name)  # type: ignore[call-overload]
            cells = [fill_item(cell, row) for cell, row in zip(X, values, strict=True)]
            return pd.Series(cells, index=X.index, name=X.name)
        if isinstance(X, (list, tuple)) and all(is_item(item) for item in X):
            return type(X)(fill_item(item, row) for item, row in zip(X, values, strict=True))
        if hasattr(X, "detach"):
            import torch

            original = X.detach()
            estimates = torch.from_numpy(np.ascontiguousarray(values)).reshape(X.shape).to(original)
            if not original.is_floating_point():
                return original.clone()
            return torch.where(original.isnan(), estimates, original)
        return self._into_array(X, values)

    def as_array(self, values: Array) -> Array:
        """`values` (n, c, t) in the shape of the container if that is an array or one long series, else as a panel."""
        values = self._as_given(values)
        if self._alone:
            return np.asarray(values[0, 0] if isinstance(self.source, pd.Series) else values[0].T)
        return np.asarray(values[:, 0] if is_flat(self.source) else values)

    def with_indicator(self, filled: Any, channels: Array) -> Any:
        """`filled`, the result of `put_back`, with an indicator per channel in `channels` (c,) bool: 1 where missing.

        In a table (n, t) or a frame of such rows, `channels` are its columns. An indicator of a nested frame has a
        series in each cell, as its channels have.

        Raises
        ------
        ValueError
            The container is neither an array nor a frame.
        """
        missing = self._as_given(np.isnan(self.panel))
        if self._places is not None:
            channels = channels[self._places]
        frame = as_pandas(filled)
        if isinstance(frame, pd.DataFrame):
            source = self.source if self._alone or is_long(self.container) else frame
            names = [f"missingindicator_{name}" for name in np.asarray(source.columns)[channels]]
            indicators = pd.DataFrame(self.in_rows(missing)[:, channels], frame.index, names)
            return like(filled, pd.concat([frame, indicators], axis=1))
        if not isinstance(filled, np.ndarray) or filled.dtype == object:
            raise ValueError(f"add_indicator=True takes arrays and frames, not {type(filled).__name__}")
        flags = np.asarray(missing[:, 0] if filled.ndim == 2 else missing)
        return np.concatenate([filled, flags[:, channels].astype(filled.dtype)], axis=1)

    def in_rows(self, flags: Array) -> Array:
        """`flags` (n, c, t) as 0 and 1 in the rows and columns of the container, a frame.

        Those of a nested frame have a series in each cell.
        """
        flags = flags.astype(np.float64)
        if not self._alone and is_flat(self.source):
            return np.asarray(flags[:, 0])
        if not self._alone and not isinstance(self.source.index, pd.MultiIndex):  # nested
            cells = np.empty(flags.shape[:2], dtype=object)
            for i, j in np.ndindex(*flags.shape[:2]):
                cells[i, j] = pd.Series(flags[i, j, : self.lengths[i]])
            return cells
        rows = flags.transpose(0, 2, 1)[self.inside]
        return np.asarray(rows[self._rows_of_long()] if is_long(self.container) else rows)

    def _rows_of_long(self) -> Array:
        """Where the rows of the container, a long table, are in `source`."""
        return np.argsort(_long_order(with_columns(self.container)), kind="stable")

    def _into_array(self, X: Any, values: Array) -> Array:
        if isinstance(X, np.ma.MaskedArray):
            return np.ma.asarray(self._into_array(plain(X), values))
        array = np.asarray(X)
        if array.dtype == object and array.ndim == 1:
            out = np.empty(len(array), dtype=object)
            for i, (item, row) in enumerate(zip(array, values, strict=True)):
                out[i] = fill_item(item, row)
            return out
        if array.dtype == object:
            array = self.panel.reshape(array.shape)
        return fill_array(array, values.reshape(array.shape))

    def _into_frame(self, X: pd.DataFrame, values: Array) -> pd.DataFrame:
        if X.size and is_item(X.iat[0, 0]):  # nested: a series in each cell
            cells = {
                name: [fill_item(cell, row) for cell, row in zip(X.iloc[:, j], values[:, j], strict=True)]
                for j, name in enumerate(X.columns)
            }
            return pd.DataFrame(cells, index=X.index)
        if self._alone and self.source.shape[1] < X.shape[1]:  # the time is in columns
            filled = self._into_rows(X[self.source.columns], values)
            return pd.DataFrame({name: filled[name] if name in filled else X[name] for name in X})
        if self._alone or isinstance(X.index, pd.MultiIndex):
            return self._into_rows(X, values)
        return fill_columns(X, values[:, 0])

    def _into_rows(self, X: pd.DataFrame, values: Array) -> pd.DataFrame:
        """Fills a frame whose rows are the steps of one instance after another."""
        return fill_columns(X, values.transpose(0, 2, 1)[self.inside])


def _indexed(X: Any) -> Any:
    """A long table and one long series with their times as index, in sktime's form; anything else as it is."""
    if is_long(X):
        return _as_indexed(with_columns(X))
    if isinstance(X, pd.DataFrame | pd.Series) and (series := as_series(X)) is not None:
        return pd.Series(series.iloc[:, 0], name=X.name) if isinstance(X, pd.Series) else series
    return X


def _as_indexed(long: pd.DataFrame) -> pd.DataFrame:
    """A long table in sktime's form: rows sorted by series and time, (series, time) as index."""
    if long[ID].isna().any():
        raise ValueError(f"row {int(long[ID].isna().to_numpy().argmax()) + 1} of X has no {ID}")
    rows = long.assign(**{TIME: times_of_series(long[TIME])}).iloc[_long_order(long)]
    twice = rows.duplicated([ID, TIME])
    if twice.any():
        row = rows[twice].iloc[0]
        raise ValueError(f"series {quoted(row[ID])} has two rows for {row[TIME]}")
    return rows.set_index([ID, TIME]).rename_axis(
        index=["instance", "time"]
    )  # no longer read as a long table


def _long_order(long: pd.DataFrame) -> Array:
    """Positions of a long table's rows, series by series in the order of appearance, each by time."""
    series = pd.factorize(long[ID])[0]
    time = pd.factorize(times_of_series(long[TIME]), sort=True)[0]
    return np.lexsort((time, series))


def _lengths(X: Any, panel: Array) -> Array:
    n, _, t = panel.shape
    if isinstance(X, pd.Series) and isinstance(X.index, pd.MultiIndex):
        X = X.to_frame()
    if isinstance(X, pd.DataFrame) and isinstance(X.index, pd.MultiIndex):
        instance = pd.factorize(X.index.get_level_values(0))[0]
        return np.bincount(instance, minlength=n)
    cells: Any = None
    if isinstance(X, pd.DataFrame) and X.size and is_item(X.iat[0, 0]):
        cells = X.iloc[:, 0]
    elif isinstance(X, (list, tuple, pd.Series)) or (
        isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    ):
        cells = X
    if cells is None or not all(is_item(item) for item in cells):
        return np.full(n, t)
    return np.array([len(item) if isinstance(item, pd.DataFrame) else item.shape[-1] for item in cells])


def _times(X: Any, panel: Array, lengths: Array) -> Array:
    """Time stamps in units of the median step; positions if the container has no dates."""
    n, _, t = panel.shape
    times = np.minimum(np.arange(t), lengths[:, None] - 1).astype(np.float64)
    if not isinstance(X, (pd.DataFrame, pd.Series)):
        return times
    index = X.index.get_level_values(1) if isinstance(X.index, pd.MultiIndex) else X.index
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    fractions = pd.api.types.is_float_dtype(index.dtype) and n == 1 and len(index) == t
    numeric = fractions or (isinstance(X.index, pd.MultiIndex) and pd.api.types.is_numeric_dtype(index))
    if not (numeric or isinstance(index, DATED)):
        return times
    stamps = (
        index.to_numpy(dtype=np.float64) if numeric else np.asarray(index.view("int64"), dtype=np.float64)
    )
    starts = np.concatenate([[0], np.cumsum(lengths)])
    steps = np.concatenate([np.diff(stamps[a:b]) for a, b in zip(starts, starts[1:], strict=False)])
    median_step = float(np.median(steps)) if len(steps) else 0.0
    if median_step <= 0:
        return times
    for row, start, length in zip(times, starts, lengths, strict=False):
        row[:length] = (stamps[start : start + length] - stamps[start]) / median_step
        row[length:] = row[length - 1]
    return times


def instance_labels(X: Any) -> pd.Index | None:
    """The label of each instance of a frame that `as_panel` takes; None for other containers."""
    X = as_pandas(X)
    if not isinstance(X, pd.DataFrame | pd.Series):
        return None
    if isinstance(X, pd.DataFrame) and is_long(X):
        return pd.Index(pd.unique(with_columns(X)[ID]))
    if isinstance(X.index, pd.MultiIndex):
        return X.index.get_level_values(0).unique()
    return X.index if as_series(X) is None else pd.RangeIndex(1)


def channel_names(X: Any) -> list[str] | None:
    """The names of the channels of a container that `as_panel` takes; None where it has none."""
    X = as_pandas(X)
    if isinstance(X, (list, tuple)) and len(X) and isinstance(X[0], pd.DataFrame):
        return [str(name) for name in X[0].columns]
    if isinstance(X, pd.DataFrame):
        if isinstance(X.index, pd.MultiIndex) or (X.size and is_item(X.iat[0, 0])):
            return [str(name) for name in X.columns]
        if is_long(X):
            return [str(name) for name in X.columns if name not in (ID, TIME)]
        series = as_series(X)
        return None if series is None else [str(name) for name in series.columns]
    return None
