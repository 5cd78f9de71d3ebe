"""The TS2Vec authors' code (github.com/yuezhihan/ts2vec), run from a checkout; only this file imports it.

It is used unchanged. `Authors` and `Ours` (`ours.py`) have the same methods, so that a row of the benchmark is the same
code for both.
"""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.speed.problem import LEARNING_RATE, Network, Panel, draw_views
from tsrep.ts2vec.crops import Views
from tsrep.ts2vec.official import encoder_from_official

MODULES = ("ts2vec", "models.losses")


class Authors:
    """Their model with random weights (seed 0) on a device.

    Parameters
    ----------
    checkout : the folder that holds their `ts2vec.py`.
    """

    batch_sizes = (1, 4, 8, 16, 32, 64, 256)  # the fastest is used; the authors use 256 for windows

    def __init__(self, checkout: Path, channels: int, network: Network, device: str = "cpu"):
        model, losses = _import(checkout)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model: Any = model.TS2Vec(
                channels,
                output_dims=network.n_components,
                hidden_dims=network.hidden_channels,
                depth=network.depth,
                device=device,
                lr=LEARNING_RATE,
            )
        self.device = device
        self._loss = losses.hierarchical_contrastive_loss

    def state(self) -> dict[str, Tensor]:
        """The weights, as their `save` would write them."""
        return {name: value.cpu().clone() for name, value in self.model.net.state_dict().items()}

    def training(self, x: Tensor, crop: bool) -> Callable[[int], float]:
        """A function that makes one iteration of their `fit` on the batch `x` (B, T, C), with the seed of the crops.

        The crops have the distribution of theirs, but are drawn by other calls.
        """
        network = self.model._net.train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE)

        def step(seed: int) -> float:
            loss = self._loss_of(network, draw_views(x.to(self.device), crop, seed))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            self.model.net.update_parameters(network)
            return loss.item()

        return step

    def gradients(self, views: Views, number: torch.dtype = torch.float32) -> tuple[float, dict[str, Tensor]]:
        """Loss without dropout and masks, and its gradients under our names, computed in the precision `number`."""
        network = copy.deepcopy(self.model._net).eval().to(number)
        first, second = views.first.to(number), views.second.to(number)
        default = torch.get_default_dtype()
        torch.set_default_dtype(number)  # their loss is summed in the default dtype
        try:
            loss = self._loss_of(network, replace(views, first=first, second=second))
        finally:
            torch.set_default_dtype(default)
        loss.backward()
        raw = {name: weight.grad for name, weight in network.named_parameters()}
        renamed, _ = encoder_from_official(raw)
        return loss.item(), dict(renamed.named_parameters())

    def loss(self, z1: Tensor, z2: Tensor) -> Tensor:
        return self._loss(z1, z2)

    def _loss_of(self, network: torch.nn.Module, views: Views) -> Tensor:
        # Their network writes into its input; in their `fit` each view is a copy.
        z1 = network(views.first.clone())[:, views.steps_of_first]
        z2 = network(views.second.clone())[:, views.steps_of_second]
        return self._loss(z1, z2)

    def transform(self, x: Panel, batch_size: int) -> NDArray[np.float32]:
        return self.model.encode(_time_second(x), encoding_window="full_series", batch_size=batch_size)

    def encode_causal(
        self, x: Panel, context: int, batch_size: int, hide_last: bool = False
    ) -> NDArray[np.float32]:
        return self.model.encode(
            _time_second(x),
            mask="mask_last" if hide_last else None,
            causal=True,
            sliding_length=1,
            sliding_padding=context,
            batch_size=batch_size,
        )

    def anomaly_scores(self, x: Panel, context: int, batch_size: int) -> NDArray[np.float32]:
        """L1 distance of the representations with and without the window's last step, (n, t)."""
        hidden = self.encode_causal(x, context, batch_size, hide_last=True)
        return np.abs(hidden - self.encode_causal(x, context, batch_size)).sum(-1)


def _time_second(x: Panel) -> Panel:
    return np.ascontiguousarray(x.transpose(0, 2, 1))


def _import(checkout: Path) -> list[Any]:
    if not (checkout / "ts2vec.py").is_file():
        raise FileNotFoundError(
            f"{checkout} holds no ts2vec.py; wanted a checkout of the authors' repository"
        )
    sys.path.insert(0, str(checkout.resolve()))
    try:
        return [importlib.import_module(name) for name in MODULES]
    finally:
        sys.path.remove(str(checkout.resolve()))
