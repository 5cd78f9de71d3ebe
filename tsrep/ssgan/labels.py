"""Labels as class numbers, one per instance, -1 where it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from tsrep.base.labels import known_labels
from tsrep.ssgan.loss import UNLABELLED

Array = NDArray[Any]


def class_numbers(y: Any, n: int) -> tuple[Array, Array]:
    """(class number of each of `n` instances, -1 for unlabelled; the sorted classes); `y` None: no labels."""
    if y is None:
        return np.full(n, UNLABELLED), np.array([])
    if not isinstance(y, list | tuple):
        y = np.asarray(y)
    if np.ndim(y) != 1:
        raise ValueError(f"y has shape {np.shape(y)}; wanted one label per instance, ({n},)")
    check_consistent_length(y, np.empty(n))
    labels, known = known_labels(y)
    numbers = np.full(n, UNLABELLED)
    if not known.any():
        return numbers, np.array([])
    classes, numbers[known] = np.unique(np.array(labels.tolist()), return_inverse=True)
    return numbers, classes


def refuse_one_class(labels: Array, classes: Array) -> None:
    """Raises ValueError where the labelled instances are all of one class, and others have no label.

    That is what is left of two classes of which one is called -1.
    """
    if len(classes) == 1 and (labels == UNLABELLED).any():
        raise ValueError(
            f"y has the class {classes.tolist()} only; wanted at least two, or no labels; rename a class called -1"
        )


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
