"""`tsrep encode`: series from a data set, a file or a folder, through a saved encoder, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tsrep.cli.encoders import saved_encoder
from tsrep.cli.files import checked_out
from tsrep.cli.options import (
    Root,
    Split,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.series import Series, describe
from tsrep.cli.source import SOURCE_HELP, channel_names, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array

ENDINGS = (".npz", ".npy", ".csv")


@reads_tables()
def encode(
    source: Annotated[str, typer.Argument(help=SOURCE_HELP)],
    model: Annotated[Path, typer.Option(help="Folder of a saved encoder.")],
    out: Annotated[Path, typer.Option(help="File for the representations: .npz, .npy or .csv.")],
    *,
    per_step: Annotated[
        bool, typer.Option("--per-step", help="One vector per step instead of one per series.")
    ] = False,
    split: Annotated[Split, typer.Option(help="The part of a data set given by name.")] = Split.test,
    root: Root = None,
    options: TableOptions,
    as_json: Json = False,
) -> None:
    """Turn series into representations with a saved encoder.

    A data set given by name is normalised as in `tsrep classify`; the values of a file are used as they are. A
    step that a table has no row for is a missing one.

    A .npz file holds the arrays Z and, if there are any, the labels y and the names of the series; .npy holds Z alone;
    .csv one line per series or step.
    """
    import numpy as np

    console = new_console(as_json)
    checked_out(out, ENDINGS, Path(source))
    encoder = saved_encoder(model)
    series = read_source(source, options, split, root, channel_names(encoder))
    console.print(describe(source, series), soft_wrap=True)
    Z = np.asarray(encoder.encode(series.X) if per_step else encoder.transform(series.X))
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npz":
        arrays = {"Z": Z, "y": series.y, "names": series.names}
        np.savez_compressed(out, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]
    elif out.suffix == ".npy":
        np.save(out, Z)
    else:
        _write_csv(out, Z, series)
    axes = "series x steps x dimensions" if per_step else "series x dimensions"
    console.print(f"{escape(str(out))}: {' x '.join(map(str, Z.shape))} ({axes})", soft_wrap=True)
    print_json(as_json, out=out, shape=Z.shape, axes=axes.split(" x "))


def _write_csv(path: Path, Z: Array, series: Series) -> None:
    """One line per series or step; the steps after the end of a series with a name are left out."""
    import numpy as np
    import pandas as pd

    n, d = len(Z), Z.shape[-1]
    steps = Z.shape[1] if Z.ndim == 3 else 1
    frame = pd.DataFrame(Z.reshape(-1, d), columns=[f"z{i}" for i in range(d)])
    if series.y is not None:
        frame.insert(0, "label", np.repeat(series.y, steps))
    if Z.ndim == 3:
        frame.insert(0, "step", np.tile(np.arange(steps), n))
    frame.insert(0, "series", np.repeat(np.arange(n) if series.names is None else series.names, steps))
    if Z.ndim == 3 and series.names is not None:
        frame = frame[frame["step"] < np.repeat(series.lengths, steps)]
    frame.to_csv(path, index=False)
