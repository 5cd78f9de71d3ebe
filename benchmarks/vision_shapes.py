"""Mask R-CNN on generated shapes: masks by sigmoid or softmax, regions by RoIAlign or RoIPool.

Source       He et al., "Mask R-CNN", ICCV 2017, table 2b (COCO, ResNet-50-C4: mask AP 30.3 by sigmoid, 24.8 by softmax)
             and table 2c (30.3 by RoIAlign, 26.9 by RoIPool).
Command      python -m benchmarks.vision_shapes                (again after a break: finished trainings are kept)
Expectation  sigmoid above softmax, RoIAlign above RoIPool, the latter most at an overlap of 0.75.
Time         budget 0.7 core-hours: 15 trainings of at most 160 seconds of one core, seed by seed. No seed is begun when
             more than four fifths are spent.
Result       benchmarks/results/vision-shapes/table.md, and a picture per variant of what the first seed found

A Mask R-CNN with a tiny ViT and random weights, 300 steps of four images out of 200 (64 x 64 pixels, three shapes each,
which may hide one another); average precision on 100 others. Within a seed the variants have the same images, initial
weights and batches, so differences are taken seed by seed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from tsrep.bench.cells import Cell, grid
from tsrep.bench.pages import Summary, conditions, write_summary
from tsrep.bench.results import RESULTS_FILE, failed_lines, good_lines
from tsrep.bench.run import run

if TYPE_CHECKING:
    from torch import nn

    from tsrep_vision.data import ImageSet

TITLE = "Mask R-CNN on generated shapes"
RESULTS = Path(__file__).parent / "results" / "vision-shapes"
VARIANTS = {
    "sigmoid, RoIAlign": {"mask_loss": "sigmoid", "roi": "align"},
    "softmax, RoIAlign": {"mask_loss": "softmax", "roi": "align"},
    "sigmoid, RoIPool": {"mask_loss": "sigmoid", "roi": "pool"},
}
PLAIN, *_ = VARIANTS
TRAINED_ON, TESTED_ON, SIDE, PER_IMAGE = 200, 100, 64, 3
TEST_SEED = 10_000
DRAWN_SEED, DRAWN_IMAGES = 0, 4
STEPS, SEEDS = 300, 5
BUDGET = 0.7 * 3600  # core-seconds
SCORES = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def evaluate(cell: Cell, steps: int, tested_on: int, pictures: Path) -> dict[str, Any]:
    """Trains and scores one variant with one seed; that of the first seed is drawn into the folder `pictures`."""
    from tsrep_vision.data import draw_shapes, with_objects
    from tsrep_vision.data.shapes import SHAPES
    from tsrep_vision.mask_rcnn import mask_rcnn_tiny, train_mask_rcnn
    from tsrep_vision.seeding import seeded

    started = time.process_time()
    train, test = (
        with_objects(*draw_shapes(count, SIDE, seed, PER_IMAGE), SHAPES)
        for count, seed in ((TRAINED_ON, cell.seed), (tested_on, TEST_SEED))
    )
    with seeded(cell.seed):
        model = mask_rcnn_tiny(len(SHAPES), SIDE, **VARIANTS[cell.variant])
    history = train_mask_rcnn(
        model,
        train,
        max_steps=steps,
        lr=2e-3,
        layer_decay=1.0,
        weight_decay=0.01,
        max_norm=1.0,
        validation=test,
        random_state=cell.seed,
        device="cpu",
    )
    if cell.seed == DRAWN_SEED:
        draw(model, test[:DRAWN_IMAGES], pictures / f"{cell.variant.replace(', ', '-').lower()}.png")
    last = history[-1]
    scores = {name: last[name] for name in SCORES}
    spent = time.process_time() - started
    return {**scores, "steps": steps, "loss_mask": last["loss_mask"], "core_seconds": round(spent, 1)}


def draw(model: nn.Module, images: ImageSet, file: Path) -> None:
    """Saves a picture of the objects that a model finds in images."""
    from tsrep_vision.mask_rcnn import segment
    from tsrep_vision.plots import plot_segmentation

    some = [images[row] for row in range(len(images))]
    figure = plot_segmentation(some, list(segment(model, some)), classes=images.classes)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100, bbox_inches="tight")


@app.command(help=__doc__)
def measure(
    seeds: Annotated[int, typer.Option(help="Seeds: 0 to this number less one.", min=1)] = SEEDS,
    steps: Annotated[int, typer.Option(help="Steps of each training.", min=1)] = STEPS,
    tested_on: Annotated[int, typer.Option(help="Images that are scored.", min=1)] = TESTED_ON,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
) -> None:
    console = Console(stderr=True)
    for seed in range(seeds):
        spent = sum(line["core_seconds"] for line in good_lines(results))
        if spent > BUDGET * (1 - 1 / SEEDS):  # too little is left for a whole seed
            console.print(
                f"{spent / 3600:.2f} of {BUDGET / 3600:.1f} core-hours are spent: no further seed is begun"
            )
            break
        cells = grid("vision-shapes", ["shapes"], ["mask-rcnn"], [seed], VARIANTS)
        work = partial(evaluate, steps=steps, tested_on=tested_on, pictures=results)
        run(cells, results / RESULTS_FILE, work, threads=1)
    for path in write_tables(results):
        console.print(f"wrote {path}", soft_wrap=True)


def write_tables(folder: Path) -> list[Path]:
    """Writes table.csv, table.md and table.html into `folder`, made of its results.jsonl."""
    lines = good_lines(folder)
    if not lines:
        raise ValueError(f"{folder / RESULTS_FILE} holds no finished training")
    return write_summary(TITLE, summarise(lines), failed_lines(folder), folder)


def summarise(lines: Sequence[dict[str, Any]]) -> Summary:
    """Means over seeds, and differences from the plain model with their standard errors."""
    frame = pd.DataFrame(lines)
    table = frame.set_index(["variant", "seed"])[list(SCORES)].astype(float)
    means, differences = [], []
    for variant in (name for name in VARIANTS if name in table.index.get_level_values("variant")):
        own = table.loc[variant]
        means.append([variant, str(len(own)), *(_with_spread(own[name]) for name in SCORES)])
        paired = (own - table.loc[PLAIN]).dropna() if variant != PLAIN else own.iloc[:0]
        if len(paired):
            row = (_with_error(paired[name]) for name in SCORES)
            differences.append([variant, str(len(paired)), *row])
    heads = ["seeds", *(name.replace("_", " ") for name in SCORES)]
    sections = [
        (
            heading,
            pd.DataFrame(
                [row[1:] for row in rows], pd.Index([row[0] for row in rows], name="variant"), heads
            ),
        )
        for heading, rows in (("Average precision", means), (f"Differences from {PLAIN}", differences))
    ]
    notes = [
        "Average precision of COCO on new images, mean and standard deviation over the seeds; differences are taken "
        "seed by seed, with their standard errors. In the paper (COCO, ResNet-50-C4) softmax lowers the mask AP by 5.5 "
        "points of a hundred, RoIPool by 3.4.",
        f"{TRAINED_ON} images of {SIDE} x {SIDE} pixels with {PER_IMAGE} shapes each, "
        f"{'/'.join(str(n) for n in sorted(set(frame['steps'])))} steps of four images.",
        conditions(frame),
    ]
    return Summary(notes, sections, table.reset_index())


def _with_spread(values: pd.Series) -> str:
    return f"{values.mean():.3f}" + (f" ± {values.std():.3f}" if len(values) > 1 else "")


def _with_error(values: pd.Series) -> str:
    error = f" ± {values.std() / len(values) ** 0.5:.3f}" if len(values) > 1 else ""
    return f"{values.mean():+.3f}{error}"


if __name__ == "__main__":
    app()
