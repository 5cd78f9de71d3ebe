"""Masks and boxes over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from tsrep.base.parameters import out_of_range
from tsrep.plots.style import BLUE, ORANGE, PURPLE, SKY, VERMILION, as_shown, new_figure
from tsrep_vision.data.memory import check_values
from tsrep_vision.plots.pictures import as_pixels, show

COLUMNS = 4
PANEL = 2.4  # inches
COLOURS = (BLUE, ORANGE, VERMILION, PURPLE, SKY)  # one object after the other
MASKED = 0.5  # probability from which a pixel is the object's
TINT = 0.45  # share of the colour within a mask


def plot_segmentation(
    images: Sequence[Tensor] | Tensor,
    found: Sequence[Mapping[str, Tensor]],
    threshold: float = 0.5,
    classes: Sequence[str] | None = None,
) -> Figure:
    """Draw each image with the objects that were found in it: mask, box, class and score, a colour per object.

    Parameters
    ----------
    images : (C, H, W) each, uint8 or floats between 0 and 1.
    found : per image `boxes` (objects, 4), `labels` (objects,) and `masks`, (objects, 1, H, W) probabilities as Mask
        R-CNN gives them, or (objects, H, W) as in targets; `scores` (objects,), or none in targets.
    threshold : objects of a lower score are left out.
    classes : names by label, the background first; None: numbers.

    Raises
    ------
    ValueError
        `images` and `found` differ in number, there is none, or the masks do not fit the images.
    """
    if len(images) != len(found) or len(images) == 0:
        raise ValueError(
            f"images has {len(images)} images and found {len(found)}; wanted as many, at least one"
        )
    if isinstance(classes, str):
        raise out_of_range("classes", classes, "a list of names")
    columns = min(COLUMNS, len(images))
    rows = -(-len(images) // columns)
    figure = new_figure(PANEL * columns, PANEL * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(images) :]:
        panel.set_axis_off()
    for number, (image, objects) in enumerate(zip(images, found, strict=True)):
        check_values(image)
        if objects["masks"].shape[-2:] != image.shape[-2:]:
            raise ValueError(
                f"found[{number}]['masks'] has {tuple(objects['masks'].shape[-2:])} pixels; "
                f"its image has {tuple(image.shape[-2:])}"
            )
        _draw(panels[number], image, objects, threshold, classes)
    return figure


def _draw(
    ax: Axes,
    image: Tensor,
    objects: Mapping[str, Tensor],
    threshold: float,
    classes: Sequence[str] | None,
) -> None:
    pixels = as_pixels(image)
    pixels = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()
    scores = objects["scores"].tolist() if "scores" in objects else [None] * len(objects["labels"])
    shown = [row for row, score in enumerate(scores) if score is None or score >= threshold]
    for place, row in reversed(list(enumerate(shown))):  # the best on top
        mask = objects["masks"][row].detach().cpu().numpy().reshape(pixels.shape[:2]) >= MASKED
        pixels[mask] = (1 - TINT) * pixels[mask] + TINT * np.array(to_rgb(_colour(place)))
    show(ax, pixels)
    for place, row in reversed(list(enumerate(shown))):
        left, top, right, bottom = objects["boxes"][row].tolist()
        ax.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5),
                right - left,
                bottom - top,
                fill=False,
                edgecolor=_colour(place),
                linewidth=1.3,
            )
        )
        label = int(objects["labels"][row])
        said = str(label) if classes is None else as_shown(classes[label])
        ax.text(
            left - 0.5,
            top - 0.5,
            said if scores[row] is None else f"{said} {scores[row]:.2f}",
            color="white",
            fontsize=7,
            verticalalignment="bottom" if top > 0.08 * len(pixels) else "top",
            clip_on=True,
            bbox={"facecolor": _colour(place), "edgecolor": "none", "pad": 1.0},
        )


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]
