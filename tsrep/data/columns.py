"""Columns of a table by name, and the error of a table that cannot be read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Hashable
from typing import Any

import numpy as np
import pandas as pd


class TableError(ValueError):
    """A table that is not a regular series of numbers; the message says where and how to fix it."""


def all_match(text: pd.Series, pattern: str) -> bool:
    """Whether the whole of each text matches a pattern. Most columns are told by their first value, tried first.

    Examples
    --------
    >>> all_match(pd.Series(["12", "7"]), r"\\d+"), all_match(pd.Series(["12", "x"]), r"\\d+")
    (True, False)
    """
    if len(text) and not (isinstance(text.iloc[0], str) and re.fullmatch(pattern, text.iloc[0])):
        return False
    return bool(text.str.fullmatch(pattern).all())


def one_or_several(names: Any, known: Collection[str], argument: str) -> list[str]:
    """One name or several as a list of text: a lone text, number or tuple that is a name is one.

    Parameters
    ----------
    known : the names of all columns, as text.
    argument : the name of `names` in messages.

    Raises
    ------
    ValueError
        It is neither a name nor a list of names, or has a name twice.

    Examples
    --------
    >>> one_or_several("price", ["price"], "known"), one_or_several([0, 1], ["0", "1"], "targets")
    (['price'], ['0', '1'])
    """
    if isinstance(names, str) or str(names) in known:
        return [str(names)]
    if not isinstance(names, list | tuple | range | np.ndarray | pd.Index | pd.Series):
        raise ValueError(f"{argument} is {names!r}; wanted a name or a list of names")
    several = [str(name) for name in names]
    twice = [name for place, name in enumerate(several) if name in several[:place]]
    if twice:
        raise ValueError(f"{argument} has {twice[0]!r} twice; wanted each name once")
    return several


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


def quoted(name: Hashable) -> str:
    """The name of a series for a message: text in quotes, a number of numpy as a plain one.

    Examples
    --------
    >>> quoted("a"), quoted(np.int64(8))
    ("'a'", '8')
    """
    return repr(name.item() if isinstance(name, np.generic) else name)


def listed(names: Any) -> str:
    """The first eight names, for a message."""
    shown = [repr(str(name)) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
