"""A masked autoencoder on scikit-learn's handwritten digits (8 x 8 pixels, enlarged to 32 x 32)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

TRAINED_ON = 1500  # of 1,797
SIDE, PATCH, RATIO = 32, 4, 0.75
STEPS, BATCH, LR = 700, 64, 2e-3
JUDGED = 128  # test digits whose hidden pixels are compared


@dataclass(frozen=True)
class Digits:
    """`error`: mean squared error of hidden pixels of test digits, as a share of that of the mean digit."""

    picture: Figure
    curve: Figure
    error: float
    history: list[dict[str, Any]]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {"steps": len(self.history), "error_over_that_of_the_mean_digit": self.error}


def rebuild_digits(seed: int, max_steps: int | None, verbose: int) -> Digits:
    """Train, rebuild, compare with the mean digit; `max_steps=None` trains for STEPS steps."""
    from tsrep_vision import MAE
    from tsrep_vision.plots import plot_learning_curves, plot_reconstructions
    from tsrep_vision.pretrain import pretrain
    from tsrep_vision.seeding import seeded

    train, test = read_digits()
    with seeded(seed):
        model = MAE(SIDE, PATCH, 96, 3, 4, decoder_dim=64, decoder_depth=1, decoder_heads=4)
    history = pretrain(
        model,
        train,
        max_steps=STEPS if max_steps is None else max_steps,
        batch_size=BATCH,
        lr=LR,
        scale=(0.8, 1.0),
        random_state=seed,
        verbose=verbose,
    )
    picture = plot_reconstructions(model, test[::37], random_state=seed)
    error = error_over_mean(model, train, test[:JUDGED], seed)
    return Digits(picture, plot_learning_curves(history), error, history)


def read_digits() -> tuple[Tensor, Tensor]:
    """The digits for training and for testing, (n, 3, 32, 32) uint8."""
    from sklearn.datasets import load_digits

    small = torch.from_numpy(load_digits().images).float().unsqueeze(1) / 16
    large = F.interpolate(small, (SIDE, SIDE), mode="bicubic", align_corners=False).clamp(0, 1)
    images = (large * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    return images[:TRAINED_ON], images[TRAINED_ON:]


def error_over_mean(model: Any, train: Tensor, test: Tensor, seed: int) -> float:
    """The squared error of hidden pixels, divided by that of the mean training image at the same pixels."""
    from tsrep_vision.data import normalised
    from tsrep_vision.plots.reconstructions import rebuild

    true, mean = (normalised(images / 255) for images in (test, train.float().mean(0, keepdim=True)))
    hidden, rebuilt = rebuild(model, true, RATIO, seed)
    ours, theirs = ((images - true).square() * hidden for images in (rebuilt, mean))
    return float(ours.sum() / theirs.sum())
