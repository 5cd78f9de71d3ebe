"""Features of Hydra's random kernels, from aeon in an interpreter of its own.

The script `benchmarks/masked_peers.py` is started with that interpreter; arrays pass through a temporary folder.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCRIPT = Path("benchmarks") / "masked_peers.py"


def features_of_peer(
    method: str,
    X_train: NDArray[Any],
    X_test: NDArray[Any],
    seed: int,
    python: Path | None,
    script: Path = SCRIPT,
) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """(features of the training part, of the test part, the notes of the script) for panels without gaps.

    Raises
    ------
    RuntimeError
        No interpreter, no script, or the script failed; its last lines are in the message.
    """
    if python is None:
        raise RuntimeError(f"{method} runs in an interpreter that has aeon: name it with --python")
    if not script.is_file():
        raise RuntimeError(f"{script} is not there: run from the checkout of tsrep")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", train=X_train, test=X_test)
        command = [str(python), str(script), method, str(folder), "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{script.name} failed: {' '.join(done.stderr.split())[-500:]}")
        with np.load(folder / "features.npz", allow_pickle=False) as arrays:
            return arrays["train"], arrays["test"], json.loads(str(arrays["notes"]))
