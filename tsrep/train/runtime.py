"""Where the arithmetic happens: device, precision and processes, by Lightning Fabric.

Fabric moves modules and batches, casts to a lower precision, and starts and connects processes. This file turns the
parameters `device`, `precision` and `fabric` of an estimator, and the processes of `torchrun` or `fabric run`, into a
`Fabric`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.fabric import Fabric

PRECISIONS = {"auto": None, "32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
SETTINGS = ("devices", "num_nodes", "strategy")
"""What the parameter `fabric` of an estimator may set, with the meaning of `lightning.Fabric`."""

_OF_PROCESSES = (
    "LT_DEVICES",
    "LT_NUM_NODES",
    "LT_STRATEGY",
)  # what `fabric run` tells the processes it starts


def launch(device: str = "auto", precision: str = "auto") -> Fabric:
    """A `Fabric` on one device: of processes that work together, the one that is this process's own.

    Parameters
    ----------
    device : "auto" (the GPU if there is one, else the CPU), "cpu", "cuda", "cuda:1" or "mps".
    precision : "auto" (32 bit), "32", "bf16" or "16" (both mixed: weights stay in 32 bit).

    Raises
    ------
    ValueError
        The device or the precision is unknown, or this machine does not have the device.
    """
    return _checked(device, precision, _on_one_device)


def launch_processes(
    device: str = "auto", precision: str = "auto", settings: Mapping[str, Any] | None = None
) -> Fabric:
    """A `Fabric` over several processes, each with a device of its own; see `launch` for the rest.

    Parameters
    ----------
    settings : `devices` (processes per machine), `num_nodes` (machines) and `strategy` of `lightning.Fabric`, which
        starts the processes or finds those that a cluster's scheduler started. None: the processes that `torchrun` or
        `fabric run` started, or else those that an earlier call started, or else this process alone.
    """
    wanted = tuple(sorted((settings or {}).items())) or _started()
    if not wanted:
        return launch(device, precision)

    def make(kind: str, index: int | None, precision: str | None) -> Fabric:
        return _over_processes(kind, precision, wanted)

    return _checked(device, precision, make)


def is_first_process() -> bool:
    """Whether this process writes and prints: the first of those that work together, or the only one."""
    import torch.distributed

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank() == 0
    return not _is_started_by_torchrun() or os.environ["RANK"] == "0"


def _is_started_by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


Wanted = tuple[tuple[str, Any], ...]
_launched: list[Wanted] = []


def _started() -> Wanted:
    """The settings of the processes that were started already; empty if this one is alone."""
    if _is_started_by_torchrun() and int(os.environ["WORLD_SIZE"]) > 1:
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        return ("devices", here), ("num_nodes", int(os.environ["WORLD_SIZE"]) // here)
    return _launched[-1] if _launched else ()


def _checked(device: str, precision: str, make: Any) -> Fabric:
    kind, _, index = str(device).partition(":")
    if kind not in ("auto", "cpu", "cuda", "gpu", "mps") or (index and not index.isdigit()):
        raise ValueError(f"device is {device!r}; wanted 'auto', 'cpu', 'cuda', 'cuda:<index>' or 'mps'")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; wanted one of {sorted(PRECISIONS)}")
    try:
        number = int(index) if index and kind != "cpu" else None
        return make(kind, number, PRECISIONS[precision])
    except Exception as error:  # Fabric raises several types of its own for hardware that is absent
        raise ValueError(
            f"device {device!r} with precision {precision!r} cannot be used here: {error}"
        ) from error


@cache
def _on_one_device(kind: str, index: int | None, precision: Any) -> Fabric:
    """Made once: it takes milliseconds, which is longer than many a series takes to encode."""
    from lightning.fabric import Fabric

    if index is None and kind in ("auto", "cuda", "gpu") and "LOCAL_RANK" in os.environ:
        import torch

        devices = torch.cuda.device_count()
        index = int(os.environ["LOCAL_RANK"]) % devices if devices else None
    with _without_settings_of_processes():
        return Fabric(accelerator=kind, devices=1 if index is None else [index], precision=precision)


@cache
def _over_processes(kind: str, precision: Any, wanted: Wanted) -> Fabric:
    from lightning.fabric import Fabric

    if os.environ.get("LT_CLI_USED") == "1":  # `fabric run` has set the rest
        return Fabric(accelerator=kind, precision=precision)
    fabric = Fabric(accelerator=kind, precision=precision, **{"strategy": "ddp", **dict(wanted)})
    fabric.launch()
    if fabric.world_size > 1:
        _launched.append(wanted)
    return fabric


@contextmanager
def _without_settings_of_processes() -> Iterator[None]:
    """Hides the number of processes that `fabric run` has set: inside, Fabric takes the arguments it is given."""
    hidden = {name: os.environ.pop(name) for name in _OF_PROCESSES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
