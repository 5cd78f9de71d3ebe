"""Networks of PyPOTS in an interpreter of their own, since its dependencies do not go together with ours.

The script `benchmarks/imputation_peers.py` is started with that interpreter; arrays pass through a temporary folder.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.imputation.task import Task

SCRIPT = Path("benchmarks") / "imputation_peers.py"


def by_peer(
    method: str, task: Task, python: Path | None, max_epochs: int | None = None, script: Path = SCRIPT
) -> tuple[NDArray[Any], dict[str, Any]]:
    """(the test part without gaps, the notes of the script on the training).

    Raises
    ------
    RuntimeError
        No interpreter, no script, or the script failed; its last lines are in the message.
    """
    if python is None:
        raise RuntimeError(f"{method} runs in an interpreter that has PyPOTS: name it with --python")
    if not script.is_file():
        raise RuntimeError(f"{script} is not there: run from the checkout of tsrep")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(
            folder / "data.npz",
            train=task.train,
            validation=task.validation,
            validation_truth=task.validation_truth,
            test=task.test,
        )
        command = [str(python), str(script), method, str(folder), "--seed", str(task.seed)]
        if max_epochs is not None:
            command += ["--max-epochs", str(max_epochs)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{script.name} failed: {' '.join(done.stderr.split())[-500:]}")
        with np.load(folder / "imputed.npz", allow_pickle=False) as arrays:
            return arrays["test"], json.loads(str(arrays["notes"]))
