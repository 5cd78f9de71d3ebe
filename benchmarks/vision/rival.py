"""transformers' ViTMAE in a process of its own interpreter, one step after the other, on demand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.vision.problem import LEARNING_RATE, RATIO, Sizes

PROGRAM = Path(__file__).with_name("peer.py")
NO_PYTHON = "transformers runs in an interpreter of its own: name it with --python"


class Rival:
    """A running peer: `timed(calls)` makes steps; `versions` are those of its interpreter."""

    def __init__(self, process: subprocess.Popen[str], versions: dict[str, str]):
        self.process, self.versions = process, versions

    def timed(self, calls: int = 1) -> tuple[float, float]:
        """(wall time, processor time) of a step, in seconds."""
        wall, used = ask(self.process, calls)
        return wall, used


@contextmanager
def rival(python: Path | None, sizes: Sizes, device: str, precision: str = "32") -> Iterator[Rival]:
    """A `Rival` of these sizes; the process ends with the block.

    Raises
    ------
    RuntimeError
        `python` is None, or the process ended with an error, whose last line is given.
    """
    if python is None:
        raise RuntimeError(NO_PYTHON)
    environment = os.environ | ({"OMP_NUM_THREADS": "1"} if device == "cpu" else {})
    process = subprocess.Popen(
        [str(python), str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        task = {"sizes": asdict(sizes), "device": device, "precision": precision}
        yield Rival(process, ask(process, {**task, "ratio": RATIO, "lr": LEARNING_RATE}))
    finally:
        process.kill()
        process.wait()


def ask(process: subprocess.Popen[str], value: Any) -> Any:
    """The answer to a line."""
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        process.stdin.write(json.dumps(value) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        said = process.stderr.read().strip().splitlines()
        raise RuntimeError(f"transformers' process ended: {said[-1] if said else 'without a word'}")
    return json.loads(line)
