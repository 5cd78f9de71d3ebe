"""Columns of a table by name, and the error of a table that cannot be read."""

from __future__ import annotations

import difflib
from collections.abc import Hashable
from typing import Any

import pandas as pd


class TableError(ValueError):
    """A table that is not a regular series of numbers; the message says where and how to fix it."""


def column_called(frame: pd.DataFrame, name: str) -> Hashable:
    """The label of the column whose name, as text, is `name`."""
    names = {str(column): column for column in frame}
    if name in names:
        return names[name]
    lower = {known.lower(): known for known in names}
    alike = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    hint = f"; did you mean {lower[alike[0]]!r}?" if alike else ""
    raise TableError(f"has no column {name!r} among {listed(frame.columns)}{hint}")


def is_text(column: pd.Series | pd.Index) -> bool:
    """Whether a column may hold text."""
    dtype = column.dtype
    if isinstance(dtype, pd.ArrowDtype):
        return pd.api.types.is_string_dtype(dtype)
    return pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype)


def listed(names: Any) -> str:
    """The first eight names, for a message."""
    shown = [repr(str(name)) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
