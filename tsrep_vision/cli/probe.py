"""`tsrep-vision probe`: how much of the classes a linear layer finds in the features of a pre-trained model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tsrep_vision.cli.images import DIGITS, read_pair, report_skipped
from tsrep_vision.cli.models import channels_of, read_model, with_random_weights
from tsrep_vision.cli.options import (
    SMOKE_STEPS,
    Device,
    LabelFraction,
    Labelled,
    LearningRate,
    MaxEpochs,
    MaxSteps,
    Precision,
    PretrainedModel,
    Resize,
    Seed,
    Smoke,
    Split,
    TestSplit,
    Workers,
)
from tsrep_vision.cli.results import checked_folder, console_of_first, scores_of, write_history, write_json


class Method(StrEnum):
    """`tsrep_vision.probe.METHODS`."""

    logistic = "logistic"
    lars = "lars"
    adamw = "adamw"


class Pool(StrEnum):
    """`tsrep_vision.classifier.POOLS`."""

    mean = "mean"
    class_token = "class"


def probe(
    model: PretrainedModel = None,
    source: Labelled = DIGITS,
    out: Annotated[Path, typer.Option(help="Folder for the classifier and its numbers.")] = Path("probed"),
    method: Annotated[
        Method,
        typer.Option(help="logistic: regression on features computed once; lars: MAE's protocol; adamw."),
    ] = Method.logistic,
    pool: Annotated[Pool, typer.Option(help="The feature: mean of the patches, or class token.")] = Pool.mean,
    label_fraction: LabelFraction = 1.0,
    split: Split = None,
    test_split: TestSplit = None,
    resize: Resize = None,
    max_epochs: MaxEpochs = None,
    max_steps: MaxSteps = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images per update; default: 256, or up to 16384 for lars.", min=1)
    ] = None,
    lr: LearningRate = None,
    workers: Workers = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    smoke: Smoke = False,
) -> None:
    """Train a linear classifier on the frozen features of a model and report its top-1 accuracy on test images.

    Beside it stand the most frequent class and, with logistic, the same network with random weights. The folder has
    `model/` and `result.json`.
    """
    from tsrep.train.runtime import is_first_process, launch_processes
    from tsrep_vision.evaluation import predict
    from tsrep_vision.probe import probe as fit
    from tsrep_vision.saving import save

    console = console_of_first()
    launch_processes(device, precision)
    if smoke and method is not Method.logistic:
        max_steps = SMOKE_STEPS
    network = read_model(model, smoke, seed)
    checked_folder(out)
    images, test = read_pair(source, split, test_split, channels_of(network), resize, out)
    known = report_skipped(console, images, test)
    options = {
        "method": method.value,
        "pool": pool.value,
        "label_fraction": label_fraction,
        "device": device,
        "precision": precision,
        "random_state": seed,
    }
    classifier, _, history = fit(
        network,
        images,
        max_epochs=max_epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        lr=lr,
        workers=workers,
        verbose=int(console.is_terminal),
        **options,  # type: ignore[arg-type]
    )
    if not is_first_process():
        return
    scores = scores_of(predict(classifier, test, device=device, precision=precision), classifier.classes)
    if method is Method.logistic:
        twin = with_random_weights(getattr(network, "encoder", network), seed)
        scores["random_weights"] = fit(twin, images, test, **options).accuracy  # type: ignore[arg-type]
    save(classifier, out / "model")
    write_history(out, history)
    report_skipped(console, images, test, known=known)
    write_json(out / "result.json", {**scores, "settings": {**options, "train_images": len(images)}})
    beside = f"{scores['most_frequent_class']:.1%} for the most frequent class"
    if "random_weights" in scores:
        beside = f"{scores['random_weights']:.1%} with random weights, {beside}"
    console.print(f"top-1 accuracy: {scores['accuracy']:.1%} on {scores['images']} images ({beside})")
    console.print(f"classifier saved: {out / 'model'}", soft_wrap=True)
