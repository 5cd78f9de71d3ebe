"""Arrays of other kinds as NumPy's: masked ones, in which what is masked was not observed, and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def plain(X: Any) -> Any:
    """A masked array as floats with NaN where it is masked, a tensor on the CPU and without a gradient.

    Anything else comes back as it is.

    Examples
    --------
    >>> plain(np.ma.array([1, 999], mask=[False, True])).tolist()
    [1.0, nan]
    """
    if hasattr(X, "detach"):
        return X.detach().cpu()
    if not isinstance(X, np.ma.MaskedArray):
        return X
    return np.ma.filled(X.astype(np.result_type(X.dtype, np.float32)), np.nan)


def real_numbers(X: Any, name: str, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """An array-like in this dtype.

    Raises
    ------
    ValueError
        It holds complex numbers; `name` is how the message calls it.
    """
    array = np.asarray(plain(X))
    if array.dtype.kind == "c":
        raise ValueError(f"{name} has complex numbers; wanted real ones")
    return array.astype(dtype, copy=False)
