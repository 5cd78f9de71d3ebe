"""Labels of instances, of which some may have none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from tsrep.base.parameters import is_number

UNLABELLED = -1
"""The number that marks an instance without a label, as in scikit-learn's semi-supervised estimators."""


def known_labels(y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The labels in `y` (n,), and which instances have one: all but None, NaN, NA and the number -1.

    Text is always a label. A `UserWarning` says how many instances have no label.

    Returns
    -------
    (k,) labels, without the missing ones in their own type; (n,) whether an instance has one.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     known_labels([0, 1, None, -1])
    (array([0, 1]), array([ True,  True, False, False]))
    """
    plain = isinstance(y, list | tuple)  # NumPy would make text of the NaN among text
    labels = column_or_1d(np.array(y, dtype=object) if plain else y, warn=True)
    if labels.dtype.kind == "O":
        minus = np.array([is_number(label) and label == UNLABELLED for label in labels], dtype=bool)
    else:
        minus = labels == UNLABELLED if labels.dtype.kind in "iuf" else np.zeros(len(labels), dtype=bool)
    known = ~(pd.isna(labels) | minus)
    if not known.all():
        hint = "; rename a class that is called -1" if minus.any() else ""
        warnings.warn(
            f"{int(np.sum(~known))} of {len(known)} instances have no label (None, NaN, NA or -1 in y){hint}",
            stacklevel=4,
        )
    found = labels[known]
    if found.dtype.kind == "O" and (plain or not all(isinstance(label, str) for label in found)):
        found = np.array(found.tolist())
    return found, known
