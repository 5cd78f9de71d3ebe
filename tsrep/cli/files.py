"""The file that a command writes, and the saved model that it loads."""

from __future__ import annotations

import importlib.util
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape

from tsrep.cli.table_options import FIELDS, option_of

if TYPE_CHECKING:
    import pandas as pd

READING = ("label", "known", *FIELDS, "root")
"""Options that say how a source is read; a saved model does not hold them."""
TABLE_ENDINGS = (".csv", ".parquet")
"""Endings of tables that are written."""
PACKED = (".gz", ".bz2", ".xz", ".zip")
ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".xlsx", ".xlsm", ".npy", ".npz", ".ts", ".arff")
"""Endings of files with series; one of `PACKED` may follow."""


def stem(file: Path) -> str:
    """The name of a file without its ending: "power.v1" of power.v1.csv.gz."""
    whole = name = file.resolve().name
    for ending in (*PACKED, *ENDINGS):
        name = name.removesuffix(ending)
    return name or whole


def ending_of(file: Path) -> str:
    """The ending of a file in lower case, without that of what it is packed with.

    Examples
    --------
    >>> ending_of(Path("power.CSV.gz"))
    '.csv'
    """
    name = file.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def bare_name(file: Path) -> str:
    """The name of a file without its endings, whatever case they have."""
    name = file.name
    for _ in range(2 if file.suffix.lower() in PACKED else 1):
        name = Path(name).stem
    return name


def checked_out(out: Path, endings: Sequence[str], *files: Path, option: str = "--out") -> Path:
    """`out` as it is, once it is known that a result can be written there.

    Raises
    ------
    ValueError
        Its name ends in none of `endings`, it is one of the `files` that are read, or it is a folder.
    PermissionError
        It cannot be written.
    ImportError
        It is a Parquet file, and the package that writes these is not installed.
    """
    if out.suffix not in endings:
        choices = " or ".join(", ".join(endings).rsplit(", ", 1))
        raise ValueError(f"{option} is {out.name!r}; wanted a name that ends in {choices}")
    if out.is_dir():
        raise ValueError(f"{option} is {str(out)!r}, which is a folder; wanted a file")
    if any(out.exists() and file.exists() and out.samefile(file) for file in files):
        raise ValueError(f"{option} is {str(out)!r}, the file that is read; wanted another one")
    place = out if out.exists() else next(folder for folder in out.absolute().parents if folder.exists())
    if not place.is_dir() and not out.exists():
        raise ValueError(f"{option} is {str(out)!r}, and {place} is no folder")
    if not os.access(place, os.W_OK):
        raise PermissionError(f"{option} is {str(out)!r}, and {place} cannot be written")
    if out.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ImportError("writing Parquet needs pyarrow: pip install 'tsrep[parquet]'")
    return out


def picture_beside(out: Path, plot: bool) -> Path | None:
    """The PNG file beside `out` if a picture is wanted, once it is known that it can be written."""
    return checked_out(out.with_suffix(".png"), (".png",), option="--plot") if plot else None


def write_table(table: pd.DataFrame, out: Path) -> None:
    """Writes a frame without its index to a .csv or .parquet file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".csv":
        table.to_csv(out, index=False)
    else:
        table.to_parquet(out, index=False)


def checked_folder(save: Path | None) -> None:
    """Raises now what saving to `save` would raise after the long work."""
    if save is not None:
        from tsrep.train.checkpoint import check_writable

        check_writable(save)


def refuse_with_model(context: typer.Context, holds: str, *names: str, option: str = "--model") -> None:
    """A ValueError if the user gave an option of these `names`, which the saved model of `option` decides."""
    sources = {name: context.get_parameter_source(name) for name in names}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        refused = ", ".join(map(option_of, given))
        raise ValueError(f"{refused} cannot be given with {option}: {holds} decides it; leave it out")


def load_model(folder: Path, accepts: Callable[[Any], bool], wanted: str, *, option: str = "--model") -> Any:
    """The estimator saved in `folder`; a ValueError that names what is `wanted` unless `accepts` says yes."""
    from tsrep import load

    model = load(folder)
    if not accepts(model):
        raise ValueError(f"{option} {folder} holds a {type(model).__name__}; wanted {wanted}")
    return model


def print_saved(
    console: Console, context: typer.Context, what: str, save: Path, command: Sequence[str] | None = None
) -> None:
    """Prints where the model was saved, and the command that uses it on new series read in the same way.

    `command` is that command without the options of reading; default: the same command on a new file.
    """
    if command is None:
        command = ["tsrep", str(context.info_name), "NEW_FILE", "--model", str(save)]
    words = shlex.join([*command, *reading_options(context)])
    console.print(escape(f"{what} saved: {save}\nnext: {words}"), soft_wrap=True)


def new_source(source: str) -> str:
    """What stands in a command for other series of the same kind as `source`."""
    path = Path(source)
    return source if not path.exists() else "NEW_FOLDER" if path.is_dir() else "NEW_FILE"


def reading_options(context: typer.Context) -> list[str]:
    """The options of reading that were given, as words of a shell."""
    words: list[str] = []
    for name in READING:
        value = context.params.get(name)
        if name == "day_first":
            words += [] if value is None else ["--day-first" if value else "--month-first"]
        elif value is True:
            words.append(f"--{name}")
        elif value is not None and value is not False:
            words += [f"--{name}", str(value)]
    return words
