"""The rival without the authors' code: each window encoded alone, which is the definition of `encode_causal`."""

from __future__ import annotations

import numpy as np

from benchmarks.speed.ours import Ours
from benchmarks.speed.problem import Panel, as_batch
from tsrep.encoding.batches import move
from tsrep.encoding.windows import encode_alone
from tsrep.train.runtime import launch


class OneByOne:
    """The encoder of `ours` on one window at a time, with the methods of `Authors` (`official.py`) for windows."""

    batch_sizes = (1,)

    def __init__(self, ours: Ours):
        self.n_components = ours.model.n_components
        self.encoder = ours.model.encoder_
        self.fabric = launch(**ours.where)
        move(self.encoder, self.fabric.device)

    def encode_causal(self, x: Panel, context: int, batch_size: int, hide_last: bool = False) -> Panel:
        Z = np.empty((len(x), x.shape[2], self.n_components), np.float32)
        windows = encode_alone(self.encoder, as_batch(x), context, (hide_last,), self.fabric, batch_size)
        for rows, steps, z in windows:
            Z[rows, steps] = z[0].cpu()
        return Z

    def anomaly_scores(self, x: Panel, context: int, batch_size: int) -> Panel:
        hidden = self.encode_causal(x, context, batch_size, hide_last=True)
        return np.abs(hidden - self.encode_causal(x, context, batch_size)).sum(-1)
