"""Vision Transformer (Dosovitskiy et al., ICLR 2021), as MAE, SimMIM and MaskFeat use it.

An image is cut into patches, each is embedded, a class token goes first, and pre-norm blocks with a final LayerNorm
follow. The masked models put themselves between the three steps, so they are separate: `tokens`, `placed`, `encode`.

Positions are fixed 2-D sines and cosines (MAE), or none; SimMIM has a relative position bias that all blocks share and
layer scale (BEiT, Bao et al., ICLR 2022) instead. LayerNorm has eps = 1e-6, as the papers' code does.

Departure: the key's part of the query, key and value bias is a parameter here, while SimMIM's code has none. It adds
the same number to all scores of a query, so the softmax does not see it.

Shapes: B images of S x S pixels, C channels, P the side of a patch, N = (S / P)^2 patches, M of them given, D width.
"""

from __future__ import annotations

import copy
import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.nn.position import grid_code
from tsrep.nn.transformer import TransformerBlock
from tsrep_vision.sizes import check_sizes

EPS = 1e-6
ENCODER_SIZES = ("image_size", "patch_size", "embed_dim", "depth", "num_heads", "channels")
"""Names in `ViT.sizes` that the masked models take as arguments."""


class ViTBlock(TransformerBlock):
    """`TransformerBlock` with layer scale, stochastic depth and an additive bias of the attention scores.

    Parameters
    ----------
    width, num_heads, mlp_ratio : see `TransformerBlock`.
    layer_scale : initial value of the learned scale of each residual; None: no scale.
    drop_path : probability of leaving out a residual of an image in training.
    """

    def __init__(
        self,
        width: int,
        num_heads: int,
        mlp_ratio: int = 4,
        layer_scale: float | None = None,
        drop_path: float = 0.0,
    ):
        super().__init__(width, num_heads, mlp_ratio)
        self.before_attention.eps = EPS
        cast(nn.LayerNorm, self.perceptron[0]).eps = EPS
        self.attended_scale = _layer_scale(width, layer_scale)
        self.perceptron_scale = _layer_scale(width, layer_scale)
        self.drop_path = _stochastic_depth(drop_path)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, M, D) -> (B, M, D); `bias` (heads, M, M) or (B, heads, M, M) is added to the scores."""
        return self.residuals(x, self.attention(self.before_attention(x), bias))

    def attention(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Attention between the tokens of each sequence, from normalised tokens: (B, M, D) -> (B, M, D)."""
        parts = self.query_key_value(x)
        query, key, value = parts.unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        if bias is not None:
            bias = (bias if bias.ndim == 4 else bias.unsqueeze(0)).to(query.dtype)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.attended(attended.transpose(1, 2).flatten(2))

    def residuals(self, x: Tensor, attended: Tensor) -> Tensor:
        """`x` plus what `attention` gave, then plus the perceptron's output: (B, M, D) each."""
        x = x + self.drop_path(_scaled(attended, self.attended_scale))
        return x + self.drop_path(_scaled(self.perceptron(x), self.perceptron_scale))


class RelativeBias(nn.Module):
    """A learned bias per head and offset between two patches of a grid; pairs with the class token have three more.

    Parameters
    ----------
    grid : patches per side.
    num_heads : attention heads.
    """

    index: Tensor

    def __init__(self, grid: int, num_heads: int):
        super().__init__()
        self.table = nn.Parameter(torch.zeros((2 * grid - 1) ** 2 + 3, num_heads))
        self.register_buffer("index", relative_index(grid), persistent=False)

    def forward(self) -> Tensor:
        """(heads, 1 + N, 1 + N): query by key, the class token first."""
        return self.table[self.index].permute(2, 0, 1)

    @torch.no_grad()
    def resized(self, grid: int, interpolate: bool = True) -> RelativeBias:
        """A bias for another grid, its table interpolated (bicubic).

        Parameters
        ----------
        interpolate : False keeps the entries of a smaller grid as they are: a window of the grid. A larger grid is
            interpolated in any case.
        """
        old = (math.isqrt(len(self.table) - 3) + 1) // 2
        new, heads = RelativeBias(grid, self.table.shape[1]).to(self.table), self.table.shape[1]
        offsets = self.table[:-3].T.view(1, heads, 2 * old - 1, 2 * old - 1)
        if grid < old and not interpolate:
            inner = slice(old - grid, old + grid - 1)
            offsets = offsets[:, :, inner, inner]
        elif grid != old:
            offsets = F.interpolate(offsets, size=(2 * grid - 1,) * 2, mode="bicubic", align_corners=False)
        new.table.copy_(torch.cat([offsets[0].flatten(1).T, self.table[-3:]]))
        return new


