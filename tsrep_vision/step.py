"""One update of a network from a batch of images: draws for the whole batch first, then its parts one after the other.

A batch may be split twice: over processes, each of which has decoded its share, and into `accumulate` parts whose
gradients are summed, to save memory. The draws are those of the whole batch in either case and every part counts by its
number of images, so the update is the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from tsrep.train.cuda_graph import Captured, capturable
from tsrep.train.optimised import Groups, Optimised, Optimiser, adamw
from tsrep_vision.data.batches import ImageBatch
from tsrep_vision.seeding import seeded

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class ImageObjective(Protocol):
    """What is minimised, in two steps: the draws, then the losses."""

    def draw(self, batch: ImageBatch, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """What the losses need, on the device: one row per image in each tensor.

        `generator` is one of the CPU, from which as many numbers are drawn as the whole batch needs.
        """

    def losses(self, network: nn.Module, *drawn: Tensor) -> Mapping[str, Tensor]:
        """Means over the images by name; "loss" is minimised, the others are recorded."""


class ImageStep:
    """A step for `tsrep.train.loop.fit` that takes an `ImageBatch`.

    On a CUDA device it is captured as a CUDA graph, unless the network itself draws random numbers (stochastic depth).

    Parameters
    ----------
    network : the module to train.
    objective : see `ImageObjective`.
    lr, weight_decay, max_norm, groups, optimiser : see `Optimised`.
    generator : a CPU generator, the one source of randomness; its state is part of the step's.
    fabric : device, precision and processes.
    accumulate : parts of a batch whose gradients are summed.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: ImageObjective,
        *,
        lr: float,
        generator: torch.Generator,
        fabric: Fabric,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        groups: Groups | None = None,
        optimiser: Optimiser = adamw,
        accumulate: int = 1,
    ):
        self.network = network
        self.optimised = Optimised(network, lr, fabric, weight_decay, max_norm, groups, optimiser)
        self.objective, self.generator, self.fabric = objective, generator, fabric
        self.accumulate = accumulate
        self._names: tuple[str, ...] = ()
        self._captures = optimiser is adamw and capturable(fabric) and not draws_numbers(network)
        self._prepare_capture()

    def __call__(self, batch: ImageBatch) -> dict[str, Tensor]:
        self.optimised.forward.train()
        drawn = self.objective.draw(batch, self.generator, self.fabric.device)
        seed = int(torch.randint(2**62, (), generator=self.generator))
        if self._captured is not None:
            values = self._captured(*drawn)
        else:
            share = self.fabric.world_size * len(batch.images) / batch.whole
            with seeded(seed + self.fabric.global_rank, self.fabric.device):
                values = self._update(self.optimised.forward, share, *drawn)
        if self.fabric.world_size > 1:
            values = self.fabric.all_reduce(values, reduce_op="mean")
        return dict(zip(self._names, values.unbind(), strict=True))

    def _update(self, network: nn.Module, share: float, *drawn: Tensor) -> Tensor:
        """One update; the losses of this process's images times `share`, in the order of their names."""
        images = len(drawn[0])
        totals: dict[str, Tensor] = {}

        def loss_of(*part: Tensor) -> Tensor:
            losses = self.objective.losses(network, *part)
            weight = share * len(part[0]) / images
            for name, value in losses.items():
                totals[name] = totals.get(name, 0) + weight * value.detach().float()
            return weight * losses["loss"]

        split = [tensor.tensor_split(min(self.accumulate, images)) for tensor in drawn]
        self.optimised.descend_each([partial(loss_of, *part) for part in zip(*split, strict=True)])
        self._names = tuple(totals)
        return torch.stack(list(totals.values()))

    def _prepare_capture(self) -> None:
        def update(*drawn: Tensor) -> Tensor:
            with self.fabric.autocast():
                return self._update(self.network, 1.0, *drawn)

        self._captured = Captured(update, self.fabric.device) if self._captures else None

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on."""
        return {**self.optimised.state(), "generator": self.generator.get_state()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continues from `state`."""
        self.optimised.load_state(state)
        self.generator.set_state(state["generator"].cpu())
        self._prepare_capture()  # the optimiser has other tensors now


def draws_numbers(network: nn.Module) -> bool:
    """Whether a forward pass in training draws random numbers (dropout, timm's stochastic depth)."""
    rates = [getattr(layer, "p", getattr(layer, "drop_prob", 0.0)) for layer in network.modules()]
    return any(isinstance(rate, float) and rate > 0 for rate in rates)
