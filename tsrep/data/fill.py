"""Missing entries of one array, series or frame filled from estimates, in its own dtype.

Observed values keep their bits. Estimates are rounded where the values are whole numbers, are True from one half on
where they are truth values, and stay within the range of the dtype.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from tsrep.data.plain import plain

Array = NDArray[Any]


def is_item(item: Any) -> bool:
    """Whether `item` is a whole series of its own: an array, a pandas object or a tensor."""
    return isinstance(item, (np.ndarray, pd.Series, pd.DataFrame)) or hasattr(item, "detach")


def fill_item(item: Any, values: Array) -> Any:
    """One instance or cell, an array (t,) or (c, t), a series or a frame (t, c), filled from `values` (c, >= t)."""
    if isinstance(item, pd.DataFrame):
        return fill_columns(item, values[:, : len(item)].T)
    values = values[..., : item.shape[-1]].reshape(tuple(item.shape))
    if isinstance(item, pd.Series):
        return fill_column(item, values)
    if hasattr(item, "detach"):
        import torch

        original = item.detach()
        return torch.where(original.isnan(), torch.as_tensor(values).to(original), original)
    if isinstance(item, np.ma.MaskedArray):
        return np.ma.asarray(fill_array(plain(item), values))
    return fill_array(item, values)


def fill_array(array: Array, values: Array) -> Array:
    """A copy of an array of numbers with NaN taken from `values`, of the same shape."""
    if array.dtype.kind != "f":
        return array.copy()
    return np.where(np.isnan(array), _within(values, array.dtype).astype(array.dtype), array)


def fill_columns(X: pd.DataFrame, values: Array) -> pd.DataFrame:
    """A copy of a frame with missing cells taken from `values`, of the same shape; columns keep their dtypes."""
    out = X.copy()
    for j in range(X.shape[1]):
        if X.iloc[:, j].isna().any():
            out.isetitem(j, fill_column(X.iloc[:, j], values[:, j]).array)
    return out


def fill_column(column: pd.Series, values: Array) -> pd.Series:
    """A copy of `column` (t,) with missing entries taken from `values` (t,).

    Examples
    --------
    >>> counts = pd.Series([1, None, 3], dtype="UInt8")
    >>> fill_column(counts, np.array([0.0, 300.2, 0.0])).tolist()
    [1, 255, 3]
    """
    dtype: Any = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        estimates = pd.Series(_objects_like(column, values), index=column.index, dtype=object)
    else:
        numpy_dtype = getattr(dtype, "numpy_dtype", dtype)
        estimates = pd.Series(_within(values, numpy_dtype), index=column.index).astype(dtype)
    return column.where(column.notna(), estimates)


def _within(values: Array, dtype: DTypeLike) -> Array:
    """The nearest to `values` among the numbers of a dtype."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return values >= 0.5
    if kind in "iu":
        whole = np.iinfo(np.dtype(dtype))
        highest = np.floor(np.nextafter(float(whole.max) + 1, 0))  # of 64 bits the largest float is below
        return np.clip(np.round(values), float(whole.min), highest)
    limits = np.finfo(np.dtype(dtype))
    return np.clip(values, limits.min, limits.max)


def _objects_like(column: pd.Series, values: Array) -> list[Any]:
    """Estimates as the objects that are in a column: truth values, integers, decimals, else floats."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "boolean":
        return [bool(value >= 0.5) for value in values]
    if kind == "integer":
        return [int(value) for value in np.round(values)]
    if kind == "decimal":
        return [Decimal(repr(float(value))) for value in values]
    return list(values)
