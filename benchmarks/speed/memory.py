"""Peak memory of a training step, of the loss alone, or of a long series, each measured in a process of its own.

On a CPU it is the largest resident memory since the process started (VmHWM of Linux; `ru_maxrss` includes the memory of
the parent process when it started the child). On a GPU it is the largest memory of tensors.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.speed.problem import Network, Settings, as_batch, random_walks
from benchmarks.speed.rows import AUTHORS, LOSS_MEMORY, Row

ROOT = Path(__file__).parents[2]
MEGABYTE = 1e6
WARM_UP_STEPS = 8  # of the series
MEMORY_SHARE = 0.7  # of the free memory, so that the process fails before others do


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Megabytes beyond those of the same work on series of 8 steps, mostly imports; `total` is of the whole process.

    The row fails if a process needs more than `MEMORY_SHARE` of the free memory.
    """
    result: dict[str, Any] = {"unit": "MB", "ours": in_a_process(__name__, row, settings, "ours")}
    if row.rival == AUTHORS:
        result["theirs"] = in_a_process(__name__, row, settings, "theirs")
    return result


def in_a_process(module: str, row: Row, settings: Settings, whose: str) -> dict[str, Any]:
    """The JSON on the last line of the output of `module`, run as a program with these arguments."""
    task = {
        "row": asdict(row),
        "network": asdict(settings.network),
        "official": None if settings.official is None else str(settings.official.resolve()),
        "whose": whose,
    }
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(task)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | ({"OMP_NUM_THREADS": "1"} if row.device == "cpu" else {}),
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}"
        raise RuntimeError(f"the measuring process ({whose}) ended: {reason}")
    return json.loads(done.stdout.splitlines()[-1])


def from_task(task: dict[str, Any]) -> tuple[Row, Settings, str]:
    """The arguments of `in_a_process`, in its process. On a CPU this also limits its memory."""
    row, network = Row(**task["row"]), Network(**task["network"])
    if row.device == "cpu":
        _limit()
    return row, Settings(None if task["official"] is None else Path(task["official"]), network), task["whose"]


def _main(task: dict[str, Any]) -> None:
    row, settings, whose = from_task(task)
    _work(replace(row, length=WARM_UP_STEPS), settings, whose)
    before = peak(row.device)
    _work(row, settings, whose)
    total = peak(row.device)
    print(json.dumps({"median": (total - before) / MEGABYTE, "total": total / MEGABYTE}))


def _work(row: Row, settings: Settings, whose: str) -> None:
    import torch

    from benchmarks.speed.programs import programs

    ours, authors = programs(row, settings)
    program = ours if whose == "ours" else authors
    assert program is not None
    if row.work == LOSS_MEMORY:
        size = (row.instances, row.length, settings.network.n_components)
        z1, z2 = (torch.randn(size, device=row.device).requires_grad_() for _ in range(2))
        program.loss(z1, z2).backward()
        return
    step = program.training(as_batch(random_walks(row.instances, row.channels, row.length)), crop=False)
    for seed in range(2):  # the first step creates the optimiser's state
        step(seed)


def _limit() -> None:
    """Makes allocations fail beyond `MEMORY_SHARE` of the free memory."""
    import resource

    available = _bytes("MemAvailable", "meminfo")
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(
        resource.RLIMIT_DATA, (_bytes("VmData", "self/status") + int(MEMORY_SHARE * available), hard)
    )


def peak(device: str) -> int:
    """The peak memory of this process so far, in bytes."""
    if device != "cpu":
        import torch

        return torch.cuda.max_memory_allocated()
    return _bytes("VmHWM", "self/status")


def _bytes(name: str, file: str) -> int:
    """An entry, in bytes, of a file of Linux's /proc."""
    entry = re.search(rf"{name}:\s+(\d+) kB", Path("/proc", file).read_text(encoding="ascii"))
    if entry is None:
        raise RuntimeError(f"/proc/{file} has no entry {name}")
    return int(entry[1]) * 1024


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
