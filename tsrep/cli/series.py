"""Series of one source, what is printed about them, and what several readers of sources share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from tsrep.cli.reading import described, first_names, stand_in_lines
from tsrep.cli.table_options import TableOptions

if TYPE_CHECKING:
    import pandas as pd

    from tsrep.cli.dataset import Array
    from tsrep.data.table import RegularTable

TABLES = (".csv", ".parquet", ".pq", ".xlsx", ".xlsm")
TEXTS = (".tsv", ".txt")
"""Endings of a table if it has a header or an option says how it is read, else of the UCR archive's format."""


@dataclass(frozen=True)
class Series:
    """Series from one source.

    Attributes
    ----------
    X : an array, or a list of arrays or frames, one per series, as `tsrep.data.as_panel` takes them.
    y : labels, if the source has any.
    names : the names of the series where the source has some, None elsewhere.
    table : what was seen in the table of one series.
    notes : how other tables were read, in words.
    """

    X: Any
    y: Array | None = None
    names: list[str] | None = None
    table: RegularTable | None = None
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> list[pd.DataFrame] | None:
        """The series as frames (t, c) on a regular index, where they are."""
        return self.X if isinstance(self.X, list) and hasattr(self.X[0], "columns") else None

    @property
    def input(self) -> Any:
        """The series as an encoder takes them: frames, which name their channels, or a panel (n, c, t)."""
        from tsrep.data import as_panel

        return self.X if self.frames is not None else as_panel(self.X)

    @property
    def has_labels(self) -> bool:
        """Whether any series has one."""
        return self.y is not None and any(label is not None for label in self.y)

    @property
    def labels(self) -> Array:
        """(n,) labels of a source that has some, None where a series has none."""
        assert self.y is not None
        return self.y

    @property
    def labelled(self) -> Series:
        """The series that have a label."""
        places = [place for place, label in enumerate(self.labels) if label is not None]
        X = [self.X[place] for place in places] if isinstance(self.X, list) else self.X[places]
        names = None if self.names is None else [self.names[place] for place in places]
        return Series(X, self.labels[places], names)

    @property
    def called(self) -> list[Any]:
        """The names of the series, or their numbers."""
        return list(range(len(self.X))) if self.names is None else self.names

    @property
    def arrays(self) -> list[Array]:
        """The series (c, t_i), without the padding at their ends."""
        from tsrep.data import as_panel, observed_and_inside

        if self.names is not None:
            return [array[:, :length] for array, length in zip(as_panel(self.X), self.lengths, strict=True)]
        panel = as_panel(self.X)
        ends = [int(inside.nonzero()[0][-1]) + 1 for inside in observed_and_inside(panel)[1]]
        return [array[:, :end] for array, end in zip(panel, ends, strict=True)]

    @property
    def lengths(self) -> list[int]:
        """The steps of each series, without padding; of series with `names`."""
        return [len(item) if hasattr(item, "columns") else item.shape[-1] for item in self.X]


def describe(source: str, series: Series) -> str:
    """Rich markup: number of series, channels, steps and missing values; then values that may stand for gaps."""
    import numpy as np

    from tsrep.data import as_panel, observed_and_inside

    frames = series.frames
    if series.table is not None:
        return described(Path(source), series.table)
    panel = as_panel(series.X)
    inside = observed_and_inside(panel)[1]
    lengths = inside.sum(1) if series.names is None else np.array(series.lengths)
    if series.names is not None:
        inside = np.arange(panel.shape[2]) < lengths[:, None]
    missing = int((np.isnan(panel) & inside[:, None]).sum())
    shortest, longest = int(lengths.min()), int(lengths.max())
    n, channels = panel.shape[:2]
    steps = f"{longest} steps" if shortest == longest else f"{shortest} to {longest} steps"
    parts = [f"{n} series", f"{channels} channel{'s' if channels > 1 else ''}", steps]
    if missing:
        parts.append(f"{missing} missing value{'s' if missing > 1 else ''}")
    line = f"[bold]{escape(Path(source).name)}[/bold]: {', '.join(parts)}"
    notes = [escape(note) for note in series.notes]
    if frames is None:
        return "\n".join([line, *notes])
    import pandas as pd

    columns = f"; columns {first_names(frames[0].columns)}"
    return "\n".join([line + columns, *notes, *stand_in_lines(pd.concat(frames))])


def array_in(path: Path) -> Array:
    """The numbers in a .npy file."""
    from tsrep.data.arrays import read_array

    array = read_array(path)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{path} holds values of the type {array.dtype}; wanted numbers")
    return array


def refuse(options: TableOptions, reason: str, *names: str) -> None:
    """A ValueError if one of the options, all by default, says how a table is read."""
    given = sorted(options.given.intersection(names or options.given))
    if given:
        raise ValueError(f"{', '.join(given)} cannot be given: {reason}")
