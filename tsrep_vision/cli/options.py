"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TRAINING = "The training"
COMPUTING = "Where and how it computes"

Source = Annotated[
    str,
    typer.Argument(
        help="Folder, zip or .npz file of images; `digits`: handwritten digits that come with scikit-learn."
    ),
]
Labelled = Annotated[
    str,
    typer.Argument(
        help="Folder or zip file with a folder per class (in train/ and test/, or without), .npz file with labels, or "
        "`digits`: handwritten digits that come with scikit-learn."
    ),
]
PretrainedModel = Annotated[
    Path | None,
    typer.Argument(
        help="Folder of `tsrep-vision pretrain`, or the checkpoint file of a MAE or of a ViT of timm; may be left out "
        "with --smoke."
    ),
]
Split = Annotated[
    str | None,
    typer.Option(help="Folder within the source that is used; default: train, if there is one, or all."),
]
Resize = Annotated[
    int | None,
    typer.Option(help="Shorter side of larger images after reading, in pixels; default: as they are.", min=8),
]
TestSplit = Annotated[
    str | None,
    typer.Option(
        help="Folder of the test images; default: test or val, if there is one, or a fifth of each class."
    ),
]
LabelFraction = Annotated[
    float, typer.Option(help="Share of the training images of each class that is used.")
]
MaxEpochs = Annotated[
    int | None, typer.Option(help="Passes over the images.", min=0, rich_help_panel=TRAINING)
]
MaxSteps = Annotated[
    int | None,
    typer.Option(
        help="Updates; training ends at whichever limit comes first.", min=0, rich_help_panel=TRAINING
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        help="Highest learning rate; default: the paper's, for the batch size.", rich_help_panel=TRAINING
    ),
]
Accumulate = Annotated[
    int,
    typer.Option(help="Parts into which a batch is split to save memory.", min=1, rich_help_panel=COMPUTING),
]
Workers = Annotated[int, typer.Option(help="Threads that decode images.", min=0, rich_help_panel=COMPUTING)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=COMPUTING)]
Precision = Annotated[str, typer.Option(help="auto, 32, bf16 or 16.", rich_help_panel=COMPUTING)]
Seed = Annotated[int, typer.Option(help="Random seed: the same seed gives the same numbers.", min=0)]
Smoke = Annotated[bool, typer.Option("--smoke", help="A few steps of a tiny model, to try the command out.")]

SMOKE_STEPS, SMOKE_BATCH = 20, 32
