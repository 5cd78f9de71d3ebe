"""SimMIM (Xie et al., "SimMIM: A Simple Framework for Masked Image Modeling", CVPR 2022).

Hidden patches are replaced by a learned token behind the patch embedding, the encoder works at full length, and a head
as light as one linear layer predicts raw pixels. The loss is L1 on the hidden pixels. Masks have large units, 32
pixels, so that a hidden pixel is far from a visible one. Any encoder that keeps the grid will do: a ViT with a shared
relative position bias, or a Swin Transformer.

Departures: the loss is one mean over the hidden pixels and channels (the paper's code adds 1e-5 to their number). The
"deep" head is a Transformer on the features (the paper's are inverse Swin Transformers). `masks.py` has those of masks.

Shapes: B images of S x S pixels, C channels, P the side of a patch, G = S / P patches per side, E width of the tokens,
R the encoder's stride, D width of its output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from tsrep.nn.masking import masked_mean
from tsrep.nn.position import grid_code
from tsrep.nn.transformer import Transformer
from tsrep_vision.masks import check_kind, check_ratio, draw_mask
from tsrep_vision.output import MaskedOutput
from tsrep_vision.simmim_checkpoint import from_official, to_official
from tsrep_vision.sizes import check_sizes
from tsrep_vision.swin import Swin
from tsrep_vision.vit import ENCODER_SIZES, ViT, initialise_truncated

BACKBONES = ("vit", "swin")
HEADS = ("linear", "mlp", "deep")
UNIT = 32  # pixels per side of a mask unit, the paper's


def pixel_loss(prediction: Tensor, images: Tensor, hidden: Tensor) -> Tensor:
    """Absolute error per pixel, the mean over its channels, then over the hidden pixels.

    Parameters
    ----------
    prediction, images : (B, C, S, S).
    hidden : (B, G, G), True for the patches that count; G divides S.
    """
    unit = images.shape[-1] // hidden.shape[-1]
    pixels = hidden.repeat_interleave(unit, 1).repeat_interleave(unit, 2)
    return masked_mean((prediction - images).abs().mean(1), pixels)


class PixelHead(nn.Module):
    """Pixels from a feature map, (B, D, S / R, S / R) -> (B, C, S, S): each place gives its square of R x R pixels.

    Parameters
    ----------
    width, stride, channels : D, R and C.
    between : what comes before the linear layer, keeping the shape; None: nothing.
    """

    def __init__(self, width: int, stride: int, channels: int, between: nn.Module | None = None):
        super().__init__()
        self.between = nn.Identity() if between is None else between
        self.pixels = nn.Conv2d(width, stride * stride * channels, 1)
        self.shuffle = nn.PixelShuffle(stride)

    def forward(self, features: Tensor) -> Tensor:
        return self.shuffle(self.pixels(self.between(features)))


class TransformerOnMap(nn.Module):
    """A Transformer over the places of a feature map, with fixed positions: (B, D, h, w) -> (B, D, h, w)."""

    position: Tensor

    def __init__(self, width: int, grid: int, depth: int, num_heads: int):
        super().__init__()
        self.trunk = Transformer(width, depth, num_heads, mlp_ratio=4)
        self.register_buffer("position", grid_code(width, grid, grid), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        x = self.trunk(features.flatten(2).transpose(1, 2) + self.position)
        return x.transpose(1, 2).unflatten(2, features.shape[2:])


class SimMIM(nn.Module):
    """SimMIM: `encoder`, a `ViT` or a `Swin`, the `mask_token` (E,) and the `head`.

    Parameters
    ----------
    backbone : "vit" or "swin" (needs timm).
    image_size, patch_size, channels, embed_dim : S, P, C and E; patch_size None: 16 of a ViT, 4 of a Swin.
    depth, num_heads : blocks and attention heads of a ViT; `num_heads` of a Swin: a number per stage.
    depths, window_size : blocks per stage, and side of the attention windows in patches, of a Swin.
    head : "linear"; "mlp", with a hidden layer; or "deep", a Transformer of `head_depth` blocks before the linear one.
    loss_on : "hidden", the paper's, or "all" pixels.
    mask, mask_ratio : kind of mask ("random", "square" or "block") and its ratio, where no mask is given.
    mask_unit : side of a mask unit in pixels, a multiple of P that divides S; None: the largest such number that is at
        most 32 and a quarter of the image, or P.
    layer_scale : initial scale of a ViT's residuals; None: no scale.
    drop_path : stochastic depth; needs timm unless 0.

    Raises
    ------
    ValueError
        A name is unknown, or the sizes do not fit one another.

    Examples
    --------
    >>> import torch
    >>> model = SimMIM(backbone="vit", image_size=32, patch_size=4, embed_dim=48, depth=2, num_heads=4)
    >>> output = model(torch.randn(2, 3, 32, 32))
    >>> tuple(output.prediction.shape), tuple(output.hidden.shape), tuple(output.latent.shape)
    ((2, 3, 32, 32), (2, 8, 8), (2, 48, 8, 8))
    """

    encoder: ViT | Swin

    def __init__(
        self,
        backbone: str = "vit",
        image_size: int = 224,
        patch_size: int | None = None,
        embed_dim: int | None = None,
        depth: int = 12,
        num_heads: int | Sequence[int] | None = None,
        depths: Sequence[int] = (2, 2, 18, 2),
        window_size: int = 6,
        *,
        channels: int = 3,
        head: str = "linear",
        head_depth: int = 2,
        loss_on: str = "hidden",
        mask: str = "random",
        mask_ratio: float = 0.6,
        mask_unit: int | None = None,
        layer_scale: float | None = 0.1,
        drop_path: float = 0.0,
    ):
        super().__init__()
        _check_names(backbone, head, loss_on)
        check_kind(mask)
        check_ratio(mask_ratio)
        check_sizes(head_depth=head_depth, mask_unit=mask_unit)
        if backbone == "vit":
            heads = 12 if num_heads is None else num_heads
            if not isinstance(heads, int):
                raise ValueError(f"num_heads is {num_heads!r}; wanted a whole number, of a ViT")
            self.encoder = ViT(
                image_size,
                16 if patch_size is None else patch_size,
                768 if embed_dim is None else embed_dim,
                depth,
                heads,
                channels=channels,
                position="none",
                relative_bias=True,
                layer_scale=layer_scale,
                drop_path=drop_path,
            )
            initialise_truncated(self.encoder)
            nn.init.trunc_normal_(self.encoder.relative_bias.table, std=0.02)  # type: ignore[union-attr]
        else:
            of_stages = (
                tuple(4 * 2**stage for stage in range(len(depths))) if num_heads is None else num_heads
            )
            if isinstance(of_stages, int):
                raise ValueError(f"num_heads is {num_heads!r}; wanted a number per stage, of a Swin")
            self.encoder = Swin(
                image_size,
                4 if patch_size is None else patch_size,
                128 if embed_dim is None else embed_dim,
                depths,
                of_stages,
                window_size,
                channels=channels,
                drop_path=drop_path,
            )
        self.mask_token = nn.Parameter(torch.zeros(self.encoder.token_width))
        nn.init.trunc_normal_(self.mask_token, std=0.02, a=-0.02, b=0.02)
        self.head_kind, self.loss_on = head, loss_on
        self.head = PixelHead(
            self.encoder.width, self.encoder.stride, channels, self._before_pixels(head, head_depth)
        )
        self.mask, self.mask_ratio = mask, mask_ratio
        self.mask_unit = default_unit(image_size, self.encoder.patch_size) if mask_unit is None else mask_unit
        if self.mask_unit % self.encoder.patch_size or image_size % self.mask_unit:
            raise ValueError(
                f"mask_unit is {mask_unit!r}; wanted a multiple of the patch size, {self.encoder.patch_size}, "
                f"that divides image_size, {image_size}"
            )

    def forward(
        self, images: Tensor, hidden: Tensor | None = None, generator: torch.Generator | None = None
    ) -> MaskedOutput:
        """
        Parameters
        ----------
        images : (B, C, S, S).
        hidden : (B, G, G), True (or 1) where a patch is hidden; None: drawn with `draw_mask`.
        generator : a CPU generator for the mask; None: torch's own.

        Returns
        -------
        `prediction` (B, C, S, S); `hidden` (B, G, G); `latent` (B, D, S / R, S / R).

        Raises
        ------
        ValueError
            `images` or `hidden` has another shape.
        """
        tokens = self.encoder.tokens(images)
        shape = (len(images), self.encoder.grid, self.encoder.grid)
        if hidden is None:
            hidden = self.draw_mask(len(images), generator).to(images.device)
        elif hidden.shape != shape:
            raise ValueError(f"hidden has shape {tuple(hidden.shape)}; wanted {shape}")
        hidden = hidden.bool()
        tokens = torch.where(hidden.flatten(1).unsqueeze(-1), self.mask_token.to(tokens.dtype), tokens)
        latent = self.encoder.feature_map(tokens)
        prediction = self.head(latent)
        counted = hidden if self.loss_on == "hidden" else torch.ones_like(hidden)
        return MaskedOutput(pixel_loss(prediction, images, counted), prediction, hidden, latent)

    def sizes(self) -> dict[str, Any]:
        """The arguments that make a `SimMIM` of these shapes, without stochastic depth."""
        encoder = self.encoder.sizes()
        if isinstance(self.encoder, ViT):
            described = {
                "backbone": "vit",
                **{name: encoder[name] for name in (*ENCODER_SIZES, "layer_scale")},
            }
        else:
            described = {"backbone": "swin", **encoder}
        if isinstance(self.head.between, TransformerOnMap):
            described["head_depth"] = len(self.head.between.trunk.blocks)
        own = ("loss_on", "mask", "mask_ratio", "mask_unit")
        return {**described, "head": self.head_kind, **{name: getattr(self, name) for name in own}}

    def draw_mask(
        self, batch: int, generator: torch.Generator | None = None, mask_ratio: float | None = None
    ) -> Tensor:
        """A mask of the model's kind and unit for `batch` images: (B, G, G) on the CPU. Ratio None: the model's."""
        unit = self.mask_unit // self.encoder.patch_size
        ratio = self.mask_ratio if mask_ratio is None else mask_ratio
        return draw_mask(self.mask, batch, self.encoder.grid, unit, ratio, generator)

    def reconstruction(self, images: Tensor, output: MaskedOutput) -> Tensor:
        """The images with their hidden patches predicted, (B, C, S, S)."""
        patch = self.encoder.patch_size
        hidden = output.hidden.repeat_interleave(patch, 1).repeat_interleave(patch, 2)
        return torch.where(hidden.unsqueeze(1), output.prediction.to(images.dtype), images)

    def load_official(self, checkpoint: Mapping[str, Any] | str | Path) -> Self:
        """Loads weights of SimMIM's own code, and returns the model.

        Parameters
        ----------
        checkpoint : a state dict (tensors or arrays) or a file of one (safetensors, or tensors that `torch.save`
            wrote). The decoder of the checkpoint is one linear layer: another head than "linear" stays as it is.

        Raises
        ------
        ModelFileError
            The file cannot be read safely, or the weights are not those of a model of these sizes. The model is
            unchanged.
        """
        from_official(self, checkpoint)
        return self

    def official_state(self) -> dict[str, Tensor]:
        """The weights and index tables under the key names of SimMIM's own code; with the "linear" head only.

        Raises
        ------
        ValueError
            The model has another head, for which that code has no names.
        """
        return to_official(self)

    def _before_pixels(self, head: str, depth: int) -> nn.Module | None:
        width = self.encoder.width
        if head == "mlp":
            return nn.Sequential(nn.Conv2d(width, width, 1), nn.GELU())
        if head == "deep":
            heads = max(1, width // 64)
            grid = self.encoder.image_size // self.encoder.stride
            return TransformerOnMap(width, grid, depth, heads if width % heads == 0 else 1)
        return None


def default_unit(image_size: int, patch_size: int) -> int:
    """The side of a mask unit in pixels: the largest that is whole patches, divides the image, and is at most 32 and a
    quarter of the image; or the patch.

    Examples
    --------
    >>> default_unit(224, 16), default_unit(192, 4), default_unit(32, 4)
    (32, 32, 8)
    """
    largest = min(UNIT, image_size // 4)
    units = [u for u in range(patch_size, largest + 1, patch_size) if image_size % u == 0]
    return units[-1] if units else patch_size


def _check_names(backbone: str, head: str, loss_on: str) -> None:
    allowed = {
        "backbone": (backbone, BACKBONES),
        "head": (head, HEADS),
        "loss_on": (loss_on, ("hidden", "all")),
    }
    for argument, (value, names) in allowed.items():
        if value not in names:
            raise ValueError(f"{argument} is {value!r}; wanted one of {', '.join(map(repr, names))}")
