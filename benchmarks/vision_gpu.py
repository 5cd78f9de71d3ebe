"""Image models on a GPU: MAE's pre-training beside full length and transformers, the input pipeline, Mask R-CNN.

Source       He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022; He et al., "Mask R-CNN", ICCV
             2017; Li et al., "Exploring Plain Vision Transformer Backbones for Object Detection", ECCV 2022.
Command      benchmarks/vision_gpu.sh --coco ZIP --python PATH       (PATH: an interpreter with transformers and torch)
Expectation  the column "asked" of the table, on a GPU of an H100's class.
Time         under eight minutes per call; a stopped run is continued by the same command.
Result       benchmarks/results/vision-speed/gpu/gpu.md and gpu.csv

Pre-training is ViT-B/16 at 224 pixels with the paper's decoder, three quarters hidden, bf16, the images on the device.
It is measured eager, as a CUDA graph, and compiled; the comparisons take the CUDA graph, which `pretrain` uses. The
share of the peak counts the multiply-adds of the matrix products against those of one large product in bf16.
The input pipeline decodes JPEG files of --images, or generated ones. Mask R-CNN trains on the first hundred images
of --coco and is scored on the same, with a ViT of random weights and with one that MAE has trained on them.
`--tiny` runs everything small on the CPU, to try the program out.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed.machine import rates
from benchmarks.speed.operations import counted
from benchmarks.vision.detection import PRETRAINED, RANDOM, Study, coco, over_fit
from benchmarks.vision.gpu_table import Shown, write_table
from benchmarks.vision.pipeline import images_per_second
from benchmarks.vision.problem import COMPILED, EAGER, FULL, GRAPH, VISIBLE, Sizes, training_step
from benchmarks.vision.rival import NO_PYTHON, rival
from benchmarks.vision.turns import in_turns, load, program
from tsrep.bench.results import RESULTS_FILE, append_line, good_lines
from tsrep.bench.run import measure

RESULTS = Path(__file__).parent / "results" / "vision-speed" / "gpu"
PRETRAIN, AGAINST_FULL, AGAINST_PEER = "pre-training step", "against full length", "against transformers"
PIPELINE, DETECTION = "input pipeline alone", "Mask R-CNN on 100 images of COCO"
ASKED = {PRETRAIN: 4000.0, AGAINST_FULL: 2.0, AGAINST_PEER: 1.5, DETECTION: 0.7}
NO_COCO = "images of COCO are needed: name a folder or zip file of them with --coco"

BASE = Sizes(256, 224, 16, 768, 12, 12, 512, 8, 16)
TINY = Sizes(4, 32, 8, 48, 2, 4, 32, 1, 4)
TINY_STUDY = Study(
    images=4,
    image_size=64,
    patch_size=8,
    embed_dim=32,
    depth=2,
    num_heads=4,
    channels=16,
    batch=2,
    steps=2,
    evaluate_every=2,
    pretraining_batch=4,
    pretraining_steps=2,
    device="cpu",
    precision="32",
)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Row:
    """One measurement of the table."""

    work: str
    choice: str

    @property
    def id(self) -> str:
        return f"{self.work}/{self.choice}"


ROWS = (
    *(Row(PRETRAIN, mode) for mode in (EAGER, GRAPH, COMPILED)),
    Row(AGAINST_FULL, GRAPH),
    Row(AGAINST_PEER, GRAPH),
    Row(PIPELINE, "all cores"),
    *(Row(DETECTION, backbone) for backbone in (RANDOM, PRETRAINED)),
)


@dataclass(frozen=True)
class Settings:
    """What is measured, and where."""

    sizes: Sizes
    study: Study
    device: str
    precision: str
    seconds: float
    coco: Path | None
    annotations: str
    images: Path | None
    python: Path | None
    folder: Path


def numbers(row: Row, settings: Settings) -> dict[str, Any]:
    """The numbers of a row, and the device."""
    import torch

    on_gpu = settings.device != "cpu"
    device = torch.cuda.get_device_name(settings.device) if on_gpu else "cpu"
    return {"device": device, "load": [load()], **MEASURES[row.work](row, settings)}


def pretraining(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds of a step, its multiply-adds and bytes, and the machine's rates."""
    where = settings.device, settings.precision
    step = training_step(settings.sizes, VISIBLE, *where, mode=row.choice)
    found = in_turns({"ours": program(step, settings.device)}, 10, settings.seconds)
    counts = counted(training_step(settings.sizes, VISIBLE, *where))
    return {**found, **counts, "batch": settings.sizes.batch, "machine": rates(*where, 1)}


