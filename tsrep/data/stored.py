"""What is read block by block: memory-mapped arrays, Zarr arrays, Parquet data sets and Dask frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tsrep.data.lazy import ArrayPanel, LazyPanel

READ_AS_A_WHOLE = 2**26
"""Bytes up to which a memory-mapped or Zarr array is read as one in memory is."""


def as_lazy(X: Any) -> LazyPanel | None:
    """`X` as a lazy panel if it is one of these; None for what `tsrep.data.as_panel` is for.

    - a memory-mapped array (`numpy.load(..., mmap_mode="r")`) or a Zarr array of more than 64 MiB;
    - a `pyarrow.dataset.Dataset`, of Parquet files for example, or a Dask data frame, see `tsrep.data.parquet`;
    - a `LazyPanel`.
    """
    if isinstance(X, LazyPanel):
        return X
    package = type(X).__module__.partition(".")[0]
    if isinstance(X, np.memmap) or (package == "zarr" and hasattr(X, "shape")):
        bytes_in_all = int(np.prod(X.shape, dtype=np.int64)) * X.dtype.itemsize
        return ArrayPanel(X) if bytes_in_all > READ_AS_A_WHOLE else None
    if package in ("pyarrow", "dask", "dask_expr") and (
        hasattr(X, "get_fragments") or hasattr(X, "partitions")
    ):
        from tsrep.data.parquet import table_panel

        return table_panel(X)
    return None


def open_panel(path: str | Path) -> Any:
    """Opens series on disk without reading them: `.npy` memory-mapped, `.zarr`, or Parquet files (a file or a folder).

    Raises
    ------
    FileNotFoundError
        There is nothing at `path`.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.suffix == ".npy":
        return np.load(path, mmap_mode="r")
    if path.suffix == ".zarr":
        import zarr

        return zarr.open_array(path, mode="r")
    import pyarrow.dataset

    return pyarrow.dataset.dataset(path, format="parquet")
