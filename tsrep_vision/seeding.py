"""Seeds, and torch's global generators, which modules and torchvision draw from, set for a while and given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from tsrep.base.parameters import Range, is_integer, out_of_range

SEED = Range("an integer from 0 to 2 ** 63 - 1, or None", lambda value: value is None or is_seed(value))


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Torch's global generators, of the CPU and of `device`, start from `seed` inside and are as before afterwards."""
    with torch.random.fork_rng(devices=[device] if device is not None and device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def is_seed(value: Any) -> bool:
    """Whether torch and NumPy take `value` as a seed."""
    return is_integer(value) and 0 <= value < 2**63


def seed_of(random_state: int | None) -> int:
    """`random_state`, or one that the operating system draws.

    Raises
    ------
    ValueError
        `random_state` is out of range.
    """
    if not SEED.holds(random_state):
        raise out_of_range("random_state", random_state, SEED.wanted)
    return int(np.random.SeedSequence().generate_state(1)[0]) if random_state is None else int(random_state)
