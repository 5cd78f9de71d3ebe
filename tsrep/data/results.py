"""Results that come in parts, in order: an array in memory, or a `.npy` file or a Zarr array, which are written as they
come and continued where an earlier run was interrupted.

Beside a file that is not complete stands `<name>.progress`: what it is a result of, and how many rows are written. A
`.npy` file has ".part" behind its name until it is complete.

The leading axes of a result, `lead`, are cut into parts as if they were one: `(n,)` into instances, `(n, t)` into
steps, of which a part has those of one instance at most.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def gathered(lead: tuple[int, ...], parts: Iterator[Array]) -> Array:
    """The parts (k, ...) as one array (*lead, ...)."""
    first = next(parts)
    whole = np.empty((math.prod(lead), *first.shape[1:]), first.dtype)
    whole[: len(first)] = first
    done = len(first)
    del first  # before the next is made, which needs the room
    for part in parts:
        whole[done : done + len(part)] = part
        done += len(part)
        del part
    return whole.reshape(*lead, *whole.shape[1:])


def written(
    path: str | Path, lead: tuple[int, ...], identity: str, parts: Callable[[int], Iterator[Array]]
) -> Any:
    """Writes parts of an array one after the other, and opens it: memory-mapped, or as a Zarr array.

    Parameters
    ----------
    path : ".npy" or ".zarr". What is there already is replaced when the result is complete.
    lead : the axes that are cut into parts.
    identity : tells this result from another one: an interrupted one of the same identity is continued.
    parts : gives the parts (k, ...) from a row of `lead` on; all have one shape but for k.

    Raises
    ------
    ValueError
        `path` has another ending.
    """
    target = Path(path)
    check_ending("out", path)
    progress = target.with_name(target.name + ".progress")
    growing = target.with_name(target.name + ".part")
    done = _rows_done(progress, identity) if growing.exists() else 0
    append, finish = WRITERS[target.suffix]
    for part in parts(done):
        append(growing, part, done, lead)
        done += len(part)
        del part  # before the next is made, which needs the room
        _note(progress, identity, done)
    progress.unlink(missing_ok=True)
    return finish(growing, target)


def check_ending(argument: str, path: str | Path) -> None:
    """Raises a `ValueError` if a result cannot be written under the name `path`."""
    if Path(path).suffix not in WRITERS:
        raise ValueError(f"{argument} is {str(path)!r}; wanted a name that ends in '.npy' or '.zarr'")


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


def _append_npy(path: Path, part: Array, done: int, lead: tuple[int, ...]) -> None:
    """Written in order, not mapped: mapped pages would count as memory."""
    part = np.ascontiguousarray(part)
    with open(path, "r+b" if done else "wb") as file:
        header = {"descr": part.dtype.str, "fortran_order": False, "shape": (*lead, *part.shape[1:])}
        np.lib.format.write_array_header_1_0(file, header)
        file.seek(done * part[:1].nbytes, os.SEEK_CUR)
        file.write(part.data)
        file.flush()
        os.fsync(file.fileno())


def _finish_npy(growing: Path, target: Path) -> Array:
    growing.replace(target)
    return np.load(target, mmap_mode="r")


def _append_zarr(path: Path, part: Array, done: int, lead: tuple[int, ...]) -> None:
    import zarr

    if done:
        array = zarr.open_array(path, mode="r+")
    else:
        shape, chunks = (*lead, *part.shape[1:]), (*[1] * (len(lead) - 1), *part.shape)
        array = zarr.create_array(path, shape=shape, chunks=chunks, dtype=part.dtype, overwrite=True)
    *instance, row = (int(place) for place in np.unravel_index(done, lead))
    array[(*instance, slice(row, row + len(part)))] = part


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
