"""A series of any length from one file into another: seconds and peak memory, in a process of its own.

Both files are memory-mapped arrays in a temporary folder (in TMPDIR). Their mapped parts count as memory, although the
system can reclaim it at any time: in the end the whole series, 4 bytes per step and channel.
"""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.memory import MEGABYTE, WARM_UP_STEPS, from_task, in_a_process, peak
from benchmarks.speed.problem import Settings
from benchmarks.speed.programs import programs
from benchmarks.speed.rows import Row
from benchmarks.speed.timing import summary, timed, waiting_for
from tsrep import TS2Vec

STEPS_AT_ONCE = 2**20  # drawn and written together
COMPARED_STEPS = 100  # at each of three positions


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds of one run; `memory` (MB, as in the other rows of memory), `total`, and the `bytes` of the result.

    `difference` is the largest from `encode` on parts of the series, at its ends and in the middle.
    """
    return in_a_process(__name__, row, settings, "ours")


def _main(task: dict[str, Any]) -> None:
    row, settings, _ = from_task(task)
    ours, _ = programs(row, settings)
    with TemporaryDirectory() as name:
        folder = Path(name)
        needed = 4 * row.length * settings.network.n_components
        if shutil.disk_usage(folder).free < needed:
            raise OSError(
                f"{folder.parent} has less than the {needed / 1e9:.3g} GB free that the result needs"
            )
        ours.model.encode_to_file(_noise(folder / "short.npy", WARM_UP_STEPS, row.channels), folder / "z.npy")
        before = peak(row.device)
        x = _noise(folder / "x.npy", row.length, row.channels)
        encode = partial(ours.model.encode_to_file, x, folder / "z.npy")
        run = timed(encode, waiting_for(row.device))
        total = peak(row.device)
        result = {
            "ours": summary([run]),
            "memory": (total - before) / MEGABYTE,
            "total": total / MEGABYTE,
            "bytes": (folder / "z.npy").stat().st_size,
            "difference": _difference(ours.model, x, np.load(folder / "z.npy", mmap_mode="r")),
        }
    print(json.dumps(result))


def _noise(path: Path, steps: int, channels: int) -> NDArray[np.float32]:
    """Writes random numbers (steps, channels) to the array file `path` and opens it, memory-mapped."""
    shape, random = (steps, channels), np.random.default_rng(0)
    x = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, steps, STEPS_AT_ONCE):
        x[start : start + STEPS_AT_ONCE] = random.standard_normal(
            x[start : start + STEPS_AT_ONCE].shape, np.float32
        )
    x.flush()
    return np.load(path, mmap_mode="r")


def _difference(model: TS2Vec, x: NDArray[np.float32], Z: NDArray[np.float32]) -> float:
    reach = model.encoder_.backbone.reach
    worst = 0.0
    for start in (0, len(x) // 2, max(0, len(x) - COMPARED_STEPS)):
        stop, begin = start + COMPARED_STEPS, max(0, start - reach)
        whole = model.encode(x[begin : stop + reach].T[None])[0, start - begin : stop - begin]
        worst = max(worst, float(np.abs(whole - Z[start:stop]).max()))
    return worst


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
