"""`tsrep-vision eval`: a saved classifier's accuracy, or a masked model's loss, on images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tsrep_vision.cli.images import DIGITS, read_source, report_skipped
from tsrep_vision.cli.models import read_model
from tsrep_vision.cli.options import Device, Labelled, Precision, Resize, Seed, Smoke, TestSplit
from tsrep_vision.cli.results import console_of_first, scores_of, write_json


def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of `tsrep-vision probe`, `finetune` or `pretrain`; may be left out with --smoke."
        ),
    ] = None,
    source: Labelled = DIGITS,
    out: Annotated[Path | None, typer.Option(help="JSON file for the numbers.")] = None,
    split: TestSplit = None,
    resize: Resize = None,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    smoke: Smoke = False,
) -> None:
    """Report the top-1 accuracy of a classifier, overall and per class, or the masked loss of a pre-trained model."""
    from tsrep.train.runtime import launch_processes
    from tsrep_vision.classifier import Classifier
    from tsrep_vision.evaluation import check_labels, masked_loss, predict
    from tsrep_vision.pretrain import RULES

    console = console_of_first()
    launch_processes(device, precision)
    if out is not None and (out.suffix != ".json" or not out.absolute().parent.is_dir()):
        raise ValueError(f"--out is {out}; wanted a name that ends in .json, in a folder that exists")
    network = read_model(model, smoke, seed)
    if not isinstance(network, Classifier) and type(network) not in RULES:
        raise ValueError(f"MODEL holds a {type(network).__name__}; wanted a classifier or a masked model")
    images = read_source(source, split, network.encoder.channels, resize, test=True)
    known = report_skipped(console, images)
    result: dict[str, Any]
    if isinstance(network, Classifier):
        check_labels(images, "source")
        found = predict(network, images, device=device, precision=precision)
        result = scores_of(found, network.classes)
        for name, share in result["accuracy_per_class"].items():
            console.print(f"{name}: {share:.1%}")
        beside = f"{result['most_frequent_class']:.1%} for the most frequent class"
        console.print(f"top-1 accuracy: {result['accuracy']:.1%} on {result['images']} images ({beside})")
    else:
        loss = masked_loss(network, images, device=device, precision=precision, random_state=seed)
        result = {"masked_loss": loss, "images": len(images)}
        console.print(f"masked loss: {loss:.4g} over {len(images)} images")
    report_skipped(console, images, known=known)
    if out is not None:
        write_json(out, result)
