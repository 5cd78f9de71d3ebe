"""The rival where the authors' code is absent: every window encoded alone, which is what `encode_causal` means."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from benchmarks.speed.ours import Ours
from benchmarks.speed.problem import Panel, as_batch
from tsrep.ts2vec.inference import last_of_windows, on_device
from tsrep.ts2vec.masks import last


class OneByOne:
    """The encoder of `ours` on one window at a time, with the methods of `Authors` (`official.py`) for windows."""

    batch_sizes = (1,)

    def __init__(self, ours: Ours):
        self.n_components = ours.model.n_components
        self.network = on_device(ours.model.encoder_, **ours.where)

    def encode_causal(self, x: Panel, context: int, batch_size: int, hide_last: bool = False) -> Panel:
        def encode(window: Tensor) -> Tensor:
            return self.network(window, last(*window.shape[:2]) if hide_last else None)[:, -1:]

        Z = np.empty((len(x), x.shape[2], self.n_components), np.float32)
        for rows, steps, z in last_of_windows(as_batch(x), encode, context, batch_size):
            Z[rows, steps] = z.cpu()
        return Z

    def anomaly_scores(self, x: Panel, context: int, batch_size: int) -> Panel:
        hidden = self.encode_causal(x, context, batch_size, hide_last=True)
        return np.abs(hidden - self.encode_causal(x, context, batch_size)).sum(-1)
