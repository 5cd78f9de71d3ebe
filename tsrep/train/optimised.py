"""A network and the optimiser that moves it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tsrep.train.processes import ALONE, Processes

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Optimiser = Callable[..., torch.optim.Optimizer]
"""Makes an optimiser of parameters or parameter groups with the keywords `lr` and `weight_decay`."""

Groups = Callable[[nn.Module], Sequence[dict[str, Any]]]
"""Gives the optimiser's parameter groups for a network, with options of their own (`betas`, `weight_decay`); the key
`scale` is a factor on the learning rate (layer decay)."""


def adamw(parameters: Iterable[Any], *, lr: float | Tensor, **options: Any) -> torch.optim.AdamW:
    """AdamW, in one kernel per step. It can be captured in a CUDA graph where `lr` is a tensor."""
    return torch.optim.AdamW(parameters, lr=lr, fused=True, capturable=isinstance(lr, Tensor), **options)


class Optimised:
    """A network with an optimiser of its own.

    Parameters
    ----------
    network : the module to move.
    lr, weight_decay : of the optimiser; AdamW without decay is Adam.
    fabric : device and precision.
    max_norm : gradients are clipped to this norm; None: no clipping.
    groups : parameter groups, see `Groups`; None: one group of all parameters.
    processes : whose gradients are averaged before each step; `fabric` is then that of this process's device.
    optimiser : makes the optimiser. On a CUDA device `adamw` gets its learning rate as a tensor there, which a captured
        step reads.

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
        max_norm: float | None = None,
        groups: Groups | None = None,
        optimiser: Optimiser = adamw,
        processes: Processes = ALONE,
    ):
        if next(network.parameters(), None) is None:
            raise ValueError(f"network is {network!r}; wanted one with parameters to train")
        self.network = network.to(fabric.device)
        self.fabric = fabric
        self.max_norm = max_norm
        self.processes = processes
        on_device = optimiser is adamw and fabric.device.type == "cuda"
        made = optimiser(
            network.parameters() if groups is None else groups(network),
            lr=torch.tensor(lr, device=fabric.device) if on_device else lr,
            weight_decay=weight_decay,
        )
        self._prefix = f"{type(made).__name__.lower()}."
        self.forward, self._optimiser = fabric.setup(network, made)
        for method in getattr(
            network, "forward_methods", ()
        ):  # those that an objective calls beside the module itself
            self.forward.mark_forward_method(method)
        self.lr = lr

    def descend(self, loss: Tensor) -> Tensor:
        """One optimiser step on `loss`; returns the detached loss."""
        return self.descend_each([lambda: loss])

    def descend_each(self, losses: Sequence[Callable[[], Tensor]]) -> Tensor:
        """One optimiser step on the sum of losses that are computed one after the other (gradient accumulation).

        Returns
        -------
        The detached sum.
        """
        self._optimiser.zero_grad()
        total = torch.zeros((), device=self.fabric.device)
        for number, compute in enumerate(losses, start=1):
            with self.fabric.no_backward_sync(self.forward, enabled=number < len(losses)):
                loss = compute()
                self.fabric.backward(loss)
            total = total + loss.detach()
        self.processes.average_gradients(self.network)
        if self.max_norm is not None:
            self.fabric.clip_gradients(
                self.forward, self._optimiser, max_norm=self.max_norm, error_if_nonfinite=False
            )
        self._optimiser.step()
        return total

    @property
    def lr(self) -> float:
        """The learning rate; it can be set. A group with a `scale` has that share of it."""
        group = self._optimiser.param_groups[0]
        return float(group["lr"]) / group.get("scale", 1.0)

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self._optimiser.param_groups:
            rate = value * group["scale"] if "scale" in group else value
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def state(self) -> dict[str, Tensor]:
        """Weights and moments by name. The learning rate is the schedule's."""
        state = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        moments = self._optimiser.state_dict()["state"]
        return state | {
            f"{self._prefix}{i}.{name}": value for i, of in moments.items() for name, value in of.items()
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continues from `state`, which is copied: the optimiser writes into its moments."""
        self.network.load_state_dict(with_prefix("network.", state))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in with_prefix(self._prefix, state).items():
            index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = value.clone()
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": moments, "param_groups": groups})


def with_prefix(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The part of `state` whose names begin with `prefix`, by the rest of the name."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


@contextmanager
def frozen(*optimised: Optimised | None) -> Iterator[None]:
    """Gradients pass through these networks and none is left on their weights."""
    networks = [each.network for each in optimised if each is not None]
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)
