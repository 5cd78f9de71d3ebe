"""Series seen as images by a small MAE, beside the same network untrained, beside TS2Vec and joined to it.

Source       Roschmann et al., "Time Series Representations for Classification Lie Hidden in Pretrained Vision
             Transformers", 2025: an image encoder's features joined to those of a series encoder gain 0.011 to 0.013
             on the 128 UCR sets, with networks of 86 million parameters and more.
Command      python -m benchmarks.vision_series        (again after a break: finished cells and trainings are kept)
             with TSREP_DATA the folder that holds UCR/ and vision/cifar10_jpeg_5000_1000.zip, or IMAGES as argument
Expectation  images by the MAE above the untrained network; TS2Vec joined with images above TS2Vec.
Time         seven core-minutes per seed; budget 1 core-hour: no seed is begun when more than two thirds are spent.
Result       benchmarks/results/vision-series/table.md

A MAE of about a million parameters (32 pixels) is trained once per seed on the 5,000 training images of a sample of
CIFAR-10, frozen, and shown the series of twelve UCR sets in two drawings. TS2Vec is trained on each set. Probes are
logistic regressions on standardised features of the training part; the accuracy is that on the test part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.console import Console

from tsrep.bench.cells import Cell, grid
from tsrep.bench.pages import Summary, conditions, seeds_of, write_summary
from tsrep.bench.results import RESULTS_FILE, failed_lines, good_lines
from tsrep.bench.run import run

NAME = "vision-series"
TITLE = "Series as images"
RESULTS = Path(__file__).parent / "results" / NAME
IMAGES = Path("vision") / "cifar10_jpeg_5000_1000.zip"
SETS = (
    "ArrowHead",
    "Beef",
    "CBF",
    "ECG200",
    "FaceFour",
    "Ham",
    "Lightning7",
    "MiddlePhalanxTW",
    "MoteStrain",
    "OSULeaf",
    "SonyAIBORobotSurface1",
    "UMD",
)
STACKED, LINE = "stacked", "line plot"
UNTRAINED, MAE, SERIES = "untrained", "MAE", "TS2Vec"
VIEWS = {
    f"{STACKED}, {UNTRAINED}": [(STACKED, UNTRAINED)],
    f"{STACKED}, {MAE}": [(STACKED, MAE)],
    f"{LINE}, {UNTRAINED}": [(LINE, UNTRAINED)],
    f"{LINE}, {MAE}": [(LINE, MAE)],
    f"{STACKED} and {LINE}, {MAE}": [(STACKED, MAE), (LINE, MAE)],
    SERIES: [SERIES],
    f"{SERIES} and {STACKED}, {UNTRAINED}": [SERIES, (STACKED, UNTRAINED)],
    f"{SERIES} and {STACKED}, {MAE}": [SERIES, (STACKED, MAE)],
    f"{SERIES} and {LINE}, {MAE}": [SERIES, (LINE, MAE)],
    f"{SERIES}, {STACKED} and {LINE}, {MAE}": [SERIES, (STACKED, MAE), (LINE, MAE)],
}
"""The blocks of features that are joined, by name."""
DIFFERENCES = [
    (f"{STACKED}, {MAE}", f"{STACKED}, {UNTRAINED}"),
    (f"{LINE}, {MAE}", f"{LINE}, {UNTRAINED}"),
    *((name, SERIES) for name in VIEWS if name.startswith(SERIES) and name != SERIES),
]
PRETRAINING = {"batch_size": 64, "lr": 1e-3}
STEPS, SEEDS = 1200, 3
BUDGET = 3600  # core-seconds
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    images: Annotated[Path | None, typer.Argument(help="Zip file or folder of the images.")] = None,
    seeds: Annotated[int, typer.Option(help="Seeds: 0 to this number less one.", min=1)] = SEEDS,
    steps: Annotated[int, typer.Option(help="Steps of each pre-training.", min=1)] = STEPS,
    sets: Annotated[str, typer.Option(help="UCR sets, separated by commas.")] = ",".join(SETS),
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
) -> None:
    console = Console(stderr=True)
    source = found(images)
    for seed in range(seeds):
        spent = sum(line["core_seconds"] for line in good_lines(results))
        if spent > BUDGET * (1 - 1 / SEEDS):  # too little is left for a whole seed
            console.print(
                f"{spent / 3600:.2f} of {BUDGET / 3600:.1f} core-hours are spent: no further seed is begun"
            )
            break
        encoder = results / "encoders" / f"mae-{steps}-seed{seed}"
        cells = [
            Cell(NAME, source.name, "pretraining", seed),
            *grid(NAME, sets.split(","), ["views"], [seed]),
        ]
        run(
            cells,
            results / RESULTS_FILE,
            partial(evaluate, images=source, steps=steps, encoder=encoder),
            threads=1,
        )
    for path in write_tables(results):
        console.print(f"wrote {path}", soft_wrap=True)


def found(images: Path | None) -> Path:
    """`images`, or the file under TSREP_DATA; an error if it is not there."""
    if images is None and not os.environ.get("TSREP_DATA"):
        raise typer.BadParameter(f"name the images, or set TSREP_DATA to the folder that holds {IMAGES}")
    path = images or Path(os.environ["TSREP_DATA"]) / IMAGES
    if not path.exists():
        raise typer.BadParameter(f"IMAGES is {path}; wanted a zip file or a folder that exists")
    return path


def evaluate(cell: Cell, images: Path, steps: int, encoder: Path) -> dict[str, Any]:
    """The loss of a pre-training, which is saved in the folder `encoder`; or the accuracy of each view of a set."""
    started = time.process_time()
    if cell.method == "pretraining":
        numbers = pretrained(images, steps, cell.seed, encoder)
    else:
        numbers = views(cell.dataset, cell.seed, encoder)
    return {**numbers, "core_seconds": round(time.process_time() - started, 1)}


def pretrained(images: Path, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """Trains a MAE on the training images and saves it."""
    from tsrep_vision import save
    from tsrep_vision.data import read_images
    from tsrep_vision.pretrain import pretrain

    model = small_mae(seed)
    history = pretrain(
        model,
        read_images(images, "train"),
        max_steps=steps,
        device="cpu",
        random_state=seed,
        checkpoint=folder.with_name(f"{folder.name}-training"),
        **PRETRAINING,  # type: ignore[arg-type]
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    save(model, folder)
    losses = [record["loss"] for record in history]
    last = max(1, steps // 10)
    return {
        "steps": steps,
        "loss": float(np.mean(losses[-last:])),
        "loss_of_first_steps": float(np.mean(losses[:last])),
    }


def small_mae(seed: int) -> Any:
    """The network with the weights that its training begins with: the untrained one of the comparison."""
    from tsrep_vision import mae_vit_tiny
    from tsrep_vision.seeding import seeded

    with seeded(seed):
        return mae_vit_tiny(normalise_target=True)


def views(dataset: str, seed: int, encoder: Path) -> dict[str, Any]:
    """The test accuracy of a linear probe on each of `VIEWS`."""
    from tsrep.data import load_dataset
    from tsrep.tasks.probes import fit_logistic

    (train, y), (test, expected) = load_dataset(dataset, "train"), load_dataset(dataset, "test")
    blocks = {**image_blocks(train, test, seed, encoder), SERIES: series_block(train, test, seed)}
    accuracies = {}
    for name, parts in VIEWS.items():
        Z, Z_test = (np.hstack([blocks[part][which] for part in parts]) for which in (0, 1))
        accuracies[name] = float((fit_logistic(Z, y).predict(Z_test) == expected).mean())
    return accuracies


Block = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Features of the training part and of the test part."""