def relative_index(grid: int) -> Tensor:
    """The row of the bias table for each query and key, (1 + N, 1 + N).

    Row 0 of the table is the offset of the last patch from the first. The last three rows are those of class token to
    patch, patch to class token, and class token to itself.
    """
    rows, columns = torch.arange(grid).repeat_interleave(grid), torch.arange(grid).repeat(grid)
    down = rows.unsqueeze(1) - rows + grid - 1
    across = columns.unsqueeze(1) - columns + grid - 1
    side = 2 * grid - 1
    index = F.pad(down * side + across, (1, 0, 1, 0))
    index[0, :] = side * side
    index[:, 0] = side * side + 1
    index[0, 0] = side * side + 2
    return index


class ViT(nn.Module):
    """The encoder. Attributes: `width` D, `patch_size` P, `stride` P, `grid` S / P, `image_size` S, `channels` C.

    Parameters
    ----------
    image_size, patch_size, channels : S, a multiple of P; P; C.
    embed_dim, depth, num_heads : D, a multiple of `num_heads` (and of 4 with `position` "sincos"); blocks; heads.
    mlp_ratio : width of a block's perceptron, as a multiple of D.
    position : "sincos" or "none".
    relative_bias : a relative position bias, shared by all blocks.
    layer_scale : initial value of the scale of each residual; None: no scale.
    final_norm : whether a LayerNorm follows the blocks; the encoder of a fine-tuned `Classifier` has none.
    drop_path : stochastic depth, from 0 at the first block to this probability at the last; needs timm unless 0.

    Raises
    ------
    ValueError
        The sizes do not fit one another.
    """

    position: Tensor | None

    def __init__(
        self,
        image_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        *,
        channels: int = 3,
        mlp_ratio: int = 4,
        position: str = "sincos",
        relative_bias: bool = False,
        layer_scale: float | None = None,
        final_norm: bool = True,
        drop_path: float = 0.0,
    ):
        super().__init__()
        check_sizes(
            image_size=image_size,
            patch_size=patch_size,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            channels=channels,
            mlp_ratio=mlp_ratio,
            drop_path=drop_path,
        )
        check_size(image_size, patch_size)
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim is {embed_dim!r}; wanted a multiple of num_heads, {num_heads}")
        if position not in ("sincos", "none"):
            raise ValueError(f"position is {position!r}; wanted 'sincos' or 'none'")
        self.image_size, self.patch_size, self.channels = image_size, patch_size, channels
        self.width = self.token_width = embed_dim
        self.stride = patch_size
        self.grid = image_size // patch_size
        self.patch_embed = nn.Conv2d(channels, embed_dim, patch_size, patch_size)
        self.class_token = nn.Parameter(torch.zeros(embed_dim))
        self.register_buffer(
            "position", fixed_position(embed_dim, self.grid) if position == "sincos" else None
        )
        self.relative_bias = RelativeBias(self.grid, num_heads) if relative_bias else None
        rates = [drop_path * number / max(depth - 1, 1) for number in range(depth)]
        self.blocks = nn.ModuleList(
            ViTBlock(embed_dim, num_heads, mlp_ratio, layer_scale, rate) for rate in rates
        )
        self.norm: nn.Module = nn.LayerNorm(embed_dim, eps=EPS) if final_norm else nn.Identity()
        initialise(self)
        nn.init.normal_(self.class_token, std=0.02)

    def sizes(self) -> dict[str, Any]:
        """The arguments that make a `ViT` of these shapes; stochastic depth belongs to a training and is left out."""
        first = cast(ViTBlock, self.blocks[0])
        return {
            "image_size": self.image_size,
            "patch_size": self.patch_size,
            "embed_dim": self.width,
            "depth": len(self.blocks),
            "num_heads": first.n_heads,
            "channels": self.channels,
            "mlp_ratio": cast(nn.Linear, first.perceptron[1]).out_features // self.width,
            "position": "none" if self.position is None else "sincos",
            "relative_bias": self.relative_bias is not None,
            "layer_scale": None if first.attended_scale is None else 1.0,
            "final_norm": not isinstance(self.norm, nn.Identity),
        }

    def resized(self, image_size: int) -> ViT:
        """A copy for images of another size, positions and relative bias interpolated to its grid.

        Raises
        ------
        ValueError
            `image_size` is no multiple of P of two patches or more.
        """
        check_size(image_size, self.patch_size)
        other = copy.deepcopy(self)
        other.image_size, other.grid = image_size, image_size // self.patch_size
        if self.position is not None:
            other.position = resized_position(self.position, other.grid)
        if self.relative_bias is not None:
            other.relative_bias = self.relative_bias.resized(other.grid)
        return other

    def tokens(self, images: Tensor) -> Tensor:
        """The embedded patches, without positions: (B, C, S, S) -> (B, N, D).

        Raises
        ------
        ValueError
            `images` has another shape.
        """
        check_images(images, self.channels, self.image_size, self.class_token.dtype)
        return self.patch_embed(images).flatten(2).transpose(1, 2)

    def embedded(self, patches: Tensor) -> Tensor:
        """What `tokens` gives for patches alone, cut as `patchify` cuts them: (B, M, P P C) -> (B, M, D)."""
        weight = self.patch_embed.weight.permute(0, 2, 3, 1).flatten(1)
        return F.linear(patches, weight, self.patch_embed.bias)

    def placed(self, tokens: Tensor, places: Tensor | None = None) -> Tensor:
        """Tokens (B, M, D) with the positions of the patches `places` (B, M) added; None: of all patches."""
        if self.position is None:
            return tokens
        return tokens + (self.position[1:] if places is None else self.position[1:][places])

    def encode(self, tokens: Tensor) -> Tensor:
        """The class token and any tokens with positions through the blocks: (B, M, D) -> (B, 1 + M, D), normalised.

        With a relative bias M is N: all tokens in their order.
        """
        first = self.class_token if self.position is None else self.class_token + self.position[0]
        x = torch.cat([first.to(tokens.dtype).expand(len(tokens), 1, -1), tokens], dim=1)
        bias = None if self.relative_bias is None else self.relative_bias()
        for block in self.blocks:
            x = block(x, bias)
        return self.norm(x)

    def feature_map(self, tokens: Tensor) -> Tensor:
        """Vectors of all patches as an image, from tokens without positions: (B, N, D) -> (B, D, S / P, S / P)."""
        z = self.encode(self.placed(tokens))[:, 1:]
        return z.transpose(1, 2).unflatten(2, (self.grid, self.grid))

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, 1 + N, D), the class token's vector first."""
        return self.encode(self.placed(self.tokens(images)))


