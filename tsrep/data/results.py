"""Results that are written as they come: a `.npy` file or a Zarr array, continued where an earlier run was interrupted.

Beside a result that is not complete stands `<name>.progress`: what it is a result of, and how many rows are written. A
`.npy` file has ".part" behind its name until it is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def written(path: str | Path, rows: int, identity: str, parts: Callable[[int], Iterator[Array]]) -> Any:
    """Writes parts of an array one after the other, and opens it: memory-mapped, or as a Zarr array.

    Parameters
    ----------
    path : ".npy" or ".zarr". What is there already is replaced when the result is complete.
    rows : length of the first axis.
    identity : tells this result from another one: an interrupted one of the same identity is continued.
    parts : gives the parts (k, ...) from a row on; all have one shape but for k.

    Raises
    ------
    ValueError
        `path` has another ending.
    """
    target = Path(path)
    if target.suffix not in WRITERS:
        raise ValueError(f"out is {str(path)!r}; wanted a name that ends in '.npy' or '.zarr'")
    progress = target.with_name(target.name + ".progress")
    growing = target.with_name(target.name + ".part")
    done = _rows_done(progress, identity) if growing.exists() else 0
    append, finish = WRITERS[target.suffix]
    for part in parts(done):
        append(growing, part, done, rows)
        done += len(part)
        _note(progress, identity, done)
    progress.unlink(missing_ok=True)
    return finish(growing, target)


def _rows_done(progress: Path, identity: str) -> int:
    try:
        noted = json.loads(progress.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    return int(noted["rows"]) if noted.get("of") == identity else 0


def _note(progress: Path, identity: str, rows: int) -> None:
    fresh = progress.with_name(progress.name + ".new")
    fresh.write_text(json.dumps({"of": identity, "rows": rows}), encoding="utf-8")
    fresh.replace(progress)


def _append_npy(path: Path, part: Array, done: int, rows: int) -> None:
    """Written in order, not mapped: mapped pages would count as memory."""
    part = np.ascontiguousarray(part)
    with open(path, "r+b" if done else "wb") as file:
        header = {"descr": part.dtype.str, "fortran_order": False, "shape": (rows, *part.shape[1:])}
        np.lib.format.write_array_header_1_0(file, header)
        file.seek(done * part[:1].nbytes, os.SEEK_CUR)
        file.write(part.data)
        file.flush()
        os.fsync(file.fileno())


def _finish_npy(growing: Path, target: Path) -> Array:
    growing.replace(target)
    return np.load(target, mmap_mode="r")


def _append_zarr(path: Path, part: Array, done: int, rows: int) -> None:
    import zarr

    if done:
        array = zarr.open_array(path, mode="r+")
    else:
        shape = (rows, *part.shape[1:])
        array = zarr.create_array(path, shape=shape, chunks=part.shape, dtype=part.dtype, overwrite=True)
    array[done : done + len(part)] = part


def _finish_zarr(growing: Path, target: Path) -> Any:
    import shutil

    import zarr

    if target.exists():
        zarr.open_array(target, mode="r")  # raises if it is something else, which is not removed
        shutil.rmtree(target)
    growing.rename(target)
    return zarr.open_array(target, mode="r")


WRITERS: dict[str, tuple[Callable[..., None], Callable[[Path, Path], Any]]] = {
    ".npy": (_append_npy, _finish_npy),
    ".zarr": (_append_zarr, _finish_zarr),
}
