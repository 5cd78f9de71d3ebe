"""Claims on cells, so that two runs on one folder of results do no cell twice.

A claim is a lock that the operating system holds on one byte of a file beside the results; the byte is a hash of the
cell's id. It ends with its process however that dies, so no claim is ever stale, and one file serves any number of
cells. Where the system has no such locks (Windows), every claim is granted.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PLACES = 2**62


class Claims:
    """The claims of this process on the cells of a file of results, given up at the end of a `with` block."""

    def __init__(self, results_path: Path):
        self.path = results_path.with_name(results_path.name + ".claims")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def take(self, cell_id: str) -> bool:
        """Whether the cell is this process's now; False where another one has it."""
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(cell_id))
        except BlockingIOError:
            return False
        return True


def _place(cell_id: str) -> int:
    return int.from_bytes(hashlib.sha256(cell_id.encode()).digest()[:8], "big") % PLACES
