"""One update of the weights from one batch.

A step is called with a batch and returns detached scalars; forward, loss, backward and update happen inside it.
`Descent` serves everything with one objective and one optimiser. What a step needs in order to go on after an
interruption is its `state()`: tensors by name, ready for a safetensors file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor, nn

from tsrep.train.average import WeightAverage
from tsrep.train.capture import Recorded, recordable
from tsrep.train.memory import give_back, resident

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Objective = Callable[[nn.Module, Tensor, torch.Generator], Tensor]


class Step(Protocol):
    """What the loop asks of a step; a batch is what the `Batches` hold, a tensor or a tuple of them."""

    def __call__(self, batch: Any) -> dict[str, Tensor]: ...

    def state(self) -> dict[str, Tensor]: ...

    def load_state(self, state: dict[str, Tensor]) -> None: ...


class Planned(Protocol):
    """An objective that can draw all its randomness beforehand, and then asks the host for nothing."""

    def plan(
        self, network: nn.Module, batch: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, ...] | None:
        """What `of_plan` needs, of few different shapes; None: this batch is for the objective itself."""

    def of_plan(self, network: nn.Module, *plan: Tensor) -> Tensor:
        """The loss."""


class Descent:
    """AdamW on one objective, with an averaged copy of the network.

    On a CUDA device an objective that is `Planned` has its whole step recorded and played again (`capture.Recorded`).

    Parameters
    ----------
    network : the module to train.
    objective : (network, batch, generator) -> a scalar loss.
    lr : learning rate of AdamW; its other constants are torch's (weight decay 0.01, betas 0.9 and 0.999).
    generator : the one source of randomness of the objective; its state is part of the step's.
    fabric : device and precision.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        *,
        lr: float,
        generator: torch.Generator,
        fabric: Fabric,
    ):
        network.to(fabric.device)
        self.network = network
        self.average = WeightAverage(network)
        self.objective = objective
        self.generator = generator
        self.fabric = fabric
        self._resident = resident()
        self._forward, self._optimiser = fabric.setup(
            network,
            torch.optim.AdamW(
                network.parameters(), lr=lr, fused=True, capturable=fabric.device.type == "cuda"
            ),
        )
        self._ready()

    def __call__(self, batch: Tensor) -> dict[str, Tensor]:
        self._forward.train()
        if self._recorded is not None:
            plan = cast(Planned, self.objective).plan(self.network, batch, self.generator)
            if plan is not None:
                self.average.count += 1
                return {"loss": self._recorded(torch.tensor(1.0 / self.average.count), *plan)}
        loss = self.objective(self._forward, self.fabric.to_device(batch), self.generator)
        self._descend(loss)
        self.average.update(self.network)
        give_back(beyond=self._resident)
        return {"loss": loss.detach()}

    def _ready(self) -> None:
        plans = hasattr(self.objective, "plan") and recordable(self.fabric)
        self._recorded = Recorded(self._planned, self.fabric.device) if plans else None

    def _planned(self, share: Tensor, *plan: Tensor) -> Tensor:
        with self.fabric.autocast():
            loss = cast(Planned, self.objective).of_plan(self.network, *plan)
        self._descend(loss)
        self.average.take_in(self.network, share)
        return loss.detach()

    def _descend(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        self.fabric.backward(loss)
        self._optimiser.step()

    @torch.no_grad()
    def evaluate(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """The objective of the averaged network on a batch, with nothing learned from it."""
        with self.fabric.autocast():
            return self.objective(self.average.network, self.fabric.to_device(batch), generator)

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, but for the averaged weights: those are the model itself."""
        state = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        moments = self._optimiser.state_dict()["state"]
        state |= {f"adamw.{i}.{name}": value for i, of in moments.items() for name, value in of.items()}
        state["average.count"] = torch.tensor(self.average.count)
        state["generator"] = self.generator.get_state()
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Takes up where the step that gave `state` stood; the averaged weights are set by the caller."""
        self.network.load_state_dict(
            {
                name.removeprefix("network."): value
                for name, value in state.items()
                if name.startswith("network.")
            }
        )
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            if name.startswith("adamw."):
                _, index, moment = name.split(".")
                moments.setdefault(int(index), {})[moment] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.average.count = int(state["average.count"])
        self.generator.set_state(state["generator"].cpu())
        self._ready()  # the optimiser has other tensors now