def comparison(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds of our step and of the rival's, in turns."""
    device, precision = settings.device, settings.precision
    mode = EAGER if device == "cpu" else row.choice
    ours = program(training_step(settings.sizes, VISIBLE, device, precision, mode), device)
    if row.work == AGAINST_FULL:
        full = program(training_step(settings.sizes, FULL, device, precision, mode), device)
        return {**in_turns({"ours": ours, "theirs": full}, 10, settings.seconds), "rival": FULL}
    with rival(settings.python, settings.sizes, device, precision) as peer:
        found = in_turns({"ours": ours, "theirs": peer.timed}, 10, settings.seconds)
        return {**found, "rival": peer.versions}


def pipeline(row: Row, settings: Settings) -> dict[str, Any]:
    """Images per second from files to crops on the device."""
    sizes, cores = settings.sizes, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return images_per_second(
        settings.images, sizes.image_size, sizes.batch, settings.device, cores, settings.seconds
    )


def detection(row: Row, settings: Settings) -> dict[str, Any]:
    """Mask AP50 of a training on the images of COCO."""
    assert settings.coco is not None
    images = coco(settings.coco, settings.annotations, settings.study.images)
    return over_fit(images, row.choice, settings.study, settings.folder / "checkpoints")


MEASURES = {
    PRETRAIN: pretraining,
    AGAINST_FULL: comparison,
    AGAINST_PEER: comparison,
    PIPELINE: pipeline,
    DETECTION: detection,
}


def obstacle(row: Row, settings: Settings) -> str | None:
    """Why a row cannot be measured here; None: it can."""
    if row.work == PRETRAIN and row.choice != EAGER and settings.device == "cpu":
        return f"{row.choice} needs a GPU"
    if row.work == AGAINST_PEER and settings.python is None:
        return NO_PYTHON
    if row.work == DETECTION and settings.coco is None:
        return NO_COCO
    return None


@app.command(help=__doc__)
def main(
    coco: Annotated[
        Path | None, typer.Option(help="Folder or zip file of COCO's images.", exists=True)
    ] = None,
    annotations: Annotated[
        str, typer.Option(help="COCO's JSON, in it or elsewhere.")
    ] = "annotations/instances_train2017.json",
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of JPEG files for the input pipeline.", exists=True, file_okay=False),
    ] = None,
    python: Annotated[
        Path | None, typer.Option(help="Interpreter with transformers.", exists=True, dir_okay=False)
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Rows whose name contains this text.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure finished rows again.")] = False,
    minutes: Annotated[float, typer.Option(help="Start no row after this time.")] = 7.0,
    seconds: Annotated[float, typer.Option(help="Three rounds are enough after this time of a row.")] = 10.0,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the tables.")] = RESULTS,
    tiny: Annotated[bool, typer.Option("--tiny", help="Everything small, on the CPU.")] = False,
) -> None:
    import torch

    if not tiny and not torch.cuda.is_available():
        typer.echo("no GPU that torch can use: nothing was measured")
        return
    where = ("cpu", "32") if tiny else ("cuda", "bf16")
    sizes, study = (TINY, TINY_STUDY) if tiny else (BASE, Study(workers=os.cpu_count() or 1))
    settings = Settings(sizes, study, *where, seconds, coco, annotations, images, python, results)
    done = set() if again else {line["cell"] for line in good_lines(results)}
    started = time.monotonic()
    for row in ROWS:
        if row.id in done or (only and not any(text in row.id for text in only)):
            continue
        if time.monotonic() - started > 60 * minutes:
            typer.echo("time is up; the same command continues")
            break
        reason = obstacle(row, settings)
        if reason is not None:
            typer.echo(f"{row.id}: not measured; {reason}")
            continue
        line = measure(
            row, lambda row: numbers(row, settings), threads=1 if tiny else torch.get_num_threads()
        )
        append_line(results / RESULTS_FILE, line)
        typer.echo(f"{row.id}: {line.get('error', 'measured')}")
    for path in tables(results):
        typer.echo(f"wrote {path}")


def tables(folder: Path) -> list[Path]:
    """Writes `folder`/gpu.md and gpu.csv from `folder`/results.jsonl."""
    lines = {line["cell"]: line for line in good_lines(folder)}
    return write_table(folder, [shown(row, lines.get(row.id)) for row in ROWS], list(lines.values()))


def shown(row: Row, line: dict[str, Any] | None) -> Shown:
    """A row of the table."""
    units = {PRETRAIN: "images/s", PIPELINE: "images/s", DETECTION: "mask AP50"}
    unit, asked = units.get(row.work, "times as fast"), ASKED.get(row.work)
    if row.work == PRETRAIN and row.choice == EAGER:
        asked = None  # the best of the choices is asked for, and `pretrain` is not eager on a GPU
    if line is None:
        return Shown(row.work, row.choice, None, unit, asked)
    if row.work == PRETRAIN:
        seconds = line["ours"]["median"]
        return Shown(row.work, row.choice, line["batch"] / seconds, unit, asked, bound(line, seconds))
    if row.work == PIPELINE:
        note = f"{line['cores']} cores, {line['images']} files of {line['kilobytes']:.0f} kB"
        return Shown(row.work, row.choice, line["images_per_second"], unit, asked, note)
    if row.work == DETECTION:
        return Shown(row.work, row.choice, line["ap50"], unit, asked, reached(line, ASKED[DETECTION]))
    ratio = line["theirs"]["median"] / line["ours"]["median"]
    note = f"{1e3 * line['ours']['median']:.3g} ms against {1e3 * line['theirs']['median']:.3g} ms"
    return Shown(row.work, row.choice, ratio, unit, asked, note)


def bound(line: dict[str, Any], seconds: float) -> str:
    """What bounds a step: the shares of its time that its products and its traffic would take at the machine's peak."""
    products = line["multiply_adds"] / line["machine"]["multiply_adds_per_second"] / seconds
    traffic = line["bytes"] / line["machine"]["bytes_per_second"] / seconds
    by = "matrix products" if products > traffic else "memory traffic"
    if max(products, traffic) < 0.3:
        by = "launching kernels"
    return f"{products:.0%} of the peak in products, {traffic:.0%} in unfused traffic: bound by {by}"


def reached(line: dict[str, Any], threshold: float) -> str:
    """When the average precision reached a threshold, and what the pre-training took."""
    found = [(step, seconds) for step, seconds, ap50 in line["curve"] if ap50 >= threshold]
    first = (
        f"{threshold:g} at step {found[0][0]}, after {found[0][1]:.0f} s"
        if found
        else f"{threshold:g} not reached"
    )
    before = line["pretraining_seconds"]
    return first + (f"; pre-training {before:.0f} s" if before else "")


if __name__ == "__main__":
    app()
