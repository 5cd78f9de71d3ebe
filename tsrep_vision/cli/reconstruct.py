"""`tsrep-vision reconstruct`: pictures of what a pre-trained model makes of hidden patches, and its loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsrep_vision.cli.images import DIGITS, read_source, report_skipped
from tsrep_vision.cli.models import read_model
from tsrep_vision.cli.options import Device, PretrainedModel, Seed, Smoke, Source, Split
from tsrep_vision.cli.results import checked_folder, console_of_first, write_json, write_pictures

MOST_IMAGES = 256  # over which the loss is a mean


def reconstruct(
    model: PretrainedModel = None,
    source: Source = DIGITS,
    out: Annotated[Path, typer.Option(help="Folder for the picture and its numbers.")] = Path(
        "reconstructed"
    ),
    ratios: Annotated[
        str, typer.Option(help="Shares that are hidden, separated by commas; MaskFeat is drawn at its own.")
    ] = "0.75,0.8,0.85,0.95",
    split: Split = None,
    device: Device = "auto",
    seed: Seed = 0,
    smoke: Smoke = False,
) -> None:
    """Hide patches of images and draw what a pre-trained model predicts there.

    `reconstructions.png` (`hog.png` of a MaskFeat) shows eight images from all over the source, `result.json` has the
    loss at each ratio over the first 256.
    """
    from tsrep.train.runtime import launch_processes
    from tsrep_vision.evaluation import masked_loss
    from tsrep_vision.pretrain import RULES

    console = console_of_first()
    launch_processes(device)
    shares = _shares(ratios)
    network = read_model(model, smoke, seed)
    if type(network) not in RULES:
        raise ValueError(f"MODEL holds a {type(network).__name__}; wanted a MAE, SimMIM or MaskFeat")
    checked_folder(out).mkdir(exist_ok=True)
    images = read_source(source, split, network.encoder.channels, out=out)
    known = report_skipped(console, images)
    some = images[: min(len(images), MOST_IMAGES)]
    losses = {
        f"{share:g}": masked_loss(network, some, mask_ratio=share, device=device, random_state=seed)
        for share in shares
    }
    write_json(out / "result.json", {"images": len(some), "loss": losses})
    picture = write_pictures(out, network, images, shares, seed)
    report_skipped(console, images, known=known)
    for share, loss in losses.items():
        console.print(f"loss with {float(share):.0%} hidden: {loss:.4g}")
    console.print(f"picture: {picture}", soft_wrap=True)


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if not shares or not all(0 < share < 1 for share in shares):
        raise ValueError(f"--ratios is {text!r}; wanted numbers between 0 and 1, 0.75,0.9 for example")
    return shares
