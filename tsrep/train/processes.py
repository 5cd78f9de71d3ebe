"""Processes that train one network together: each computes its rows of every batch, and all take the same step.

All processes hold the same data and draw the same random numbers for the whole batch, from one seed. So the batches,
crops and masks do not depend on the number of processes, and neither does the state that a checkpoint holds. Fabric
starts the processes and carries what they exchange; see `tsrep.train.runtime`.

Gradients are averaged after the backward pass, in one exchange. Fabric's own wrapper (DDP) averages them within it, but
allows neither networks that are frozen for a while nor weights that a batch does not use, as SSGAN and the masked
models have them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.train.average import running_statistics

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Value = TypeVar("Value")


class Processes:
    """The processes of a training, as one of them sees them.

    Parameters
    ----------
    fabric : over all processes, see `tsrep.train.runtime.launch_processes`; None: this process alone.

    Attributes
    ----------
    count, rank : number of processes, and the number of this one.
    is_first : whether this process writes files and shows progress.
    """

    def __init__(self, fabric: Fabric | None = None):
        self.fabric = fabric
        self.count = 1 if fabric is None else fabric.world_size
        self.rank = 0 if fabric is None else fabric.global_rank
        self.is_first = self.rank == 0

    def rows(self, whole: int, rank: int | None = None) -> slice:
        """The rows of a batch of `whole` that a process computes (None: this one): shares of nearly equal size."""
        number = self.rank if rank is None else rank
        return slice(number * whole // self.count, (number + 1) * whole // self.count)

    def weight(self, whole: int) -> float:
        """The factor on a mean over this process's rows with which the processes' mean is that over `whole` rows."""
        rows = self.rows(whole)
        return self.count * (rows.stop - rows.start) / whole

    def broadcast(self, value: Value) -> Value:
        """The value of the first process."""
        return value if self._engine is None else self._engine.broadcast(value)

    def wait(self) -> None:
        """Returns when every process has come here."""
        if self._engine is not None:
            self._engine.barrier()

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes."""
        return values if self._engine is None else self._engine.all_reduce(values.clone(), reduce_op="mean")

    @torch.no_grad()
    def average_gradients(self, network: nn.Module) -> None:
        """Replaces the gradients by their means over the processes; a weight that none has used stays without one."""
        if self._engine is None:
            return
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        grads = [weight.grad for weight in weights]
        used = torch.tensor([float(grad is not None) for grad in grads], device=weights[0].device)
        parts = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, grads, strict=True)]
        means = self.mean(torch.cat([used, *(part.flatten() for part in parts)]))
        somewhere, *split = means.split([len(weights), *(weight.numel() for weight in weights)])
        unused = (
            set() if all(grad is not None for grad in grads) else {*(somewhere == 0).nonzero()[:, 0].tolist()}
        )
        for index, (weight, mean) in enumerate(zip(weights, split, strict=True)):
            weight.grad = None if index in unused else mean.view_as(weight).to(weight.dtype)

    @torch.no_grad()
    def average_statistics(self, network: nn.Module) -> None:
        """Replaces the running statistics of batch normalisations by their means over the processes."""
        if self._engine is not None:
            for statistic in running_statistics(network):
                statistic.copy_(self.mean(statistic))

    def gathered(self, own: Tensor, whole: int) -> Tensor:
        """The rows of all processes (whole, ...) from those of this one, with gradients.

        Other axes may differ in length between the processes: shorter ones are filled with zeros at the end.
        """
        if self._engine is None:
            return own
        lengths = self._engine.all_gather(
            torch.tensor([-(-whole // self.count), *own.shape[1:]], device=own.device)
        )
        missing = lengths.amax(0).cpu() - torch.tensor(own.shape)
        padded = F.pad(own, [end for length in missing.flip(0).tolist() for end in (0, length)])
        parts = self._engine.all_gather(padded, sync_grads=own.is_floating_point())
        counts = [len(range(whole)[self.rows(whole, rank)]) for rank in range(self.count)]
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @property
    def _engine(self) -> Fabric | None:
        return self.fabric if self.count > 1 else None


ALONE = Processes()


class Shared(nn.Module):
    """A network that is called with the whole batch in every process and computes the rows of its own.

    Parameters
    ----------
    network : called with tensors (B, ...), of which those with two axes or more have the rows of the batch.
    processes : which share the rows.
    gather : True returns the rows of all processes, so that a loss is that of the whole batch; False those of this
        process, `rows_of(network, B)`.
    """

    def __init__(self, network: nn.Module, processes: Processes, gather: bool):
        super().__init__()
        self.network = network
        self.processes: Processes = processes
        self.gather = gather

    def forward(self, *arguments: Any, **named: Any) -> Any:
        return self._shared(self.network, *arguments, **named)

    def __getattr__(self, name: str) -> Any:
        """Attributes and methods of the network; those that compute with its weights are shared too."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            network = super().__getattr__("network")
            found = getattr(network, name)
            shared = name != "forward_methods" and name in getattr(network, "forward_methods", ())
            return partial(self._shared, found) if shared else found

    def _shared(self, function: Any, *arguments: Any, **named: Any) -> Any:
        whole = len(arguments[0])
        rows = self.processes.rows(whole)

        def own(value: Any) -> Any:
            return (
                value[rows]
                if isinstance(value, Tensor) and value.dim() > 1 and len(value) == whole
                else value
            )

        result = function(*map(own, arguments), **{name: own(value) for name, value in named.items()})
        return self._gathered(result, whole) if self.gather else result

    def _gathered(self, result: Any, whole: int) -> Any:
        """All rows of a tensor, or of the tensors in a list or a `NamedTuple`."""
        if isinstance(result, Tensor):
            return self.processes.gathered(result, whole)
        if isinstance(result, list):
            return [self._gathered(each, whole) for each in result]
        if isinstance(result, tuple) and hasattr(result, "_make"):
            return result._make(self._gathered(each, whole) for each in result)
        return result


def rows_of(network: nn.Module, whole: int) -> slice:
    """The rows of a batch of `whole` that `network` returns: all, or those of this process."""
    if isinstance(network, Shared) and not network.gather:
        return network.processes.rows(whole)
    return slice(0, whole)
