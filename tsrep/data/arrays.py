"""Arrays in `.npy` and `.npz` files, without pickles."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data.columns import TableError
from tsrep.data.text_files import check_unpacked

Array = NDArray[Any]


def read_array(path: str | os.PathLike[str]) -> Array:
    """The array in a `.npy` file.

    Raises
    ------
    TableError
        The file is damaged, holds objects, or promises more values than it has.
    FileNotFoundError
        No such file.
    """
    path = Path(path)
    with _damage_said(path):
        return np.array(
            np.lib.format.open_memmap(path, mode="r")
        )  # compares the shape with the length of the file


def read_arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays in a `.npz` file by name.

    Raises
    ------
    TableError
        The file is damaged, holds objects, or unpacks to gigabytes.
    FileNotFoundError
        No such file.
    """
    path = Path(path)
    with _damage_said(path):
        with zipfile.ZipFile(path) as archive:
            check_unpacked(archive, path.stat().st_size)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


@contextmanager
def _damage_said(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged header may raise anything
        raise TableError(
            f"{path.name} cannot be read as NumPy arrays: {' '.join(str(error).split())}"
        ) from error
