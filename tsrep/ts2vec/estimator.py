"""`TS2Vec`, the estimator: panels in, representations out.

The paper is Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022. Two random crops of each
series are encoded with random steps hidden; where they overlap, the two encodings of a step shall be alike and unlike
those of other steps and other series, at every level of a max-pooling hierarchy. What is learned is one vector a step;
a window's or a series' vector is the maximum over its steps.

`TS2Vec()` is the paper's recipe. It departs from the authors' code where that is wrong: padding cannot move a
representation, no instance is dropped, training can go on after loading, and a gap stays a gap.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from tsrep.base.fitting import atomic
from tsrep.base.panels import Floats, PanelEstimator, RandomState, draw_seed
from tsrep.base.saving import load
from tsrep.train.checkpoint import holds_model
from tsrep.train.run import Run
from tsrep.train.runtime import launch
from tsrep.ts2vec.build import build_encoder
from tsrep.ts2vec.crops import inside
from tsrep.ts2vec.encoder import SeriesEncoder
from tsrep.ts2vec.export import ExportableEncoder, write_program
from tsrep.ts2vec.inference import Copies, host_tensor, in_batches, on_device, shown, steps_at_once
from tsrep.ts2vec.long import LongSeries, encoded_stretches, encoded_windows, write
from tsrep.ts2vec.masks import MASKS
from tsrep.ts2vec.objective import ContrastiveObjective
from tsrep.ts2vec.official import encoder_from_official
from tsrep.ts2vec.parameters import check_parameters
from tsrep.ts2vec.pooling import POOLINGS, pooling_over, steps_within
from tsrep.ts2vec.streaming import OnlineEncoder, encode_windows
from tsrep.ts2vec.training import hold_out, prepare, train

SMALL = (
    100_000  # values of training data up to which the default is 200 steps; 600 beyond (the authors' rule)
)
NOT_OF_THE_RUN = ("checkpoint", "checkpoint_every", "device", "random_state", "verbose", "warm_start")


class TS2Vec(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PanelEstimator):
    """Contrastive representations of time series (Yue et al., AAAI 2022).

    Parameters
    ----------
    n_components : width D of a representation.
    hidden_channels, depth : width and number of the residual blocks before the output block.
    batch_size, lr : instances a training step, and AdamW's learning rate.
    max_steps, max_epochs : when training ends, whichever comes first. Both None: 200 steps for up to 100,000 values
        of training data and 600 for more. `max_steps=0` leaves the network untrained.
    alpha : weight of the instance-wise loss against the temporal one, 0 to 1.
    temporal_unit : the temporal loss begins at a resolution of 2 ** temporal_unit steps.
    max_train_length : longer series are trained on in windows of this many steps.
    pooling : "max" (the paper's) or "mean", over time in `transform`.
    recipe : "paper".
    mask : timestamp mask while training: "binomial", "continuous", "all_true" (none), "all_false" or "last".
    crop, hierarchical, input_projection : False switches that part of the method off (the paper's ablations).
    positive_pairs : "contextual" (the paper's), "temporal" or "subseries" consistency.
    augmentation : None (the paper's), "jitter", "scaling" or "permutation".
    backbone : "dilated_conv" (the paper's), "lstm" or "transformer".
    validation_fraction : share of the instances held out of training, on which a loss is computed every 10 steps.
    patience : stop when this many validations in a row brought no new lowest loss; None never stops early.
    warm_start : True: `fit` goes on from where the last `fit` (or the loaded model) stood, for `max_steps` or
        `max_epochs` more.
    checkpoint : a folder to which training is saved every `checkpoint_every` steps. `fit` on the same data with the
        same parameters goes on from it, to the same bits as an unbroken run. None: no checkpoints.
    device : "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : "auto" (32 bit), "32", "bf16" or "16".
    random_state : None, an integer, or a numpy generator. A number makes a fit on a CPU reproducible to the bit (with
        the same number of threads).
    verbose : 1 shows progress bars.

    Attributes
    ----------
    encoder_ : torch module with the averaged weights, (B, T, C) -> (B, T, D).
    history_ : list of {"step", "epoch", "seconds", "loss", "validation_loss" where computed}.
    n_steps_ : training steps made in all.
    n_channels_, n_features_in_, n_features_out_ : channels; what scikit-learn counts; width of `transform`.
    seed_ : the integer that seeded the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> X = np.random.default_rng(0).normal(size=(6, 1, 40))
    >>> encoder = TS2Vec(n_components=16, max_steps=2, random_state=0).fit(X)
    >>> encoder.transform(X).shape, encoder.encode(X).shape
    ((6, 16), (6, 40, 16))
    """

    encoder_: SeriesEncoder
    _run: Run

    def __init__(
        self,
        n_components: int = 320,
        hidden_channels: int = 64,
        depth: int = 10,
        batch_size: int = 8,
        lr: float = 1e-3,
        max_steps: int | None = None,
        max_epochs: int | None = None,
        alpha: float = 0.5,
        temporal_unit: int = 0,
        max_train_length: int = 3000,
        pooling: str = "max",
        recipe: str = "paper",
        mask: str = "binomial",
        crop: bool = True,
        hierarchical: bool = True,
        input_projection: bool = True,
        positive_pairs: str = "contextual",
        augmentation: str | None = None,
        backbone: str = "dilated_conv",
        validation_fraction: float = 0.0,
        patience: int | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 50,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.n_components = n_components
        self.hidden_channels = hidden_channels
        self.depth = depth
        self.batch_size = batch_size
        self.lr = lr
        self.max_steps = max_steps
        self.max_epochs = max_epochs
        self.alpha = alpha
        self.temporal_unit = temporal_unit
        self.max_train_length = max_train_length
        self.pooling = pooling
        self.recipe = recipe
        self.mask = mask
        self.crop = crop
        self.hierarchical = hierarchical
        self.input_projection = input_projection
        self.positive_pairs = positive_pairs
        self.augmentation = augmentation
        self.backbone = backbone
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # Training

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns from a panel (n, c, t), or anything `tsrep.data.as_panel` takes; `y` is ignored.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` is not a panel to train on, or `checkpoint` holds another run.
        NonFiniteLossError
            The training diverged.
        """
        check_parameters(self)
        goes_on = self.warm_start and hasattr(self, "encoder_")
        panel = self._panel(X, reset=not goes_on)
        data = "" if self.checkpoint is None else _digest(panel)
        found = self._found_run(data)
        if found is not None and not (goes_on and found._run.finished):
            encoder, run = found.encoder_, found._run
        else:
            encoder, run = (
                (self.encoder_, copy.deepcopy(self._run)) if goes_on else self._start(panel.shape[1])
            )
            run.data = data
            run.extend(*self._length_of_training(panel.size))
        self.encoder_, self._run = encoder if run.finished else self._train(encoder, run, panel), run
        return self

    def _start(self, channels: int) -> tuple[SeriesEncoder, Run]:
        """A network with random weights, and a run in which nothing was learned."""
        seed = draw_seed(self.random_state)
        # Torch's initialisers know no other source than the global one: it is put back as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._build(channels), Run(seed)

    def _build(self, channels: int) -> SeriesEncoder:
        return build_encoder(
            channels,
            backbone=self.backbone,
            input_projection=self.input_projection,
            hidden_channels=self.hidden_channels,
            n_components=self.n_components,
            depth=self.depth,
        )

    def _length_of_training(self, values: int) -> tuple[int | None, int | None]:
        if self.max_steps is None and self.max_epochs is None:
            return (200 if values <= SMALL else 600), None
        return self.max_steps, self.max_epochs

    def _train(self, encoder: SeriesEncoder, run: Run, panel: Floats) -> SeriesEncoder:
        x, held_out = _as_steps(panel), None
        if self.validation_fraction > 0:
            x, held_out = hold_out(x, self.validation_fraction, run.seed)
            held_out = prepare(held_out, self.max_train_length)
        switches = {field.name: getattr(self, field.name) for field in fields(ContrastiveObjective)}

        def save(encoder: SeriesEncoder) -> None:
            self.encoder_, self._run = encoder, run
            self.save(str(self.checkpoint))

        return train(
            encoder,
            run,
            prepare(x, self.max_train_length),
            ContrastiveObjective(**switches),
            lr=self.lr,
            batch_size=self.batch_size,
            fabric=launch(self.device, self.precision),
            held_out=held_out,
            patience=self.patience,
            save=None if self.checkpoint is None else save,
            save_every=self.checkpoint_every,
            show=self.verbose > 0,
        )

    def _found_run(self, data: str) -> TS2Vec | None:
        """What `checkpoint` holds, if anything; it must be a run of these parameters on this data."""
        if self.checkpoint is None or not holds_model(self.checkpoint):
            return None
        found = load(self.checkpoint)
        other = None
        if type(found) is not type(self) or found._run.data != data:
            other = "on other data"
        else:
            for name, value in self.get_params().items():
                if name not in NOT_OF_THE_RUN and found.get_params()[name] != value:
                    other = f"with {name}={found.get_params()[name]!r}, not {value!r}"
        if other is not None:
            raise ValueError(f"checkpoint {str(self.checkpoint)!r} holds a run {other}; name another folder")
        return found

    # Representations

    def transform(self, X: Any, intervals: ArrayLike | None = None) -> Floats:
        """One vector an instance, (n, D): the maximum (or mean, see `pooling`) over its steps.

        Parameters
        ----------
        X : panel (n, c, t).
        intervals : one (start, stop) an instance, in steps: pools over the steps start to stop - 1 only, as they are
            represented within the whole series. None: all steps.

        Raises
        ------
        ValueError
            An interval is empty, leaves its series, or lies outside what was observed.
        """
        x = self._series(X)
        chosen = inside(x) if intervals is None else inside(x) & steps_within(intervals, *x.shape[:2])
        if not chosen.any(1).all():
            first = int(chosen.any(1).logical_not().nonzero()[0])
            raise ValueError(f"intervals[{first}] lies where nothing of instance {first} was observed")
        pool = POOLINGS[self.pooling]
        Z = torch.empty(len(x), self.n_components)
        for rows, z in self._encoded(x):
            pooled_steps = chosen[rows]
            Z[rows].copy_(pool(z, None if pooled_steps.all() else pooled_steps.to(z.device)))
        return Z.numpy()

    def encode(self, X: Any, window: int | str | None = None, mask: str | None = None) -> Floats:
        """One vector a step, (n, t, D); NaN before an instance's first observed step and after its last.

        Parameters
        ----------
        X : panel (n, c, t).
        window : an integer pools over that many steps around each step. "multiscale" gives windows of 3, 5, 9, ...
            side by side, (n, t, D * scales). "full_series" pools over all steps, (n, D). None: no pooling.
        mask : hides steps from the encoder, as `mask` of the constructor does in training; None hides nothing.
        """
        pool = pooling_over(window)
        x = self._series(X)
        Z = torch.empty(0)
        for rows, z in self._encoded(x, mask):
            within = inside(x[rows]).to(z.device)
            pooled = pool(z, None if within.all() else within)
            if window != "full_series":
                pooled = pooled.masked_fill(~within.unsqueeze(-1), torch.nan)
            if rows.start == 0:
                Z = torch.empty(len(x), *pooled.shape[1:])
            Z[rows].copy_(pooled)
        return Z.numpy()

    def encode_causal(self, X: Any, context: int = 200, hide_last: bool = False) -> Floats:
        """One vector a step that sees only that step and the `context` before it, (n, t, D).

        Exactly what encoding each window of `context` + 1 steps alone and keeping its last step gives; a window that
        begins before its series is filled with missing steps. `hide_last` hides every window's last step, which
        the paper's anomaly score compares with. A missing step has a vector here, from its context: whether it is
        a gap or the end of the series cannot be known at that step.
        """
        return self._causal(X, context, (bool(hide_last),))[0]

    def encode_causal_pair(self, X: Any, context: int = 200) -> tuple[Floats, Floats]:
        """`encode_causal` with every window's last step shown and with it hidden, in less time than one by one.

        The paper's anomaly score of a step is the L1 distance between the two.
        """
        shown, hidden = self._causal(X, context, (False, True))
        return shown, hidden

    def encode_to_file(
        self, series: Any, path: str | Path, context: int | None = None, dtype: str = "float32"
    ) -> NDArray[np.floating[Any]]:
        """Encodes one series of any length into an array file, with bounded memory, and opens it memory-mapped.

        Parameters
        ----------
        series : (t, channels) or (t,), time down: an array, a `numpy.memmap`, or anything sliced alike. It is read a
            stretch at a time.
        path : the file (.npy) to write, (t, D). It takes its name when it is whole.
        context : None gives what `encode` gives for the whole series; a number what `encode_causal` gives with it.
        dtype : "float32", or "float16" for half the disk.

        Raises
        ------
        ValueError
            The series has other channels than those fitted, holds no number, or is infinite somewhere.
        TypeError
            The backbone is not the dilated convolutions and no `context` was given.
        """
        check_is_fitted(self, "encoder_")
        if dtype not in ("float16", "float32"):
            raise ValueError(f"dtype is {dtype!r}; wanted 'float32' or 'float16'")
        long = LongSeries(series, self.n_channels_)
        where = self.device, self.precision
        if context is None:
            parts = encoded_stretches(self.encoder_, long, *where)
        else:
            parts = encoded_windows(self.encoder_, long, _checked_context(context), *where)
        return write(
            path, shown(parts, long.steps, "Encoding", self.verbose), long.steps, self.n_components, dtype
        )

    def online(self, context: int = 200) -> OnlineEncoder:
        """An encoder for a live series: `update(point)` gives what `encode_causal` gives for that step."""
        check_is_fitted(self, "encoder_")
        return OnlineEncoder(
            self.encoder_, _checked_context(context), self.n_channels_, self.device, self.precision
        )

    def _causal(self, X: Any, context: int, hide_last: tuple[bool, ...]) -> list[Floats]:
        """For each variant (n, t, D)."""
        x = self._series(X)
        fabric = launch(self.device, self.precision)
        parts = encode_windows(self.encoder_, x, _checked_context(context), hide_last, fabric)
        Z = [host_tensor((*x.shape[:2], self.n_components), fabric.device) for _ in hide_last]
        copies = Copies(fabric.device)
        for rows, steps, z in shown(parts, x.shape[0] * x.shape[1], "Encoding", self.verbose):
            for variant, of_variant in zip(Z, z, strict=True):
                copies.make(variant[rows, steps], of_variant)
        copies.finish()
        return [variant.numpy() for variant in Z]

    def _encoded(self, x: Tensor, mask: str | None = None) -> Iterator[tuple[slice, Tensor]]:
        """(rows, representations (len, T, D)) over batches of `x` (n, T, C); what stands outside means nothing."""
        if mask is not None and mask not in MASKS:
            raise ValueError(f"mask is {mask!r}; wanted None or one of {list(MASKS)}")
        network = on_device(self.encoder_, self.device, self.precision)
        generator = torch.Generator().manual_seed(self._run.seed)

        def encode_batch(batch: Tensor) -> Tensor:
            within = inside(batch)
            keep = None if mask is None else MASKS[mask](batch.shape[0], batch.shape[1], generator)
            return network(batch, keep, None if within.all() else within)

        at_once = steps_at_once(launch(self.device, self.precision).device)
        return shown(in_batches(x, encode_batch, at_once), len(x), "Encoding", self.verbose)

    def _series(self, X: Any) -> Tensor:
        check_is_fitted(self, "encoder_")
        return _as_steps(self._panel(X, reset=False))

    # What scikit-learn asks

    @property
    def history_(self) -> list[dict[str, Any]]:
        return self._run.history

    @property
    def n_steps_(self) -> int:
        return self._run.clock.step

    @property
    def seed_(self) -> int:
        return self._run.seed

    @property
    def n_features_out_(self) -> int:
        check_is_fitted(self, "encoder_")
        return self.n_components

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    # On disk

    def export(self, path: str | Path) -> None:
        """Writes the encoder to `path` as a program that runs without this package, in 32 bit.

        The file's ending says which: ".onnx" for ONNX Runtime and its like, ".pt2" for `torch.export.load`. The
        program takes `panel`, (batch, channels, length) in float32 with NaN for what was not observed, any batch and
        any length. It gives `steps`, what `encode` gives, and `series`, what `transform` gives.

        Raises
        ------
        ValueError
            `path` has neither ending, or the backbone is not the dilated convolutions.
        ModuleNotFoundError
            ".onnx" is wanted and the packages that write it are not installed: they are the extra "export".
        """
        check_is_fitted(self, "encoder_")
        program = ExportableEncoder(self.encoder_, self.pooling)
        write_program(path, program, self.n_channels_, self._description())

    def _fitted_state(self) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
        return {"run": self._run.as_json()}, {
            "model": self.encoder_.state_dict(),
            "training": self._run.tensors,
        }

    def _restore(self, fitted: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
        check_parameters(self)
        self.encoder_ = self._build(self.n_channels_)
        self.encoder_.load_state_dict(tensors["model"])
        self._run = Run.from_json(fitted["run"], tensors["training"])

    @classmethod
    def from_official(cls, state: Mapping[str, Any] | str | Path, **parameters: Any) -> Self:
        """The estimator of a checkpoint of the TS2Vec authors' code (a file, or its state dict), with its outputs.

        Further `parameters` are the constructor's. Such a checkpoint holds the averaged weights alone, so training
        on from it (`warm_start=True`) starts from those, with a fresh optimiser.

        Raises
        ------
        ModelFileError
            It is no such checkpoint.
        """
        encoder, shape = encoder_from_official(state)
        channels = shape.pop("channels")
        estimator = cls(**{**parameters, **shape})
        estimator.encoder_ = encoder
        estimator.n_channels_ = estimator.n_features_in_ = channels
        estimator._fixes_length = False
        estimator._run = Run(draw_seed(estimator.random_state), finished=True)
        return estimator


def _checked_context(context: int) -> int:
    if not isinstance(context, int | np.integer) or context < 0:
        raise ValueError(f"context is {context!r}; wanted an integer of at least 0")
    return int(context)


def _digest(panel: Floats) -> str:
    return hashlib.sha256(str(panel.shape).encode() + np.ascontiguousarray(panel).data).hexdigest()


def _as_steps(panel: Floats) -> Tensor:
    """(n, c, t) array -> (n, t, c) tensor."""
    return torch.from_numpy(panel).transpose(1, 2)
