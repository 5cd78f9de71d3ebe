"""One update of the weights from one batch.

A step is called with a batch and returns detached scalars; forward, loss, backward and update happen inside it.
`Descent` serves everything with one objective and one optimiser. What a step needs in order to continue after an
interruption is its `state()`: tensors by name, ready for a safetensors file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor, nn

from tsrep.train.average import WeightAverage
from tsrep.train.cuda_graph import Captured, capturable
from tsrep.train.memory import give_back, resident
from tsrep.train.optimised import Groups, Optimised, Optimiser, adamw
from tsrep.train.processes import ALONE, Processes, Shared

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Losses = Tensor | Mapping[str, Tensor]
"""A scalar, or scalars by name, of which "loss" is the one to minimise and the others are recorded."""

Objective = Callable[[nn.Module, Any, torch.Generator], Losses]


class NonFiniteLossError(FloatingPointError):
    """The loss, or what it moved, became NaN or infinite."""


class Step(Protocol):
    """What the loop asks of a step; a batch is what the `Batches` give, a tensor or a tuple of them."""

    def __call__(self, batch: Any) -> dict[str, Tensor]: ...

    def state(self) -> dict[str, Tensor]: ...

    def load_state(self, state: dict[str, Tensor]) -> None: ...


class Planned(Protocol):
    """An objective that can draw all its randomness beforehand and then needs no host synchronisation."""

    def plan(self, network: nn.Module, batch: Any, generator: torch.Generator) -> tuple[Tensor, ...] | None:
        """The arguments of `loss_of_plan`, of few different shapes; None: this batch is for the objective itself."""

    def loss_of_plan(self, network: nn.Module, *plan: Tensor) -> Losses:
        """The losses."""


class Descent:
    """One optimiser on one objective, and an averaged copy of the network if `average`.

    On a CUDA device the whole step of an objective that is `Planned` is captured as a CUDA graph.

    Parameters
    ----------
    network : the module to train.
    objective : (network, batch, generator) -> `Losses`.
    lr, weight_decay : of the optimiser; AdamW's betas are 0.9 and 0.999 unless `groups` have others.
    generator : the one source of randomness of the objective; its state is part of the step's.
    fabric : device and precision.
    average : whether to keep the mean of the weights over all steps. It is the model then.
    max_norm, groups, optimiser : see `Optimised`.
    processes : that train together, each called with the same batches and objective. The objective draws for the whole
        batch, and each process computes its rows of the network's outputs.
    gather : whether the objective is given the outputs of all processes, see `Shared`.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        *,
        lr: float,
        generator: torch.Generator,
        fabric: Fabric,
        weight_decay: float = 0.01,
        average: bool = True,
        max_norm: float | None = None,
        groups: Groups | None = None,
        optimiser: Optimiser = adamw,
        processes: Processes = ALONE,
        gather: bool = True,
    ):
        self.network = network.to(fabric.device)
        self.average = WeightAverage(network) if average else None
        self.optimised = Optimised(network, lr, fabric, weight_decay, max_norm, groups, optimiser, processes)
        self.processes, self.gather = processes, gather
        together = processes.count > 1
        self._forward = (
            Shared(self.optimised.forward, processes, gather) if together else self.optimised.forward
        )
        self.objective = objective
        self.generator = generator
        self.fabric = fabric
        self._resident = resident()
        self._names: tuple[str, ...] = ()
        self._prepare_capture()

    @property
    def model(self) -> nn.Module:
        """The averaged network, or the network itself where no average is kept."""
        return self.network if self.average is None else self.average.network

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        self._forward.train()
        if self._captured is not None:
            plan = cast(Planned, self.objective).plan(self.network, batch, self.generator)
            if plan is not None:
                share = torch.tensor(0.0 if self.average is None else self.average.next_share())
                values = self._captured(share, *plan)
                return dict(zip(self._names, values.unbind(), strict=True))
        losses = _named(self.objective(self._forward, self.fabric.to_device(batch), self.generator))
        if self.processes.count > 1:
            return self._descend_together(losses, len(batch if isinstance(batch, Tensor) else batch[0]))
        self.optimised.descend(losses["loss"])
        if self.average is not None:
            self.average.update(self.network)
        give_back(beyond=self._resident)
        return {name: value.detach() for name, value in losses.items()}

    def _descend_together(self, losses: Mapping[str, Tensor], whole: int) -> dict[str, Tensor]:
        """One update from the losses of all processes, and their means."""
        weight = 1.0 if self.gather else self.processes.weight(whole)
        self.optimised.descend(weight * losses["loss"])
        self.processes.average_statistics(self.network)
        if self.average is not None:
            self.average.update(self.network)
        values = self.processes.mean(torch.stack([weight * value.detach() for value in losses.values()]))
        return dict(zip(losses, values.unbind(), strict=True))

    def _prepare_capture(self) -> None:
        alone = self.processes.count == 1
        planned = alone and hasattr(self.objective, "plan") and capturable(self.fabric)
        self._captured = Captured(self._planned, self.fabric.device) if planned else None

    def _planned(self, share: Tensor, *plan: Tensor) -> Tensor:
        with self.fabric.autocast():
            losses = _named(cast(Planned, self.objective).loss_of_plan(self.network, *plan))
        self.optimised.descend(losses["loss"])
        if self.average is not None:
            self.average.update_by(self.network, share)
        self._names = tuple(losses)
        return torch.stack([value.detach() for value in losses.values()])

    @torch.no_grad()
    def evaluate(self, batch: Any, generator: torch.Generator) -> Tensor:
        """The objective of the model on a batch, with nothing learned from it."""
        model = self.model.eval()
        with self.fabric.autocast():
            return _named(self.objective(model, self.fabric.to_device(batch), generator))["loss"]

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, except the averaged weights: those are the model itself."""
        state = self.optimised.state()
        if self.average is not None:
            state["average.count"] = torch.tensor(self.average.count)
        state["generator"] = self.generator.get_state()
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continues from `state`; the averaged weights are set by the caller."""
        self.optimised.load_state(state)
        if self.average is not None:
            self.average.count = int(state["average.count"])
        self.generator.set_state(state["generator"].cpu())
        self._prepare_capture()  # the optimiser has other tensors now


def require_finite(state: Mapping[str, Tensor], step: int) -> None:
    """Raises `NonFiniteLossError` if a weight or moment is NaN or infinite: it must not become a checkpoint."""
    for name, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise NonFiniteLossError(
                f"{name} is not finite after step {step}: the learning rate may be too high"
            )


def _named(losses: Losses) -> Mapping[str, Tensor]:
    if isinstance(losses, Tensor):
        return {"loss": losses}
    if not isinstance(losses, Mapping) or "loss" not in losses:
        raise TypeError(
            f"the objective gave {losses!r}; wanted a scalar tensor, or a dict of them with 'loss'"
        )
    return {name: torch.as_tensor(value) for name, value in losses.items()}
