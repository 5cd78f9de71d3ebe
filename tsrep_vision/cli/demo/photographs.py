"""MaskFeat on pieces of the two photographs that come with scikit-learn: a temple and a flower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

SIDE, PATCH, CELL = 64, 8, 8
STEPS, BATCH, LR = 200, 32, 2e-3
SHOWN = 5


@dataclass(frozen=True)
class Photographs:
    """`error`: mean squared error of hidden histograms of test pieces, as a share of that of the mean histogram."""

    picture: Figure
    error: float
    history: list[dict[str, Any]]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {"steps": len(self.history), "error_over_that_of_the_mean_histogram": self.error}


def predict_gradients(seed: int, max_steps: int | None, verbose: int) -> Photographs:
    """Train on the pieces of the upper rows, draw some of the lowest row; `max_steps=None` trains for STEPS steps."""
    from tsrep_vision import HOG, MaskFeat
    from tsrep_vision.plots import plot_hog
    from tsrep_vision.pretrain import pretrain
    from tsrep_vision.seeding import seeded

    train, test = read_pieces()
    with seeded(seed):
        model = MaskFeat(SIDE, PATCH, 96, 3, 4, hog=HOG(cell=CELL))
    history = pretrain(
        model,
        train,
        max_steps=STEPS if max_steps is None else max_steps,
        batch_size=BATCH,
        lr=LR,
        random_state=seed,
        verbose=verbose,
    )
    picture = plot_hog(model, test[:: len(test) // SHOWN][:SHOWN], random_state=seed)
    return Photographs(picture, error_over_mean(model, train, test, seed), history)


def read_pieces() -> tuple[Tensor, Tensor]:
    """Pieces (n, 3, 64, 64) uint8 for training, every 32 pixels, and for testing, which overlap none of these."""
    from sklearn.datasets import load_sample_images

    train, test = [], []
    for photograph in load_sample_images().images:
        image = torch.from_numpy(photograph.copy()).permute(2, 0, 1)
        border = image.shape[1] - SIDE
        train.append(pieces(image[:, :border], SIDE // 2))
        test.append(pieces(image[:, border:], SIDE))
    return torch.cat(train), torch.cat(test)


def pieces(image: Tensor, step: int) -> Tensor:
    """All squares of 64 x 64 pixels, every `step` pixels, (n, 3, 64, 64)."""
    return image.unfold(1, SIDE, step).unfold(2, SIDE, step).flatten(1, 2).transpose(0, 1)


def error_over_mean(model: Any, train: Tensor, test: Tensor, seed: int) -> float:
    """The squared error of hidden histograms, divided by that of the mean histogram of the training pieces."""
    from tsrep_vision.data import normalised
    from tsrep_vision.plots.hog import histograms

    hidden, predicted, true = histograms(model, normalised(test / 255), seed)
    mean = model.target.hog(normalised(train / 255)).mean(1).mean((0, 2, 3))
    ours, theirs = (
        ((maps - true).square() * hidden.unsqueeze(1)).sum() for maps in (predicted, mean[:, None, None])
    )
    return float(ours / theirs)
