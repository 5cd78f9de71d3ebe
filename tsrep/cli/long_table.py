"""The series of a long table with a row for each of their steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsrep.data.table import RegularTable


class SideBySide:
    """Several series as a long table (`unique_id`, `ds`, values), each with a row per step of its own grid.

    Attributes
    ----------
    frame : (rows, 2 + c), NaN where a step has no row or no value.
    lengths : steps of each series.
    channels : names of the columns of values.
    """

    def __init__(self, series: Mapping[Any, RegularTable], min_steps: int) -> None:
        import pandas as pd

        from tsrep.data import TableError

        frames = {name: table.frame for name, table in series.items()}
        self.lengths = [len(frame) for frame in frames.values()]
        if max(self.lengths) < min_steps:
            raise TableError(f"the longest series has {max(self.lengths)} rows; wanted at least {min_steps}")
        rows = pd.concat(frames, names=["unique_id", "ds"]).reset_index()
        self.channels = [str(name) for name in rows.columns.drop(["unique_id", "ds"])]
        self.frame = rows[["unique_id", "ds", *self.channels]]

    def rows_of(self, panel: Any) -> Any:
        """(rows, c) the values of a panel (n, c, t) at the steps of the series."""
        import numpy as np

        steps = np.arange(panel.shape[-1]) < np.array(self.lengths)[:, None]
        return np.moveaxis(panel, -1, -2)[steps]
