"""What a masked autoencoder saw of images, and what it made of them (He et al., CVPR 2022, figures 2 and 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from tsrep.plots.style import new_figure
from tsrep_vision.data.augment import MEAN, STD, denormalised, normalised
from tsrep_vision.evaluation import in_evaluation
from tsrep_vision.mae import MAE
from tsrep_vision.plots.pictures import as_pixels, show, squares
from tsrep_vision.simmim import SimMIM

CELL = 0.95  # inches per picture
COVER = 0.75  # grey of a hidden patch


def plot_reconstructions(
    model: MAE | SimMIM,
    images: Tensor | Sequence[Tensor],
    ratios: Sequence[float] = (0.75, 0.8, 0.85, 0.95),
    random_state: int = 0,
    *,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> Figure:
    """Draw a row per image: the original, then what was visible and what was rebuilt at each mask ratio.

    Visible patches are shown as they are in the rebuilt pictures too. A model that predicts pixels normalised per patch
    is lent the mean and the variance of each true patch.

    Parameters
    ----------
    model : its weights and mode are left as they are.
    images : (C, H, W) each, uint8 or floats between 0 and 1, of any size: the middle square is taken. The first eight
        are drawn.
    ratios : shares of hidden patches. With a `MAE`, what is visible at a ratio is so at each lower one.
    random_state : seed of the masks.
    mean, std : the normalisation of the model's training, per channel.

    Raises
    ------
    ValueError
        The model is another, there is no image or no ratio, or values are out of range.
    """
    if not isinstance(model, MAE | SimMIM):
        raise ValueError(f"model is a {type(model).__name__}; wanted a MAE or SimMIM, which predict pixels")
    if len(ratios) == 0:
        raise ValueError("ratios is empty; wanted at least one")
    originals = squares(images, model.encoder.image_size)
    columns = [("original", originals)]
    for ratio in ratios:
        hidden, rebuilt = rebuild(model, normalised(originals, mean, std), ratio, random_state)
        columns.append((f"{ratio:.0%} hidden", torch.where(hidden, COVER, originals)))
        columns.append(("rebuilt", torch.where(hidden, denormalised(rebuilt, mean, std), originals)))
    figure = new_figure(CELL * len(columns), CELL * len(originals) + 0.3)
    panels = figure.subplots(len(originals), len(columns), squeeze=False)
    for column, (title, pictures) in enumerate(columns):
        for row, picture in enumerate(pictures):
            show(panels[row, column], as_pixels(picture), title if row == 0 else None)
    figure.set_layout_engine("constrained", w_pad=0.015, h_pad=0.015)
    return figure


@torch.no_grad()
def rebuild(model: MAE | SimMIM, images: Tensor, ratio: float, seed: int) -> tuple[Tensor, Tensor]:
    """Hidden pixels (B, 1, S, S), and the images with these predicted (B, C, S, S), both on the CPU.

    Parameters
    ----------
    images : (B, C, S, S), normalised as in the model's training.
    """
    encoder = model.encoder
    generator = torch.Generator().manual_seed(seed)
    images = images.to(next(model.parameters()))
    with in_evaluation(model, images.device):
        if isinstance(model, MAE):
            noise = torch.rand(len(images), encoder.grid**2, generator=generator).to(images.device)
            output = model(images, ratio, noise=noise)
        else:
            output = model(images, model.draw_mask(len(images), generator, ratio).to(images.device))
    hidden = output.hidden.view(-1, 1, encoder.grid, encoder.grid)
    pixels = hidden.repeat_interleave(encoder.patch_size, 2).repeat_interleave(encoder.patch_size, 3)
    return pixels.cpu(), model.reconstruction(images, output).float().cpu()
