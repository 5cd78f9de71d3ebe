"""`TS2Vec`, the estimator: panels in, representations out.

The paper is Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022. Two random crops of each
series are encoded with random steps hidden. Where the crops overlap, the two encodings of a step should agree, and
differ from those of other steps and other series, at every level of a max-pooling hierarchy. The network learns one
vector per step; the vector of a window or a series is the maximum over its steps.

`TS2Vec()` is the paper's recipe. It departs from the authors' code where that has faults: padding cannot move a
representation, no instance is dropped, training can continue after loading, and a gap stays a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.panels import Floats, RandomState, draw_seed
from tsrep.base.parameters import Range, boolean, integer, number, one_of, out_of_range
from tsrep.base.saving import Tensors, load
from tsrep.encoding.encoder import SeriesEncoder
from tsrep.encoding.estimator import SeriesRepresentation
from tsrep.encoding.read_out import ReadOut, read_out
from tsrep.train.checkpoint import ModelFileError
from tsrep.train.run import Run
from tsrep.ts2vec.augment import AUGMENTATIONS
from tsrep.ts2vec.build import BACKBONES, build_encoder
from tsrep.ts2vec.crops import centre, split_long
from tsrep.ts2vec.fast.planned import PlannedObjective
from tsrep.ts2vec.masks import MASKS, masks_by_instance
from tsrep.ts2vec.objective import PAIRS, ContrastiveObjective
from tsrep.ts2vec.official import encoder_from_official

SHAPES = ("depth", "hidden_channels", "input_projection", "n_components")
NOT_TRAINING = ("layers", "pool", "pooling", "recipe")
SMALL_PANEL = 100_000  # values of X up to which the default is 200 training steps (the authors' rule)
LARGE_PANEL_STEPS = 600

RANGES = {
    "n_components": integer(1),
    "hidden_channels": integer(1),
    "depth": integer(0),
    "alpha": number(0, 1),
    "temporal_unit": integer(0),
    "max_train_length": integer(1),
    "pooling": one_of("max", "mean"),
    "recipe": one_of("paper", "best"),
    "mask": one_of(*MASKS),
    "positive_pairs": one_of(*PAIRS),
    "augmentation": one_of(None, *AUGMENTATIONS),
    "backbone": Range(
        f"one of {list(BACKBONES)}, or a torch module",
        lambda value: isinstance(value, nn.Module) or (isinstance(value, str) and value in BACKBONES),
    ),
    "crop": boolean(),
    "hierarchical": boolean(),
    "input_projection": boolean(),
}


class TS2Vec(SeriesRepresentation):
    """Contrastive representations of time series (Yue et al., AAAI 2022).

    Parameters
    ----------
    n_components : width D of a representation.
    hidden_channels, depth : width and number of the residual blocks before the output block.
    batch_size, lr : instances per training step; learning rate of AdamW.
    max_steps, max_epochs : training ends at whichever comes first. Both None: 200 steps for up to 100,000 values of
        training data and 600 for more. `max_steps=0` leaves the network untrained.
    alpha : weight of the instance-wise loss, 0 to 1; the temporal loss has the weight 1 - alpha.
    temporal_unit : the temporal loss begins at a resolution of 2 ** temporal_unit steps.
    max_train_length : longer series are cut into windows of this many steps for training.
    pooling : "max" (the paper's) or "mean", over time in `transform`; used with recipe="paper" if `pool` is None.
    recipe : the read-out where `pool` is None: "paper", the maximum, or "best", the "rich" one, which measured better
        for an untrained network and level for a trained one (docs/ts2vec.md). Training is the same.
    layers, pool : the read-out of `transform`: which statistics over time of which layers, see
        `tsrep.encoding.read_out.read_out`. None: what the recipe says.
    mask : timestamp mask in training: "binomial", "continuous", "all_true" (no mask), "all_false" or "last".
    crop, hierarchical, input_projection : False switches that part of the method off (the paper's ablations).
    positive_pairs : "contextual" (the paper's), "temporal" or "subseries" consistency.
    augmentation : None (the paper's), "jitter", "scaling" or "permutation".
    backbone : "dilated_conv" (the paper's), "lstm", "transformer", or a torch module that meets
        `tsrep.encoding.backbone.Backbone` with `hidden_channels` inputs (the channels of the series without
        `input_projection`) and `n_components` outputs, of which a copy is trained.
    validation_fraction : share of the instances held out of training, on which a loss is computed every 10 steps.
    patience : training stops after this many validations in a row without a new lowest loss; None never stops early.
    warm_start : True: `fit` continues from where the last `fit` (or the loaded model) stood, for `max_steps` or
        `max_epochs` more.
    checkpoint : folder in which training is saved every `checkpoint_every` steps. `fit` on the same data with the same
        parameters continues from it and ends with the same bits as an uninterrupted run. None: no checkpoints.
    device : "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : "auto" (32 bit), "32", "bf16" or "16".
    fabric : several processes, each with a device of its own, train together: a dict of `devices` (processes per
        machine), `num_nodes` (machines) and `strategy` ("ddp"), with the meaning of `lightning.Fabric`. Each process
        takes `batch_size` instances per step, of the same `X`. None: the processes that `torchrun` or `fabric run`
        started, else this one alone.
    gather : whether in several processes an instance is contrasted with those of all processes, as in one process with
        a larger batch, and not only with those of its own.
    random_state : None, an integer, or a numpy generator. An integer makes a fit on a CPU reproducible to the bit, for
        the same number of threads.
    verbose : 1 shows progress bars.

    Attributes
    ----------
    encoder_ : torch module with the averaged weights, (B, T, C) -> (B, T, D).
    history_ : list of {"step", "epoch", "seconds", "loss", "validation_loss" where computed}.
    n_steps_ : total number of training steps.
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

    _RANGES = RANGES

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
        layers: int | Sequence[int] | None = None,
        pool: str | Sequence[str] | None = None,
        mask: str = "binomial",
        crop: bool = True,
        hierarchical: bool = True,
        input_projection: bool = True,
        positive_pairs: str = "contextual",
        augmentation: str | None = None,
        backbone: str | nn.Module = "dilated_conv",
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
        self.layers = layers
        self.pool = pool
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
        self.fabric = fabric
        self.gather = gather
        self.random_state = random_state
        self.verbose = verbose

    # The method

    def _build(self, channels: int) -> SeriesEncoder:
        return build_encoder(
            channels,
            backbone=self.backbone,
            input_projection=self.input_projection,
            hidden_channels=self.hidden_channels,
            n_components=self.n_components,
            depth=self.depth,
        )

    def _objective(self) -> PlannedObjective:
        switches = {field.name: getattr(self, field.name) for field in fields(ContrastiveObjective)}
        return PlannedObjective(**switches)

    def _prepare(self, x: Tensor) -> Tensor:
        """Series cut to trainable lengths, empty ones left out."""
        return super()._prepare(split_long(x, self.max_train_length))

    def _prepare_batch(self, batch: Tensor) -> Tensor:
        """Ragged series centred."""
        return centre(batch)

    def _longest(self) -> int:
        return self.max_train_length

    def _default_length(self, values: int) -> int:
        return super()._default_length(values) if values <= SMALL_PANEL else LARGE_PANEL_STEPS

    def _read_out(self) -> ReadOut:
        default = self.pooling if self.recipe == "paper" else "rich"
        return read_out(self.layers, default if self.pool is None else self.pool)

    def encode(
        self,
        X: Any,
        window: int | str | None = None,
        mask: str | None = None,
        *,
        out: str | Path | None = None,
    ) -> Floats:
        """One vector per step, (n, t, D); NaN before an instance's first observed step and after its last.

        Parameters
        ----------
        X : panel (n, c, t).
        window : an integer pools over that many steps around each step. "multiscale" gives windows of 3, 5, 9, ...
            side by side, (n, t, D * scales). "full_series" pools over all steps, (n, D). None: no pooling.
        mask : timestamp mask that hides steps from the encoder, one of those of the constructor; None hides no step.
            The mask of `X[i]` depends on i and the seed of the fit alone.
        out : a file, ".npy" or ".zarr", that is written block by block and opened: an array or a lazy panel
            (`tsrep.data.lazy`) of any size needs little memory. A run that was interrupted is continued. None: the
            result is in memory.
        """
        if mask is None:
            return self._encode(X, window, out)
        if mask not in MASKS:
            raise out_of_range("mask", mask, f"None or one of {list(MASKS)}")
        check_is_fitted(self, "encoder_")
        return self._encode(X, window, out, masks_by_instance(mask, self.seed_), kept=mask)

    # A backbone that was given as a module

    @property
    def _SHAPES(self) -> tuple[str, ...]:  # type: ignore[override]
        return SHAPES if isinstance(self.backbone, nn.Module) else ("backbone", *SHAPES)

    @property
    def _NOT_TRAINING(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("backbone", *NOT_TRAINING) if isinstance(self.backbone, nn.Module) else NOT_TRAINING

    def _description(self, *without: str) -> dict[str, Any]:
        described = super()._description(*without)
        if isinstance(self.backbone, nn.Module):
            described["parameters"]["backbone"] = None
            described["module"] = type(self.backbone).__name__
        return described

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        if "module" in config:
            if config.get("given_module") is None:
                raise ModelFileError(
                    f"the backbone is a torch module of yours, {config['module']}: load(path, module=...) takes one of "
                    "the same shapes"
                )
            config = {**config, "parameters": {**config["parameters"], "backbone": config["given_module"]}}
        return super()._from_folder(config, tensors)

    def _load_checkpoint(self, path: str | Path) -> Any:
        return load(path, module=self.backbone if isinstance(self.backbone, nn.Module) else None)

    @classmethod
    def from_official(cls, state: Mapping[str, Any] | str | Path, **parameters: Any) -> Self:
        """The estimator with the weights of a checkpoint of the TS2Vec authors' code; it gives the same outputs.

        Such a checkpoint holds the averaged weights alone, so training that continues from it (`warm_start=True`)
        starts from those, with a new optimiser.

        Parameters
        ----------
        state : the file, or its state dict.
        parameters : of the constructor; not those that are in the checkpoint.

        Raises
        ------
        ModelFileError
            `state` is not such a checkpoint.
        ValueError
            A parameter is out of range or does not fit the network of the checkpoint.
        """
        encoder, shape = encoder_from_official(state)
        channels = shape.pop("channels")
        network = {**shape, "backbone": "dilated_conv", "input_projection": True}
        for name in parameters.keys() & network.keys():
            if parameters[name] != network[name]:
                raise out_of_range(name, parameters[name], f"{network[name]!r}, as in the checkpoint")
        estimator = cls(**{**parameters, **shape})
        estimator._check_parameters()
        estimator.encoder_ = encoder
        estimator.n_channels_ = estimator.n_features_in_ = channels
        estimator._fixes_length = False
        estimator._shape = estimator._current_shape()
        estimator._runs = [Run(draw_seed(estimator.random_state), finished=True)]
        return estimator
