"""Where the arithmetic happens: device and precision, by Lightning Fabric.

Fabric moves modules and batches, casts to a lower precision, and knows the strategies for several devices. This file
turns the parameters `device` and `precision` of an estimator into a `Fabric`.
"""

from __future__ import annotations

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
    kind, _, index = str(device).partition(":")
    if kind not in ("auto", "cpu", "cuda", "gpu", "mps") or (index and not index.isdigit()):
        raise ValueError(f"device is {device!r}; wanted 'auto', 'cpu', 'cuda', 'cuda:<index>' or 'mps'")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; wanted one of {sorted(PRECISIONS)}")
    try:
        return _fabric(kind, int(index) if index and kind != "cpu" else None, PRECISIONS[precision])
    except Exception as error:  # Fabric raises several types of its own for hardware that is absent
        raise ValueError(
            f"device {device!r} with precision {precision!r} cannot be used here: {error}"
        ) from error


@cache
def _fabric(kind: str, index: int | None, precision: Any) -> Fabric:
    """Made once: it takes milliseconds, which is longer than many a series takes to encode."""
    from lightning.fabric import Fabric

    return Fabric(accelerator=kind, devices=1 if index is None else [index], precision=precision)
