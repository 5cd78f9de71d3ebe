"""The common input of the programs: sizes of the network, random series, and crops of a training step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsrep.ts2vec.crops import Views, overlapping_crops, whole_series

LEARNING_RATE = 1e-3

Panel = NDArray[np.float32]  # (n, c, t)


@dataclass(frozen=True)
class Network:
    """Sizes of the encoder; the defaults are the paper's."""

    hidden_channels: int = 64
    n_components: int = 320
    depth: int = 10


@dataclass(frozen=True)
class Settings:
    """How to measure: `rounds` runs of each program, or fewer (at least three) if they take over `seconds` in all."""

    official: Path | None = None  # checkout of the authors' code
    network: Network = Network()
    rounds: int = 5
    seconds: float = 60.0


def random_walks(instances: int, channels: int, length: int) -> Panel:
    """Standardised random walks: neighbouring steps are similar, as in measured series."""
    walks = np.random.default_rng(0).normal(size=(instances, channels, length)).cumsum(-1)
    walks = (walks - walks.mean(-1, keepdims=True)) / (walks.std(-1, keepdims=True) + 1e-8)
    return walks.astype(np.float32)


def as_batch(panel: Panel) -> Tensor:
    """(n, c, t) -> (n, t, c)."""
    return torch.from_numpy(np.ascontiguousarray(panel.transpose(0, 2, 1)))


def draw_views(x: Tensor, crop: bool, seed: int) -> Views:
    """The two views of a training step on `x` (B, T, C): random crops, or the whole series twice."""
    return overlapping_crops(x, torch.Generator().manual_seed(seed)) if crop else whole_series(x)
