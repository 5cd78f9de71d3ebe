"""Pre-training of MAE, SimMIM and MaskFeat on images, by the rules of their papers.

AdamW with a learning rate proportional to the batch, a linear warm-up and a half cosine per step, no weight decay on
biases, norms and position tables. An image is augmented by one random resized crop and a flip, drawn for it alone.

Departure: the papers' numbers are those of ImageNet and hundreds of epochs. On small data `lr` may be ten times larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tsrep.base.parameters import number, out_of_range
from tsrep.train.hooks import History
from tsrep_vision.data import ImageBatch, ImageSet, crop, draw_crops, normalised, read_images
from tsrep_vision.mae import MAE
from tsrep_vision.maskfeat import MaskFeat, TeacherTarget
from tsrep_vision.saving import describe
from tsrep_vision.simmim import SimMIM
from tsrep_vision.sizes import is_interval
from tsrep_vision.training import Training, fingerprint, scaled_lr, train

MaskedModel = MAE | SimMIM | MaskFeat

EPOCHS = 100  # where neither limit is given
MAE_RATIO = 0.75


class Rules(NamedTuple):
    """A paper's numbers.

    Attributes
    ----------
    base_lr : learning rate of a batch of 256.
    betas : of AdamW.
    max_norm : gradients are clipped to this norm.
    scale : range of a crop's share of the image's area.
    """

    base_lr: float
    betas: tuple[float, float]
    max_norm: float | None
    scale: tuple[float, float]


RULES: dict[type[nn.Module], Rules] = {
    MAE: Rules(1.5e-4, (0.9, 0.95), None, (0.2, 1.0)),
    SimMIM: Rules(1e-4, (0.9, 0.999), 5.0, (0.67, 1.0)),
    MaskFeat: Rules(2e-4, (0.9, 0.999), 0.02, (0.5, 1.0)),
}


def pretrain(
    model: MaskedModel,
    images: Any,
    *,
    max_epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 256,
    lr: float | None = None,
    warm_up: float = 0.05,
    weight_decay: float = 0.05,
    mask_ratio: float | None = None,
    scale: tuple[float, float] | None = None,
    accumulate: int = 1,
    workers: int = 0,
    device: str = "auto",
    precision: str = "auto",
    random_state: int | None = None,
    verbose: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
) -> History:
    """Trains a masked model on images without labels.

    Parameters
    ----------
    model : its weights become the trained ones when the training has ended, and not before.
    images : an `ImageSet`, or whatever `read_images` takes.
    max_epochs, max_steps : the training ends at whichever comes first; 100 epochs where both are None.
    batch_size : images per update, over all processes and accumulated parts.
    lr : the highest learning rate; None: the paper's rule, a base rate times batch_size / 256.
    warm_up : share of the steps in which the learning rate rises.
    weight_decay : of weights that are matrices; biases, norms and tables of positions have none.
    mask_ratio : share of an image that is hidden; None: 0.75 for MAE, and that of the model for the others.
    scale : range of a crop's share of the image's area; None: the paper's.
    accumulate : parts into which a batch is split to save memory; their gradients are summed.
    workers : threads that decode images.
    device : "auto", "cpu", "cuda", "cuda:1" or "mps". With `torchrun`, each process takes a device of its own.
    precision : "auto" (32 bit), "32", "bf16" or "16".
    random_state : seed of the batches, crops and masks; None: another one each time.
    verbose : 1 shows a progress bar.
    checkpoint : a folder for the state of the training every `checkpoint_every` steps and at the end. The same call
        continues from it, and ends with the same weights as a training without a break.

    Returns
    -------
    One record per step: `step`, `epoch`, `seconds`, `loss`, `lr`.

    Raises
    ------
    NonFiniteLossError
        The training diverged. `model` is unchanged.
    ValueError
        A setting is out of range, or `checkpoint` holds another run.

    Examples
    --------
    >>> from tsrep_vision import mae_vit_tiny
    >>> pictures = torch.rand(8, 3, 32, 32)
    >>> history = pretrain(mae_vit_tiny(depth=1), pictures, max_epochs=1, batch_size=4, random_state=0)
    >>> len(history), sorted(history[0])
    (2, ['epoch', 'loss', 'lr', 'seconds', 'step'])
    """
    if type(model) not in RULES:
        raise ValueError(f"model is a {type(model).__name__}; wanted a MAE, a SimMIM or a MaskFeat")
    rules = RULES[type(model)]
    images = as_images(images, model.encoder.channels)
    scale = rules.scale if scale is None else scale
    _check_scale(scale)
    ratio = training_ratio(model, mask_ratio)
    settings = Training(
        max_steps,
        EPOCHS if max_epochs is None and max_steps is None else max_epochs,
        batch_size,
        scaled_lr(lr, rules.base_lr, batch_size),
        warm_up,
        weight_decay,
        max_norm=rules.max_norm,
        accumulate=accumulate,
        workers=workers,
        device=device,
        precision=precision,
        random_state=random_state,
        verbose=verbose,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    recipe = {"mask_ratio": ratio, "scale": scale, "model": described(model)}
    trained, history = train(
        model,
        images,
        MaskedObjective(model, ratio, scale),
        settings,
        title=f"pre-training {type(model).__name__}",
        recipe=recipe,
        groups=lambda network: decay_groups(network, weight_decay, rules.betas),
    )
    model.load_state_dict(trained.state_dict())
    return history


class MaskedObjective:
    """The loss of a masked model on random crops of a batch.

    Parameters
    ----------
    model : the kind of mask and the sizes are its own.
    mask_ratio : share of the patches that is hidden.
    scale : range of a crop's share of the image's area.
    """

    def __init__(self, model: MaskedModel, mask_ratio: float, scale: tuple[float, float] = (1.0, 1.0)):
        self.model, self.mask_ratio, self.scale = model, mask_ratio, scale

    def draw(self, batch: ImageBatch, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """Crops (n, C, S, S), and what decides on the mask: noise (n, N) of a MAE, hidden patches of the others."""
        crops = drawn_crops(batch, self.model.encoder.image_size, generator, device, self.scale)
        return crops, self.draw_mask(batch, generator).to(device, non_blocking=True)

    def draw_mask(self, batch: ImageBatch, generator: torch.Generator) -> Tensor:
        """What decides on the mask of each image, on the CPU."""
        if isinstance(self.model, MAE):
            mask = torch.rand(batch.whole, self.model.encoder.grid**2, generator=generator)
        else:
            mask = self.model.draw_mask(batch.whole, generator, self.mask_ratio)
        return mask[batch.first : batch.first + len(batch.images)]

    def losses(self, network: nn.Module, *drawn: Tensor) -> dict[str, Tensor]:
        crops, mask = drawn
        if isinstance(self.model, MAE):
            return {"loss": network(crops, self.mask_ratio, noise=mask).loss}
        return {"loss": network(crops, hidden=mask).loss}


def training_ratio(model: MaskedModel, mask_ratio: float | None) -> float:
    """`mask_ratio`, or where it is None that of the model, 0.75 for a MAE."""
    ratio = getattr(model, "mask_ratio", MAE_RATIO) if mask_ratio is None else mask_ratio
    if not number(above=0, below=1).holds(ratio):
        raise out_of_range("mask_ratio", ratio, "a number above 0 to below 1")
    return float(ratio)


def drawn_crops(
    batch: ImageBatch,
    size: int,
    generator: torch.Generator,
    device: torch.device,
    scale: tuple[float, float],
    mode: str = "bicubic",
) -> Tensor:
    """A random crop of each image of a batch, resized, flipped or not, and normalised: (n, C, S, S) on the device.

    The draws are those of the whole batch, of which this process may have a share.
    """
    own = slice(batch.first, batch.first + len(batch.images))
    sizes = torch.ones(batch.whole, 2, dtype=batch.sizes.dtype)
    sizes[own] = batch.sizes
    boxes, flipped = draw_crops(sizes, generator, scale)
    images = batch.images.to(device, non_blocking=True)
    return normalised(crop(images, boxes[own], size, flipped[own], mode))


def decay_groups(network: nn.Module, weight_decay: float, betas: tuple[float, float]) -> list[dict[str, Any]]:
    """Two groups of parameters for AdamW: matrices with weight decay; vectors and tables of positions without."""
    named = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    plain = [weight for name, weight in named if not without_decay(name, weight)]
    exempt = [weight for name, weight in named if without_decay(name, weight)]
    decays = ((plain, weight_decay), (exempt, 0.0))
    return [
        {"params": part, "weight_decay": decay, "betas": betas} for part, decay in decays if len(part) > 0
    ]


def without_decay(name: str, weight: Tensor) -> bool:
    """Whether a parameter has no weight decay: biases, norms, tokens, scales, and relative positions."""
    return weight.ndim <= 1 or name.endswith((".table", "relative_position_bias_table"))


def as_images(images: Any, channels: int = 3) -> ImageSet:
    """`images` itself, or what `read_images` makes of it."""
    return images if isinstance(images, ImageSet) else read_images(images, channels=channels)


def described(model: MaskedModel) -> dict[str, Any]:
    """The class and sizes of a model; a teacher, which no argument describes, by its weights."""
    if isinstance(model, MaskFeat) and isinstance(model.target, TeacherTarget):
        own = {"mask": model.mask, "encoder": describe(model.encoder), "teacher": fingerprint(model.target)}
        return {"class": type(model).__name__, **own}
    return describe(model)


def _check_scale(scale: Sequence[float]) -> None:
    if not is_interval(scale, number(above=0, at_most=1)):
        raise ValueError(f"scale is {scale!r}; wanted two shares above 0 to 1, the smaller one first")
