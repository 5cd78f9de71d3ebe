"""Where the arithmetic happens: device and precision, by Lightning Fabric.

Fabric moves modules and batches, casts to a lower precision, and knows the strategies for several devices. This file
turns the parameters `device` and `precision` of an estimator, and the processes of `torchrun`, into a `Fabric`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.fabric import Fabric

PRECISIONS = {"auto": "32-true", "32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def launch(device: str = "auto", precision: str = "auto") -> Fabric:
    """A `Fabric` on one device.

    Parameters
    ----------
    device : "auto" (the GPU if there is one, else the CPU), "cpu", "cuda", "cuda:1" or "mps".
    precision : "auto" (32 bit), "32", "bf16" or "16" (both mixed: weights stay in 32 bit).

    Raises
    ------
    ValueError
        The device or the precision is unknown, or this machine does not have the device.
    """
    return _on(device, precision, processes=1)


def launch_processes(device: str = "auto", precision: str = "auto") -> Fabric:
    """A `Fabric` over all processes that `torchrun` started, each with a device of its own; see `launch` for the rest.

    Gradients are averaged over the processes (DDP). Without `torchrun` it is `launch`.
    """
    processes = int(os.environ["WORLD_SIZE"]) if _is_started_by_torchrun() else 1
    return _on(device, precision, processes)


def is_first_process() -> bool:
    """Whether this process writes and prints: the first of those that `torchrun` started, or the only one."""
    return not _is_started_by_torchrun() or os.environ["RANK"] == "0"


def _is_started_by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _on(device: str, precision: str, processes: int) -> Fabric:
    kind, _, index = str(device).partition(":")
    if kind not in ("auto", "cpu", "cuda", "gpu", "mps") or (index and not index.isdigit()):
        raise ValueError(f"device is {device!r}; wanted 'auto', 'cpu', 'cuda', 'cuda:<index>' or 'mps'")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; wanted one of {sorted(PRECISIONS)}")
    try:
        number = int(index) if index and kind != "cpu" else None
        return _fabric(kind, number, PRECISIONS[precision], processes)
    except Exception as error:  # Fabric raises several types of its own for hardware that is absent
        raise ValueError(
            f"device {device!r} with precision {precision!r} cannot be used here: {error}"
        ) from error


@cache
def _fabric(kind: str, index: int | None, precision: Any, processes: int) -> Fabric:
    """Made once: it takes milliseconds, which is longer than many a series takes to encode."""
    from lightning.fabric import Fabric

    if processes == 1:
        return Fabric(accelerator=kind, devices=1 if index is None else [index], precision=precision)
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    fabric = Fabric(
        accelerator=kind, devices=here, num_nodes=processes // here, strategy="ddp", precision=precision
    )
    fabric.launch()
    return fabric
