"""`FineTuned`: an encoder and a linear head that are trained together; a subclass says what the outputs are.

The head is on the mean and the maximum over time of the encoder's vectors. As in MAE's fine-tuning (He et al., CVPR
2022, appendix A.1) the learning rate warms up and falls as a half cosine.

Shapes: B instances, T steps, C channels, K outputs.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.panels import RandomState, draw_seed
from tsrep.base.parameters import integer, number, verbosity
from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.base.training import FABRIC, initial_weights
from tsrep.encoding.batches import in_batches, steps_per_batch
from tsrep.encoding.head import FREEZE, EncoderWithHead, frozen_weights
from tsrep.encoding.training import train
from tsrep.nn.padding import inside
from tsrep.train.batches import TensorBatches
from tsrep.train.processes import Processes
from tsrep.train.run import Run
from tsrep.train.runtime import launch, launch_processes
from tsrep.train.schedule import warm_up_cosine
from tsrep.train.step import Descent, Objective

if TYPE_CHECKING:
    from tsrep.encoding.estimator import SeriesRepresentation

WARM_UP = 0.1  # of the steps
WEIGHT_DECAY = 0.05
MAX_NORM = 1.0

RANGES = {
    "freeze": FREEZE,
    "max_steps": integer(0),
    "batch_size": integer(1),
    "lr": number(above=0),
    "encoder_lr": number(0),
    "fabric": FABRIC,
    "verbose": verbosity(),
}


class Labelled(NamedTuple):
    """Series (n, T, C) and their class numbers (n,) or targets (n, K)."""

    x: Tensor
    y: Tensor


class FineTuned(SavedEstimator):
    """A fitted encoder, fine-tuned.

    Parameters
    ----------
    encoder : a fitted encoder of this package; a copy of its network is trained.
    freeze : None trains the whole encoder, "all" the head only. An integer keeps the first layers of the encoder as
        they are, and what comes before them. True is "all" and False is None.
    max_steps, batch_size : training steps, and instances in each.
    lr : learning rate of the head.
    encoder_lr : that of the encoder, as a share of `lr`.
    device, precision, fabric, random_state, verbose : see `TS2Vec`.

    Attributes
    ----------
    network_ : torch module, (B, T, C) -> outputs (B, K).
    history_ : list of {"step", "epoch", "seconds", "loss"}.
    """

    network_: EncoderWithHead
    history_: list[dict[str, Any]]

    def __init__(
        self,
        encoder: Any,
        freeze: str | bool | int | None = None,
        max_steps: int = 300,
        batch_size: int = 16,
        lr: float = 1e-3,
        encoder_lr: float = 0.5,
        device: str = "auto",
        precision: str = "auto",
        fabric: Mapping[str, Any] | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.encoder = encoder
        self.freeze = freeze
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.lr = lr
        self.encoder_lr = encoder_lr
        self.device = device
        self.precision = precision
        self.fabric = fabric
        self.random_state = random_state
        self.verbose = verbose

    def _fitted_encoder(self) -> SeriesRepresentation:
        encoder = self.encoder.estimator if isinstance(self.encoder, FrozenEstimator) else self.encoder
        check_is_fitted(encoder, "encoder_")
        return encoder

    def _series_with(self, X: Any, y: NDArray[Any], what: str) -> tuple[Tensor, NDArray[np.bool_]]:
        """The series (n, T, C) in `X`, and which of them have a value (n,). `y` holds the `what` of each."""
        x = self._fitted_encoder()._series(X)
        if len(x) != len(y):
            raise ValueError(f"X has {len(x)} instances and y has {len(y)} {what}; wanted one per instance")
        return x, inside(x).any(1).numpy()

    def _build(self, outputs: int) -> EncoderWithHead:
        encoder = self._fitted_encoder()
        freeze = "all" if self.encoder_lr == 0 else self.freeze
        frozen = frozen_weights(encoder.encoder_, freeze, encoder.n_channels_)
        network = EncoderWithHead(copy.deepcopy(encoder.encoder_), encoder._width(), outputs, frozen)
        return network.eval().requires_grad_(False)

    def _train(self, data: Labelled, outputs: int, objective: Objective) -> None:
        """Sets the network with its `outputs` (K), trained by `objective`, and the history."""
        processes = Processes(launch_processes(self.device, self.precision, self.fabric))
        seed = processes.broadcast(draw_seed(self.random_state))
        with initial_weights(seed):
            network = self._build(outputs)
        fabric = launch(self.device, self.precision)

        def groups(network: Any) -> list[dict[str, Any]]:
            head, encoder = {"params": list(network.head.parameters())}, network.trained()
            return [head, {"params": encoder, "scale": self.encoder_lr}] if encoder else [head]

        def make_step(network: nn.Module, generator: torch.Generator) -> Descent:
            return Descent(
                network,
                objective,
                lr=self.lr,
                generator=generator,
                fabric=fabric,
                weight_decay=WEIGHT_DECAY,
                average=False,
                max_norm=MAX_NORM,
                groups=groups,
                processes=processes,
            )

        run = Run(seed, max_steps=int(self.max_steps))
        self.network_ = train(  # type: ignore[assignment]
            network,
            run,
            TensorBatches.for_processes(data, self.batch_size, seed, processes.count),
            make_step,
            schedule=lambda steps: warm_up_cosine(self.lr, round(WARM_UP * steps), steps),
            batch_size=self.batch_size,
            fabric=fabric,
            processes=processes,
            title=type(self).__name__ if self.verbose > 0 else None,
        )
        self.history_ = run.history

    def _outputs(self, X: Any) -> Tensor:
        """(n, K), what the network gives."""
        check_is_fitted(self, "network_")
        x = self._fitted_encoder()._series(X)
        fabric = launch(self.device, self.precision)
        network = self.network_.to(fabric.device)

        @torch.inference_mode()
        def outputs(rows: slice) -> Tensor:
            with fabric.autocast():
                return network(fabric.to_device(x[rows])).float().cpu()

        return torch.cat([part for _, part in in_batches(x, outputs, steps_per_batch(fabric.device))])

    # On disk

    @abstractmethod
    def _fitted_state(self) -> dict[str, Any]:
        """What `_restore` needs beside the network, as JSON holds it."""

    @abstractmethod
    def _restore(self, fitted: dict[str, Any]) -> int:
        """Sets what `_fitted_state` gave, and says how many outputs (K) the network has."""

    def _to_folder(self) -> Folder:
        encoder, tensors = inner_to_folder(self.encoder, "encoder")
        tensors["model"] = self.network_.state_dict()
        fitted = {**self._fitted_state(), "history_": self.history_}
        return {**self._description("encoder"), "encoder": encoder, "fitted": fitted}, tensors

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        model = cls(inner_from_folder(config["encoder"], tensors, "encoder"), **config["parameters"])
        model.history_ = config["fitted"]["history_"]
        model.network_ = model._build(model._restore(config["fitted"]))
        model.network_.load_state_dict(tensors["model"])
        return model
