"""Series as the rows of a long table, each with a row for each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from tsrep.data.table import RegularTable


def as_long(series: Mapping[Any, RegularTable]) -> pd.DataFrame:
    """(rows, 2 + c) `unique_id`, `ds` and values, series after series, NaN where a step has no row or no value."""
    import pandas as pd

    frames = {name: table.frame for name, table in series.items()}
    return pd.concat(frames, names=["unique_id", "ds"]).reset_index()


class SideBySide:
    """Several series as a long table (`unique_id`, `ds`, values), each with a row per step of its own grid.

    Attributes
    ----------
    frame : (rows, 2 + c), NaN where a step has no row or no value.
    lengths : steps of each series.
    channels : names of the columns of values.
    """

    def __init__(self, series: Mapping[Any, RegularTable], min_steps: int) -> None:
        from tsrep.data import TableError

        self.lengths = [len(table.frame) for table in series.values()]
        if max(self.lengths) < min_steps:
            raise TableError(f"the longest series has {max(self.lengths)} rows; wanted at least {min_steps}")
        self.frame = as_long(series)
        self.channels = [str(name) for name in self.frame.columns.drop(["unique_id", "ds"])]

    def rows_of(self, panel: Any) -> Any:
        """(rows, c) the values of a panel (n, c, t) at the steps of the series."""
        import numpy as np

        steps = np.arange(panel.shape[-1]) < np.array(self.lengths)[:, None]
        return np.moveaxis(panel, -1, -2)[steps]
