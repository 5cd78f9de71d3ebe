"""MaskFeat (Wei et al., "Masked Feature Prediction for Self-Supervised Visual Pre-Training", CVPR 2022).

Hidden patches, blocks of them, are replaced by a learned token behind the patch embedding, the encoder works at full
length, and one linear layer predicts features of the hidden patches. Histograms of oriented gradients of the image
need no second network and do as well as learned features. The loss is the squared error on hidden patches.

Departures: positions of the ViT are fixed sines and cosines (learned in the paper's code). Features of a teacher are
divided by their Euclidean norm per patch. Block masks hide the same number of patches in all images (`masks.py`).

Shapes: B images of S x S pixels, C channels, P the side of a patch, G = S / P, N = G^2 patches, D width, K features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep_vision.hog import HOG
from tsrep_vision.mae import normalised_patches, reconstruction_loss
from tsrep_vision.masks import check_kind, check_ratio, draw_mask
from tsrep_vision.output import MaskedOutput
from tsrep_vision.patch import patchify
from tsrep_vision.vit import ENCODER_SIZES, ViT

TARGETS = ("hog", "pixels", "normalised_pixels", "teacher")


class HOGTarget(nn.Module):
    """The histograms of a patch's cells, by channel, bin, row and column: (B, C, S, S) -> (B, N, K).

    `as_maps` lays them out as `HOG` gives them.

    Parameters
    ----------
    patch_size : P, a multiple of the cell.
    hog : the histograms.
    """

    def __init__(self, patch_size: int, hog: HOG):
        super().__init__()
        if patch_size % hog.cell:
            raise ValueError(f"the cell of hog is {hog.cell}; wanted a divisor of patch_size, {patch_size}")
        self.hog = hog
        self.cells = patch_size // hog.cell

    def forward(self, images: Tensor) -> Tensor:
        maps = self.hog(images).flatten(1, 2)
        grid = maps.unflatten(3, (-1, self.cells)).unflatten(2, (-1, self.cells))
        return grid.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def as_maps(self, features: Tensor, channels: int) -> Tensor:
        """(B, N, K) -> (B, C, bins, S / cell, S / cell), of square images."""
        grid = math.isqrt(features.shape[1])
        cells = features.unflatten(2, (-1, self.cells, self.cells)).unflatten(1, (grid, grid))
        maps = cells.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
        return maps.unflatten(1, (channels, self.hog.bins))


class PixelTarget(nn.Module):
    """The pixels of a patch, normalised per patch or not: (B, C, S, S) -> (B, N, P P C)."""

    def __init__(self, patch_size: int, normalise: bool):
        super().__init__()
        self.patch_size, self.normalise = patch_size, normalise

    def forward(self, images: Tensor) -> Tensor:
        patches = patchify(images, self.patch_size)
        return normalised_patches(patches) if self.normalise else patches


class TeacherTarget(nn.Module):
    """The features of a frozen network, divided by their norm: (B, C, S, S) -> (B, N, K).

    Parameters
    ----------
    network : gives (B, N, K), or (B, 1 + N, K) with a class token first, which is left out. Its parameters are frozen,
        and it stays in evaluation mode.
    patches : N.
    """

    def __init__(self, network: nn.Module, patches: int):
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.patches = patches

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.network.eval()
        return self

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        features = self.network(images)
        if features.ndim != 3 or features.shape[1] not in (self.patches, self.patches + 1):
            raise ValueError(
                f"the teacher gives {tuple(features.shape)}; wanted (B, {self.patches}, K) or one token more"
            )
        return F.normalize(features[:, -self.patches :], dim=-1)


class MaskFeat(nn.Module):
    """MaskFeat: `encoder`, a `ViT`, the `mask_token` (D,), the `head` and the `target`.

    Parameters
    ----------
    image_size, patch_size, channels : S, P and C.
    embed_dim, depth, num_heads : width, blocks and attention heads of the encoder.
    target : "hog"; "pixels"; "normalised_pixels", per patch; or "teacher".
    hog : the histograms, or their arguments by name; None: the paper's, 9 bins and cells of 8 pixels, or of P where 8
        does not divide it.
    teacher : a network, see `TeacherTarget`; with `target` "teacher" only.
    mask, mask_ratio : kind of mask ("block", "random" or "square") and its ratio, where no mask is given.
    drop_path : stochastic depth; needs timm unless 0.

    Raises
    ------
    ValueError
        A name is unknown, the sizes do not fit one another, or `teacher` does not fit `target`.

    Examples
    --------
    >>> import torch
    >>> model = MaskFeat(image_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=4)
    >>> output = model(torch.randn(2, 3, 32, 32))
    >>> tuple(output.prediction.shape), output.hidden.sum(dim=1).tolist()
    ((2, 16, 27), [6, 6])
    """

    target: HOGTarget | PixelTarget | TeacherTarget

    def __init__(
        self,
        image_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        *,
        channels: int = 3,
        target: str = "hog",
        hog: HOG | Mapping[str, int] | None = None,
        teacher: nn.Module | None = None,
        mask: str = "block",
        mask_ratio: float = 0.4,
        drop_path: float = 0.0,
    ):
        super().__init__()
        if target not in TARGETS:
            raise ValueError(f"target is {target!r}; wanted one of {', '.join(map(repr, TARGETS))}")
        if (teacher is not None) != (target == "teacher"):
            raise ValueError(f"target is {target!r} and teacher {teacher!r}; wanted both or none")
        check_kind(mask)
        check_ratio(mask_ratio)
        self.encoder = ViT(
            image_size, patch_size, embed_dim, depth, num_heads, channels=channels, drop_path=drop_path
        )
        self.mask, self.mask_ratio = mask, mask_ratio
        if teacher is not None:
            self.target = TeacherTarget(teacher, self.encoder.grid**2)
        elif target == "hog":
            given = HOG(**hog) if isinstance(hog, Mapping) else hog
            self.target = HOGTarget(patch_size, given or HOG(cell=8 if patch_size % 8 == 0 else patch_size))
        else:
            self.target = PixelTarget(patch_size, normalise=target == "normalised_pixels")
        place = next((p.device for p in self.target.parameters()), None)  # a teacher may be on a GPU already
        features = self.target(torch.zeros(1, channels, image_size, image_size, device=place)).shape[-1]
        self.head = nn.Linear(embed_dim, features)
        self.mask_token = nn.Parameter(torch.zeros(embed_dim))
        for weight in (self.head.weight, self.mask_token):
            nn.init.trunc_normal_(weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, images: Tensor, hidden: Tensor | None = None, generator: torch.Generator | None = None
    ) -> MaskedOutput:
        """
        Parameters
        ----------
        images : (B, C, S, S).
        hidden : (B, N), True (or 1) where a patch is hidden; None: drawn with `draw_mask`.
        generator : a CPU generator for the mask; None: torch's own.

        Returns
        -------
        `prediction` (B, N, K); `hidden` (B, N); `latent` (B, 1 + N, D), the class token first.

        Raises
        ------
        ValueError
            `images` or `hidden` has another shape.
        """
        tokens = self.encoder.tokens(images)
        if hidden is None:
            hidden = self.draw_mask(len(images), generator).to(images.device)
        elif hidden.shape != tokens.shape[:2]:
            raise ValueError(f"hidden has shape {tuple(hidden.shape)}; wanted {tuple(tokens.shape[:2])}")
        hidden = hidden.bool()
        tokens = torch.where(hidden.unsqueeze(-1), self.mask_token.to(tokens.dtype), tokens)
        latent = self.encoder.encode(self.encoder.placed(tokens))
        prediction = self.head(latent[:, 1:])
        loss = reconstruction_loss(prediction, self.target(images), hidden)
        return MaskedOutput(loss, prediction, hidden, latent)

    def sizes(self) -> dict[str, Any]:
        """The arguments that make a `MaskFeat` of these shapes, without stochastic depth.

        Raises
        ------
        ValueError
            The target is a teacher, which no argument describes.
        """
        if isinstance(self.target, TeacherTarget):
            raise ValueError("target is 'teacher'; wanted another one, or the model's encoder alone")
        encoder = self.encoder.sizes()
        described: dict[str, Any] = {name: encoder[name] for name in ENCODER_SIZES}
        if isinstance(self.target, HOGTarget):
            described |= {"target": "hog", "hog": self.target.hog.sizes()}
        else:
            described["target"] = "normalised_pixels" if self.target.normalise else "pixels"
        return {**described, "mask": self.mask, "mask_ratio": self.mask_ratio}

    def draw_mask(
        self, batch: int, generator: torch.Generator | None = None, mask_ratio: float | None = None
    ) -> Tensor:
        """A mask of the model's kind for `batch` images: (B, N) on the CPU. Ratio None: the model's."""
        ratio = self.mask_ratio if mask_ratio is None else mask_ratio
        return draw_mask(self.mask, batch, self.encoder.grid, 1, ratio, generator).flatten(1)
