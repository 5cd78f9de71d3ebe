"""Labels as class numbers, one per instance, -1 where it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from tsrep.ssgan.loss import UNLABELLED

Array = NDArray[Any]


def class_numbers(y: Any, n: int) -> tuple[Array, Array]:
    """(class number of each of `n` instances, -1 for unlabelled; the sorted classes); `y` None: no labels."""
    if y is None:
        return np.full(n, UNLABELLED), np.array([])
    labels = np.asarray(y)
    check_consistent_length(labels, np.empty(n))
    if labels.ndim != 1:
        raise ValueError(f"y has shape {labels.shape}; wanted one label per instance, ({n},)")
    known = ~(pd.isna(labels) | (labels == UNLABELLED))
    numbers = np.full(n, UNLABELLED)
    if not known.any():
        return numbers, np.array([])
    known_labels = np.array(labels[known].tolist())  # without None and NaN, NumPy finds their type
    classes, numbers[known] = np.unique(known_labels, return_inverse=True)
    return numbers, classes


def renumbered(numbers: Array, classes: Array, fitted: Array | None) -> Array:
    """`numbers` of `classes` as numbers of the classes `fitted` before a warm start.

    Raises
    ------
    ValueError
        One of the classes was not in the first fit.
    """
    if fitted is None or not np.isin(classes, fitted).all():
        expected = "no labels" if fitted is None else f"the classes {fitted.tolist()}"
        raise ValueError(f"y has the classes {classes.tolist()}; wanted {expected}, as in the fit before")
    places = np.append(np.searchsorted(fitted, classes), UNLABELLED)
    return places[numbers]
