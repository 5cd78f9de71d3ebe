"""CUDA graphs: capture a function's work on a GPU once, replay it with one launch.

A training step or a tile of windows may launch a hundred kernels, which takes the host longer than the GPU needs to
compute them. A captured function runs the same kernels on the same memory each time. So its inputs are copied into
tensors of its own, and there is one graph per combination of their shapes.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def capturable(fabric: Fabric) -> bool:
    """Whether steps can be captured with this device and precision; scaled gradients (16 bit) need the host, and so do
    several processes.
    """
    if fabric.device.type != "cuda" or fabric.world_size > 1:
        return False
    with fabric.autocast():
        return not (torch.is_autocast_enabled("cuda") and torch.get_autocast_dtype("cuda") == torch.float16)


class _Graph(NamedTuple):
    inputs: tuple[Tensor, ...]
    graph: torch.cuda.CUDAGraph
    result: Tensor


class Captured:
    """`function(*tensors) -> Tensor`: executed at the first call with given shapes, captured at the second.

    Parameters
    ----------
    function : works on the device of its tensors, without host synchronisation. What it changes it must change in
        place, in tensors that outlive the graph. If it cannot be captured, it is executed at every call from then on,
        with a warning.
    device : a CUDA device.
    kept_alive : tensors that a graph reads and that could otherwise be freed before it.
    """

    def __init__(
        self, function: Callable[..., Tensor], device: torch.device, kept_alive: Sequence[Tensor] = ()
    ):
        self.function = function
        self.device = device
        self.kept_alive = kept_alive
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs: dict[tuple[torch.Size, ...], _Graph] = {}
        self._seen: set[tuple[torch.Size, ...]] = set()
        self._captures = True

    def __call__(self, *tensors: Tensor) -> Tensor:
        """The result for `tensors` of the CPU or of the device."""
        shapes = tuple(tensor.shape for tensor in tensors)
        here = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            if shapes in self._seen and shapes not in self._graphs and self._captures:
                self._capture(shapes, tensors)
            self._seen.add(shapes)
            if shapes in self._graphs:
                captured = self._graphs[shapes]
                for input_, tensor in zip(captured.inputs, tensors, strict=True):
                    input_.copy_(tensor, non_blocking=True)
                captured.graph.replay()
                result = captured.result.clone()
            else:
                result = self.function(*(tensor.to(self.device) for tensor in tensors))
        here.wait_stream(self._stream)
        result.record_stream(here)
        return result

    def _capture(self, shapes: tuple[torch.Size, ...], tensors: tuple[Tensor, ...]) -> None:
        inputs = tuple(tensor.to(self.device, copy=True) for tensor in tensors)
        graph = torch.cuda.CUDAGraph()
        try:
            with _no_garbage_collection(), torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                result = self.function(*inputs)
        except RuntimeError as error:
            self._captures = False
            warnings.warn(
                f"a step could not be captured as a CUDA graph and will be slower: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        self._graphs[shapes] = _Graph(inputs, graph, result)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Switches garbage collection off: freeing a graph during the capture of another one breaks the capture."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
