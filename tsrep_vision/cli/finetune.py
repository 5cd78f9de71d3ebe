"""`tsrep-vision finetune`: a pre-trained model trained on labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsrep_vision.cli.images import DIGITS, read_pair, report_skipped
from tsrep_vision.cli.models import channels_of, read_model, with_random_weights
from tsrep_vision.cli.options import (
    SMOKE_BATCH,
    SMOKE_STEPS,
    TRAINING,
    Accumulate,
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


def finetune(
    model: PretrainedModel = None,
    source: Labelled = DIGITS,
    out: Annotated[
        Path, typer.Option(help="Folder for the classifier and its numbers; a training there goes on.")
    ] = Path("finetuned"),
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Start from random weights: what pre-training is compared with.")
    ] = False,
    label_fraction: LabelFraction = 1.0,
    split: Split = None,
    test_split: TestSplit = None,
    resize: Resize = None,
    max_epochs: MaxEpochs = None,
    max_steps: MaxSteps = None,
    batch_size: Annotated[
        int, typer.Option(help="Images per update.", min=1, rich_help_panel=TRAINING)
    ] = 128,
    lr: LearningRate = None,
    layer_decay: Annotated[
        float,
        typer.Option(help="Factor on the learning rate from layer to layer.", rich_help_panel=TRAINING),
    ] = 0.65,
    drop_path: Annotated[
        float, typer.Option(help="Stochastic depth of the last block.", rich_help_panel=TRAINING)
    ] = 0.1,
    mixup: Annotated[float, typer.Option(help="0 turns it off.", rich_help_panel=TRAINING)] = 0.8,
    cutmix: Annotated[float, typer.Option(help="0 turns it off.", rich_help_panel=TRAINING)] = 1.0,
    magnitude: Annotated[
        int, typer.Option(help="Of RandAugment, 0 to 30; 0 turns it off.", rich_help_panel=TRAINING)
    ] = 9,
    label_smoothing: Annotated[
        float, typer.Option(help="Share of the target for all classes.", rich_help_panel=TRAINING)
    ] = 0.1,
    accumulate: Accumulate = 1,
    workers: Workers = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    smoke: Smoke = False,
) -> None:
    """Train a pre-trained network and a new linear layer together on labels, and report top-1 accuracy on test images.

    The settings are MAE's. A short training on few images learns more with `--mixup 0 --cutmix 0`. The folder has
    `model/`, `result.json`, `history.json` and `curves.png`.
    """
    from tsrep.train.runtime import is_first_process, launch_processes
    from tsrep_vision.evaluation import predict
    from tsrep_vision.finetune import finetune as train
    from tsrep_vision.saving import save

    console = console_of_first()
    launch_processes(device, precision)
    if smoke:
        max_steps, batch_size = SMOKE_STEPS, SMOKE_BATCH
    network = read_model(model, smoke, seed)
    if scratch:
        network = with_random_weights(getattr(network, "encoder", network), seed)
    checked_folder(out)
    images, test = read_pair(source, split, test_split, channels_of(network), resize, out)
    known = report_skipped(console, images, test)
    settings = {
        "label_fraction": label_fraction,
        "max_epochs": max_epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "lr": lr,
        "layer_decay": layer_decay,
        "drop_path": drop_path,
        "mixup": mixup,
        "cutmix": cutmix,
        "magnitude": magnitude,
        "label_smoothing": label_smoothing,
        "random_state": seed,
    }
    classifier, _, history = train(
        network,
        images,
        accumulate=accumulate,
        workers=workers,
        device=device,
        precision=precision,
        verbose=int(console.is_terminal),
        checkpoint=out / "checkpoint",
        **settings,  # type: ignore[arg-type]
    )
    if not is_first_process():
        return
    scores = scores_of(predict(classifier, test, device=device, precision=precision), classifier.classes)
    save(classifier, out / "model")
    write_history(out, history)
    report_skipped(console, images, test, known=known)
    described = {**settings, "scratch": scratch, "train_images": len(images)}
    write_json(out / "result.json", {**scores, "settings": described})
    beside = f"{scores['most_frequent_class']:.1%} for the most frequent class"
    console.print(f"top-1 accuracy: {scores['accuracy']:.1%} on {scores['images']} images ({beside})")
    console.print(f"classifier saved: {out / 'model'}\nnext: tsrep-vision eval {out} IMAGES", soft_wrap=True)
