"""Training of a Mask R-CNN on images with objects, by the rules of its papers (`recipe.py`).

An image is flipped or not, or resized by a wide range of scales and cut (large-scale jitter), by draws of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN as TorchvisionMaskRCNN

from tsrep.base.parameters import integer, number, out_of_range
from tsrep.train.hooks import History
from tsrep.train.step import Descent
from tsrep_vision.data.batches import ObjectBatch, ObjectBatches
from tsrep_vision.data.images import ImageSet
from tsrep_vision.data.jitter import flipped, large_scale_jitter
from tsrep_vision.data.memory import with_objects
from tsrep_vision.mask_rcnn.evaluation import average_precision
from tsrep_vision.mask_rcnn.inference import segment
from tsrep_vision.mask_rcnn.recipe import DetectionTraining, groups_of, recipe_of
from tsrep_vision.seeding import seeded
from tsrep_vision.sizes import is_interval
from tsrep_vision.training import fingerprint, train

EPOCHS = 12  # where neither limit is given


def train_mask_rcnn(
    model: TorchvisionMaskRCNN,
    images: ImageSet | Sequence[Tensor],
    targets: Sequence[Mapping[str, Tensor]] | None = None,
    *,
    max_epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 4,
    lr: float | None = None,
    layer_decay: float | None = None,
    weight_decay: float | None = None,
    warm_up: float = 0.1,
    max_norm: float | None = None,
    jitter: tuple[float, float] | None = None,
    freeze: bool = False,
    validation: ImageSet | None = None,
    evaluate_every: int | None = None,
    workers: int = 0,
    device: str = "auto",
    precision: str = "auto",
    random_state: int | None = None,
    verbose: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
) -> History:
    """Trains a Mask R-CNN: SGD where the backbone is a ResNet, AdamW with layer decay where it is a ViT.

    The papers' learning rates are those of pre-trained backbones and large batches. From random weights on small data
    `lr=1e-3` and `layer_decay=1` train faster.

    Parameters
    ----------
    model : `mask_rcnn_vit`, `mask_rcnn_resnet50_fpn` or `mask_rcnn_tiny`. Its weights become the trained ones when the
        training has ended, and not before.
    images, targets : a set of images with annotations, see `read_images`, and None; or images (3, H, W) between 0 and
        1, and per image `boxes`, `labels` and `masks`, see `with_objects`.
    max_epochs, max_steps : the training ends at whichever comes first; 12 epochs where both are None.
    batch_size : images per update, over all processes.
    lr : the highest learning rate; None: the papers' rule, 0.02 batch_size / 16 (ResNet), 1e-4 batch_size / 64 (ViT).
    layer_decay : factor on the learning rate per block of a ViT below its last; None: 0.7.
    weight_decay : None: the papers', 1e-4 (ResNet) or 0.1 (ViT).
    warm_up : share of the steps in which the learning rate rises, at most 1,000 (ResNet) or 250 (ViT) steps.
    max_norm : gradients are clipped to this norm; None: no clipping.
    jitter : range of the scale of large-scale jitter, (0.1, 2.0) in the papers; None: horizontal flips alone.
    freeze : whether the ViT or ResNet in the backbone keeps its weights.
    validation : images whose average precision goes into the history, every `evaluate_every` steps and at the end.
        Those that cannot be decoded are skipped.
    workers : threads that decode images.
    device, precision, random_state, verbose, checkpoint, checkpoint_every : see `pretrain`.

    Returns
    -------
    One record per step: `step`, `epoch`, `seconds`, `lr`, `loss` and its five terms, `loss_classifier`, `loss_box_reg`,
    `loss_mask`, `loss_objectness`, `loss_rpn_box_reg`; in some `box_ap`, `mask_ap50` and so on, see
    `average_precision`.

    Raises
    ------
    NonFiniteLossError
        The training diverged. `model` is unchanged.
    ValueError
        A setting is out of range, the images do not fit the model, or `checkpoint` holds another run.

    Examples
    --------
    >>> from tsrep_vision.data import draw_shapes
    >>> from tsrep_vision.mask_rcnn import mask_rcnn_tiny
    >>> history = train_mask_rcnn(mask_rcnn_tiny(4), *draw_shapes(4, 64), max_steps=1, batch_size=2, random_state=0)
    >>> sorted(name for name in history[0] if "loss" in name)
    ['loss', 'loss_box_reg', 'loss_classifier', 'loss_mask', 'loss_objectness', 'loss_rpn_box_reg']
    """
    if not isinstance(model, TorchvisionMaskRCNN):
        raise ValueError(f"model is a {type(model).__name__}; wanted a Mask R-CNN")
    images = as_objects(images, targets)
    for name, some in (("images", images), ("validation", validation)):
        if some is not None:
            check_objects(some, model, name)
    _check_jitter(jitter)
    if not integer(1, none=True).holds(evaluate_every):
        raise out_of_range("evaluate_every", evaluate_every, "an integer of at least 1, or None")
    if evaluate_every is not None and validation is None:
        raise out_of_range("evaluate_every", evaluate_every, "None without validation")
    validation = None if validation is None else validation.verified()
    recipe = recipe_of(model)
    layer_decay = recipe.layer_decay if layer_decay is None else layer_decay
    if not number(above=0, at_most=1).holds(layer_decay):
        raise out_of_range("layer_decay", layer_decay, "a number above 0 to 1")
    settings = DetectionTraining(
        max_steps,
        EPOCHS if max_epochs is None and max_steps is None else max_epochs,
        batch_size,
        recipe.base_lr * batch_size / recipe.images if lr is None else lr,
        warm_up,
        recipe.weight_decay if weight_decay is None else weight_decay,
        max_norm=max_norm,
        workers=workers,
        device=device,
        precision=precision,
        random_state=random_state,
        verbose=verbose,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        most_warm_up=recipe.warm_up,
        drops=recipe.drops,
    )
    objective = SegmentationObjective(model.transform.min_size[0], jitter, freeze)
    trained, history = train(
        model,
        images,
        objective,  # type: ignore[arg-type]
        settings,
        title="Mask R-CNN",
        recipe={"jitter": jitter, "freeze": freeze, "layer_decay": layer_decay, "model": described(model)},
        groups=lambda network: groups_of(objective.frozen(network), settings.weight_decay, layer_decay),
        optimiser=recipe.optimiser,
        make_batches=ObjectBatches,
        make_step=ObjectsStep,
        evaluate=None if validation is None else lambda network: scores_on(network, validation),
        evaluate_every=evaluate_every,
        shown=SHOWN,
    )
    model.load_state_dict(trained.state_dict())
    return history


SHOWN = {"loss": "loss", "loss_mask": "mask", "loss_classifier": "class", "loss_box_reg": "box"}
"""What the progress bar shows."""


class SegmentationObjective:
    """The sum of a Mask R-CNN's losses on augmented images.

    Parameters
    ----------
    size : side of the images in pixels after the jitter.
    jitter : range of its scale; None: horizontal flips alone.
    freeze : whether the body of the backbone keeps its weights and statistics.
    """

    def __init__(self, size: int, jitter: tuple[float, float] | None, freeze: bool):
        self.size, self.jitter, self.freeze = size, jitter, freeze

    def __call__(
        self, network: nn.Module, batch: ObjectBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        self.frozen(network)
        pairs = [
            self.augmented(image, target, generator)
            for image, target in zip(batch.images, batch.targets, strict=True)
        ]
        seed = int(torch.randint(2**62, (), generator=generator))
        with seeded(
            seed, batch.images[0].device
        ):  # the sampling of regions draws from torch's own generators
            losses: dict[str, Tensor] = network(
                [image for image, _ in pairs], [target for _, target in pairs]
            )
        return {"loss": torch.stack(list(losses.values())).sum(), **losses}

    def augmented(
        self, image: Tensor, target: dict[str, Tensor], generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if self.jitter is None:
            return flipped(image, target, generator)
        return large_scale_jitter(image, target, self.size, generator, scale=self.jitter)

    def frozen(self, network: nn.Module) -> nn.Module:
        """The network, with the body of its backbone frozen and in evaluation mode if so wanted."""
        if self.freeze:
            network.backbone.body.requires_grad_(False).eval()  # type: ignore[union-attr]
        return network


class ObjectsStep(Descent):
    """A `Descent` whose batch is one part, since its images differ in size.

    Of several processes each draws for its own images, from a seed that all have drawn: their generators stay alike, so
    one of them may be saved for all. The losses are means over the processes.
    """

    def __init__(self, network: nn.Module, objective: Any, *, accumulate: int, **options: Any):
        super().__init__(network, objective, average=False, **options)

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        if self.fabric.world_size == 1:
            return super().__call__(batch)
        shared = self.generator
        seed = int(torch.randint(2**62, (), generator=shared)) + self.fabric.global_rank
        self.generator = torch.Generator().manual_seed(seed)
        try:
            losses = super().__call__(batch)
        finally:
            self.generator = shared
        values = self.fabric.all_reduce(torch.stack(list(losses.values())), reduce_op="mean")
        return dict(zip(losses, values.unbind(), strict=True))


def scores_on(model: nn.Module, images: ImageSet) -> dict[str, float]:
    """The average precision of a model on images with annotations."""
    return average_precision(
        segment(model, images), [images.target(row, crowds=True) for row in range(len(images))]
    )


def as_objects(
    images: ImageSet | Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None
) -> ImageSet:
    """`images` itself where `targets` is None, else both as one set."""
    if isinstance(images, ImageSet):
        if targets is not None:
            raise ValueError("targets is given; wanted None with a set of images, which has its annotations")
        return images
    if targets is None:
        raise ValueError("targets is None; wanted the objects of each image")
    return with_objects(images, targets)


def check_objects(images: ImageSet, model: TorchvisionMaskRCNN, name: str) -> None:
    """Raises ValueError unless the images have annotations and colours, and the model all their classes."""
    if not isinstance(images, ImageSet):
        wanted = "a set of images, as read_images or with_objects makes one"
        raise ValueError(f"{name} is a {type(images).__name__}; wanted {wanted}")
    if images.annotations is None:
        raise ValueError(f"{name} has no annotations; wanted read_images(source, annotations=...)")
    if images.channels != 3:
        raise ValueError(f"{name} has {images.channels} channel; wanted 3")
    known = model.roi_heads.box_predictor.cls_score.out_features
    if len(images.classes) > known:
        raise ValueError(
            f"{name} has {len(images.classes)} classes, the background included; the model has {known}"
        )


def described(model: TorchvisionMaskRCNN) -> dict[str, Any]:
    """What tells one model from another: its weights, and its switches."""
    heads = model.roi_heads
    switches = {
        "mask_loss": getattr(heads, "mask_loss", "sigmoid"),
        "roi": type(heads.mask_roi_pool).__name__,
    }
    return {**switches, "weights": fingerprint(model)}


def _check_jitter(jitter: tuple[float, float] | None) -> None:
    if jitter is not None and not is_interval(jitter, number(above=0)):
        raise ValueError(f"jitter is {jitter!r}; wanted two scales above 0, the smaller one first, or None")