def image_blocks(train: NDArray[Any], test: NDArray[Any], seed: int, encoder: Path) -> dict[Any, Block]:
    """The features of both networks and drawings."""
    from tsrep_vision import load
    from tsrep_vision.series import SeriesImageEncoder

    blocks: dict[Any, Block] = {}
    for name, network in ((UNTRAINED, small_mae(seed)), (MAE, load(encoder))):
        for drawing, image in ((STACKED, "stacked"), (LINE, "line")):
            fitted = SeriesImageEncoder(network, image, device="cpu").fit(train)
            blocks[drawing, name] = fitted.transform(train), fitted.transform(test)
    return blocks


def series_block(train: NDArray[Any], test: NDArray[Any], seed: int) -> Block:
    """The features of TS2Vec, trained on the training part."""
    from tsrep import TS2Vec

    fitted = TS2Vec(random_state=seed, device="cpu").fit(train)
    return fitted.transform(train), fitted.transform(test)


def write_tables(folder: Path) -> list[Path]:
    """Writes table.csv, table.md and table.html into `folder`, made of its results.jsonl."""
    lines = [line for line in good_lines(folder) if line["method"] == "views"]
    if not lines:
        raise ValueError(f"{folder / RESULTS_FILE} holds no finished set")
    return write_summary(TITLE, summarise(lines), failed_lines(folder), folder)


def summarise(lines: Sequence[dict[str, Any]]) -> Summary:
    """Accuracies, means over seeds first; differences with the standard error over sets."""
    frame = pd.DataFrame(lines)
    by_set = frame.groupby("dataset")[list(VIEWS)].mean()
    means = pd.DataFrame({"mean accuracy": by_set.mean().map("{:.3f}".format)}).rename_axis("features")
    rows = []
    for better, worse in DIFFERENCES:
        gain = by_set[better] - by_set[worse]
        error = f" ± {gain.std() / len(gain) ** 0.5:.3f}" if len(gain) > 1 else ""
        rows.append([f"{gain.mean():+.3f}{error}", f"{int((gain > 0).sum())} / {int((gain < 0).sum())}"])
    index = pd.Index([f"{better}, minus {worse}" for better, worse in DIFFERENCES], name="features")
    differences = pd.DataFrame(rows, index, ["difference", "sets better / worse"])
    notes = [
        f"Test accuracy of a logistic regression on standardised features, {len(by_set)} UCR sets, seeds "
        f"{seeds_of(frame)}; the mean over the seeds is taken first, and errors are standard errors over the sets. A "
        "network of 0.8 million parameters sees images of 32 pixels.",
        conditions(frame),
    ]
    per_set = by_set.map("{:.3f}".format).rename_axis("set")
    return Summary(
        notes,
        [("Features", means), ("Differences", differences), ("Accuracy per set", per_set)],
        frame.set_index(["dataset", "seed"])[list(VIEWS)],
    )


if __name__ == "__main__":
    app()
