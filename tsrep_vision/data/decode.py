"""Images of any mode as they are seen: upright, on white where they are transparent, 8 bits per channel."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

MODES = {1: "L", 3: "RGB"}
ORIENTATION = 274  # number of the EXIF tag
UPRIGHT = 1
SIDEWAYS = (5, 6, 7, 8)  # values of the tag that swap width and height
WHITE = (255, 255, 255, 255)


def as_seen(image: Image.Image, channels: int, shorter: int | None = None) -> Image.Image:
    """An opened image in grey (1 channel) or colour (3).

    Parameters
    ----------
    shorter : the shorter side of a larger image after decoding, in pixels; None: as it is.

    Raises
    ------
    ValueError
        Its numbers are neither 8 nor 16 bits nor floats between 0 and 1.
    """
    if shorter is not None:
        image.draft(MODES[channels], (shorter, shorter))  # a JPEG at a fraction of its size
    if orientation(image) != UPRIGHT:
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(("I", "F")):
        image = _of_8_bits(image)
    elif image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image.convert("RGBA"))
    return _resized(image.convert(MODES[channels]), shorter)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of an image as it is seen, from its header alone."""
    width, height = image.size
    return (height, width) if orientation(image) in SIDEWAYS else (width, height)


def orientation(image: Image.Image) -> int:
    """How a camera was held, as EXIF numbers it from 1 to 8; 1 where nothing or nothing readable is said."""
    if "exif" not in image.info:
        return UPRIGHT
    try:
        return int(image.getexif().get(ORIENTATION, UPRIGHT))
    except Exception:  # damaged EXIF makes Pillow raise many types of error, and the pixels are good
        return UPRIGHT


def _of_8_bits(image: Image.Image) -> Image.Image:
    """A grey image of 16 bits, or of floats between 0 and 1, with 8 bits."""
    values = np.asarray(image)
    low, high = values.min(), values.max()
    most = 1.0 if image.mode == "F" else 65535.0
    if not (low >= 0 and high <= most):
        raise ValueError(f"it has values from {low:g} to {high:g}; wanted 0 to {most:g}")
    return Image.fromarray(np.rint(values * (255 / most)).astype(np.uint8))


def _resized(image: Image.Image, shorter: int | None) -> Image.Image:
    """With a shorter side of `shorter` pixels (bicubic, antialiased), if it is longer than that."""
    if shorter is None or min(image.size) <= shorter:
        return image
    scale = shorter / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)
