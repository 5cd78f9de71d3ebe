"""Work that repeats on a GPU, recorded once and played again (CUDA graphs): the host starts it with one call.

What is recorded must do the same kernels on the same memory each time. So its inputs are copied into tensors of its
own, and there is a recording for every combination of their shapes.
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


def recordable(fabric: Fabric) -> bool:
    """Whether steps can be recorded with this device and precision; scaled gradients (16 bit) ask the host."""
    if fabric.device.type != "cuda":
        return False
    with fabric.autocast():
        return not (torch.is_autocast_enabled("cuda") and torch.get_autocast_dtype("cuda") == torch.float16)


class _Recording(NamedTuple):
    inputs: tuple[Tensor, ...]
    graph: torch.cuda.CUDAGraph
    result: Tensor


class Recorded:
    """`function(*tensors) -> Tensor` as it is called for the first time with given shapes, recorded at the second.

    Parameters
    ----------
    function : works on the device it is given tensors of, without asking the host for anything. What it changes it
        must change in place, in tensors that outlive the recording. If it cannot be recorded, it is called as it is
        from then on, with a warning.
    device : a CUDA device.
    held : tensors that a recording reads and that could otherwise be freed before it.
    """

    def __init__(self, function: Callable[..., Tensor], device: torch.device, held: Sequence[Tensor] = ()):
        self.function = function
        self.device = device
        self.held = held
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._recordings: dict[tuple[torch.Size, ...], _Recording] = {}
        self._met: set[tuple[torch.Size, ...]] = set()
        self._records = True

    def __call__(self, *tensors: Tensor) -> Tensor:
        """The result for `tensors` of the CPU or of the device."""
        shapes = tuple(tensor.shape for tensor in tensors)
        here = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            if shapes in self._met and shapes not in self._recordings and self._records:
                self._record(shapes, tensors)
            self._met.add(shapes)
            if shapes in self._recordings:
                recording = self._recordings[shapes]
                for own, tensor in zip(recording.inputs, tensors, strict=True):
                    own.copy_(tensor, non_blocking=True)
                recording.graph.replay()
                result = recording.result.clone()
            else:
                result = self.function(*(tensor.to(self.device) for tensor in tensors))
        here.wait_stream(self._stream)
        result.record_stream(here)
        return result

    def _record(self, shapes: tuple[torch.Size, ...], tensors: tuple[Tensor, ...]) -> None:
        inputs = tuple(tensor.to(self.device, copy=True) for tensor in tensors)
        graph = torch.cuda.CUDAGraph()
        try:
            with _nothing_collected(), torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                result = self.function(*inputs)
        except RuntimeError as error:
            self._records = False
            warnings.warn(
                f"a step could not be recorded and will be slower: {error}", RuntimeWarning, stacklevel=2
            )
            return
        self._recordings[shapes] = _Recording(inputs, graph, result)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No garbage is collected within: a recording that is freed while another one is made would spoil that."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
