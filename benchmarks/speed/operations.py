"""Number of multiply-adds, computed from the sizes, and counted while a function runs.

From the sizes: the products of the convolutions and of the loss, each counted once. Taps on the zero padding and the
output block outside the contrasted steps do not count. A similarity matrix is symmetric: forward, half of it counts;
backward, one product with all of it. Sums, GELU and the optimiser have no products and do not count.

While a function runs: all products of torch, and the bytes that its operations read and write, as if there were no
cache. Kernels of other libraries are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks.speed.problem import Network
from tsrep.ts2vec.crops import Views


def convolution(steps: int, inputs: int, outputs: int, dilation: int) -> int:
    """Three taps over `steps` steps; the two outer taps reach `steps` - `dilation` steps."""
    return inputs * outputs * (steps + 2 * max(0, steps - dilation))


def blocks(steps: int, network: Network, steps_out: int | None = None) -> int:
    """The residual blocks on one series; the output block for `steps_out` steps only, if its dilation allows that."""
    hidden, out, depth = network.hidden_channels, network.n_components, network.depth
    hidden_blocks = 2 * sum(convolution(steps, hidden, hidden, 2**i) for i in range(depth))
    if steps_out is not None and 2**depth >= steps:
        steps = steps_out
    last = convolution(steps, hidden, out, 2**depth) + convolution(steps, out, out, 2**depth)
    return hidden_blocks + last + steps * hidden * out


def encoding(instances: int, steps: int, channels: int, network: Network) -> int:
    """Series (instances, steps, channels) to representations of all steps."""
    return instances * (steps * channels * network.hidden_channels + blocks(steps, network))


def loss(instances: int, steps: int, components: int) -> int:
    """Forward and backward through all levels of the hierarchy."""
    entries = 0
    while steps > 1:
        entries += steps * (2 * instances) ** 2 + instances * (2 * steps) ** 2
        steps //= 2
    entries += (2 * instances) ** 2  # the last level has one step: the instance-wise loss alone
    return entries * components * 3 // 2


def training_step(views: Views, network: Network) -> int:
    """Both views forward and backward, and the loss of their overlap."""
    total = 0
    for view, contrasted in ((views.first, views.steps_of_first), (views.second, views.steps_of_second)):
        instances, steps, channels = view.shape
        shared = contrasted.stop - contrasted.start
        total += 2 * instances * steps * channels * network.hidden_channels  # the input needs no gradient
        total += 3 * instances * blocks(steps, network, shared)
    return total + loss(instances, shared, network.n_components)


def counted(function: Callable[[], object]) -> dict[str, int]:
    """Calls the function once: {"multiply_adds", "bytes"} of torch's operations."""
    with _Counter() as counter:
        function()
    return {"multiply_adds": counter.multiply_adds, "bytes": counter.bytes}


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.multiply_adds = self.bytes = 0

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        named = named or {}
        packet = _not_in_place(operation.overloadpacket)
        if packet not in flop_registry:
            with self:  # composite operations (linear, einsum) are counted as their parts
                decomposed = operation.decompose(*arguments, **named)
            if decomposed is not NotImplemented:
                return decomposed
        result = operation(*arguments, **named)
        if packet in flop_registry:
            self.multiply_adds += flop_registry[packet](*arguments, **named, out_val=result) // 2
        if not operation.is_view:
            self.bytes += sum(map(_bytes, tree_leaves((arguments, named, result))))
        return result


def _not_in_place(packet: Any) -> Any:
    name = packet.__name__.removesuffix("_")
    return getattr(torch.ops.aten, name, packet)


def _bytes(value: object) -> int:
    if not isinstance(value, torch.Tensor):
        return 0
    return min(value.nbytes, value.untyped_storage().nbytes())  # an expanded tensor is larger than its memory
