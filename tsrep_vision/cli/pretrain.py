"""`tsrep-vision pretrain`: images without labels in, a pre-trained model out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsrep_vision.cli.images import DIGITS, read_source, report_skipped
from tsrep_vision.cli.models import Model, Size, make_model
from tsrep_vision.cli.options import (
    COMPUTING,
    SMOKE_BATCH,
    SMOKE_STEPS,
    TRAINING,
    Accumulate,
    Device,
    LearningRate,
    MaxEpochs,
    MaxSteps,
    Precision,
    Resize,
    Seed,
    Smoke,
    Source,
    Split,
    Workers,
)
from tsrep_vision.cli.results import (
    checked_folder,
    console_of_first,
    write_history,
    write_json,
    write_pictures,
)

NETWORK = "The network"
RATIOS = (0.75, 0.8, 0.85, 0.95)
FASTER = 10  # times the paper's learning rate, for the tiny size: it has small data and a short training


def pretrain(
    source: Source = DIGITS,
    out: Annotated[
        Path, typer.Option(help="Folder for the model, numbers and pictures; a training there goes on.")
    ] = Path("pretrained"),
    split: Split = None,
    resize: Resize = None,
    model: Annotated[
        Model, typer.Option(help="What is learned; swin is SimMIM on a Swin.", rich_help_panel=NETWORK)
    ] = Model.mae,
    size: Annotated[
        Size, typer.Option(help="tiny is for 32 pixels and a CPU.", rich_help_panel=NETWORK)
    ] = Size.tiny,
    image_size: Annotated[
        int | None,
        typer.Option(help="Side of the crops in pixels; default: 32, 192 or 224.", rich_help_panel=NETWORK),
    ] = None,
    patch_size: Annotated[
        int | None, typer.Option(help="Side of a patch in pixels; default: 4 or 16.", rich_help_panel=NETWORK)
    ] = None,
    normalise_target: Annotated[
        bool,
        typer.Option(
            "--normalise-target",
            help="MAE predicts pixels normalised per patch: better features, no faithful pictures.",
            rich_help_panel=TRAINING,
        ),
    ] = False,
    mask_ratio: Annotated[
        float | None,
        typer.Option(help="Share that is hidden; default: the paper's.", rich_help_panel=TRAINING),
    ] = None,
    max_epochs: MaxEpochs = None,
    max_steps: MaxSteps = None,
    batch_size: Annotated[
        int, typer.Option(help="Images per update.", min=1, rich_help_panel=TRAINING)
    ] = 128,
    lr: LearningRate = None,
    accumulate: Accumulate = 1,
    workers: Workers = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    checkpoint_every: Annotated[
        int, typer.Option(help="Updates between two checkpoints.", min=1, rich_help_panel=COMPUTING)
    ] = 100,
    seed: Seed = 0,
    smoke: Smoke = False,
) -> None:
    """Pre-train a network on images: parts of them are hidden, and it learns to predict what.

    Without --max-epochs and --max-steps, 100 epochs. The folder has `model/`, `result.json`, `history.json`,
    `curves.png` and a picture of what the model predicts. Started by `torchrun`, every process takes a device.
    """
    from tsrep.train.runtime import is_first_process, launch_processes
    from tsrep_vision.pretrain import RULES
    from tsrep_vision.pretrain import pretrain as train
    from tsrep_vision.saving import save
    from tsrep_vision.training import scaled_lr

    console = console_of_first()
    launch_processes(device, precision)
    if smoke:
        size, max_steps, batch_size = Size.tiny, SMOKE_STEPS, SMOKE_BATCH
    if normalise_target and model is not Model.mae:
        raise ValueError(f"--normalise-target is given with --model {model.value}; wanted --model mae")
    checked_folder(out)
    network = make_model(model, size, seed, image_size, patch_size, normalise_target)
    images = read_source(source, split, resize=resize, out=out)
    known = report_skipped(console, images)
    weights = sum(weight.numel() for weight in network.parameters()) / 1e6
    console.print(f"{len(images)} images, {weights:.1f} million parameters")
    if lr is None and size is Size.tiny:
        lr = scaled_lr(None, FASTER * RULES[type(network)].base_lr, batch_size)
    history = train(
        network,
        images,
        max_epochs=max_epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        lr=lr,
        mask_ratio=mask_ratio,
        accumulate=accumulate,
        workers=workers,
        device=device,
        precision=precision,
        random_state=seed,
        verbose=int(console.is_terminal),
        checkpoint=out / "checkpoint",
        checkpoint_every=checkpoint_every,
    )
    if not is_first_process():
        return
    save(network, out / "model")
    write_history(out, history)
    end = history[-1] if history else {}
    result = {"steps": len(history), "loss": end.get("loss"), "seconds": end.get("seconds", 0.0)}
    write_json(out / "result.json", {**result, "images": len(images), "skipped": images.skipped})
    picture = write_pictures(out, network, images, RATIOS, seed)
    report_skipped(console, images, known=known)
    if history:
        console.print(f"trained for {len(history)} steps in {end['seconds']:.0f} s, loss {end['loss']:.3g}")
    console.print(f"model saved: {out / 'model'}; picture: {picture}", soft_wrap=True)
    console.print(f"next: tsrep-vision probe {out} {source}", soft_wrap=True)
