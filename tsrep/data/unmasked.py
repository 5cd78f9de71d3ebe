"""Masked arrays, in which what is masked was not observed."""

from __future__ import annotations

from typing import Any

import numpy as np


def unmasked(X: Any) -> Any:
    """A masked array as floats with NaN where it is masked; anything else as it is.

    Examples
    --------
    >>> unmasked(np.ma.array([1, 999], mask=[False, True])).tolist()
    [1.0, nan]
    """
    if not isinstance(X, np.ma.MaskedArray):
        return X
    return np.ma.filled(X.astype(np.result_type(X.dtype, np.float32)), np.nan)