def fixed_position(width: int, grid: int) -> Tensor:
    """Fixed positions of the class token (zeros) and of the patches: (1 + N, D)."""
    return F.pad(grid_code(width, grid, grid), (0, 0, 1, 0))


def resized_position(position: Tensor, grid: int) -> Tensor:
    """Positions of the class token and of a grid of patches, (1 + N, D), interpolated to another grid (bicubic).

    Sines and cosines are interpolated too, not computed anew: a pre-trained network knows places within its image, not
    numbers of patches.
    """
    old = math.isqrt(len(position) - 1)
    if old == grid:
        return position.clone()
    places = position[1:].T.unflatten(1, (old, old)).unsqueeze(0)
    places = F.interpolate(places, size=(grid, grid), mode="bicubic", align_corners=False)[0]
    return torch.cat([position[:1], places.flatten(1).T])


def initialise(module: nn.Module) -> None:
    """MAE's initial weights: Xavier's uniform distribution, of the patch embedding too; biases are 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight.flatten(1))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialise_truncated(encoder: ViT) -> None:
    """BEiT's and SimMIM's initial weights: normal with std 0.02, smaller in the last layers of later blocks."""
    for layer in encoder.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=0.02, a=-0.02, b=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for number, block in enumerate(encoder.blocks, start=1):
        assert isinstance(block, ViTBlock)
        for last in (block.attended.weight, cast(nn.Linear, block.perceptron[-1]).weight):
            last.data.div_((2.0 * number) ** 0.5)
    nn.init.trunc_normal_(encoder.class_token, std=0.02, a=-0.02, b=0.02)


def check_size(image_size: int, patch_size: int) -> None:
    if image_size % patch_size or image_size < 2 * patch_size:
        raise ValueError(
            f"image_size is {image_size!r}; wanted a multiple of patch_size, {patch_size}, of two or more"
        )


def check_images(images: Tensor, channels: int, size: int, weights: torch.dtype) -> None:
    """Raises ValueError unless `images` are (B, channels, size, size), of a type that goes with that of the weights."""
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(
            f"images is of type {kind}; wanted a tensor of floats, normalised as in the training"
        )
    if images.ndim != 4 or images.shape[1:] != (channels, size, size):
        raise ValueError(f"images has shape {tuple(images.shape)}; wanted (B, {channels}, {size}, {size})")
    if images.dtype != weights and torch.float64 in (
        images.dtype,
        weights,
    ):  # no autocast brings these together
        raise ValueError(f"images is of type {images.dtype}; wanted {weights}, that of the weights")


def needs_timm(what: str, error: ImportError) -> ImportError:
    return ImportError(f"{what} needs timm; install it with: pip install 'tsrep[vision]' ({error})")


def _layer_scale(width: int, initial: float | None) -> nn.Parameter | None:
    return None if initial is None else nn.Parameter(torch.full((width,), initial))


def _scaled(x: Tensor, scale: Tensor | None) -> Tensor:
    return x if scale is None else x * scale


def _stochastic_depth(probability: float) -> nn.Module:
    if probability == 0:
        return nn.Identity()
    try:
        from timm.layers import DropPath
    except ImportError as error:
        raise needs_timm("drop_path", error) from error
    return DropPath(probability)
