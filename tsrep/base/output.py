"""scikit-learn's `set_output` for series, of which neither the rows nor the columns need be those of a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from sklearn.utils._set_output import _get_output_config

from tsrep.data.containers import Series, instance_labels

DEFAULT = "default"


def output_of(estimator: Any) -> str:
    """What `transform` of an estimator gives: "default", "pandas" or "polars", by `set_output` or `set_config`."""
    return str(_get_output_config("transform", estimator)["dense"])


def by_instance(estimator: Any, X: Any, Z: NDArray[Any]) -> Any:
    """`Z` (n, d), one row per instance of `X`; a frame where the output is pandas', with the labels of the instances.

    scikit-learn alone would label the rows as those of the frame `X`, which may be steps.
    """
    labels = instance_labels(X) if output_of(estimator) == "pandas" else None
    return Z if labels is None else pd.DataFrame(Z, index=labels)


def check_output(estimator: Any, series: Series) -> None:
    """Raises a `ValueError` where the output is a frame, and the container of `series` has no form as one.

    It has one if it is a table or a frame without a column for the time or the series.
    """
    output = output_of(estimator)
    if output != DEFAULT and not series.is_table:
        raise ValueError(
            f"the output of transform is set to {output!r}; wanted 'default', with which X comes back as the "
            f"{type(series.given).__name__} that it is, or X as a table (n, t) or a frame with its time in the index"
        )
