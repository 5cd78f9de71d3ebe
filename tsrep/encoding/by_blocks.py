"""What is computed of a panel part by part, and kept in memory or written as it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tsrep.data.lazy import ArrayPanel, LazyPanel
from tsrep.data.results import gathered, written
from tsrep.data.stored import as_lazy

RESULT_VALUES = 2**22  # of a block: 16 MiB in 32 bit


def to_impute_by_blocks(X: Any, out: str | Path | None) -> LazyPanel | None:
    """`X` as a panel whose gaps are filled block by block: a lazy one, or an array with a file for the result.

    Raises
    ------
    ValueError
        There is a file for the result of another container.
    """
    lazy = as_lazy(X)
    if lazy is not None or out is None:
        return lazy
    if not isinstance(X, np.ndarray):
        raise ValueError(
            f"out is {str(out)!r} and X is a {type(X).__name__}; wanted an array or a lazy panel with it"
        )
    return ArrayPanel(X)


def by_blocks(
    panel: LazyPanel,
    compute: Callable[[slice, NDArray[Any]], Any],
    out: str | Path | None,
    *,
    network: nn.Module,
    what: str,
    values_per_value: float = 1.0,
    as_stored: bool = False,
) -> Any:
    """`compute` of the instances of a panel, some at a time, as one array (n, ...).

    Parameters
    ----------
    compute : (which instances, their values (k, c, t), or (k, t) of a table) -> (k, ...).
    out : the file to write, ".npy" or ".zarr", which is opened; None: an array in memory. A run that was interrupted is
        continued where it stopped.
    network, what : by which results are told apart: its weights, and what is computed of them.
    values_per_value : numbers of the result per number of the panel.
    as_stored : whether `compute` is given the numbers as they are stored, and not in 32 bit.
    """

    def parts(start: int) -> Iterator[NDArray[Any]]:
        for rows in panel.blocks(start, int(RESULT_VALUES / max(1.0, values_per_value))):
            block = panel.read_as_stored(rows) if as_stored else panel.read(rows)
            try:
                yield np.asarray(compute(rows, block[:, 0] if panel.flat else block))
            except ValueError as error:
                raise ValueError(
                    f"in X[{rows.start}:{rows.stop}], counted from {rows.start}: {error}"
                ) from error

    return in_parts(panel, parts, (len(panel),), out, network=network, what=what)


def in_parts(
    panel: LazyPanel,
    parts: Callable[[int], Iterator[NDArray[Any]]],
    lead: tuple[int, ...],
    out: str | Path | None,
    *,
    network: nn.Module,
    what: str,
) -> Any:
    """The `parts` of a result of a panel as one array (*lead, ...), see `tsrep.data.results.written`.

    `out`, `network` and `what` are those of `by_blocks`.
    """
    if out is None:
        return gathered(lead, parts(0))
    hashed = hashlib.sha256(f"{what} {lead} {panel.fingerprint()}".encode())
    for name, value in network.state_dict().items():
        hashed.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return written(out, lead, hashed.hexdigest(), parts)
