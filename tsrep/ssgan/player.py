"""A player of the game: a network and the optimiser that moves it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class Player:
    """A network with an AdamW of its own.

    Parameters
    ----------
    network : what plays.
    lr, weight_decay : of the optimiser; without decay it is Adam.
    fabric : device and precision.
    longest : norm that a gradient is shortened to where it is longer; None: it is taken as it is.

    Attributes
    ----------
    network : the module, on the device.
    forward : the module as it is called in training: with the precision that was asked for.
    """

    def __init__(
        self,
        network: nn.Module,
        lr: float,
        fabric: Fabric,
        weight_decay: float = 0.0,
        longest: float | None = None,
    ):
        self.network = network.to(fabric.device)
        self.fabric = fabric
        self.longest = longest
        on_cuda = fabric.device.type == "cuda"  # what is recorded there finds its rate on the device
        optimiser = torch.optim.AdamW(
            network.parameters(),
            lr=torch.tensor(lr, device=fabric.device) if on_cuda else lr,
            weight_decay=weight_decay,
            fused=True,
            capturable=on_cuda,
        )
        self.forward, self._optimiser = fabric.setup(network, optimiser)

    def descend(self, loss: Tensor) -> Tensor:
        """One step down `loss`, which is given back detached."""
        self._optimiser.zero_grad()
        self.fabric.backward(loss)
        if self.longest is not None:
            self.fabric.clip_gradients(
                self.forward, self._optimiser, max_norm=self.longest, error_if_nonfinite=False
            )
        self._optimiser.step()
        return loss.detach()

    @property
    def lr(self) -> float:
        """The learning rate; it can be set."""
        return float(self._optimiser.param_groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self._optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(value)
            else:
                group["lr"] = value

    def state(self) -> dict[str, Tensor]:
        """Weights, moments and learning rate, by name."""
        state = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        moments = self._optimiser.state_dict()["state"]
        state |= {f"adam.{i}.{name}": value for i, of in moments.items() for name, value in of.items()}
        state["lr"] = torch.tensor(self.lr, dtype=torch.float64)
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Takes up where the player that gave `state` stood."""
        self.network.load_state_dict(under("network.", state))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in under("adam.", state).items():
            index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.lr = float(state["lr"])


def under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The part of `state` whose names begin with `prefix`, by the rest of the name."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


@contextmanager
def held_still(*players: Player | None) -> Iterator[None]:
    """Gradients pass through these players' networks and none is left on their weights."""
    networks = [player.network for player in players if player is not None]
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)
