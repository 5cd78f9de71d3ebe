"""Crops of a batch on the device: one draw per image, one `affine_grid` and one `grid_sample` for all.

torchvision's transforms draw once for a whole batch. Here each image has its own crop and flip, drawn on the CPU, so
that they are the same on every device, and the pixels are read once. As `grid_sample` does not average over pixels,
an image should not be much larger than its crops: `read_images(resize=256)` for crops of 224.

Departure from torchvision: a crop's sides are not rounded to whole pixels.

Shapes: B images, C channels, H x W pixels, S the side of a crop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours
ATTEMPTS = 10  # to draw a crop that fits; torchvision's number


def random_resized_crop(
    images: Tensor,
    size: int,
    sizes: Tensor | None = None,
    generator: torch.Generator | None = None,
    *,
    scale: tuple[float, float] = (0.2, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    flip: float = 0.5,
    mode: str = "bicubic",
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> Tensor:
    """A random crop of each image, resized to S x S pixels, flipped or not, and normalised: (B, C, S, S) floats.

    Parameters
    ----------
    images : (B, C, H, W), uint8 or floats between 0 and 1.
    size : S.
    sizes : (B, 2), height and width of each image within its H x W; None: all of it.
    generator : a CPU generator; None: torch's own.
    scale, ratio : ranges of a crop's share of the image's area, and of its width by height (their logarithm is
        uniform).
    flip : probability of a horizontal flip.
    mode : "bicubic", MAE's, or "bilinear".
    mean, std : per channel, of values between 0 and 1; of all channels alike where only one is given.
    """
    boxes, flipped = draw_crops(_sizes(images, sizes), generator, scale, ratio, flip)
    return normalised(crop(images, boxes, size, flipped, mode), mean, std)


def central_crop(
    images: Tensor,
    size: int,
    sizes: Tensor | None = None,
    *,
    share: float = 1.0,
    mode: str = "bicubic",
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> Tensor:
    """The square in the middle of each image, `share` of its shorter side, resized and normalised: (B, C, S, S)."""
    whole = _sizes(images, sizes).float()
    side = share * whole.amin(1, keepdim=True).expand(-1, 2)
    return normalised(crop(images, torch.cat([(whole - side) / 2, side], dim=1), size, None, mode), mean, std)


def draw_crops(
    sizes: Tensor,
    generator: torch.Generator | None = None,
    scale: tuple[float, float] = (0.2, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    flip: float = 0.5,
) -> tuple[Tensor, Tensor]:
    """Boxes (B, 4), top, left, height and width in pixels, and flips (B,), of images of `sizes` (B, 2), on the CPU.

    As torchvision draws them: of ten boxes the first that fits, else the largest one in the middle whose ratio is in
    the range.
    """
    sizes = sizes.cpu().float()
    height, width = sizes.unsqueeze(1).unbind(2)  # (B, 1) each
    shares, ratios, down, across = torch.rand(4, len(sizes), ATTEMPTS, generator=generator)
    area = height * width * (scale[0] + (scale[1] - scale[0]) * shares)
    low, high = map(math.log, ratio)
    aspect = torch.exp(low + (high - low) * ratios)
    tall, wide = (area / aspect).sqrt(), (area * aspect).sqrt()
    fits = (tall <= height) & (wide <= width)
    first = fits.int().argmax(1, keepdim=True)
    found = fits.any(1, keepdim=True)
    middle_tall, middle_wide = (
        torch.minimum(height, width / ratio[0]),
        torch.minimum(width, height * ratio[1]),
    )
    tall = torch.where(found, tall.gather(1, first), middle_tall)
    wide = torch.where(found, wide.gather(1, first), middle_wide)
    top = (height - tall) * torch.where(found, down.gather(1, first), 0.5)
    left = (width - wide) * torch.where(found, across.gather(1, first), 0.5)
    flipped = torch.rand(len(sizes), generator=generator) < flip
    return torch.cat([top, left, tall, wide], dim=1), flipped


def crop(
    images: Tensor, boxes: Tensor, size: int, flipped: Tensor | None = None, mode: str = "bicubic"
) -> Tensor:
    """Each image's box, resized to S x S pixels: (B, C, S, S) floats between 0 and 1.

    Parameters
    ----------
    images : (B, C, H, W), uint8 or floats between 0 and 1.
    boxes : (B, 4), top, left, height and width in pixels.
    flipped : (B,), whether the crop is flipped from left to right; None: no.
    mode : "bicubic" or "bilinear".
    """
    pixels = images.float() / 255 if images.dtype == torch.uint8 else images
    height, width = images.shape[-2:]
    top, left, tall, wide = boxes.to(pixels).unbind(1)
    half_wide, half_tall = wide / width, tall / height  # of the crop, where the image reaches from -1 to 1
    centre_x, centre_y = (2 * left + wide) / width - 1, (2 * top + tall) / height - 1
    if flipped is not None:
        half_wide = torch.where(flipped.to(half_wide.device), -half_wide, half_wide)
    zero = torch.zeros_like(centre_x)
    theta = torch.stack([half_wide, zero, centre_x, zero, half_tall, centre_y], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(theta, [len(images), images.shape[1], size, size], align_corners=False)
    return F.grid_sample(pixels, grid, mode, padding_mode="border", align_corners=False).clamp(0, 1)


def normalised(images: Tensor, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> Tensor:
    """(images - mean) / std per channel, of (B, C, H, W); with another number of channels the channels' average.

    The inverse is `denormalised`.
    """
    m, s = _per_channel(images, mean, std)
    return (images - m) / s


def denormalised(images: Tensor, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> Tensor:
    """images std + mean per channel, the inverse of `normalised`."""
    m, s = _per_channel(images, mean, std)
    return images * s + m


def _per_channel(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Both as (C, 1, 1), the average of all where their number is not C."""
    channels = images.shape[1]
    m, s = (torch.as_tensor(values).to(images) for values in (mean, std))
    if len(m) != channels:
        m, s = m.mean().expand(channels), s.mean().expand(channels)
    return m[:, None, None], s[:, None, None]


def _sizes(images: Tensor, sizes: Tensor | None) -> Tensor:
    return torch.tensor(images.shape[-2:]).expand(len(images), 2) if sizes is None else sizes.cpu()
