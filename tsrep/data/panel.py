"""Panels: the input of every estimator, converted to one array and checked.

A panel is `(n, c, t)`: instances, channels, time points; float32 or float64; NaN is a value that was not
observed; series of unequal length are NaN-padded at the end. `as_panel` converts the usual containers
(`conversion.py`) and raises an error that names the fault of any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from tsrep.data.conversion import array_of, as_series
from tsrep.data.frames import as_pandas

Array = NDArray[Any]
Flags = NDArray[np.bool_]

BLOCK_VALUES = 2**20
"""Values that are looked at together."""


def as_panel(X: Any, *, dtype: DTypeLike | None = None, allow_missing: bool = True) -> Array:
    """`X` as a checked `(n, c, t)` array: instances, channels, time points.

    Parameters
    ----------
    X : container of the series
        - array `(n, c, t)`, or `(n, t)` for univariate series: NumPy, torch, anything that NumPy reads;
          masked entries of a masked array count as missing;
        - list of `(c, t_i)` arrays, or of `(t_i,)` arrays for univariate series; the lengths may differ;
        - sktime's `pd-multiindex` (rows: instance and time), `nested_univ` (a series in each cell) and
          `df-list` (one frame `(t_i, c)` per instance). Steps are taken in order, not by the value of their
          time stamp;
        - pandas object with its time in the index (dates, periods, time differences, fractions, text that reads
          as dates) or, with numbered rows, dates in a column: ONE series, time down and channels across,
          `(1, c, t)`, with NaN at the steps that have no row; otherwise its rows are instances, `(n, 1, t)`;
        - a long table (`unique_id`, `ds` and values): each series is an instance;
        - a frame of polars or Arrow, or of another library that has `to_pandas`, as the same frame of pandas.
    dtype : float32, float64 or None
        None keeps float32 and float64, and converts float16 to float32 and everything else to float64.
    allow_missing : bool
        False raises an error for NaN (and so for unequal lengths).

    Returns
    -------
    ndarray `(n, c, t)`, float32 or float64, NaN where nothing was observed. It may share memory with `X`:
    copy it before writing. `X` itself is never changed.

    Raises
    ------
    ValueError
        No instances, channels or time points; infinite values; channels of one instance that differ in
        length; an instance without a single observed value; text; complex numbers; one dimension.
    TypeError
        A container or cell that does not hold numbers, or a sparse matrix.

    Examples
    --------
    >>> import numpy as np
    >>> as_panel([np.arange(3.0), np.arange(2.0)])
    array([[[ 0.,  1.,  2.]],
    <BLANKLINE>
           [[ 0.,  1., nan]]])
    """
    requested = None if dtype is None else np.dtype(dtype)
    if requested is not None and requested not in (np.float32, np.float64):
        raise ValueError(f"dtype is {str(requested)!r}; wanted float32, float64 or None")
    array = array_of(X)
    _refuse_empty(array)
    panel = array[:, None, :] if array.ndim == 2 else array
    if requested is not None and panel.dtype != requested:
        _refuse_infinite(panel)
        with np.errstate(over="ignore"):
            panel = panel.astype(requested)
        _refuse_infinite(
            panel, f" once converted to {requested}, whose largest value is {np.finfo(requested).max:.3g}"
        )
    else:
        _refuse_infinite(panel)
    if any(np.isnan(part).any() for part in blocks_of(panel)):
        if not allow_missing:
            raise ValueError(
                f"X contains NaN, first at {_place(np.isnan(panel))}; missing values are not supported here"
            )
        empty = np.concatenate([np.isnan(part).all(axis=(1, 2)) for part in blocks_of(panel)])
        if empty.any():
            raise ValueError(
                f"X has {empty.sum()} instance(s) without any observed value (all NaN), "
                f"first instance {np.argmax(empty)}"
            )
    return panel


def is_flat(X: Any) -> bool:
    """Whether `as_panel` reads `X` as a table `(n, t)` whose rows are univariate series of one length.

    True for 2-D arrays, lists of equally long rows, and data frames of numbers with a plain index. Estimators
    follow scikit-learn's 2-D conventions (a length fixed at `fit`, 2-D output) for these only.
    """
    X = as_pandas(X)
    if isinstance(X, pd.DataFrame | pd.Series) and as_series(X) is not None:
        return False
    return array_of(X).ndim == 2


def observed_and_inside(X: Array) -> tuple[Flags, Flags]:
    """Which steps of a panel `(n, c, t)` are observed, and which are inside their series; both `(n, t)`.

    A step is *observed* if no channel is missing there: TS2Vec drops a step with a missing channel. A step is
    *inside* from the first to the last step at which at least one channel is observed; the steps outside are
    padding.
    """
    missing = np.isnan(X)
    anything = np.asarray(~missing.all(axis=1))
    started = np.logical_or.accumulate(anything, axis=1)
    not_ended = np.logical_or.accumulate(anything[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(~missing.any(axis=1)), started & not_ended


def blocks_of(panel: Array) -> Iterator[Array]:
    """The instances of a panel, a few at a time: what is computed of all of it needs little memory so."""
    height = max(1, BLOCK_VALUES // max(1, panel[:1].size))
    for start in range(0, len(panel), height):
        yield panel[start : start + height]


# Checks


def _refuse_empty(array: Array) -> None:
    axes = ("sample", "feature") if array.ndim == 2 else ("sample", "channel", "time point")
    for size, name in zip(array.shape, axes, strict=True):
        if size == 0:
            hint = ": X has no time points" if name in ("feature", "time point") else ""
            raise ValueError(
                f"Found array with 0 {name}(s) (shape={array.shape}) while a minimum of 1 is required{hint}."
            )


def _refuse_infinite(panel: Array, when: str = "") -> None:
    if any(np.isinf(part).any() for part in blocks_of(panel)):
        _raise_infinite(np.isinf(panel), when)


def _raise_infinite(infinite: Flags, when: str) -> NoReturn:
    raise ValueError(
        f"X contains infinity{when}: {infinite.sum()} value(s), first at {_place(infinite)}; "
        "wanted finite values, or NaN where nothing was observed"
    )


def _place(flags: Flags) -> str:
    instance, channel, step = np.unravel_index(int(np.argmax(flags)), flags.shape)
    return f"instance {instance}, channel {channel}, step {step}"
