"""The series that a command trains on or encodes: from a data set by name, a file, or a folder with a file per series.

A table with a time column is one series; a long table (`unique_id`, `ds`, values) and a folder hold many.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from tsrep.cli.dataset import normalised_dataset
from tsrep.cli.options import Split, TableOptions
from tsrep.cli.reading import (
    described,
    first_names,
    in_columns,
    read_long_table,
    read_series,
    stand_in_lines,
)

if TYPE_CHECKING:
    import pandas as pd

    from tsrep.cli.dataset import Array
    from tsrep.data.table import RegularTable

SOURCE_HELP = (
    "The name of a data set; a file: .ts .tsv .arff .txt .npy .npz, or a .csv or .parquet table, which is one series "
    "with a time column or a long table (unique_id, ds, values); or a folder with one .csv, .parquet or .npy file per "
    "series."
)
TABLES = (".csv", ".parquet", ".pq", ".xlsx", ".xlsm")
TEXTS = (".tsv", ".txt")
"""Endings of a table if it has a header or an option says how it is read, else of the UCR archive's format."""
PACKED = (".gz", ".bz2", ".xz", ".zip")
IN_FOLDER = (".csv", ".parquet", ".npy")
REFUSED = ("--time", "--every", "--sort")
"""Options that a long table does not take."""
SHOWN_NAMES = 6


@dataclass(frozen=True)
class Series:
    """Series from one source.

    Attributes
    ----------
    X : an array, or a list of arrays or frames, one per series, as `tsrep.data.as_panel` takes them.
    y : labels, if the source has any.
    names : the names of the series in a long table or a folder, None elsewhere.
    table : what was seen in the table of one series.
    """

    X: Any
    y: Array | None = None
    names: list[str] | None = None
    table: RegularTable | None = None

    @property
    def frames(self) -> list[pd.DataFrame] | None:
        """The series as frames (t, c) on a regular index, where they are."""
        return self.X if isinstance(self.X, list) and hasattr(self.X[0], "columns") else None

    @property
    def lengths(self) -> list[int]:
        """The steps of each series, without padding; of series with `names`."""
        return [len(item) if hasattr(item, "columns") else item.shape[-1] for item in self.X]


def read_source(
    source: str, options: TableOptions, split: Split, root: Path | None = None, encoder: Any = None
) -> Series:
    """The series in `source`.

    Parameters
    ----------
    source : a name, a file or a folder, see `SOURCE_HELP`.
    options : how tables are read.
    split, root : the part of a data set given by name, and the folder of the archives.
    encoder : the encoder that the series are for. Columns are put in the order of its fit.

    Raises
    ------
    ValueError
        The source is of no known kind, holds no series of numbers, or an option does not apply to it.
    OSError
        It does not exist or cannot be read.
    """
    path, channels = Path(source), _channel_names(encoder)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise FileNotFoundError(f"{source} does not exist")
        _refuse(options, f"{source} is the name of a data set")
        X_train, y_train, X_test, y_test = normalised_dataset(source, root)
        return Series(X_train, y_train) if split is Split.train else Series(X_test, y_test)
    if path.is_dir():
        return _read_folder(path, options, channels)
    ending = _ending(path)
    if ending in TABLES or (ending in TEXTS and (options.given or _has_header(path))):
        return _read_tables(path, options, channels)
    _refuse(options, f"{path.name} is no table with a time column")
    if ending == ".npy":
        return Series(_array(path))
    if ending == ".npz":
        return _read_arrays(path)
    return _read_dataset_file(path)


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
    if frames is None:
        return line
    import pandas as pd

    return "\n".join(
        [f"{line}; columns {first_names(frames[0].columns)}", *stand_in_lines(pd.concat(frames))]
    )


