"""One cell of the study on CIFAR-10: a candidate on the validation part, or a variant on the test part."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.vision.cifar_models import (
    ALL_PIXELS,
    PLAIN,
    PRETRAINING,
    TUNING,
    VARIANTS,
    Settings,
    Variant,
    make_model,
)
from tsrep.bench.cells import Cell
from tsrep_vision.data import ImageSet, central_crop, denormalised, read_images
from tsrep_vision.finetune import finetune
from tsrep_vision.labels import rows_of_fraction
from tsrep_vision.plots.reconstructions import rebuild
from tsrep_vision.pretrain import MaskedModel, pretrain, training_ratio
from tsrep_vision.probe import probe

VALIDATION, TEST = "validation", "test"
HELD_OUT = 0.2  # of the training part, per class, for the validation
LABELS = 0.1  # of the training part, for the fine-tuning
DRAWN = [("mae", PLAIN), ("mae", ALL_PIXELS), ("simmim", PLAIN), ("simmim", ALL_PIXELS)]
DRAWN_SEED, DRAWN_IMAGES = 0, 6


@dataclass(frozen=True)
class Study:
    """The images, a folder for arrays of reconstructions, and the lengths of the trainings in steps."""

    images: Path
    pictures: Path
    steps: int
    candidate_steps: int
    tuning_steps: int
    batch_size: int = 64


class Pictures(NamedTuple):
    """Images (n, 3, S, S) as they are and rebuilt, and which of their pixels were hidden (n, 1, S, S)."""

    original: NDArray[np.uint8]
    rebuilt: NDArray[np.uint8]
    hidden: NDArray[np.bool_]


def evaluate(cell: Cell, study: Study, chosen: Mapping[str, Settings]) -> dict[str, Any]:
    """The accuracies of a cell. `chosen` has the settings of each method; cells of the validation part need none."""
    started = time.process_time()
    if cell.dataset == VALIDATION:
        scores = on_validation(cell, study)
    else:
        scores = on_test(cell, study, chosen)
    return {**scores, "core_seconds": round(time.process_time() - started, 1)}


def on_validation(cell: Cell, study: Study) -> dict[str, Any]:
    """A candidate learning rate of the pre-training, by its probe; or of the fine-tuning, from random weights."""
    every = read_images(study.images, "train")
    assert every.labels is not None
    held_out = np.isin(np.arange(len(every)), rows_of_fraction(every.labels, HELD_OUT, seed=0))
    train, validation = every[np.flatnonzero(~held_out)], every[np.flatnonzero(held_out)]
    plain = VARIANTS[cell.method][PLAIN]
    if cell.variant in TUNING:
        model = make_model(cell.method, plain, {}, cell.seed)
        accuracy = tuned(model, train, validation, TUNING[cell.variant], study, cell.seed)
        return {"finetuned": accuracy, "steps": study.tuning_steps}
    lr, options = PRETRAINING[cell.method][cell.variant]
    model = make_model(cell.method, plain, options, cell.seed)
    loss = pretrained(model, train, plain, lr, study.candidate_steps, study, cell.seed)
    return {
        "probe": probed(model, train, validation, cell.seed),
        "loss": loss,
        "steps": study.candidate_steps,
    }


def on_test(cell: Cell, study: Study, chosen: Mapping[str, Settings]) -> dict[str, Any]:
    """Linear probe and fine-tuning of one variant, pre-trained on the whole training part or not at all."""
    train, test = (read_images(study.images, split) for split in ("train", "test"))
    variant, settings = VARIANTS[cell.method][cell.variant], chosen[cell.method]
    teacher = None
    if variant.target == "teacher":
        mae, of_mae = VARIANTS["mae"][PLAIN], chosen["mae"]
        guide = make_model("mae", mae, of_mae.options, cell.seed)
        pretrained(guide, train, mae, of_mae.lr, study.steps, study, cell.seed)
        teacher = guide.encoder
    model = make_model(cell.method, variant, settings.options, cell.seed, teacher)
    scores: dict[str, Any] = {"steps": 0}
    if variant.trained:
        loss = pretrained(model, train, variant, settings.lr, study.steps, study, cell.seed)
        scores = {"steps": study.steps, "loss": loss}
    if cell.seed == DRAWN_SEED and (cell.method, cell.variant) in DRAWN:
        save_pictures(study.pictures, cell.method, cell.variant, pictures(model, test))
    return {
        **scores,
        "probe": probed(model, train, test, cell.seed),
        "finetuned": tuned(model, train, test, settings.tuning_lr, study, cell.seed),
        "lr": settings.lr,
        "tuning_lr": settings.tuning_lr,
        **settings.options,
        "train_images": len(train),
        "test_images": len(test),
    }


def pretrained(
    model: MaskedModel, images: ImageSet, variant: Variant, lr: float, steps: int, study: Study, seed: int
) -> float:
    """Pre-trains a model in place; returns the mean loss of the last tenth of the steps."""
    history = pretrain(
        model,
        images,
        max_steps=steps,
        batch_size=study.batch_size,
        lr=lr,
        mask_ratio=variant.mask_ratio,
        device="cpu",
        random_state=seed,
    )
    return float(np.mean([record["loss"] for record in history[-max(1, steps // 10) :]]))


def probed(model: MaskedModel, train: ImageSet, test: ImageSet, seed: int) -> float:
    """Top-1 accuracy of a logistic regression on the mean of the patches, its regularisation cross-validated."""
    accuracy = probe(model, train, test, device="cpu", random_state=seed).accuracy
    assert accuracy is not None
    return accuracy


def tuned(model: MaskedModel, train: ImageSet, test: ImageSet, lr: float, study: Study, seed: int) -> float:
    """Top-1 accuracy after fine-tuning on a tenth of the labels, with one learning rate for all layers."""
    accuracy = finetune(
        model,
        train,
        test,
        label_fraction=LABELS,
        max_steps=study.tuning_steps,
        batch_size=study.batch_size,
        lr=lr,
        layer_decay=1.0,
        drop_path=0.0,
        mixup=0.0,
        cutmix=0.0,
        magnitude=0,
        device="cpu",
        random_state=seed,
    ).accuracy
    assert accuracy is not None
    return accuracy


def choose(lines: Sequence[Mapping[str, Any]]) -> dict[str, Settings]:
    """The settings of the methods whose candidates are all measured.

    The pre-training has the candidate of the best probe on the validation part. The fine-tuning has the learning rate
    that is best from random weights, for pre-trained weights too: if one side gains by the choice, it is the baseline.
    Where candidates are equal, the first counts.
    """
    found = {(line["method"], line["variant"]): line for line in lines if line["dataset"] == VALIDATION}
    chosen = {}
    for method, candidates in PRETRAINING.items():
        if all((method, name) in found for name in (*candidates, *TUNING)):
            lr, options = candidates[best(found, method, candidates, "probe")]
            chosen[method] = Settings(lr, TUNING[best(found, method, TUNING, "finetuned")], options)
    return chosen


def best(
    found: Mapping[tuple[str, str], Mapping[str, Any]], method: str, names: Mapping[str, Any], score: str
) -> str:
    """The first of the candidates `names` of a method with the highest score."""
    return max(names, key=lambda name: found[method, name][score])


def pictures(model: MaskedModel, images: ImageSet) -> Pictures:
    """Images of different classes, rebuilt at the mask ratio of the training with masks that models share."""
    assert images.labels is not None
    rows = [int(np.flatnonzero(images.labels == label)[0]) for label in np.unique(images.labels)]
    some = torch.stack([images[row] for row in rows[:DRAWN_IMAGES]])
    crops = central_crop(some, model.encoder.image_size)
    hidden, rebuilt = rebuild(model, crops, training_ratio(model, None), seed=0)  # type: ignore[arg-type]
    return Pictures(as_bytes(crops), as_bytes(rebuilt), hidden.numpy())


def as_bytes(images: Tensor) -> NDArray[np.uint8]:
    """Normalised images as uint8."""
    return (denormalised(images) * 255).round().clamp(0, 255).to(torch.uint8).numpy()


def pictures_file(folder: Path, method: str, variant: str) -> Path:
    """Where the reconstructions of a variant lie."""
    return folder / f"{'-'.join([method, *variant.split()])}.npz"


def save_pictures(folder: Path, method: str, variant: str, drawn: Pictures) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(pictures_file(folder, method, variant), **drawn._asdict())


def load_pictures(folder: Path, method: str, variant: str) -> Pictures | None:
    """What `save_pictures` saved, if it did."""
    file = pictures_file(folder, method, variant)
    if not file.is_file():
        return None
    with np.load(file) as arrays:
        return Pictures(**arrays)
