"""Linear probe: how much of the classes a linear layer finds in frozen features.

"logistic" computes the features of each image once and fits a logistic regression on them, its regularisation chosen
by cross-validation: seconds on a CPU, and nothing to tune. "lars" is MAE's protocol (He et al., CVPR 2022, appendix A):
a batch norm without learned scale, a linear layer, augmented crops, large batches, LARS. "adamw" is the same with
AdamW, for data too small for large batches.

Departure: the mean of the patches is the feature by default. MAE's published probes use the class token
(`pool="class"`), which SimMIM and MaskFeat do not train.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.base.parameters import one_of, out_of_range
from tsrep.train.hooks import History
from tsrep.train.optimised import Optimiser, adamw
from tsrep_vision.classifier import Classifier, Trained, copied_encoder, draw_head, pooled
from tsrep_vision.data import ImageBatch, ImageSet
from tsrep_vision.data.batches import smallest_batch
from tsrep_vision.evaluation import accuracy, outputs
from tsrep_vision.labels import labelled_sets
from tsrep_vision.pretrain import drawn_crops
from tsrep_vision.seeding import seed_of
from tsrep_vision.training import Training, fingerprint, scaled_lr, train
from tsrep_vision.vit import EPS, needs_timm

METHODS = ("logistic", "lars", "adamw")
EPOCHS = 90  # MAE's, where neither limit is given
LARGEST_BATCH = {"lars": 16384}  # MAE's; 256 for the others
BASE_LR = {"lars": 0.1, "adamw": 1e-3}  # of a batch of 256; MAE's for LARS
CROPS = (0.08, 1.0)  # share of the image's area, torchvision's default
HEAD_STD = 0.01  # of the initial weights, MAE's
STRENGTHS = (
    1e-3,
    1e-2,
    1e-1,
    1.0,
)  # inverse regularisation of the logistic regression, from which one is chosen
FOLDS = 3


def probe(
    model: nn.Module,
    train_images: Any,
    test_images: Any = None,
    *,
    method: str = "logistic",
    pool: str = "mean",
    label_fraction: float = 1.0,
    max_epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    workers: int = 0,
    device: str = "auto",
    precision: str = "auto",
    random_state: int | None = None,
    verbose: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
) -> Trained:
    """Trains a linear classifier on the frozen features of a model.

    Parameters
    ----------
    model : a `ViT`, a `Swin`, or a `MAE`, `SimMIM` or `MaskFeat`; it is left as it is.
    train_images, test_images : with labels: `ImageSet`, or what `read_images` takes. Classes are matched by name.
    method : "logistic", "lars" or "adamw".
    pool : "mean" of the patches, or the "class" token of a ViT.
    label_fraction : share of the training images of each class that is used.
    max_epochs, max_steps : of "lars" and "adamw"; 90 epochs where both are None. With "logistic" they, `batch_size` and
        `lr` are None.
    batch_size : None: 16384 for "lars" and 256 for "adamw", or the number of images if that is smaller.
    lr : None: a base rate (0.1 for "lars", 0.001 for "adamw") times batch_size / 256.
    workers, device, precision, random_state, verbose, checkpoint, checkpoint_every : see `pretrain`.

    Raises
    ------
    ImportError
        "lars" needs timm.
    ValueError
        A setting is out of range, or the images have no labels.

    Examples
    --------
    >>> from tsrep_vision import mae_vit_tiny
    >>> from tsrep_vision.data import read_images
    >>> images = read_images(torch.rand(12, 3, 32, 32), labels=[0, 1] * 6)
    >>> classifier, top1, _ = probe(mae_vit_tiny(depth=1), images, images, random_state=0)
    >>> classifier.classes, 0 <= top1 <= 1
    (['0', '1'], True)
    """
    if not one_of(*METHODS).holds(method):
        raise out_of_range("method", method, f"one of {list(METHODS)}")
    steps = {"max_epochs": max_epochs, "max_steps": max_steps, "batch_size": batch_size, "lr": lr}
    for name, value in steps.items():
        if method == "logistic" and value is not None:
            raise out_of_range(name, value, "None with method 'logistic', which is fitted without steps")
    encoder = copied_encoder(model).requires_grad_(False)
    seed = seed_of(random_state)
    chosen, test = labelled_sets(train_images, test_images, encoder.channels, label_fraction, seed)
    classifier = Classifier(encoder, chosen.classes, pool, "batch")
    most = LARGEST_BATCH.get(method, 256)
    at_once = min(len(chosen), most) if batch_size is None else batch_size
    settings = Training(
        max_steps,
        EPOCHS if max_epochs is None and max_steps is None else max_epochs,
        at_once,
        scaled_lr(lr, BASE_LR.get(method, 1.0), at_once),
        warm_up=0.1,
        weight_decay=0.0,
        workers=workers,
        device=device,
        precision=precision,
        random_state=seed,
        verbose=verbose,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    history: History = []
    if method == "logistic":
        fit_logistic(classifier, chosen, seed, device, precision)
    else:
        if smallest_batch(len(chosen), at_once) < 2:
            wanted = (
                f"2 or more images in each batch of {len(chosen)}, over which a batch norm takes its mean"
            )
            raise out_of_range("batch_size", at_once, wanted)
        draw_head(classifier, HEAD_STD, torch.Generator().manual_seed(seed))
        trained, history = train(
            LinearProbe(classifier),
            chosen,
            ProbeObjective(encoder.image_size),
            settings,
            title="linear probe",
            recipe={"method": method, "pool": pool, "encoder": fingerprint(encoder)},
            groups=head_groups,
            optimiser=_lars() if method == "lars" else adamw,
        )
        assert isinstance(trained, LinearProbe)
        classifier = trained.classifier
    top1 = None if test is None else accuracy(classifier, test, device=device, precision=precision)
    return Trained(classifier.requires_grad_(True).eval(), top1, history)


class LinearProbe(nn.Module):
    """A classifier in training whose encoder is frozen, and in evaluation mode throughout."""

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.classifier = classifier
        classifier.encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.classifier.encoder.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, K)."""
        return self.classifier(images)


