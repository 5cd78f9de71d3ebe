"""A fitted network over panels: in batches, by blocks where a panel is not in memory, in stretches of long series."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.panels import Floats
from tsrep.base.parameters import is_integer, out_of_range
from tsrep.base.training import TrainedEstimator
from tsrep.data import is_flat
from tsrep.data.lazy import ArrayPanel, LazyPanel
from tsrep.data.stored import as_lazy
from tsrep.encoding.batches import (
    Copies,
    host_tensor,
    in_batches,
    layers_on_device,
    on_device,
    steps_per_batch,
    with_progress,
)
from tsrep.encoding.by_blocks import by_blocks, in_parts
from tsrep.encoding.long import Keep, Parts, Stretches, encodes_in_stretches, is_long
from tsrep.encoding.read_out import ReadOut, read_out
from tsrep.encoding.windows import encode_windows
from tsrep.nn.padding import inside
from tsrep.train.runtime import launch

Stretched = tuple[Callable[..., Parts], tuple[int, ...]]
"""Parts of a result from `start=` on, and the axes that they are counted along."""


class NetworkEstimator(TrainedEstimator):
    """An estimator with a network `encoder_`, (B, T, C) -> (B, T, D), for series of `n_channels_` channels."""

    encoder_: nn.Module

    # What is given

    def _series(self, X: Any) -> Tensor:
        check_is_fitted(self, "encoder_")
        return as_steps(self._panel(X, reset=False))

    def _given(self, X: Any, out: str | Path | None, in_stretches: bool = True) -> Tensor | LazyPanel:
        """`X` as series (n, T, C), or as a panel of which the result is computed part by part.

        That is so where `X` is lazy, where the result goes to a file, and where series in memory are longer than a
        stretch, for the network's activations need many times their room.
        """
        check_is_fitted(self, "encoder_")
        lazy = as_lazy(X)
        if lazy is not None:
            self._check_lazy(lazy)
            return lazy
        panel = self._panel(X, reset=False)
        if out is not None or (in_stretches and encodes_in_stretches(self.encoder_, panel.shape[2])):
            return ArrayPanel(panel[:, 0] if is_flat(X) else panel)
        return as_steps(panel)

    def _width(self) -> int:
        """D, by encoding one missing step."""
        nothing = torch.full((1, 1, self.n_channels_), torch.nan)
        return on_device(self.encoder_, self.device, self.precision)(nothing).shape[-1]

    # In batches

    def _encoded(self, x: Tensor, keep: Keep | None = None, first: int = 0) -> Iterator[tuple[slice, Tensor]]:
        """(rows, representations (len, T, D)) over batches of `x` (n, T, C); undefined outside.

        `first` is the number of the first instance, by which `keep` gives its mask.
        """
        network = on_device(self.encoder_, self.device, self.precision)

        def encode_batch(rows: slice) -> Tensor:
            within = inside(x[rows])
            shown = None if keep is None else keep(range(first + rows.start, first + rows.stop), x.shape[1])
            return network(x[rows], shown, None if within.all() else within)

        return self._in_batches(x, encode_batch)

    def _encoded_layers(self, x: Tensor, statistics: ReadOut) -> Iterator[tuple[slice, list[Tensor]]]:
        """(rows, outputs of the layers) over batches of `x`; of the last layer alone if no other is named."""
        if statistics.last_layer_only:
            return ((rows, [z]) for rows, z in self._encoded(x))
        network = layers_on_device(self.encoder_, self.device, self.precision)

        def encode_batch(rows: slice) -> list[Tensor]:
            within = inside(x[rows])
            return network(x[rows], None if within.all() else within)

        return self._in_batches(x, encode_batch)

    def _in_batches(self, x: Tensor, encode_batch: Any) -> Iterator[tuple[slice, Any]]:
        at_once = steps_per_batch(launch(self.device, self.precision).device)
        return with_progress(in_batches(x, encode_batch, at_once), len(x), "Encoding", self.verbose)

    def _causal(self, x: Tensor, context: int, hide_last: tuple[bool, ...]) -> list[Floats]:
        """(n, t, D) per variant."""
        fabric = launch(self.device, self.precision)
        parts = encode_windows(self.encoder_, x, context, hide_last, fabric)
        Z: list[Tensor] = []
        copies = Copies(fabric.device)
        for rows, steps, z in with_progress(parts, x.shape[0] * x.shape[1], "Encoding", self.verbose):
            if not Z:
                Z = [host_tensor((*x.shape[:2], z.shape[-1]), fabric.device) for _ in hide_last]
            for all_steps, tile in zip(Z, z, strict=True):
                copies.make(all_steps[rows, steps], tile)
        copies.finish()
        return [all_steps.numpy() for all_steps in Z]

    # In stretches; None: series are not longer than one, or a step depends on all of its series

    def _stretched_vectors(
        self, panel: LazyPanel, statistics: ReadOut, keep: Keep | None = None
    ) -> Stretched | None:
        if not encodes_in_stretches(self.encoder_, panel.shape[2]):
            return None
        return partial(self._stretches(panel).vectors, statistics, keep), (len(panel),)

    def _stretched_steps(
        self, panel: LazyPanel, window: int | str | None, keep: Keep | None
    ) -> Stretched | None:
        if window == "full_series":
            return self._stretched_vectors(panel, read_out(None, "max"), keep)
        if isinstance(window, str) or not encodes_in_stretches(self.encoder_, panel.shape[2]):
            return None
        return partial(self._stretches(panel).steps, window, keep), panel.shape[::2]

    def _stretched_windows(self, panel: LazyPanel, context: int, hide_last: bool) -> Stretched | None:
        if not is_long(panel.shape[2]):
            return None
        return partial(self._stretches(panel).causal, context, hide_last), panel.shape[::2]

    def _stretches(self, panel: LazyPanel) -> Stretches:
        return Stretches(self.encoder_, panel, self.device, self.precision)

    # Part by part

    def _part_by_part(
        self,
        panel: LazyPanel,
        stretched: Stretched | None,
        compute: Callable[[slice, NDArray[Any]], Any],
        out: str | Path | None,
        what: str,
        values_per_value: float = 1.0,
    ) -> Any:
        """A result of a panel: `stretched`, or else `compute` of its blocks; see `by_blocks`."""
        if stretched is not None:
            return self._in_parts(panel, *stretched, out, what)
        return by_blocks(
            panel, compute, out, network=self.encoder_, what=what, values_per_value=values_per_value
        )

    def _in_parts(
        self,
        panel: LazyPanel,
        parts: Callable[..., Parts],
        lead: tuple[int, ...],
        out: str | Path | None,
        what: str,
        dtype: str = "float32",
    ) -> Any:
        """The parts as one array (*lead, ...) of type `dtype`, in memory or in the file `out`."""

        def values(start: int) -> Iterator[NDArray[Any]]:
            rows = math.prod(lead) - start
            for _, z in with_progress(parts(start=start), rows, "Encoding", self.verbose):
                yield np.ascontiguousarray(z, dtype)

        return in_parts(panel, values, lead, out, network=self.encoder_, what=what)


def checked_context(context: int) -> int:
    """`context` as an integer; a `ValueError` if it is none of at least 0."""
    if not is_integer(context) or context < 0:
        raise out_of_range("context", context, "an integer of at least 0")
    return int(context)


def as_steps(panel: Floats) -> Tensor:
    """(n, c, t) array -> (n, t, c) tensor."""
    return torch.from_numpy(panel).transpose(1, 2)
