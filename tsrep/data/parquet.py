"""Tables of series that are read in parts, a row group at a time: Parquet data sets of pyarrow, and Dask frames.

Three layouts are understood:

    a row per instance, a column of lists per channel    lengths may differ
    a row per instance, a column of numbers per step     univariate
    a row per step: `unique_id`, `ds`, values            the rows of a series together, in the order of time

The lengths of series are found in one pass over the column that tells them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tsrep.data.lazy import LazyPanel
from tsrep.data.long import ID, TIME

KEPT_PARTS = 2  # row groups in memory


class Parts:
    """The row groups of a data set or the partitions of a Dask frame, as Arrow tables one after the other."""

    def __init__(self, X: Any):
        self._read: list[Callable[[list[str]], pa.Table]]
        if hasattr(X, "get_fragments"):
            groups = [part for fragment in X.get_fragments() for part in _row_groups(fragment)]
            self.schema = X.schema
            self._read = [partial(_of_group, part, X.schema) for part in groups]
            counts = [_rows_of(part) for part in groups]
        else:
            self.schema = pa.Schema.from_pandas(X._meta, preserve_index=False)
            self._read = [partial(_of_partition, part) for part in X.partitions]
            counts = [int(count) for count in X.map_partitions(len).compute()]
        self.edges = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._kept: dict[int, pa.Table] = {}

    def rows(self, start: int, stop: int, columns: list[str]) -> pa.Table:
        """The rows start to stop - 1; the parts read last are kept, as neighbouring rows are asked for next."""
        first, last = np.searchsorted(self.edges, [start, stop - 1], side="right") - 1
        tables = []
        for part in range(int(first), int(last) + 1):
            if part not in self._kept:
                while len(self._kept) >= KEPT_PARTS:
                    del self._kept[next(iter(self._kept))]
                self._kept[part] = self._read[part](columns)
            begin = int(self.edges[part])
            table = self._kept[part]
            tables.append(
                table.slice(max(0, start - begin), min(stop - begin, len(table)) - max(0, start - begin))
            )
        return pa.concat_tables(tables)

    def column(self, name: str) -> Any:
        """The chunks of one column, part after part."""
        for read in self._read:
            yield read([name]).column(0).combine_chunks()


class WideTable(LazyPanel):
    """A row per instance: columns of lists are channels, columns of numbers are the steps of univariate series."""

    def __init__(self, parts: Parts, lists: bool):
        self.parts, self.lists = parts, lists
        self.columns = list(parts.schema.names)
        n = int(parts.edges[-1])
        if lists:
            longest = max(
                (pc.max(pc.list_value_length(chunk)).as_py() or 0) for chunk in parts.column(self.columns[0])
            )
            self.shape = n, len(self.columns), longest
        else:
            self.shape = n, 1, len(self.columns)
        self.flat = not lists

    def read_as_stored(self, rows: slice, steps: slice = slice(None)) -> NDArray[Any]:
        table = self.parts.rows(rows.start, rows.stop, self.columns)
        if not self.lists:
            return np.stack([_numbers(column) for column in table.columns], axis=1)[:, None, steps]
        begin, end, _ = steps.indices(self.shape[2])
        panel = np.full((len(table), len(self.columns), end - begin), np.nan)
        for channel, column in enumerate(table.columns):
            lists = column.combine_chunks()
            lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
            if lengths.max(initial=0) > self.shape[2]:
                raise ValueError(
                    f"the lists of {self.columns[channel]!r} in X are longer than those of the first column"
                )
            inside = np.arange(begin, end) < lengths[:, None]
            if end - begin < self.shape[2]:
                lists = pc.list_slice(lists, begin, end, return_fixed_size_list=False)
            panel[:, channel][inside] = _numbers(pc.list_flatten(lists))
        return panel


class LongTable(LazyPanel):
    """A row per step, the rows of each series together: `unique_id`, `ds` and a column per channel."""

    flat = False

    def __init__(self, parts: Parts):
        self.parts = parts
        self.columns = [name for name in parts.schema.names if name not in (ID, TIME)]
        starts, previous, place, seen = [], None, 0, 0
        for chunk in parts.column(ID):
            ids = chunk.to_pandas().to_numpy()
            if len(ids) == 0:
                continue
            new = np.flatnonzero(np.r_[place == 0 or ids[0] != previous, ids[1:] != ids[:-1]])
            starts.append(place + new)
            previous, place, seen = ids[-1], place + len(ids), seen + len(new)
        self.starts = np.append(np.concatenate(starts), place) if starts else np.zeros(1, dtype=np.int64)
        self.shape = seen, len(self.columns), int(np.diff(self.starts).max(initial=0))

    def read_as_stored(self, rows: slice, steps: slice = slice(None)) -> NDArray[Any]:
        begin, end, _ = steps.indices(self.shape[2])
        edges, before = self.starts[rows.start : rows.stop + 1], 0
        if end - begin < self.shape[2]:
            if len(edges) > 2:
                alone = [slice(row, row + 1) for row in range(rows.start, rows.stop)]
                return np.concatenate([self.read_as_stored(row, steps) for row in alone])
            before = min(1, begin)  # row whose time comes before
            edges = np.minimum(edges[0] + [begin, end], edges[1])
        table = self.parts.rows(int(edges[0]) - before, int(edges[-1]), [ID, TIME, *self.columns])
        times = table.column(TIME).to_pandas().to_numpy()
        falls = times[1:] < times[:-1]
        falls[edges[1:-1] - edges[0] - 1] = False  # from one series to the next
        if falls.any():
            row = int(edges[0]) - before + int(falls.argmax()) + 1
            raise ValueError(
                f"{TIME} of X falls at row {row}; wanted the rows of each series in the order of time"
            )
        panel = np.full((len(edges) - 1, len(self.columns), end - begin), np.nan)
        inside = np.arange(end - begin) < np.diff(edges)[:, None]
        for channel, name in enumerate(self.columns):
            panel[:, channel][inside] = _numbers(table.column(name).slice(before))
        return panel


def table_panel(X: Any) -> LazyPanel:
    """The lazy panel of a `pyarrow.dataset.Dataset` or a Dask data frame.

    Raises
    ------
    ValueError
        Its columns are in none of the three layouts, or it has no rows.
    """
    parts = Parts(X)
    if parts.edges[-1] == 0 or not parts.schema.names:
        raise ValueError("X has no rows; wanted at least one series")
    if {ID, TIME} < set(parts.schema.names):
        return LongTable(parts)
    listed = [_is_list(field.type) for field in parts.schema]
    if all(listed):
        return WideTable(parts, lists=True)
    if not any(listed) and all(_is_number(field.type) for field in parts.schema):
        return WideTable(parts, lists=False)
    raise ValueError(
        f"X has the columns {parts.schema.names}; wanted columns of lists (a channel each), of numbers (a step each), "
        f"or {ID!r}, {TIME!r} and values"
    )


def _of_group(group: Any, schema: pa.Schema, columns: list[str]) -> pa.Table:
    return group.to_table(schema=schema, columns=columns)


def _of_partition(partition: Any, columns: list[str]) -> pa.Table:
    return pa.Table.from_pandas(partition[columns].compute(), preserve_index=False)


def _row_groups(fragment: Any) -> list[Any]:
    return fragment.split_by_row_group() if hasattr(fragment, "split_by_row_group") else [fragment]


def _rows_of(group: Any) -> int:
    """The rows of a row group, of which `count_rows` would give those of its file."""
    groups = getattr(group, "row_groups", None)
    return sum(each.num_rows for each in groups) if groups else int(group.count_rows())


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _numbers(column: Any) -> NDArray[Any]:
    """The values of a column, NaN where they are null; in 64 bit if they are not real numbers already."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_floating(chunk.type):
        chunk = pc.cast(chunk, pa.float64())
    return chunk.to_numpy(zero_copy_only=False)
