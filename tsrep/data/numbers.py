"""Columns of a table as floats: text with either decimal mark, marks of missing values, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.columns import TableError, all_match, is_text
from tsrep.data.wording import option

Floats = NDArray[np.float64]

MISSING_MARKS = frozenset(
    ("", "?", "-", "--", ".", "na", "n/a", "nan", "-nan", "null", "none", "nil", "missing", "<na>")
    + ("#n/a", "#na", "#n/a n/a", "#div/0!", "#value!", "#ref!", "#num!", "-1.#ind", "1.#qnan", "n.a.")
)
"""Texts that stand for a missing value, in lower case."""
EXPONENT = r"(?:[eE][+-]?\d+)?"
INFINITE = r"(?i:inf(?:inity)?)"
BETWEEN_GROUPS = r"(?<=\d)[\s'\u2019\u00a0\u202f](?=\d{3}(?!\d))"
SHAPES = {
    ".": rf"[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?:,\d{{3}})+|(?=\.\d))(?:\.\d*)?{EXPONENT}|{INFINITE})",
    ",": rf"[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?:\.\d{{3}})+|(?=,\d))(?:,\d*)?{EXPONENT}|{INFINITE})",
}
"""Numbers by their decimal mark; the other mark may stand between groups of three digits."""
THREE_DIGITS = {",": r"[+-]?[1-9]\d{0,2},\d{3}", ".": r"[+-]?[1-9]\d{0,2}\.\d{3}"}
"""Numbers that read with either decimal mark."""


def numbers_of(column: pd.Series, decimal: str | None = None) -> Floats:
    """(t,) floats of a column, NaN where missing.

    Raises
    ------
    TableError
        The column holds dates, time differences, text or infinite values, or numbers that read with either decimal
        mark.
    """
    name, dtype = str(column.name), column.dtype
    leave_out = f"leave it out, or name the columns to use with {option('columns')}"
    timed = isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_timedelta64_dtype(dtype)
    if timed or pd.api.types.is_datetime64_any_dtype(dtype):
        kind = "time differences" if pd.api.types.is_timedelta64_dtype(dtype) else "dates"
        raise TableError(
            f"column {name!r} holds {kind}, {str(column.iloc[0])!r} in row 1; wanted numbers; {leave_out}"
        )
    if is_text(column):
        values, fault = _of_texts(column, decimal)
        if fault is not None:
            raise TableError(
                f"column {name!r} holds text, {str(column.iloc[fault])!r} in row {fault + 1}; wanted numbers; "
                f"{leave_out}"
            )
    else:
        if pd.api.types.is_complex_dtype(dtype):
            raise TableError(f"column {name!r} holds complex numbers; wanted real ones; {leave_out}")
        values = pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise TableError(
            f"column {name!r} holds an infinite value in row {int(np.isinf(values).argmax()) + 1}"
        )
    return values


def has_no_number(column: pd.Series) -> bool:
    """Whether a column holds values and none of them is a number: dates, or text.

    Examples
    --------
    >>> [has_no_number(pd.Series(values)) for values in (["a", "b"], ["a", "1,5"], ["", "?"])]
    [True, False, False]
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    if not is_text(column):
        return False
    text = _without_gaps(column)[0]
    numbers = text.str.fullmatch("|".join(SHAPES.values())) | text.str.lower().isin(["true", "false"])
    return len(text) > 0 and not numbers.any()


def decimal_mark(columns: Iterable[pd.Series]) -> str | None:
    """The decimal mark of columns of text: of the first one that reads with one mark only; None if there is none."""
    for column in columns:
        text = _without_gaps(column)[0]
        marks = [mark for mark, shape in SHAPES.items() if all_match(text, shape)]
        if len(marks) == 1 and not all_match(text, r"[+-]?\d+" + EXPONENT):
            return marks[0]
    return None


