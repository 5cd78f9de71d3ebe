"""What a fitted network computes: one vector per series, per step, per step from its past, online, in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.output import by_instance
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
from tsrep.encoding.by_blocks import by_blocks
from tsrep.encoding.export import ExportableEncoder, write_program
from tsrep.encoding.finetune import FineTunedClassifier, FineTunedRegressor, has_fractions
from tsrep.encoding.long import LongSeries, encoded_stretches, encoded_windows, write
from tsrep.encoding.online import OnlineEncoder
from tsrep.encoding.pooling import pooling_over, steps_within
from tsrep.encoding.read_out import ReadOut, read_out
from tsrep.encoding.windows import encode_windows
from tsrep.nn.padding import inside
from tsrep.train.runtime import launch


class EncodingEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TrainedEstimator):
    """Panels in, representations out, by the network `encoder_` for series of `n_channels_` channels.

    Attributes
    ----------
    layers, pool : the read-out of `transform`, see `tsrep.encoding.read_out.read_out`; None: "max" of the last layer.
    encoder_ : torch module, (B, T, C) -> (B, T, D); has a `backbone`.
    n_channels_, n_features_in_, n_features_out_ : channels; what scikit-learn counts; width of `transform`.
    """

    encoder_: nn.Module

    layers: Any = None
    pool: Any = None

    def transform(
        self, X: Any, intervals: ArrayLike | None = None, *, out: str | Path | None = None
    ) -> Floats:
        """One vector per instance, (n, n_features_out_): the read-out, statistics over the instance's steps.

        Parameters
        ----------
        X : panel (n, c, t).
        intervals : one (start, stop) per instance, in steps: the statistics are over the steps start to stop - 1 only,
            as they are represented within the whole series. None: all steps.
        out : see `encode`.

        Raises
        ------
        ValueError
            An interval is empty, leaves its series, or lies outside what was observed.
        """
        if intervals is None and (lazy := self._by_blocks(X, out)) is not None:
            return by_blocks(lazy, self.transform, out, network=self.encoder_, what=f"{self._read_out()}")
        x = self._series(X)
        where = inside(x) if intervals is None else inside(x) & steps_within(intervals, *x.shape[:2])
        if not where.any(1).all():
            first = int(where.any(1).logical_not().nonzero()[0])
            raise ValueError(f"intervals[{first}] lies where nothing of instance {first} was observed")
        statistics = self._read_out()
        Z = torch.empty(0)
        for rows, layers in self._encoded_layers(x, statistics):
            here = where[rows]
            z = statistics(layers, None if here.all() else here.to(layers[-1].device))
            if rows.start == 0:
                Z = torch.empty(len(x), z.shape[1])
            Z[rows].copy_(z)
        return by_instance(self, X, Z.numpy())

    def encode(self, X: Any, window: int | str | None = None, *, out: str | Path | None = None) -> Floats:
        """One vector per step, (n, t, D); NaN before an instance's first observed step and after its last.

        Parameters
        ----------
        X : panel (n, c, t).
        window : an integer pools over that many steps around each step. "multiscale" gives windows of 3, 5, 9, ...
            side by side, (n, t, D * scales). "full_series" pools over all steps, (n, D). None: no pooling.
        out : a file, ".npy" or ".zarr", that is written block by block and opened: an array or a lazy panel
            (`tsrep.data.lazy`) of any size needs little memory. A run that was interrupted is continued. None: the
            result is in memory.
        """
        return self._encode(X, window, out)

    def _encode(
        self,
        X: Any,
        window: int | str | None,
        out: str | Path | None = None,
        keep: Any = None,
        kept: str = "",
    ) -> Floats:
        """`encode`; `keep(B, T)` gives a mask that hides steps and `kept` its name, None: none."""
        pool = pooling_over(window)
        if (lazy := self._by_blocks(X, out)) is not None:
            return by_blocks(
                lazy,
                lambda block: self._encode(block, window, None, keep),
                out,
                network=self.encoder_,
                what=f"encode {window} {kept}",
                values_per_value=self._width() / self.n_channels_,
            )
        x = self._series(X)
        Z = torch.empty(0)
        for rows, z in self._encoded(x, keep):
            within = inside(x[rows]).to(z.device)
            pooled = pool(z, None if within.all() else within)
            if window != "full_series":
                pooled = pooled.masked_fill(~within.unsqueeze(-1), torch.nan)
            if rows.start == 0:
                Z = torch.empty(len(x), *pooled.shape[1:])
            Z[rows].copy_(pooled)
        return Z.numpy()

    def encode_causal(
        self, X: Any, context: int = 200, hide_last: bool = False, *, out: str | Path | None = None
    ) -> Floats:
        """One vector per step from that step and the `context` steps before it, (n, t, D).

        Exactly what encoding each window of `context` + 1 steps alone and keeping its last step gives; a window that
        begins before its series is filled with missing steps. `hide_last` hides every window's last step, for the
        comparison in TS2Vec's anomaly score. A missing step has a vector here, from its context: whether it is a gap or
        the end of the series cannot be known at that step. For `out` see `encode`.
        """
        if (lazy := self._by_blocks(X, out)) is not None:
            return by_blocks(
                lazy,
                lambda block: self.encode_causal(block, context, hide_last),
                out,
                network=self.encoder_,
                what=f"encode_causal {context} {hide_last}",
                values_per_value=self._width() / self.n_channels_,
            )
        return self._causal(X, context, (bool(hide_last),))[0]

    def encode_causal_pair(self, X: Any, context: int = 200) -> tuple[Floats, Floats]:
        """`encode_causal` with every window's last step shown and with it hidden, in less time than two calls.

        TS2Vec's anomaly score of a step is the L1 distance between the two.
        """
        shown, hidden = self._causal(X, context, (False, True))
        return shown, hidden

    def encode_to_file(
        self, series: Any, path: str | Path, context: int | None = None, dtype: str = "float32"
    ) -> NDArray[np.floating[Any]]:
        """Encodes one series of any length into an array file, with bounded memory, and opens it memory-mapped.

        Parameters
        ----------
        series : (t, channels) or (t,), time down: an array, a `numpy.memmap`, a data frame, or anything sliced alike.
            It is read in stretches.
        path : the file (.npy) to write, (t, D). It appears under this name when it is complete.
        context : None gives what `encode` gives for the whole series; a number what `encode_causal` gives with it.
        dtype : "float32", or "float16" for half the disk.

        Raises
        ------
        ValueError
            The series has other channels than those fitted, holds no number, or is infinite somewhere.
        TypeError
            No `context` was given, and an output of the backbone depends on the whole series.
        """
        check_is_fitted(self, "encoder_")
        if dtype not in ("float16", "float32"):
            raise out_of_range("dtype", dtype, "'float32' or 'float16'")
        long = LongSeries(series, self.n_channels_)
        where = self.device, self.precision
        if context is None:
            parts = encoded_stretches(self.encoder_, long, *where)
        else:
            parts = encoded_windows(self.encoder_, long, _checked_context(context), *where)
        parts = with_progress(parts, long.steps, "Encoding", self.verbose)
        return write(path, parts, long.steps, self._width(), dtype)

    def online(self, context: int = 200) -> OnlineEncoder:
        """An encoder for a live series: `update(point)` gives what `encode_causal` gives for that step."""
        check_is_fitted(self, "encoder_")
        context = _checked_context(context)
        return OnlineEncoder(self.encoder_, context, self.n_channels_, self.device, self.precision)

    def _causal(self, X: Any, context: int, hide_last: tuple[bool, ...]) -> list[Floats]:
        """(n, t, D) per variant."""
        x = self._series(X)
        fabric = launch(self.device, self.precision)
        parts = encode_windows(self.encoder_, x, _checked_context(context), hide_last, fabric)
        Z: list[Tensor] = []
        copies = Copies(fabric.device)
        for rows, steps, z in with_progress(parts, x.shape[0] * x.shape[1], "Encoding", self.verbose):
            if not Z:
                Z = [host_tensor((*x.shape[:2], z.shape[-1]), fabric.device) for _ in hide_last]
            for all_steps, tile in zip(Z, z, strict=True):
                copies.make(all_steps[rows, steps], tile)
        copies.finish()
        return [all_steps.numpy() for all_steps in Z]

    def _encoded(self, x: Tensor, keep: Any = None) -> Iterator[tuple[slice, Tensor]]:
        """(rows, representations (len, T, D)) over batches of `x` (n, T, C); undefined outside."""
        network = on_device(self.encoder_, self.device, self.precision)

        def encode_batch(batch: Tensor) -> Tensor:
            within = inside(batch)
            hidden = None if keep is None else keep(*batch.shape[:2])
            return network(batch, hidden, None if within.all() else within)

        return self._in_batches(x, encode_batch)

    def _encoded_layers(self, x: Tensor, statistics: ReadOut) -> Iterator[tuple[slice, list[Tensor]]]:
        """(rows, outputs of the layers) over batches of `x`; of the last layer alone if no other is named."""
        if statistics.last_layer_only:
            return ((rows, [z]) for rows, z in self._encoded(x))
        network = layers_on_device(self.encoder_, self.device, self.precision)

        def encode_batch(batch: Tensor) -> list[Tensor]:
            within = inside(batch)
            return network(batch, None if within.all() else within)

        return self._in_batches(x, encode_batch)

    def _in_batches(self, x: Tensor, encode_batch: Any) -> Iterator[tuple[slice, Any]]:
        at_once = steps_per_batch(launch(self.device, self.precision).device)
        return with_progress(in_batches(x, encode_batch, at_once), len(x), "Encoding", self.verbose)

    def _by_blocks(self, X: Any, out: str | Path | None) -> LazyPanel | None:
        """`X` as a panel to compute block by block, where it is lazy or the result goes to a file; None otherwise."""
        check_is_fitted(self, "encoder_")
        lazy = as_lazy(X)
        if lazy is not None or out is None:
            return lazy
        panel = self._panel(X, reset=False)
        return ArrayPanel(panel[:, 0] if is_flat(X) else panel)

    def _series(self, X: Any) -> Tensor:
        check_is_fitted(self, "encoder_")
        return as_steps(self._panel(X, reset=False))

    def _width(self) -> int:
        """D, by encoding one missing step."""
        nothing = torch.full((1, 1, self.n_channels_), torch.nan)
        return on_device(self.encoder_, self.device, self.precision)(nothing).shape[-1]

    def finetune(self, X: Any, y: ArrayLike, **parameters: Any) -> FineTunedClassifier | FineTunedRegressor:
        """A copy of this encoder and a linear head, trained together.

        A label per instance in `y`, -1 for unlabelled, gives a classifier; real numbers of which some have a fraction,
        or several numbers per instance, give a regressor. `parameters` are those of
        `tsrep.encoding.finetuned.FineTuned`, `freeze` and `max_steps` for example.
        """
        check_is_fitted(self, "encoder_")
        shared = {name: getattr(self, name) for name in ("device", "precision", "fabric", "verbose")}
        kind = FineTunedRegressor if has_fractions(y) else FineTunedClassifier
        return kind(self, **{**shared, **parameters}).fit(X, y)

    # scikit-learn's interface

    @property
    def n_features_out_(self) -> int:
        check_is_fitted(self, "encoder_")
        [(_, layers)] = self._encoded_layers(torch.zeros(1, 1, self.n_channels_), self._read_out())
        return self._read_out()(layers).shape[1]

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    # As a program

    def export(self, path: str | Path) -> None:
        """Writes the encoder to `path` as a program that runs without this package, in 32 bit.

        The file's ending says which: ".onnx" for ONNX Runtime and its like, ".pt2" for `torch.export.load`. The
        program takes `panel`, (batch, channels, length) in float32 with NaN for what was not observed, any batch and
        any length. It gives `steps`, what `encode` gives, and `series`, what `transform` gives.

        Raises
        ------
        ValueError
            `path` has neither ending, or the backbone or the read-out cannot be exported.
        ModuleNotFoundError
            ".onnx" is wanted and the packages that write it are not installed: they are the extra "export".
        """
        check_is_fitted(self, "encoder_")
        program = ExportableEncoder(self.encoder_, self._read_out())
        write_program(path, program, self.n_channels_, self._description())

    def _read_out(self) -> ReadOut:
        return read_out(self.layers, "max" if self.pool is None else self.pool)


def _checked_context(context: int) -> int:
    if not is_integer(context) or context < 0:
        raise out_of_range("context", context, "an integer of at least 0")
    return int(context)


def as_steps(panel: Floats) -> Tensor:
    """(n, c, t) array -> (n, t, c) tensor."""
    return torch.from_numpy(panel).transpose(1, 2)
