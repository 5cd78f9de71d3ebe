"""What a fitted network computes: one vector per series, per step, per step from its past, online, in a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from tsrep.base.output import by_instance
from tsrep.base.panels import Floats
from tsrep.base.parameters import out_of_range
from tsrep.data.lazy import LazyPanel
from tsrep.data.results import check_ending
from tsrep.encoding.backbone import surroundings_of
from tsrep.encoding.export import ExportableEncoder, write_program
from tsrep.encoding.finetune import FineTunedClassifier, FineTunedRegressor, has_fractions
from tsrep.encoding.inference import NetworkEstimator, checked_context
from tsrep.encoding.long import Keep, LongSeries
from tsrep.encoding.online import OnlineEncoder
from tsrep.encoding.pooling import pooling_over, steps_within
from tsrep.encoding.read_out import ReadOut, read_out
from tsrep.nn.padding import inside


class EncodingEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """Panels in, representations out, by the network `encoder_` for series of `n_channels_` channels.

    Attributes
    ----------
    layers, pool : the read-out of `transform`, see `tsrep.encoding.read_out.read_out`; None: "max" of the last layer.
    encoder_ : torch module, (B, T, C) -> (B, T, D); has a `backbone`.
    n_channels_, n_features_in_, n_features_out_ : channels; what scikit-learn counts; width of `transform`.
    """

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
        x = self._given(X, out) if intervals is None else self._series(X)
        statistics = self._read_out()
        if isinstance(x, LazyPanel):
            Z = self._part_by_part(
                x,
                self._stretched_vectors(x, statistics),
                lambda _, block: self.transform(block),
                out,
                f"{statistics}",
            )
            return Z if out is not None else by_instance(self, X, Z)
        where = inside(x) if intervals is None else inside(x) & steps_within(intervals, *x.shape[:2])
        if not where.any(1).all():
            first = int(where.any(1).logical_not().nonzero()[0])
            raise ValueError(f"intervals[{first}] lies where nothing of instance {first} was observed")
        vectors = torch.empty(0)
        for rows, layers in self._encoded_layers(x, statistics):
            here = where[rows]
            z = statistics(layers, None if here.all() else here.to(layers[-1].device))
            if rows.start == 0:
                vectors = torch.empty(len(x), z.shape[1])
            vectors[rows].copy_(z)
        return by_instance(self, X, vectors.numpy())

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
        keep: Keep | None = None,
        kept: str = "",
        first: int = 0,
    ) -> Floats:
        """`encode`; `keep` gives masks that hide steps, of instances counted from `first`; `kept` is its name."""
        pool = pooling_over(window)
        x = self._given(X, out, window != "multiscale")
        if isinstance(x, LazyPanel):
            return self._part_by_part(
                x,
                self._stretched_steps(x, window, keep),
                lambda rows, block: self._encode(block, window, None, keep, first=rows.start),
                out,
                f"encode {window} {kept}",
                self._width() / self.n_channels_,
            )
        Z = torch.empty(0)
        for rows, z in self._encoded(x, keep, first):
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
        context, hide_last = checked_context(context), bool(hide_last)
        x = self._given(X, out, in_stretches=False)
        if not isinstance(x, LazyPanel):
            return self._causal(x, context, (hide_last,))[0]
        return self._part_by_part(
            x,
            self._stretched_windows(x, context, hide_last),
            lambda _, block: self.encode_causal(block, context, hide_last),
            out,
            f"encode_causal {context} {hide_last}",
            self._width() / self.n_channels_,
        )

    def encode_causal_pair(self, X: Any, context: int = 200) -> tuple[Floats, Floats]:
        """`encode_causal` with every window's last step shown and with it hidden, in less time than two calls.

        TS2Vec's anomaly score of a step is the L1 distance between the two.
        """
        shown, hidden = self._causal(self._series(X), checked_context(context), (False, True))
        return shown, hidden

    def encode_to_file(
        self, series: Any, path: str | Path, context: int | None = None, dtype: str = "float32"
    ) -> NDArray[np.floating[Any]]:
        """Encodes one series of any length into an array file, with bounded memory, and opens it.

        Parameters
        ----------
        series : (t, channels) or (t,), time down: an array, a `numpy.memmap`, a data frame, or anything sliced alike.
            It is read in stretches.
        path : the file to write, (t, D): ".npy", which is opened memory-mapped, or ".zarr". It appears under this name
            when it is complete. A run that was interrupted is continued.
        context : None gives what `encode` gives for the whole series; a number what `encode_causal` gives with it.
        dtype : "float32", or "float16" for half the disk.

        Raises
        ------
        ValueError
            The series has other channels than those fitted, holds no number, or is infinite somewhere; `path` has
            another ending.
        TypeError
            No `context` was given, and an output of the backbone depends on the whole series.
        """
        check_is_fitted(self, "encoder_")
        check_ending("path", path)
        if dtype not in ("float16", "float32"):
            raise out_of_range("dtype", dtype, "'float32' or 'float16'")
        if context is None and surroundings_of(self.encoder_) is None:
            raise TypeError(
                f"each output of the backbone {type(self.encoder_.backbone).__name__} depends on the whole series: it "
                "cannot be encoded in stretches; give context= to look back only"
            )
        panel = LongSeries(series, self.n_channels_)
        encoded = self._stretches(panel)
        if context is None:
            parts = partial(encoded.steps, None)
        else:
            parts = partial(encoded.causal, checked_context(context), False)
        what = f"encode_to_file {context} {dtype}"
        return self._in_parts(panel, parts, panel.shape[2:], path, what, dtype)

    def online(self, context: int = 200) -> OnlineEncoder:
        """An encoder for a live series: `update(point)` gives what `encode_causal` gives for that step."""
        check_is_fitted(self, "encoder_")
        context = checked_context(context)
        return OnlineEncoder(self.encoder_, context, self.n_channels_, self.device, self.precision)

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
