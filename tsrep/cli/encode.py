"""`tsrep encode`: series from a file or an archive, through a saved encoder, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from tsrep.cli.dataset import Array, normalised_dataset

ENDINGS = (".npz", ".npy", ".csv")


def encode_to_file(
    source: str, *, model: Path, out: Path, per_step: bool, split: str, root: Path | None
) -> None:
    """Encode `source` and write `out`: (n, d) representations, or (n, t, d) with `per_step`.

    `.npz` holds `Z` and, where the source has labels, `y`; `.npy` holds `Z` alone; `.csv` has one line a series,
    or a step, led by the columns `series`, `step` and `label`.
    """
    if out.suffix not in ENDINGS:
        raise ValueError(f"--out is {out.name!r}, wanted a name that ends in {', '.join(ENDINGS)}")
    X, y = _read(source, split, root)

    from tsrep import load

    encoder = load(model)
    Z = np.asarray(encoder.encode(X) if per_step else encoder.transform(X))
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npz":
        arrays = {"Z": Z} if y is None else {"Z": Z, "y": y}
        np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    elif out.suffix == ".npy":
        np.save(out, Z)
    else:
        _write_csv(out, Z, y)
    console = Console(highlight=False)
    console.print(
        f"{out}: {' x '.join(map(str, Z.shape))} ({'series x steps' if per_step else 'series'} x dimensions)"
    )


def _read(source: str, split: str, root: Path | None) -> tuple[Any, Array | None]:
    """The panel and its labels, None where there are none."""
    path = Path(source)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise FileNotFoundError(f"{source} does not exist")
        X_train, y_train, X_test, y_test = normalised_dataset(source, root)
        return (X_train, y_train) if split == "train" else (X_test, y_test)
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False), None
    if path.suffix == ".npz":
        return _read_npz(path)
    if path.suffix == ".csv":
        return _read_long_series(path), None
    from tsrep.data import read_dataset_file

    return read_dataset_file(path)


def _read_npz(path: Path) -> tuple[Array, Array | None]:
    with np.load(path, allow_pickle=False) as arrays:
        if "X" not in arrays:
            raise ValueError(f"{path} holds {sorted(arrays)}, wanted an array called X")
        return arrays["X"], arrays.get("y")


def _read_long_series(path: Path) -> Array:
    """A table with time down and channels across as a panel of one instance, (1, c, t)."""
    import pandas as pd

    frame = pd.read_csv(path)
    if frame.shape[1] > 1 and not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[0]):
        frame = frame.set_index(frame.columns[0])  # the time stamps
    texts = [str(name) for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if texts:
        raise ValueError(
            f"{path}: column {texts[0]!r} holds text, wanted numbers (time stamps may stand in the first)"
        )
    return frame.to_numpy(dtype=float).T[None]


def _write_csv(path: Path, Z: Array, y: Array | None) -> None:
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
