"""The labels of the series that a command reads: in a column, in a table beside them, or in the names of folders."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from tsrep.cli.dataset import Array

COLUMNS = ("label", "labels", "class", "class_label", "target", "category")
"""Names that a column of labels has, in lower case."""
SHOWN_NAMES = 6


@dataclass(frozen=True)
class Labels:
    """Where the labels are.

    Attributes
    ----------
    column : the column of a table; None: the one whose name is in `COLUMNS`.
    file : a table with the names of the series and their labels.
    needed : whether series without labels are an error.
    """

    column: str | None = None
    file: Path | None = None
    needed: bool = True

    def column_in(self, frame: pd.DataFrame, table: str) -> Hashable | None:
        """The column of labels of a `table`, None if it has none and none is needed."""
        from tsrep.data import TableError
        from tsrep.data.columns import column_called, listed

        if self.column is not None:
            if not self.needed and self.column not in map(str, frame.columns):
                return None
            try:
                return column_called(frame, self.column)
            except TableError as error:
                raise TableError(f"{table} {error}") from error
        named = [name for name in frame.columns if str(name).lower() in COLUMNS]
        if len(named) == 1:
            return named[0]
        if named:
            raise TableError(
                f"{table} has the columns {listed(named)}: which one is the label? Say it with --label"
            )
        if self.needed:
            raise TableError(
                f"{table} has no column of labels that is known by its name, among {listed(frame.columns)}: "
                "name it with --label"
            )
        return None


def as_classes(values: Any, where: str) -> Array:
    """(n,) classes as text, None where a series has none; whole numbers are written as such.

    Raises
    ------
    ValueError
        The values in `where` are real numbers.

    Examples
    --------
    >>> as_classes([1.0, 2.0, None], "y").tolist()
    ['1', '2', None]
    """
    import numpy as np
    import pandas as pd

    classes = np.full(len(values), None, dtype=object)
    for place, value in enumerate(values):
        if pd.isna(value) or (isinstance(value, str) and not value.strip()):
            continue
        if isinstance(value, float | np.floating):
            if not float(value).is_integer():
                raise ValueError(f"{where} holds {float(value):g}; wanted classes, as text or whole numbers")
            value = int(value)
        classes[place] = str(value).strip()
    return classes


def of_long(long: pd.DataFrame, column: Hashable, file: str) -> dict[str, Any]:
    """The label of each series of a long table by its name, in the order of the table.

    Raises
    ------
    TableError
        The label of a series changes.
    """
    from tsrep.data import TableError

    labels: dict[str, Any] = {}
    for name, values in long[column].groupby(long["unique_id"], sort=False):
        different = values.unique()
        if len(different) > 1:
            raise TableError(
                f"{file}: the label of series {str(name)!r} changes from {different[0]!r} to {different[1]!r} "
                f"in column {str(column)!r}; wanted one label per series"
            )
        labels[str(name)] = different[0]
    return labels


def from_table(labels: Labels, file: Path, names: Sequence[Sequence[str]]) -> Array:
    """(n,) classes of series from a table with one row per series.

    Of two columns, the one without the names has the labels, however it is called.

    Parameters
    ----------
    names : the names by which each series may be called.

    Raises
    ------
    TableError
        No column holds the names of all series, or a name stands there twice.
    """
    from tsrep.data import TableError
    from tsrep.data.files import open_table

    frame = open_table(file).frame
    keys = {name: _names_in(frame[name]) for name in frame}
    absent = {
        name: [called[0] for called in names if not set(called) & set(keys[name])] for name in frame.columns
    }
    key = min(absent, key=lambda name: len(absent[name]))
    if len(absent[key]) == len(names):
        raise TableError(
            f"{file.name} has no column with the names of the series, {names[0][0]!r} for example"
        )
    if absent[key]:
        more = " ..." if len(absent[key]) > SHOWN_NAMES else ""
        raise TableError(f"{file.name} has no row for {', '.join(absent[key][:SHOWN_NAMES])}{more}")
    twice = [name for place, name in enumerate(keys[key]) if name in keys[key][:place]]
    if twice:
        raise TableError(f"{file.name} has {twice[0]!r} twice in column {str(key)!r}; wanted it once")
    others = frame.drop(columns=[key])
    two = labels.column is None and others.shape[1] == 1
    label = others.columns[0] if two else replace(labels, needed=True).column_in(others, file.name)
    known = dict(zip(keys[key], frame[label], strict=True))
    found = [next(known[name] for name in called if name in known) for called in names]
    return as_classes(found, f"column {str(label)!r} of {file.name}")


def _names_in(column: pd.Series) -> list[str]:
    """The values of a column as text, whole numbers as such."""
    return [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in column]
