"""Returning freed memory to the system between large training steps.

Crops of ever new lengths leave glibc's heap full of holes that fit no later tensor, so that a process grows to several
times what a step needs. Where there is no glibc nothing is done.
"""

from __future__ import annotations

import ctypes
import mmap
from functools import cache
from pathlib import Path
from typing import Any

KEPT_BYTES = (
    500 * 10**6
)  # freed memory up to this size is kept: asking the system for it again takes time too


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0


def give_back(beyond: int) -> None:
    """Returns freed memory to the system if the process holds more than `beyond` + `KEPT_BYTES` bytes."""
    glibc = _glibc()
    if glibc is not None and resident() - beyond > KEPT_BYTES:
        glibc.malloc_trim(0)


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "malloc_trim") else None
    except OSError:
        return None
