"""Peak memory of a training step, of the loss alone, or of a long series, each measured in a process of its own.

On a CPU it is the largest resident memory since the process began (VmHWM of Linux; `ru_maxrss` would not do, for it
counts what the parent process held when it started the child). On a GPU it is the most that tensors occupied.
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
SHORT = 8  # steps of the series with which a process is warmed up
SHARE = 0.7  # of the memory that is free: what a process may take, so that it fails before others do


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Megabytes beyond those of the same on series of 8 steps, imports mostly; `total` is the whole of the process.

    A process that asks for more than most of the free memory gets none, and the row fails.
    """
    found: dict[str, Any] = {"unit": "MB", "ours": in_a_process(__name__, row, settings, "ours")}
    if row.rival == AUTHORS:
        found["theirs"] = in_a_process(__name__, row, settings, "theirs")
    return found


def in_a_process(module: str, row: Row, settings: Settings, whose: str) -> dict[str, Any]:
    """What `module`, run as a program that is given all of that, prints as JSON on its last line."""
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


def given(task: dict[str, Any]) -> tuple[Row, Settings, str]:
    """What the process of `in_a_process` was given. On a CPU its memory is limited from here on."""
    row, network = Row(**task["row"]), Network(**task["network"])
    if row.device == "cpu":
        _limit()
    return row, Settings(None if task["official"] is None else Path(task["official"]), network), task["whose"]


def _main(task: dict[str, Any]) -> None:
    row, settings, whose = given(task)
    _work(replace(row, length=SHORT), settings, whose)
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
    for seed in range(2):  # the first one makes the optimiser's state
        step(seed)


def _limit() -> None:
    """Lets allocations fail that would take more than `SHARE` of the free memory."""
    import resource

    available = _bytes("MemAvailable", "meminfo")
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_bytes("VmData", "self/status") + int(SHARE * available), hard))


def peak(device: str) -> int:
    """Bytes that this process took at most so far."""
    if device != "cpu":
        import torch

        return torch.cuda.max_memory_allocated()
    return _bytes("VmHWM", "self/status")


def _bytes(name: str, file: str) -> int:
    """An amount of memory by its name in a file of Linux's /proc."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc", file).read_text(encoding="ascii"))
    if found is None:
        raise RuntimeError(f"/proc/{file} does not say {name}")
    return int(found[1]) * 1024


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
