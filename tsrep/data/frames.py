"""Frames of other libraries: to pandas, in which everything is computed, and back to where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa


def is_frame(X: Any) -> bool:
    """Whether `X` is a frame or series of pandas or of another library."""
    return isinstance(X, pd.DataFrame | pd.Series) or hasattr(X, "to_pandas")


def as_pandas(X: Any, argument: str = "X") -> Any:
    """A frame or series of another library as pandas'; anything else as it is.

    Whole numbers and truth values with gaps become pandas' nullable ones.

    Parameters
    ----------
    argument : the name of `X` in messages.

    Raises
    ------
    TypeError
        `X` is a frame that pandas cannot be made of as it is, such as a lazy one.
    ImportError
        It is a frame of polars, and pyarrow is not installed.
    """
    if isinstance(X, pd.DataFrame | pd.Series):
        return X
    table = _as_arrow(X)
    if table is not None:
        return _with_nullable(table)
    if hasattr(X, "to_pandas"):
        return X.to_pandas()
    if hasattr(type(X), "columns"):
        raise TypeError(
            f"{argument} is a {type(X).__name__} of {_library(X)}; wanted a frame in memory, of pandas, polars or "
            "Arrow: use its collect(), compute() or to_pandas()"
        )
    return X


def like(original: Any, frame: Any) -> Any:
    """`frame` in the library of `original`: `as_pandas(original)` with gaps filled, values removed, or new columns.

    A column keeps its type, and its values where both have one. Frames of libraries other than polars and Arrow stay
    pandas'.
    """
    table = _as_arrow(original)
    if table is None:
        return frame
    changed = {
        name: _column(table, name, frame[name]) for name in frame if _has_changed(table, name, frame[name])
    }
    if _library(original) == "polars":
        import polars as pl

        columns = [pl.Series(name, column) for name, column in changed.items()]
        return original.with_columns(
            column.cast(original.schema[column.name]) if column.name in original.columns else column
            for column in columns
        )
    for name, column in changed.items():
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
        else:
            table = table.append_column(name, column)
    return table


def _library(X: Any) -> str:
    return type(X).__module__.partition(".")[0]


def _as_arrow(X: Any) -> pa.Table | None:
    """A frame of polars or Arrow as an Arrow table; None for anything else."""
    if _library(X) == "pyarrow" and type(X).__name__ == "Table":
        return X
    if _library(X) != "polars" or type(X).__name__ != "DataFrame":
        return None
    try:
        return X.to_arrow()
    except ImportError as error:
        raise ImportError("frames of polars need pyarrow: pip install 'tsrep[parquet]'") from error


def _with_nullable(table: pa.Table) -> pd.DataFrame:
    """A frame in which whole numbers and truth values with gaps do not become floats and objects."""
    import pyarrow as pa

    nullable: dict[pa.DataType, Any] = {pa.bool_(): pd.BooleanDtype()}
    for kind in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"):
        nullable[pa.type_for_alias(kind.lower())] = pd.api.types.pandas_dtype(kind)
    frame = table.to_pandas()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and column.type in nullable:
            frame[name] = column.to_pandas(types_mapper=nullable.get)
    return frame


def _has_changed(table: pa.Table, name: str, values: pd.Series) -> bool:
    """Whether a column is new, has other gaps than in the table, or holds a series in each cell."""
    import pyarrow as pa

    if name not in table.column_names or pa.types.is_nested(table[name].type):
        return True
    return not np.array_equal(_missing(table[name]).to_numpy(), values.isna())


def _column(table: pa.Table, name: str, values: pd.Series) -> pa.ChunkedArray:
    """The column of a frame in the type that it has in the table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in table.column_names:
        return pa.chunked_array([pa.array(values)])
    column = table[name]
    if pa.types.is_nested(column.type):
        return pa.chunked_array([pa.array(list(values), type=column.type)])
    gaps = values.isna().to_numpy()
    numbers = pa.array(values.to_numpy(dtype=np.float64, na_value=np.nan), mask=gaps).cast(column.type)
    return pc.if_else(pc.or_(_missing(column), pa.array(gaps)), numbers, column)


def _missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.is_null(column, nan_is_null=True)
