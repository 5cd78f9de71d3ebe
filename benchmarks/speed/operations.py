"""How much there is to compute: multiply-adds counted from the sizes, and as a function makes them while it runs.

From the sizes: the products of the convolutions and of the loss, with nothing computed twice. Taps that meet the zero
padding are left out, and so is the output block outside the contrasted steps. A similarity matrix is symmetric: half
of it counts forward, and backward one product with all of it. Sums, GELU and the optimiser, which are no products, do
not count.

While it runs: every product that torch is asked for, and the bytes of what all its operations read and write, as if no
cache held anything between two of them. Kernels of other makers are not seen.
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
    """Three taps over `steps` steps: the two outer ones reach that many steps less the dilation."""
    return inputs * outputs * (steps + 2 * max(0, steps - dilation))


def blocks(steps: int, network: Network, wanted: int | None = None) -> int:
    """The residual blocks on one series; the output block for `wanted` of the steps only, where it allows that."""
    hidden, out, depth = network.hidden_channels, network.n_components, network.depth
    body = 2 * sum(convolution(steps, hidden, hidden, 2**i) for i in range(depth))
    if wanted is not None and 2**depth >= steps:
        steps = wanted
    last = convolution(steps, hidden, out, 2**depth) + convolution(steps, out, out, 2**depth)
    return body + last + steps * hidden * out


def encoding(instances: int, steps: int, channels: int, network: Network) -> int:
    """Series (instances, steps, channels) to representations of every step."""
    return instances * (steps * channels * network.hidden_channels + blocks(steps, network))


def loss(instances: int, steps: int, components: int) -> int:
    """Forward and backward through all levels of the hierarchy."""
    entries = 0
    while steps > 1:
        entries += steps * (2 * instances) ** 2 + instances * (2 * steps) ** 2
        steps //= 2
    entries += (2 * instances) ** 2  # the topmost level has one step: the instance-wise loss alone
    return entries * components * 3 // 2


def training_step(views: Views, network: Network) -> int:
    """Both views forward and backward, and the loss of what they share."""
    total = 0
    for view, chosen in ((views.first, views.steps_of_first), (views.second, views.steps_of_second)):
        instances, steps, channels = view.shape
        shared = chosen.stop - chosen.start
        total += 2 * instances * steps * channels * network.hidden_channels  # the input needs no gradient
        total += 3 * instances * blocks(steps, network, shared)
    return total + loss(instances, shared, network.n_components)


def counted(function: Callable[[], object]) -> dict[str, int]:
    """Calls the function once: {"multiply_adds", "bytes"} of what torch did."""
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
            with self:  # what is made of other operations (linear, einsum) is counted as those
                made = operation.decompose(*arguments, **named)
            if made is not NotImplemented:
                return made
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