def _read_folder(folder: Path, options: TableOptions, channels: list[str] | None) -> Series:
    """One series per file, in the order of the names."""
    wanted = "wanted one .csv, .parquet or .npy file per series"
    files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    others = [file.name for file in files if file.is_dir() or file.suffix.lower() not in IN_FOLDER]
    if others:
        more = " ..." if len(others) > SHOWN_NAMES else ""
        raise ValueError(f"{folder} holds {', '.join(others[:SHOWN_NAMES])}{more}; {wanted}")
    if not files:
        raise ValueError(f"{folder} is empty; {wanted}")
    stems = [file.stem for file in files]
    names = stems if len(set(stems)) == len(stems) else [file.name for file in files]
    arrays = [file for file in files if file.suffix.lower() == ".npy"]
    if not arrays:
        return Series(_frames(files, options, channels), names=names)
    if len(arrays) < len(files):
        table = next(file for file in files if file not in arrays)
        raise ValueError(
            f"{folder} holds arrays and tables ({arrays[0].name}, {table.name}); wanted one of the two"
        )
    _refuse(options, f"{folder} holds arrays")
    series = [_one_series(file) for file in files]
    for file, values in zip(files, series, strict=True):
        if len(values) != len(series[0]):
            raise ValueError(
                f"{file} has {len(values)} channels; wanted {len(series[0])}, as in {files[0].name}"
            )
    return Series(series, names=names)


def _frames(files: list[Path], options: TableOptions, channels: list[str] | None) -> list[pd.DataFrame]:
    frames: list[pd.DataFrame] = []
    reason = "as in the fit of the encoder" if channels else f"as in {files[0].name}"
    for file in files:
        frame = read_series(file, options, min_steps=1).frame
        channels = channels or list(frame.columns)
        frames.append(in_columns(file, frame, channels, reason))
    return frames


def _read_tables(path: Path, options: TableOptions, channels: list[str] | None) -> Series:
    """One series, or those of a long table."""
    from tsrep.data import DatasetFileError, split_long

    reason = "as in the fit of the encoder"
    long = read_long_table(path, options, REFUSED)
    if long is not None:
        frames = {str(name): frame for name, frame in split_long(long).items()}
        if channels is not None:
            frames = {name: in_columns(path, frame, channels, reason) for name, frame in frames.items()}
        return Series(list(frames.values()), names=list(frames))
    if path.name.lower().endswith(".csv.gz") and not options.given:  # of the UCR archive, if it is
        try:
            return _read_dataset_file(path)
        except DatasetFileError:
            pass
    table = read_series(path, options)
    frame = table.frame if channels is None else in_columns(path, table.frame, channels, reason)
    return Series([frame], table=table)


def _has_header(path: Path) -> bool:
    """Whether a text file begins with names of columns, as no file of the UCR archive does."""
    from tsrep.data.files import header_of

    names = header_of(path)
    return bool(names) and not all(name.isdecimal() for name in names)


def _read_arrays(path: Path) -> Series:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        if "X" not in arrays:
            raise ValueError(f"{path} holds {sorted(arrays)}; wanted an array called X")
        return Series(arrays["X"], arrays.get("y"))


def _read_dataset_file(path: Path) -> Series:
    from tsrep.data import read_dataset_file
    from tsrep.data.formats import format_of

    if format_of(path.name) is None:
        raise ValueError(
            f"{path} is of no known kind; wanted a file that ends in .csv, .parquet, .npy, .npz, "
            ".ts, .tsv, .arff or .txt, or a folder of .csv, .parquet or .npy files"
        )
    return Series(*read_dataset_file(path))


def _array(path: Path) -> Array:
    import numpy as np

    array = np.load(path, allow_pickle=False)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{path} holds values of the type {array.dtype}; wanted numbers")
    return array


def _one_series(path: Path) -> Array:
    """The series (c, t) in a .npy file of shape (t,) or (c, t)."""
    array = _array(path)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(f"{path} has shape {array.shape}; wanted one series, (steps,) or (channels, steps)")
    return array if array.ndim == 2 else array[None]


def _ending(path: Path) -> str:
    """ ".csv" of power.csv and of power.csv.gz."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def _channel_names(encoder: Any) -> list[str] | None:
    """The names of the channels that an encoder was fitted with, None where they had none."""
    names = getattr(encoder, "feature_names_in_", None)
    return list(names) if names is not None and len(names) == encoder.n_channels_ else None


def _refuse(options: TableOptions, reason: str) -> None:
    """A ValueError if an option says how a table is read."""
    if options.given:
        raise ValueError(f"{', '.join(sorted(options.given))} cannot be given: {reason}")
