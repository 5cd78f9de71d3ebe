"""What a command writes into its folder: the model, numbers as JSON, pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

SHOWN = 8  # images in a picture


def console_of_first() -> Console:
    """A console that prints in one process only, where `torchrun` started several."""
    from tsrep.train.runtime import is_first_process

    return Console(highlight=False, quiet=not is_first_process())


def checked_folder(out: Path) -> Path:
    """`out`, made if it is not there; raises now what writing into it would raise after the long work."""
    from tsrep.train.checkpoint import check_writable

    if out.is_file():
        raise ValueError(f"--out is {out}, which is a file; wanted a folder")
    check_writable(out / "model", "--out")
    return out


def write_json(file: Path, values: Mapping[str, Any] | Sequence[Any]) -> None:
    """Writes numbers for machines and people."""
    file.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def write_history(out: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """`history.json` and `curves.png`, if there was a training."""
    from tsrep_vision.plots import plot_learning_curves

    if history:
        write_json(out / "history.json", history)
        plot_learning_curves(history).savefig(out / "curves.png", dpi=150)


def write_pictures(out: Path, model: Any, images: Any, ratios: Sequence[float], seed: int) -> Path:
    """What a masked model makes of eight images from all over a set: `reconstructions.png`, or `hog.png`."""
    import numpy as np

    from tsrep_vision import MaskFeat
    from tsrep_vision.evaluation import ordered_batches
    from tsrep_vision.plots import plot_hog, plot_reconstructions

    spread = np.linspace(0, len(images) - 1, min(SHOWN, len(images))).astype(int)
    batch = next(ordered_batches(images[spread], SHOWN))
    sizes = batch.sizes.tolist()
    some = [image[:, :height, :width] for image, (height, width) in zip(batch.images, sizes, strict=True)]
    if isinstance(model, MaskFeat):
        figure, file = plot_hog(model, some, random_state=seed), out / "hog.png"
    else:
        figure = plot_reconstructions(model, some, ratios, random_state=seed)
        file = out / "reconstructions.png"
    figure.savefig(file, dpi=150)
    return file


def scores_of(predictions: Any, classes: Sequence[str]) -> dict[str, Any]:
    """Top-1 accuracy, that of always naming the most frequent class, and the accuracy per class."""
    import numpy as np

    counts = np.bincount(predictions.expected, minlength=len(classes))
    right = np.bincount(
        predictions.expected[predictions.labels == predictions.expected], minlength=len(classes)
    )
    return {
        "accuracy": predictions.accuracy,
        "most_frequent_class": float(counts.max() / counts.sum()),
        "images": int(counts.sum()),
        "accuracy_per_class": {
            name: float(r / n) for name, r, n in zip(classes, right, counts, strict=True) if n
        },
    }
