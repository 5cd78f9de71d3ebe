"""`FineTunedClassifier`: an encoder and a linear head, trained together with labels.

The head is on the mean and the maximum over time of the encoder's vectors. As in MAE's fine-tuning (He et al., CVPR
2022, appendix A.1) the learning rate warms up and falls as a half cosine, and labels are smoothed by 0.1.

Shapes: B instances, T steps, C channels, D components of a vector, K classes.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.fitting import atomic
from tsrep.base.panels import RandomState, draw_seed
from tsrep.base.parameters import boolean, check_parameters, integer, number, verbosity
from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.base.training import initial_weights
from tsrep.encoding.batches import in_batches, steps_per_batch
from tsrep.encoding.pooling import max_over_time, mean_over_time
from tsrep.encoding.training import train
from tsrep.nn.padding import inside
from tsrep.train.run import Run
from tsrep.train.runtime import launch
from tsrep.train.schedule import warm_up_cosine
from tsrep.train.step import Descent

if TYPE_CHECKING:
    from tsrep.encoding.estimator import SeriesRepresentation

SMOOTHING = 0.1
WARM_UP = 0.1  # of the steps
WEIGHT_DECAY = 0.05
MAX_NORM = 1.0
UNLABELLED = -1

RANGES = {
    "freeze": boolean(),
    "max_steps": integer(0),
    "batch_size": integer(1),
    "lr": number(above=0),
    "encoder_lr": number(0),
    "verbose": verbosity(),
}


class Labelled(NamedTuple):
    """Series (n, T, C) and their class numbers (n,)."""

    x: Tensor
    y: Tensor


class ClassifyingNetwork(nn.Module):
    """Logits (B, K) of series (B, T, C): an encoder, statistics over time, and a linear map of them.

    With `freeze` the encoder is in inference mode in training too, so that running statistics stay as they are.
    """

    def __init__(self, encoder: nn.Module, width: int, classes: int, freeze: bool = False):
        super().__init__()
        self.encoder = encoder
        self.freeze = freeze
        self.head = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, classes))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.freeze:
            self.encoder.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        within = inside(x)
        where = None if bool(within.all()) else within
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            z = self.encoder(x, None, where)
        return self.head(torch.cat([mean_over_time(z, where), max_over_time(z, where)], dim=1))


def smoothed_cross_entropy(network: nn.Module, batch: Labelled, generator: torch.Generator) -> Tensor:
    """Cross-entropy with labels smoothed by 0.1 (Szegedy et al., CVPR 2016, section 7)."""
    return F.cross_entropy(network(batch.x), batch.y, label_smoothing=SMOOTHING)


class FineTunedClassifier(ClassifierMixin, SavedEstimator):
    """A fitted encoder, fine-tuned with labels.

    Parameters
    ----------
    encoder : a fitted encoder of this package; a copy of its network is trained.
    freeze : True trains the head only.
    max_steps, batch_size : training steps, and instances in each.
    lr : learning rate of the head.
    encoder_lr : that of the encoder, as a share of `lr`.
    device, precision, random_state, verbose : see `TS2Vec`.

    Attributes
    ----------
    network_ : torch module, (B, T, C) -> logits (B, K).
    classes_ : (K,), the labels, sorted.
    history_ : list of {"step", "epoch", "seconds", "loss"}.
    """

    def __init__(
        self,
        encoder: Any,
        freeze: bool = False,
        max_steps: int = 300,
        batch_size: int = 16,
        lr: float = 1e-3,
        encoder_lr: float = 0.5,
        device: str = "auto",
        precision: str = "auto",
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
        self.random_state = random_state
        self.verbose = verbose

    @atomic
    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Trains on the labelled instances of a panel (n, c, t); -1 in an integer `y` is unlabelled.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` and `y` differ in length, or fewer than two classes are left.
        """
        check_parameters(self, RANGES)
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        x = self._fitted_encoder()._series(X)
        if len(x) != len(labels):
            raise ValueError(
                f"X has {len(x)} instances and y has {len(labels)} labels; wanted one per instance"
            )
        known = labels != UNLABELLED if labels.dtype.kind in "iuf" else np.ones(len(labels), dtype=bool)
        known = known & inside(x).any(1).numpy()
        self.classes_, numbers = np.unique(labels[known], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has the class(es) {self.classes_.tolist()}; wanted at least two")
        seed = draw_seed(self.random_state)
        with initial_weights(seed):
            network = self._build(len(self.classes_))
        self._train(network, Labelled(x[torch.from_numpy(known)], torch.from_numpy(numbers)), seed)
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """(n, K) probabilities, columns as in `classes_`."""
        check_is_fitted(self, "network_")
        x = self._fitted_encoder()._series(X)
        fabric = launch(self.device, self.precision)
        network = self.network_.to(fabric.device)

        @torch.inference_mode()
        def logits(batch: Tensor) -> Tensor:
            with fabric.autocast():
                return network(fabric.to_device(batch)).float().cpu()

        parts = [part for _, part in in_batches(x, logits, steps_per_batch(fabric.device))]
        return torch.cat(parts).softmax(1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) labels."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def _fitted_encoder(self) -> SeriesRepresentation:
        encoder = self.encoder.estimator if isinstance(self.encoder, FrozenEstimator) else self.encoder
        check_is_fitted(encoder, "encoder_")
        return encoder

    def _build(self, classes: int) -> ClassifyingNetwork:
        encoder = self._fitted_encoder()
        freeze = bool(self.freeze) or self.encoder_lr == 0
        network = ClassifyingNetwork(copy.deepcopy(encoder.encoder_), encoder._width(), classes, freeze)
        return network.eval().requires_grad_(False)

    def _train(self, network: nn.Module, data: Labelled, seed: int) -> None:
        fabric = launch(self.device, self.precision)

        def make_step(network: nn.Module, generator: torch.Generator) -> Descent:
            def groups(network: nn.Module) -> list[dict[str, Any]]:
                parts: Any = network
                head = {"params": list(parts.head.parameters())}
                if parts.freeze:
                    return [head]
                return [head, {"params": list(parts.encoder.parameters()), "scale": self.encoder_lr}]

            return Descent(
                network,
                smoothed_cross_entropy,
                lr=self.lr,
                generator=generator,
                fabric=fabric,
                weight_decay=WEIGHT_DECAY,
                average=False,
                max_norm=MAX_NORM,
                groups=groups,
            )

        run = Run(seed, max_steps=int(self.max_steps))
        self.network_ = train(
            network,
            run,
            data,  # type: ignore[arg-type]
            make_step,
            schedule=lambda steps: warm_up_cosine(self.lr, round(WARM_UP * steps), steps),
            batch_size=self.batch_size,
            fabric=fabric,
            title=type(self).__name__ if self.verbose > 0 else None,
        )
        self.history_ = run.history

    # On disk

    def _to_folder(self) -> Folder:
        encoder, tensors = inner_to_folder(self.encoder, "encoder")
        tensors["model"] = self.network_.state_dict()
        fitted = {"classes_": self.classes_.tolist(), "history_": self.history_}
        return {**self._description("encoder"), "encoder": encoder, "fitted": fitted}, tensors

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        classifier = cls(inner_from_folder(config["encoder"], tensors, "encoder"), **config["parameters"])
        classifier.classes_ = np.asarray(config["fitted"]["classes_"])
        classifier.history_ = config["fitted"]["history_"]
        classifier.network_ = classifier._build(len(classifier.classes_))
        classifier.network_.load_state_dict(tensors["model"])
        return classifier
