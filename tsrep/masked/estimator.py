"""`MaskedSeriesEncoder`, the estimator: hide a part of each series, learn to predict it, use the encoder.

It carries MAE (He et al., CVPR 2022), SimMIM (Xie et al., CVPR 2022) and MaskFeat (Wei et al., CVPR 2022) over to
series, with the design, the target, the mask and the encoder as switches, and joins TS2Vec's contrast to them.
`recipe="paper"` is MAE on patches of a series; the default is TS2Vec's network with both
losses, see docs/masked.md.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from sklearn.base import clone
from torch import Tensor, nn

from tsrep.base.panels import Floats, RandomState
from tsrep.base.parameters import out_of_range
from tsrep.base.saving import Folder, Tensors, inner_from_folder, inner_to_folder, load
from tsrep.base.training import initial_weights
from tsrep.encoding.read_out import ReadOut, read_out
from tsrep.encoding.training import Measure, hold_out
from tsrep.masked.build import build_network, learns_normalisation
from tsrep.masked.masks import average_distance
from tsrep.masked.network import frame_of
from tsrep.masked.objective import MaskedObjective
from tsrep.masked.rebuilding import RebuildingEncoder
from tsrep.masked.recipe import RANGES, check, mask_of, patch_length_for, resolved
from tsrep.masked.references import ReferenceLosses
from tsrep.masked.targets import least_patch
from tsrep.masked.targets.lost import LostTarget, name_of, names_of, targets_of
from tsrep.train.checkpoint import ModelFileError
from tsrep.train.run import Run
from tsrep.train.schedule import Schedule, constant, warm_up_cosine
from tsrep.train.step import Descent
from tsrep.ts2vec.crops import split_long

if TYPE_CHECKING:
    from lightning.fabric import Fabric

LONGEST = 3000  # steps of a training series, where there are several
WINDOW = 256  # the same for a panel of few long series
FEW_SERIES = 16
MOST_FITTED = 512  # series that scales, vocabularies and kernels are fitted on


class MaskedSeriesEncoder(RebuildingEncoder):
    """Representations of time series by masked prediction (MAE, SimMIM and MaskFeat for series).

    Parameters that are None have the value of the recipe and of the encoder's kind; see docs/masked.md.

    Parameters
    ----------
    recipe : "best" (TS2Vec's network predicts features of random kernels: what measured best, see docs/findings.md) or
        "paper" (MAE: values of random patches, a light decoder).
    design : "mae" (the encoder sees visible patches only, and a decoder puts mask tokens in the places of the others),
        "simmim" (hidden patches are replaced by a token within the encoder) or "autoencoder" (each patch alone, nothing
        hidden: the baseline).
    encoder : "transformer" (over patches), "ts2vec" (its dilated convolutions), "ssgan" (the imputer's generator), a
        fitted `TS2Vec` or `SSGANImputer`, or a torch module that meets `tsrep.encoding.backbone.Backbone` with
        `hidden_channels` inputs and `n_components` outputs. Of what is given a copy is trained.
    target : what is predicted of hidden patches, one or several (None: the recipe's, and "values" where a design is
        given): "values", "patch_normalised", "differences",
        "slope_histogram", "spectrum", "wavelet", "statistics", "autocorrelation", "sax", "segment", "catch22",
        "random_kernels", "teacher", a subclass of `tsrep.masked.targets.target.Target`, or a function of patches
        (..., P) -> (..., K). Where "values" is not among them, a head learns to read the values from the encoder, which
        does not learn from it: `reconstruct` and `impute` work in any case.
    mask : "random" patches, "block", one "span", "geometric" spans of steps, whole channels ("channel"), or "future".
    mask_ratio : share that is hidden, or the ends of a range from which each batch draws.
    mask_span : length of a hidden run, or a range; see `tsrep.masked.masks.Mask`.
    shared_mask : False hides other patches in each channel.
    patch_length : steps per patch; None: the length of the series over 32, and what the targets need at least.
    n_components, depth : width D and blocks of the encoder.
    hidden_channels : width within TS2Vec's network.
    n_heads : attention heads of the Transformer.
    inputs : what a token is made of: "values", "statistics" (mean and deviation of the patch), "differences".
    decoder_depth, decoder_width, decoder_attention : MAE's decoder; attention among all tokens ("self") or from the
        mask tokens to the visible ones ("cross").
    head : SimMIM's: "linear", "mlp" or "deep", a Transformer of the decoder's sizes.
    loss : "squared" or "absolute" error; None: "absolute" with `design="simmim"`, as in its paper, else "squared".
    loss_on : "hidden" values, or "all" observed ones.
    contrast_weight : of TS2Vec's contrast, from the same masked views (`tsrep.masked.joint`); 0: none.
    teacher_momentum, variance_weight : of target="teacher", see `tsrep.masked.targets.teacher`.
    max_train_length : longer series are cut into windows of this many steps for training, and rebuilt in such windows.
        None: 3,000, or 256 for a panel of fewer than 16 series.
    max_steps, max_epochs : training ends at whichever comes first. `max_steps=0` leaves the network untrained.
    batch_size, lr : series per step; learning rate of AdamW.
    layers, pool : the read-out of `transform`, see `tsrep.encoding.read_out.read_out`.
    validation_fraction, patience, warm_start, checkpoint, checkpoint_every, device, precision, fabric, gather,
        random_state, verbose : see `TS2Vec`. With `warm_start` the learning rate follows the schedule of all steps
        together.

    Attributes
    ----------
    encoder_ : torch module, (B, T, C) -> (B, T, D).
    patch_length_ : steps per patch.
    average_distance_ : mean distance, in steps, of the hidden steps to the nearest visible one (SimMIM's AvgDist).
    history_ : list of {"step", "epoch", "seconds", "loss", ...}. A loss of 1 is the best constant prediction. Every ten
        steps there are also, on a fixed sample, the losses of the network ("sample_loss"), of the training series' mean
        at each position ("positional_mean"), of straight lines between visible values ("lines"), and of the network
        with everything hidden ("all_hidden"): one that is not below these has learned nothing from what is visible.
    n_steps_, n_channels_, n_features_in_, n_features_out_, seed_ : see `TS2Vec`.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import MaskedSeriesEncoder
    >>> X = np.sin(np.linspace(0, 60, 6 * 64)).reshape(6, 1, 64)
    >>> encoder = MaskedSeriesEncoder(recipe="paper", max_steps=2, random_state=0).fit(X)
    >>> encoder.transform(X).shape, encoder.encode_patches(X).shape
    ((6, 128), (6, 32, 128))
    """

    _RANGES = RANGES
    _SHOWN = {"loss": "loss", "positional_mean": "mean", "lines": "lines", "all_hidden": "all hidden"}
    _TITLE = "Masked"
    _SHAPES = (
        "decoder_attention",
        "decoder_depth",
        "decoder_width",
        "head",
        "hidden_channels",
        "inputs",
        "n_heads",
    )

    batch_size: int | None  # type: ignore[assignment]
    lr: float | None  # type: ignore[assignment]

    def __init__(
        self,
        recipe: str = "best",
        design: str | None = None,
        encoder: Any = None,
        target: Any = None,
        mask: str | None = None,
        mask_ratio: float | tuple[float, float] | None = None,
        mask_span: float | tuple[float, float] | None = None,
        shared_mask: bool = True,
        patch_length: int | None = None,
        n_components: int | None = None,
        hidden_channels: int = 64,
        depth: int | None = None,
        n_heads: int = 4,
        inputs: Sequence[str] = ("values", "statistics"),
        decoder_depth: int = 2,
        decoder_width: int = 64,
        decoder_attention: str = "self",
        head: str = "linear",
        loss: str | None = None,
        loss_on: str = "hidden",
        contrast_weight: float | None = None,
        teacher_momentum: float = 0.99,
        variance_weight: float = 1.0,
        max_train_length: int | None = None,
        max_steps: int | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        layers: int | Sequence[int] | None = None,
        pool: str | Sequence[str] | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 50,
        device: str = "auto",
        precision: str = "auto",
        fabric: Mapping[str, Any] | None = None,
        gather: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.recipe = recipe
        self.design = design
        self.encoder = encoder
        self.target = target
        self.mask = mask
        self.mask_ratio = mask_ratio
        self.mask_span = mask_span
        self.shared_mask = shared_mask
        self.patch_length = patch_length
        self.n_components = n_components
        self.hidden_channels = hidden_channels
        self.depth = depth
        self.n_heads = n_heads
        self.inputs = inputs
        self.decoder_depth = decoder_depth
        self.decoder_width = decoder_width
        self.decoder_attention = decoder_attention
        self.head = head
        self.loss = loss
        self.loss_on = loss_on
        self.contrast_weight = contrast_weight
        self.teacher_momentum = teacher_momentum
        self.variance_weight = variance_weight
        self.max_train_length = max_train_length
        self.max_steps = max_steps
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.layers = layers
        self.pool = pool
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.device = device
        self.precision = precision
        self.fabric = fabric
        self.gather = gather
        self.random_state = random_state
        self.verbose = verbose

    # The method

    def _look_at(self, panel: Floats) -> None:
        n, channels, steps = panel.shape
        settings = resolved(self)
        if settings.mask == "channel" and channels == 1:
            raise out_of_range("mask", settings.mask, "another mask for X with one channel")
        longest = self.max_train_length or (WINDOW if n < FEW_SERIES and steps > 2 * WINDOW else LONGEST)
        self._window = min(int(longest), steps)
        chosen = self.patch_length or max(patch_length_for(self._window), least_patch(settings.targets))
        self.patch_length_ = min(int(chosen), steps)

    def _build(self, channels: int) -> nn.Module:
        return build_network(self, resolved(self), channels, self.patch_length_, self._window)

    def _start(self, panel: Floats) -> Run:
        run = super()._start(panel)
        x = torch.from_numpy(panel).transpose(1, 2)
        if self.validation_fraction > 0:
            x, _ = hold_out(x, self.validation_fraction, run.seed)
        x = self._prepare(x)
        generator = torch.Generator().manual_seed(run.seed)
        network: Any = self.encoder_
        some = x[torch.randperm(len(x), generator=generator)[:MOST_FITTED]]
        if learns_normalisation(resolved(self)):
            network.normalise.fit(x)
        frame = frame_of(network.normalise(some), self.patch_length_)
        with initial_weights(run.seed):
            for scaled in network.targets:
                scaled.fit(frame, generator)
        observed = ~frame.isnan()
        hidden = mask_of(self)(observed, generator)
        self.average_distance_ = float(average_distance(hidden.flatten(1, 2), observed.flatten(1, 2)))
        return run

    def _objective(self) -> MaskedObjective:
        settings = resolved(self)
        return MaskedObjective(
            mask=mask_of(self),
            names=tuple(name_of(target) for target in settings.targets),
            loss_on="all" if settings.design == "autoencoder" else self.loss_on,
            contrast_weight=settings.contrast_weight,
            variance_weight=self.variance_weight,
            longest=self._window,
            hides=settings.design != "autoencoder",
        )

    def _descent(
        self, network: nn.Module, generator: torch.Generator, fabric: Fabric, **together: Any
    ) -> Descent:
        settings = resolved(self)
        return Descent(
            network,
            self._objective(),
            lr=settings.lr,
            generator=generator,
            fabric=fabric,
            weight_decay=settings.weight_decay,
            average=settings.average,
            max_norm=settings.max_norm,
            **together,
        )

    def _schedule(self, steps: int) -> Schedule:
        settings = resolved(self)
        if settings.average:
            return constant(settings.lr)
        return warm_up_cosine(settings.lr, round(settings.warm_up * steps), steps)

    def _measure(self, x: Tensor, held_out: Tensor | None, seed: int) -> Measure:
        checked = x if held_out is None else held_out
        return ReferenceLosses(self._objective(), x, checked, seed)

    def _prepare(self, x: Tensor) -> Tensor:
        return super()._prepare(split_long(x, self._window))

    def _longest(self) -> int:
        return self._window

    def _default_length(self, values: int) -> int:
        return resolved(self).max_steps

    def _batch_size(self) -> int:
        return resolved(self).batch_size

    def _read_out(self) -> ReadOut:
        return read_out(self.layers, resolved(self).pool)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check(self)

    def _current_shape(self) -> dict[str, Any]:
        settings = resolved(self)
        named = isinstance(settings.encoder, str)
        return {
            **super()._current_shape(),
            "design": settings.design,
            "encoder": settings.encoder if named else type(settings.encoder).__name__,
            "target": [names_of(target) for target in settings.targets],
            "loss": settings.loss,
            "n_components": int(settings.n_components),
            "depth": int(settings.depth),
            "patch_length": self.patch_length_,
            "window": self._window,
        }

    # An encoder that was given, and the copies of this estimator

    def __sklearn_clone__(self) -> Self:
        """An unfitted copy, with a fitted encoder or a module that was given as it is."""
        parameters = {
            name: copy.deepcopy(value) if name == "encoder" else clone(value, safe=False)
            for name, value in self.get_params(deep=False).items()
        }
        return type(self)(**parameters)

    @property
    def _NOT_TRAINING(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("layers", "pool") if isinstance(self.encoder, str | None) else ("encoder", "layers", "pool")

    # On disk

    def _description(self, *without: str) -> dict[str, Any]:
        described = super()._description(*without)
        if not isinstance(self.encoder, str | None):
            described["parameters"]["encoder"] = None
        if self.target is not None:
            described["parameters"]["target"] = names_of(self.target)
        return described

    def _fitted_state(self) -> Folder:
        fitted, tensors = super()._fitted_state()
        fitted["average_distance_"] = self.average_distance_
        network: Any = self.encoder_
        learned = [scaled.target for scaled in network.targets if not scaled.probed]
        widths = [[target.channels, target.width] for target in learned]
        return {**fitted, "target_widths": widths}, tensors

    def _to_folder(self) -> Folder:
        config, tensors = super()._to_folder()
        given = self.encoder
        if isinstance(given, nn.Module):
            config["module"] = type(given).__name__
        elif not isinstance(given, str | None):
            config["encoder"], inner = inner_to_folder(given, "encoder")
            tensors = {**tensors, **inner}
        return config, tensors

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        parameters = dict(config["parameters"])
        if "encoder" in config:
            parameters["encoder"] = inner_from_folder(config["encoder"], tensors, "encoder")
        elif "module" in config:
            parameters["encoder"] = config.get("given_module")
            if parameters["encoder"] is None:
                raise ModelFileError(
                    f"the encoder is a torch module of yours, {config['module']}: load(path, module=...) takes one of "
                    "the same shapes"
                )
        parameters["target"] = targets_of(parameters["target"], config["fitted"])
        return super()._from_folder({**config, "parameters": parameters}, tensors)

    def _restore(self, fitted: dict[str, Any], tensors: Tensors) -> None:
        self._check_parameters()
        self._shape = fitted["shape"]
        self.patch_length_, self._window = self._shape["patch_length"], self._shape["window"]
        self.average_distance_ = fitted["average_distance_"]
        parameters = self.get_params(deep=False)
        at_fit = {name: value for name, value in self._shape.items() if name in parameters}
        at_fit["target"] = targets_of(at_fit["target"], fitted)
        if not isinstance(self.encoder, str | None):
            at_fit["encoder"] = self.encoder
        builder = type(self)(**{**parameters, **at_fit})
        builder.patch_length_, builder._window = self.patch_length_, self._window
        self.encoder_ = builder._build(self.n_channels_)
        lost = [
            f"targets.{index}.target."
            for index, scaled in enumerate(self.encoder_.targets)  # type: ignore[arg-type]
            if isinstance(scaled.target, LostTarget)
        ]
        weights = {
            name: value for name, value in tensors["model"].items() if not name.startswith(tuple(lost))
        }
        self.encoder_.load_state_dict(weights)
        self._runs = [Run.from_json(fitted["run"], tensors["training"])]

    def _load_checkpoint(self, path: str | Path) -> Any:
        return load(path, module=self.encoder if isinstance(self.encoder, nn.Module) else None)
