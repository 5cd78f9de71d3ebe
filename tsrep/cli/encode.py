"""`tsrep encode`: series from a file or an archive, through a saved encoder, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tsrep.cli.dataset import normalised_dataset
from tsrep.cli.files import checked_ending, load_model
from tsrep.cli.options import Root, Split
from tsrep.cli.reading import read_values

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array

ENDINGS = (".npz", ".npy", ".csv")


def encode(
    source: Annotated[
        str,
        typer.Argument(
            help="A file (.ts .tsv .arff .txt .npy .npz; .csv: one long series) or the name of a data set."
        ),
    ],
    model: Annotated[Path, typer.Option(help="Folder of a saved encoder.")],
    out: Annotated[Path, typer.Option(help="File for the representations: .npz, .npy or .csv.")],
    per_step: Annotated[
        bool, typer.Option("--per-step", help="One vector per step instead of one per series.")
    ] = False,
    split: Annotated[Split, typer.Option(help="The part of a data set given by name.")] = Split.test,
    root: Root = None,
) -> None:
    """Turn series into representations with a saved encoder.

    A data set given by name is normalised as in `tsrep classify`; the values of a file are used as they are.

    A .npz file holds the arrays Z and, if there are labels, y; .npy holds Z alone; .csv one line per series or step.
    """
    import numpy as np

    checked_ending(out, ENDINGS)

    encoder = load_model(model, lambda found: hasattr(found, "encode"), "an encoder")
    X, y = _read(source, split, root, _channel_names(encoder))
    Z = np.asarray(encoder.encode(X) if per_step else encoder.transform(X))
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npz":
        arrays = {"Z": Z} if y is None else {"Z": Z, "y": y}
        np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    elif out.suffix == ".npy":
        np.save(out, Z)
    else:
        _write_csv(out, Z, y)
    axes = "series x steps x dimensions" if per_step else "series x dimensions"
    Console(highlight=False).print(f"{out}: {' x '.join(map(str, Z.shape))} ({axes})")


def _channel_names(encoder: Any) -> Any:
    """The names of the channels that an encoder was fitted with, None where they had none."""
    names = getattr(encoder, "feature_names_in_", None)
    return names if names is not None and len(names) == encoder.n_channels_ else None


def _read(source: str, split: Split, root: Path | None, channels: Any) -> tuple[Any, Array | None]:
    """The panel and its labels, None where there are none."""
    import numpy as np

    path = Path(source)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise FileNotFoundError(f"{source} does not exist")
        X_train, y_train, X_test, y_test = normalised_dataset(source, root)
        return (X_train, y_train) if split is Split.train else (X_test, y_test)
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False), None
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            if "X" not in arrays:
                raise ValueError(f"{path} holds {sorted(arrays)}; wanted an array called X")
            return arrays["X"], arrays.get("y")
    if path.suffix == ".csv":
        return read_values(path, channels), None
    from tsrep.data import read_dataset_file

    return read_dataset_file(path)


def _write_csv(path: Path, Z: Array, y: Array | None) -> None:
    import numpy as np
    import pandas as pd

    n, d = len(Z), Z.shape[-1]
    steps = Z.shape[1] if Z.ndim == 3 else 1
    frame = pd.DataFrame(Z.reshape(-1, d), columns=[f"z{i}" for i in range(d)])
    if y is not None:
        frame.insert(0, "label", np.repeat(y, steps))
    if Z.ndim == 3:
        frame.insert(0, "step", np.tile(np.arange(steps), n))
    frame.insert(0, "series", np.repeat(np.arange(n), steps))
    frame.to_csv(path, index=False)
