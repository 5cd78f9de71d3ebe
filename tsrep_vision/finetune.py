"""Fine-tuning: a pre-trained encoder and a new linear layer trained together on labels, by MAE's rules.

He et al., CVPR 2022, appendix A, after BEiT (Bao et al., ICLR 2022): AdamW with a learning rate that decays from the
last layer to the first, RandAugment, mixup and cutmix, label smoothing, stochastic depth, the mean of the patches.

Departures: RandAugment is torchvision's, without deviation of its magnitude, and comes before the crop, so that crops
are made on the device; there is no random erasing. On data of a few thousand images mixing wants long trainings:
`mixup=0, cutmix=0` learns more in a short one.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.base.parameters import Range, check_parameters, integer, number
from tsrep_vision.classifier import Classifier, Trained, copied_encoder, draw_head
from tsrep_vision.data import ImageBatch
from tsrep_vision.evaluation import accuracy
from tsrep_vision.labels import labelled_sets
from tsrep_vision.pretrain import drawn_crops, without_decay
from tsrep_vision.seeding import seed_of, seeded
from tsrep_vision.training import Training, fingerprint, scaled_lr, train
from tsrep_vision.vit import needs_timm

EPOCHS = 100  # MAE's for a ViT-B, where neither limit is given
BASE_LR = 5e-4  # of a batch of 256, MAE's for a ViT-B
LEAST_LR = 1e-6
BETAS = (0.9, 0.999)
HEAD_STD = 2e-5  # of the initial weights, MAE's
CROPS = (0.08, 1.0)
OPERATIONS = 2  # of RandAugment, per image


def finetune(
    model: nn.Module,
    train_images: Any,
    test_images: Any = None,
    *,
    label_fraction: float = 1.0,
    max_epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 256,
    lr: float | None = None,
    warm_up: float = 0.05,
    weight_decay: float = 0.05,
    layer_decay: float = 0.65,
    drop_path: float = 0.1,
    mixup: float = 0.8,
    cutmix: float = 1.0,
    label_smoothing: float = 0.1,
    magnitude: int = 9,
    pool: str = "mean",
    accumulate: int = 1,
    workers: int = 0,
    device: str = "auto",
    precision: str = "auto",
    random_state: int | None = None,
    verbose: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
) -> Trained:
    """Trains a copy of an encoder and a linear layer on images with labels.

    Parameters
    ----------
    model : a `ViT`, a `Swin`, or a `MAE`, `SimMIM` or `MaskFeat`; it is left as it is.
    train_images, test_images : with labels: `ImageSet`, or what `read_images` takes. Classes are matched by name.
    label_fraction : share of the training images of each class that is used.
    max_epochs, max_steps : the training ends at whichever comes first; 100 epochs where both are None.
    batch_size : images per update, over all processes and accumulated parts.
    lr : the highest learning rate, of the last layer; None: 0.0005 batch_size / 256.
    layer_decay : factor on the learning rate from each layer to the one before it; 1: all alike.
    drop_path : stochastic depth of the last block.
    mixup, cutmix : parameters of their Beta distributions; 0 turns one off. Where both are on, each batch has one.
    label_smoothing : share of the target that is spread over all classes.
    magnitude : of RandAugment, 0 to 30; 0 turns it off.
    pool : "mean" of the patches, or the "class" token of a ViT.
    warm_up, weight_decay, accumulate, workers, device, precision, random_state, verbose, checkpoint, checkpoint_every :
        see `pretrain`.

    Raises
    ------
    ImportError
        timm is not installed.
    NonFiniteLossError
        The training diverged.
    ValueError
        A setting is out of range, or the images have no labels.

    Examples
    --------
    >>> from tsrep_vision import mae_vit_tiny
    >>> from tsrep_vision.data import read_images
    >>> images = read_images(torch.rand(8, 3, 32, 32), labels=[0, 1] * 4)
    >>> found = finetune(mae_vit_tiny(depth=1), images, images, max_epochs=1, batch_size=4, random_state=0)
    >>> len(found.history), 0 <= found.accuracy <= 1
    (2, True)
    """
    recipe: dict[str, Any] = {
        "layer_decay": layer_decay,
        "drop_path": drop_path,
        "mixup": mixup,
        "cutmix": cutmix,
        "label_smoothing": label_smoothing,
        "magnitude": magnitude,
    }
    check_parameters(SimpleNamespace(**recipe), RANGES)
    seed = seed_of(random_state)
    encoder = copied_encoder(model, drop_path)
    chosen, test = labelled_sets(train_images, test_images, encoder.channels, label_fraction, seed)
    classifier = Classifier(encoder, chosen.classes, pool, "layer")
    draw_head(classifier, HEAD_STD, torch.Generator().manual_seed(seed))
    objective = MixedObjective(
        encoder.image_size, len(chosen.classes), mixup, cutmix, label_smoothing, magnitude
    )
    settings = Training(
        max_steps,
        EPOCHS if max_epochs is None and max_steps is None else max_epochs,
        batch_size,
        scaled_lr(lr, BASE_LR, batch_size),
        warm_up,
        weight_decay,
        LEAST_LR,
        accumulate=accumulate,
        workers=workers,
        device=device,
        precision=precision,
        random_state=seed,
        verbose=verbose,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    trained, history = train(
        classifier,
        chosen,
        objective,
        settings,
        title="fine-tuning",
        recipe={**recipe, "pool": pool, "encoder": fingerprint(encoder)},
        groups=lambda network: layer_groups(network, weight_decay, layer_decay),
    )
    assert isinstance(trained, Classifier)
    top1 = None if test is None else accuracy(trained, test, device=device, precision=precision)
    return Trained(trained, top1, history)


RANGES: dict[str, Range] = {
    "layer_decay": number(above=0, at_most=1),
    "drop_path": number(0, below=1),
    "mixup": number(0),
    "cutmix": number(0),
    "label_smoothing": number(0, below=1),
    "magnitude": Range("an integer from 0 to 30", lambda value: integer(0).holds(value) and value <= 30),
}


class MixedObjective:
    """Cross entropy on augmented and mixed crops.

    Parameters
    ----------
    image_size, classes : S and K.
    mixup, cutmix, label_smoothing, magnitude : see `finetune`.
    """

    def __init__(
        self,
        image_size: int,
        classes: int,
        mixup: float = 0.0,
        cutmix: float = 0.0,
        label_smoothing: float = 0.0,
        magnitude: int = 0,
    ):
        from torchvision.transforms import v2

        self.image_size, self.classes, self.label_smoothing = image_size, classes, label_smoothing
        mixes: list[nn.Module] = []
        if mixup > 0:
            mixes.append(v2.MixUp(alpha=mixup, num_classes=classes))
        if cutmix > 0:
            mixes.append(v2.CutMix(alpha=cutmix, num_classes=classes))
        self.mix = v2.RandomChoice(mixes) if mixes else None
        self.augment = v2.RandAugment(OPERATIONS, magnitude) if magnitude > 0 else None

    def draw(self, batch: ImageBatch, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """Crops (n, C, S, S) and the share of each class in them (n, K).

        Images are mixed with others of this process's share of the batch.
        """
        assert batch.labels is not None
        crops = drawn_crops(self.augmented(batch, generator), self.image_size, generator, device, CROPS)
        labels = batch.labels.to(device)
        seed = int(torch.randint(2**62, (), generator=generator))
        if self.mix is None:
            return crops, F.one_hot(labels, self.classes).float()
        with seeded(seed, device):
            mixed, shares = self.mix(crops, labels)
        return mixed, shares

    def losses(self, network: nn.Module, *drawn: Tensor) -> dict[str, Tensor]:
        crops, shares = drawn
        return {"loss": F.cross_entropy(network(crops), shares, label_smoothing=self.label_smoothing)}

    def augmented(self, batch: ImageBatch, generator: torch.Generator) -> ImageBatch:
        """The batch with operations drawn for each image alone, of which what lies beside an image is no part."""
        if self.augment is None:
            return batch
        seeds = torch.randint(2**62, (batch.whole,), generator=generator)[batch.first :].tolist()
        images = batch.images.clone()
        for image, (height, width), seed in zip(images, batch.sizes.tolist(), seeds, strict=False):
            with seeded(seed):
                image[:, :height, :width] = self.augment(image[:, :height, :width])
        return batch._replace(images=images)


def layer_groups(network: nn.Module, weight_decay: float, layer_decay: float) -> list[dict[str, Any]]:
    """timm's parameter groups for a `Classifier`: `scale` is the layer's factor on the learning rate."""
    try:
        from timm.optim import param_groups_layer_decay
    except ImportError as error:
        raise needs_timm("finetune", error) from error
    exempt = {name for name, weight in network.named_parameters() if without_decay(name, weight)}
    groups = param_groups_layer_decay(network, weight_decay, exempt, layer_decay=layer_decay)
    return [
        {
            "params": group["params"],
            "weight_decay": group["weight_decay"],
            "betas": BETAS,
            "scale": group["lr_scale"],
        }
        for group in groups
    ]
