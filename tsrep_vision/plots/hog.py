"""Histograms of oriented gradients as glyphs: what MaskFeat has to predict, and what it predicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from tsrep.plots.style import BLACK, BLUE, new_figure
from tsrep_vision.data.augment import MEAN, STD, normalised
from tsrep_vision.evaluation import in_evaluation
from tsrep_vision.maskfeat import HOGTarget, MaskFeat
from tsrep_vision.plots.pictures import as_pixels, show, squares

CELL = 1.7  # inches per picture
COVER = 0.75  # grey of a hidden patch
FAINTEST = 0.03  # share of a cell's magnitude below which an orientation is not drawn


def plot_hog(
    model: MaskFeat,
    images: Tensor | Sequence[Tensor],
    random_state: int = 0,
    *,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> Figure:
    """Draw a row per image: the image, what was visible, its histograms, and those predicted for hidden patches (blue).

    A line through a cell's middle runs along an edge, and is the darker the more of the cell's gradient is across it.
    Channels are averaged.

    Parameters
    ----------
    model : its weights and mode are left as they are.
    images : (C, H, W) each, uint8 or floats between 0 and 1, of any size: the middle square is taken. The first eight
        are drawn.
    random_state : seed of the masks.
    mean, std : the normalisation of the model's training, per channel.

    Raises
    ------
    ValueError
        The model predicts something else, there is no image, or values are out of range.
    """
    target = getattr(model, "target", None)
    if not isinstance(target, HOGTarget):
        raise ValueError(f"model is a {type(model).__name__}; wanted a MaskFeat with target='hog'")
    originals = squares(images, model.encoder.image_size)
    hidden, predicted, true = histograms(model, normalised(originals, mean, std), random_state)
    side = target.hog.cell
    pixels = hidden.repeat_interleave(side, 1).repeat_interleave(side, 2).unsqueeze(1)
    seen = torch.where(pixels, COVER, originals)
    figure = new_figure(4 * CELL, CELL * len(originals) + 0.3)
    panels = figure.subplots(len(originals), 4, squeeze=False)
    titles: tuple[str | None, ...] = (
        "original",
        f"{hidden.float().mean():.0%} hidden",
        "gradients",
        "predicted where hidden",
    )
    for row in range(len(originals)):
        show(panels[row, 0], as_pixels(originals[row]), titles[0])
        show(panels[row, 1], as_pixels(seen[row]), titles[1])
        everywhere = np.ones(hidden.shape[1:], dtype=bool)
        covered = hidden[row].numpy()
        draw_glyphs(panels[row, 2], true[row].numpy(), everywhere, BLACK, titles[2])
        draw_glyphs(panels[row, 3], true[row].numpy(), ~covered, BLACK, titles[3])
        draw_glyphs(panels[row, 3], predicted[row].numpy(), covered, BLUE)
        titles = (None,) * 4
    return figure


@torch.no_grad()
def histograms(model: MaskFeat, images: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden cells (B, h, w), and histograms of all cells, predicted and true, (B, bins, h, w), on the CPU.

    Parameters
    ----------
    images : (B, C, S, S), normalised as in the model's training.
    """
    images = images.to(model.mask_token)
    hidden = model.draw_mask(len(images), torch.Generator().manual_seed(seed))
    with in_evaluation(model, images.device):
        prediction = model(images, hidden.to(images.device)).prediction.float()
    target = model.target
    assert isinstance(target, HOGTarget)
    grid, cells = model.encoder.grid, target.cells
    by_cell = hidden.view(-1, grid, grid).repeat_interleave(cells, 1).repeat_interleave(cells, 2)
    maps = target.as_maps(prediction, model.encoder.channels).mean(1)
    return by_cell, maps.cpu(), target.hog(images).mean(1).cpu()


def draw_glyphs(
    ax: Axes, maps: NDArray[Any], shown: NDArray[np.bool_], colour: str, title: str | None = None
) -> None:
    """Draws the histograms (bins, h, w) of the cells that are `shown` (h, w), one unit per cell."""
    bins, height, width = maps.shape
    strength = maps.clip(0) / max(float(maps.max()), 1e-12)
    lines, colours = [], []
    for b, row, column in zip(*np.nonzero((strength > FAINTEST) & shown), strict=True):
        angle = (b + 0.5) * math.pi / bins  # of the gradient (sin, cos); an edge is at right angles to it
        x, y = 0.45 * math.cos(angle), -0.45 * math.sin(angle)
        lines.append([(column + 0.5 - x, row + 0.5 - y), (column + 0.5 + x, row + 0.5 + y)])
        colours.append(to_rgba(colour, float(strength[b, row, column])))
    ax.add_collection(LineCollection(lines, colors=colours, linewidths=0.9))
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title, fontsize=9, color="#333333")
