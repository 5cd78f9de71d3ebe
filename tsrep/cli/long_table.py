"""The series of a long table with a row for each of their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class LongTable:
    """A long table (`unique_id`, `ds`, values), series after series, each with a row per step of its own grid.

    Attributes
    ----------
    frame : (rows, 2 + c), NaN where a step has no row or no value.
    lengths : steps of each series.
    channels : names of the columns of values.
    """

    def __init__(self, long: pd.DataFrame, min_steps: int) -> None:
        import pandas as pd

        from tsrep.data import TableError, split_long

        series = split_long(long, min_steps=1, empty_columns=True)
        self.lengths = [len(each) for each in series.values()]
        if max(self.lengths) < min_steps:
            raise TableError(f"the longest series has {max(self.lengths)} rows; wanted at least {min_steps}")
        rows = pd.concat(series, names=["unique_id", "ds"]).reset_index()
        self.channels = [str(name) for name in rows.columns.drop(["unique_id", "ds"])]
        self.frame = rows[["unique_id", "ds", *self.channels]]

    def rows_of(self, panel: Any) -> Any:
        """(rows, c) the values of a panel (n, c, t) at the steps of the series."""
        import numpy as np

        steps = np.arange(panel.shape[-1]) < np.array(self.lengths)[:, None]
        return np.moveaxis(panel, -1, -2)[steps]
