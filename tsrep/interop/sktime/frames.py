"""sktime's series, panels and hierarchies as one panel, and back.

sktime calls them by their types: a series is a frame with time down, a panel a frame with the index levels (instance,
time), a hierarchy one with more levels. Here each series in them is an instance of one panel, so that one encoder
learns from all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SERIES = "pd.DataFrame"
PANELS = ("pd-multiindex", "pd_multiindex_hier")


def as_instances(X: pd.DataFrame, instances: pd.Index | None = None) -> pd.DataFrame:
    """A series, panel or hierarchy as a panel with the index levels (number of the instance, time).

    Instances are numbered in the order of `X`, or of `instances`, which are labels that `instances_of` gave.

    Raises
    ------
    ValueError
        `X` has an instance that is none of `instances`.
    """
    if X.index.nlevels == 1:
        numbers, time = np.zeros(len(X), dtype=int), X.index
    else:
        labels, time = _labels(X), X.index.get_level_values(-1)
        numbers = pd.factorize(labels)[0] if instances is None else instances.get_indexer(labels)
        if (numbers < 0).any():
            raise ValueError(f"X has the instance {labels[numbers < 0][0]!r}; wanted those of the fit only")
    return X.set_axis(pd.MultiIndex.from_arrays([numbers, time]), axis=0)


def instances_of(X: pd.DataFrame) -> pd.Index | None:
    """The label of each instance of a panel or hierarchy, in the order of `as_instances`; None for a series."""
    return _labels(X).unique() if X.index.nlevels > 1 else None


def per_step(Z: NDArray[np.floating], X: pd.DataFrame, name: str) -> pd.DataFrame:
    """Vectors per step of a panel (n, t, d) as a frame on the index of `X`, without the padding of shorter series."""
    numbers = as_instances(X).index.get_level_values(0).to_numpy()
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    steps = np.arange(len(X)) - starts[numbers]
    return pd.DataFrame(Z[numbers, steps], X.index, feature_names(name, Z.shape[2]))


def feature_names(name: str, n: int) -> list[str]:
    """`name0`, `name1`, ..."""
    return [f"{name}{number}" for number in range(n)]


def _labels(X: pd.DataFrame) -> pd.Index:
    """The label of the instance of each row of a panel or hierarchy."""
    index: Any = X.index
    return index.droplevel(-1)