def numbers_of_text(column: pd.Series, decimal: str | None) -> Floats | None:
    """(t,) floats, NaN where missing, of a column of text; None where it holds anything else.

    `decimal` None: the mark with which every number reads.

    Raises
    ------
    TableError
        Every number has three digits after its mark, so that it may stand between thousands as well as before decimals.

    Examples
    --------
    >>> import pandas as pd
    >>> numbers_of_text(pd.Series(["1.234,5", "?", "2"]), None).tolist()
    [1234.5, nan, 2.0]
    """
    if decimal in (None, ".") and (plain := _plain(column)) is not None:
        return plain
    text, missing = _without_gaps(column)
    values = np.full(len(column), np.nan)
    if len(text) == 0:
        return values
    marks = [mark for mark, shape in SHAPES.items() if all_match(text, shape)]
    if not marks:
        return _of_booleans(text, missing)
    mark = marks[0] if decimal is None else decimal
    if mark not in marks:
        return None
    if decimal is None and len(marks) > 1:
        mark = _mark_of(column, text)
    other = "," if mark == "." else "."
    written = text.str.replace(other, "", regex=False).str.replace(mark, ".", regex=False)
    values[~missing] = written.to_numpy(dtype=object).astype(float)
    return values


def _plain(column: pd.Series) -> Floats | None:
    """The fast way for a column without gaps in which a value has other than three digits after its point."""
    texts = column.to_numpy(dtype=object)
    try:
        values = texts.astype(float)
    except (TypeError, ValueError):
        return None
    certain = any(re.fullmatch(r"[+-]?(?:\d*\.\d{1,2}|\d*\.\d{4,}|0\d*\.\d*)", text) for text in texts)
    return values if certain and np.isfinite(values).all() and not column.str.contains("_").any() else None


def _of_texts(column: pd.Series, decimal: str | None) -> tuple[Floats, int | None]:
    """(floats, None), or the place of the first value that is no number."""
    objects = column.astype(object)
    written = objects.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
    numbers = pd.to_numeric(objects.where(~written), errors="coerce")  # decimal.Decimal, or numbers with None
    wrong = (numbers.isna() & objects.notna()).to_numpy() & ~written
    values = numbers.to_numpy(dtype=float, na_value=np.nan, copy=True)
    if wrong.any():
        return values, int(wrong.argmax())
    if not written.any():
        return values, None
    text = pd.Series(objects[written].astype(str), name=column.name)
    read = numbers_of_text(text, decimal)
    if read is not None:
        values[written] = read
        return values, None
    known, missing = _without_gaps(text)
    number = known.str.fullmatch(SHAPES["." if decimal is None else decimal]).to_numpy()
    return values, int(np.flatnonzero(written)[~missing][int((~number).argmax())])


def _without_gaps(column: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    """The texts of the values that are there, without marks between groups of digits; where there are none."""
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    missing = text.str.lower().isin(MISSING_MARKS).to_numpy()
    known = text[~missing].str.replace("\u2212", "-", regex=False)
    return known.str.replace(BETWEEN_GROUPS, "", regex=True), missing


def _of_booleans(text: pd.Series, missing: NDArray[np.bool_]) -> Floats | None:
    lower = text.str.lower()
    if not lower.isin(["true", "false"]).all():
        return None
    values = np.full(len(missing), np.nan)
    values[~missing] = (lower == "true").to_numpy(dtype=float)
    return values


def _mark_of(column: pd.Series, text: pd.Series) -> str:
    """The decimal mark of numbers that read with both."""
    for mark, other in ((",", "."), (".", ",")):
        marked = text.str.contains(mark, regex=False)
        if marked.any() and text[marked].str.fullmatch(THREE_DIGITS[mark]).all():
            unmarked = text[~marked]
            if len(unmarked) and unmarked.str.fullmatch(r"[+-]?\d{1,3}").all():
                return other  # 987, 1,042: below a thousand there is no mark
            first: Any = text[marked].iloc[0]
            raise TableError(
                f"column {column.name!r} reads in two ways: {first!r} may be {first.replace(mark, '')} or "
                f"{first.replace(mark, '.')}; say which mark comes before decimals with "
                f"{option('decimal', ',')} or {option('decimal', '.')}"
            )
    return "."
