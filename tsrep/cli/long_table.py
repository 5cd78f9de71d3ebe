"""The series of a long table side by side in one regular frame, and back into rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = " / "
"""Between the name of a series and that of a column: "shop 1 / sales"."""


class SideBySide:
    """A frame with one row per time and one column per series and column of a long table (`unique_id`, `ds`, values).

    Attributes
    ----------
    frame : (t, c) on a regular index, NaN where a series has no value
    inside : (t, c) booleans, True from the first to the last row of each series
    """

    def __init__(self, long: pd.DataFrame, min_steps: int) -> None:
        import numpy as np
        import pandas as pd

        from tsrep.data import as_regular, split_long

        self._series: dict[Any, pd.DataFrame] = split_long(long)
        parts = [series.add_prefix(f"{name}{SEPARATOR}") for name, series in self._series.items()]
        self.frame = as_regular(pd.concat(parts, axis=1).sort_index(), min_steps=min_steps)
        self.inside = np.zeros(self.frame.shape, dtype=bool)
        for name, series in self._series.items():
            rows = (self.frame.index >= series.index[0]) & (self.frame.index <= series.index[-1])
            columns = self.frame.columns.str.startswith(f"{name}{SEPARATOR}")
            self.inside[np.ix_(rows, columns)] = True

    def as_long(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with this frame's index and columns (others that begin alike too) as a long table."""
        import pandas as pd

        rows = []
        for name, series in self._series.items():
            start = f"{name}{SEPARATOR}"
            values = table.loc[series.index, table.columns.str.startswith(start)]
            values = values.set_axis(values.columns.str.removeprefix(start), axis=1)
            rows.append(values.rename_axis("ds").reset_index().assign(unique_id=name))
        long = pd.concat(rows, ignore_index=True)
        return long[["unique_id", *long.columns.drop("unique_id")]]