class ProbeObjective:
    """Cross entropy on random crops of S x S pixels."""

    def __init__(self, image_size: int):
        self.image_size = image_size

    def draw(self, batch: ImageBatch, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """Crops (n, C, S, S) and labels (n,)."""
        assert batch.labels is not None
        return drawn_crops(batch, self.image_size, generator, device, CROPS), batch.labels.to(device)

    def losses(self, network: nn.Module, *drawn: Tensor) -> dict[str, Tensor]:
        crops, labels = drawn
        return {"loss": F.cross_entropy(network(crops), labels)}


def head_groups(network: nn.Module) -> list[dict[str, Any]]:
    """The weights of the linear layer, whose steps LARS adapts without weight decay too, and its biases."""
    assert isinstance(network, LinearProbe)
    head = network.classifier.head
    return [{"params": [head.weight], "always_adapt": True}, {"params": [head.bias], "always_adapt": False}]


def fit_logistic(classifier: Classifier, images: ImageSet, seed: int, device: str, precision: str) -> None:
    """Sets the batch norm and the linear layer of a classifier: logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    encoder, pool = classifier.encoder, classifier.pool
    z, labels = outputs(
        encoder, lambda x: pooled(encoder, x, pool), images, encoder.image_size, 256, device, precision
    )
    assert labels is not None
    mean, variance = z.mean(0, dtype=np.float64), z.var(0, dtype=np.float64)
    standardised = (z - mean) / np.sqrt(variance + EPS)
    regression = LogisticRegression(C=1.0, max_iter=1000)
    if np.bincount(labels)[np.unique(labels)].min() >= FOLDS:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
        regression = (
            GridSearchCV(regression, {"C": STRENGTHS}, cv=folds).fit(standardised, labels).best_estimator_
        )
    else:
        regression.fit(standardised, labels)
    weight, bias = regression.coef_, regression.intercept_
    if len(weight) == 1:  # two classes share one row, that of the second
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    norm = classifier.norm
    assert isinstance(norm, nn.BatchNorm1d) and norm.running_mean is not None and norm.running_var is not None
    with torch.no_grad():
        norm.running_mean.copy_(torch.from_numpy(mean))
        norm.running_var.copy_(torch.from_numpy(variance))
        classifier.head.weight[regression.classes_] = torch.from_numpy(weight).float()
        classifier.head.bias.fill_(-torch.inf)
        classifier.head.bias[regression.classes_] = torch.from_numpy(bias).float()


def _lars() -> Optimiser:
    try:
        from timm.optim import Lars
    except ImportError as error:
        raise needs_timm("method 'lars'", error) from error
    return partial(Lars, momentum=0.9)
