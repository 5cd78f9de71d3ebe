"""Masked pre-training on CIFAR-10 images: what it gains, and what mask ratio, target and loss do to it.

Source       He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, figure 5 (mask ratio);
             Xie et al., "SimMIM", CVPR 2022 (82.8 % with the loss on hidden pixels, 81.7 % on all; ImageNet, Swin-B);
             Wei et al., "Masked Feature Prediction", CVPR 2022 (targets).
Command      python -m benchmarks.vision_cifar [IMAGES] [--workers 2]
             IMAGES: a zip file or folder with train/CLASS/ and test/CLASS/; default
             $TSREP_DATA/vision/cifar10_jpeg_5000_1000.zip. The same command continues after a break.
Questions    1. Pre-trained against random weights: linear probe (five points are asked), and fine-tuning with a tenth
             of the labels, with the same network and the same fine-tuning.
             2. MAE with five mask ratios.
             3. MaskFeat with histograms of gradients, pixels, or the features of a MAE as its target.
             4. Loss on the hidden pixels or on all, of MAE and SimMIM, beside their reconstructions.
Choice       Learning rates, and whether MAE's target is normalised, are chosen on a fifth of the training part, with a
             seed of its own: that of the pre-training by the probe, that of the fine-tuning by the accuracy from random
             weights. The test part has no share in any choice. Steps are what the budget allows.
Budget       8 core-hours, of which about 6 are expected: 12 candidates are pre-trained for 400 steps, 33 variants and 3
             teachers for 1,200; 54 probes, 51 fine-tunings of 300 steps. Measured on one core of a busy AMD EPYC, in
             seconds per step of 64 images: MAE 0.17 (0.34 with a quarter hidden), SimMIM 0.41, MaskFeat 0.38 (pixels
             0.36), fine-tuning 0.6 at most; a probe 20 seconds.
             No seed is begun when more than two thirds are spent.
Result       benchmarks/results/vision-cifar/table.md, table.csv, mask-ratio.png, reconstructions.png

MAE, SimMIM and MaskFeat of about a million parameters for 32 x 32 pixels in patches of 4 x 4. Within a seed the cells
of a method have the same initial weights, batches, crops and labels, so differences are taken seed by seed.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.vision.cifar_models import PRETRAINING, TUNING, VARIANTS
from benchmarks.vision.cifar_table import summarise
from benchmarks.vision.cifar_task import TEST, VALIDATION, Study, choose, evaluate
from tsrep.bench.cells import Cell
from tsrep.bench.pages import write_summary
from tsrep.bench.results import RESULTS_FILE, failed_lines, good_lines
from tsrep.bench.run import run

NAME = "vision-cifar"
TITLE = "Masked pre-training on CIFAR-10 images"
RESULTS = Path(__file__).parent / "results" / NAME
IMAGES = Path("vision") / "cifar10_jpeg_5000_1000.zip"
PICTURES = "pictures"
STEPS, CANDIDATE_STEPS, TUNING_STEPS, SEEDS = 1200, 400, 300, 3
CHOICE_SEED = 100
BUDGET = 8 * 3600  # core-seconds
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    images: Annotated[Path | None, typer.Argument(help="Zip file or folder of the images.")] = None,
    seeds: Annotated[int, typer.Option(help="Seeds: 0 to this number less one.", min=1)] = SEEDS,
    steps: Annotated[int, typer.Option(help="Steps of each pre-training.", min=1)] = STEPS,
    candidate_steps: Annotated[
        int, typer.Option(help="Steps of each pre-training on the validation part.", min=1)
    ] = CANDIDATE_STEPS,
    tuning_steps: Annotated[int, typer.Option(help="Steps of each fine-tuning.", min=1)] = TUNING_STEPS,
    workers: Annotated[int, typer.Option(help="Processes, of one thread each.", min=1)] = 1,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run cells again that failed before.")
    ] = False,
    results: Annotated[Path, typer.Option(help="Folder of the lines, tables and figures.")] = RESULTS,
) -> None:
    console = Console(stderr=True)
    study = Study(found(images), results / PICTURES, steps, candidate_steps, tuning_steps)
    measured = partial(
        run, results_path=results / RESULTS_FILE, workers=workers, threads=1, retry_failed=retry_failed
    )
    measured(cells_of_the_choice(), evaluate=partial(evaluate, study=study, chosen={}))
    chosen = choose(good_lines(results))
    lacking = [method for method in VARIANTS if method not in chosen]
    if lacking:
        write_tables(results, console)
        raise typer.BadParameter(f"candidates of {', '.join(lacking)} failed; see them, then --retry-failed")
    for seed in range(seeds):
        spent = sum(line["core_seconds"] for line in good_lines(results))
        if spent > BUDGET * (1 - 1 / SEEDS):  # too little is left for a whole seed
            console.print(
                f"{spent / 3600:.2f} of {BUDGET / 3600:.0f} core-hours are spent: no further seed is begun"
            )
            break
        measured(cells_of_seed(seed), evaluate=partial(evaluate, study=study, chosen=chosen))
    write_tables(results, console)


def cells_of_the_choice() -> list[Cell]:
    """Every candidate of every method on the validation part."""
    return [
        Cell(NAME, VALIDATION, method, CHOICE_SEED, candidate)
        for method, candidates in PRETRAINING.items()
        for candidate in (*candidates, *TUNING)
    ]


def cells_of_seed(seed: int) -> list[Cell]:
    """Every variant of every method on the test part."""
    return [
        Cell(NAME, TEST, method, seed, variant)
        for method, variants in VARIANTS.items()
        for variant in variants
    ]


def found(images: Path | None) -> Path:
    """`images`, or the file under TSREP_DATA; an error if it is not there."""
    if images is None and not os.environ.get("TSREP_DATA"):
        raise typer.BadParameter(f"name the images, or set TSREP_DATA to the folder that holds {IMAGES}")
    path = images or Path(os.environ["TSREP_DATA"]) / IMAGES
    if not path.exists():
        raise typer.BadParameter(f"IMAGES is {path}; wanted a zip file or a folder that exists")
    return path


def write_tables(folder: Path, console: Console) -> None:
    """Writes the tables and figures of `folder`/results.jsonl into `folder`."""
    lines = good_lines(folder)
    if not lines:
        raise ValueError(f"{folder / RESULTS_FILE} holds no finished cell")
    for path in write_summary(TITLE, summarise(lines, folder / PICTURES), failed_lines(folder), folder):
        console.print(f"wrote {path}", soft_wrap=True)


if __name__ == "__main__":
    app()
