"""tsrep with the methods of `Authors` (`official.py`)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.speed.problem import LEARNING_RATE, Network, Panel
from tsrep import TS2Vec
from tsrep.train.runtime import launch
from tsrep.train.step import Descent
from tsrep.ts2vec.fast.planned import PlannedObjective
from tsrep.ts2vec.fast.tiled import both_views, tiled_loss
from tsrep.ts2vec.objective import ContrastiveObjective


class Ours:
    """The untrained estimator on a device, with random weights (seed 0) or those of `state`.

    Parameters
    ----------
    state : weights of the authors' code, as `Authors.state` returns them.
    """

    def __init__(
        self,
        channels: int,
        network: Network,
        device: str = "cpu",
        precision: str = "32",
        state: dict[str, Tensor] | None = None,
    ):
        self.where: dict[str, Any] = {"device": device, "precision": precision}
        if state is not None:
            self.model = TS2Vec.from_official(state, **self.where)
        else:
            sizes = vars(network)
            self.model = TS2Vec(**sizes, **self.where, max_steps=0, random_state=0)
            self.model.fit(np.zeros((1, channels, 2), np.float32))

    def training(self, x: Tensor, crop: bool) -> Callable[[int], float]:
        """A function that makes one training step on the batch `x` (B, T, C), with the seed of the crops."""
        generator = torch.Generator()
        network = self.model.encoder_.requires_grad_(True)
        objective = PlannedObjective(crop=crop)
        descent = Descent(
            network, objective, lr=LEARNING_RATE, generator=generator, fabric=launch(**self.where)
        )

        def step(seed: int) -> float:
            generator.manual_seed(seed)
            return float(descent(x)["loss"])

        return step

    def gradients(
        self, x: Tensor, crop: bool, seed: int, number: torch.dtype = torch.float32
    ) -> tuple[float, dict[str, Tensor]]:
        """Loss without dropout and masks, and its gradients, computed in the precision `number`."""
        device = self.where["device"]
        network = copy.deepcopy(self.model.encoder_).requires_grad_(True).eval().to(device, number)
        objective = ContrastiveObjective(crop=crop, mask="all_true")
        loss = objective(network, x.to(device, number), torch.Generator().manual_seed(seed))
        loss.backward()
        return loss.item(), {name: weight.grad for name, weight in network.named_parameters()}

    def loss(self, z1: Tensor, z2: Tensor) -> Tensor:
        return tiled_loss(both_views(z1, z2), alpha=0.5)

    def transform(self, x: Panel) -> NDArray[np.float32]:
        return self.model.transform(x)

    def encode_causal(self, x: Panel, context: int) -> NDArray[np.float32]:
        return self.model.encode_causal(x, context)

    def anomaly_scores(self, x: Panel, context: int) -> NDArray[np.float32]:
        """L1 distance of the representations with and without the window's last step, (n, t)."""
        shown, hidden = self.model.encode_causal_pair(x, context)
        return np.abs(hidden - shown).sum(-1)
