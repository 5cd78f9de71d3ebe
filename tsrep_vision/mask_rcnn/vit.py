"""Mask R-CNN on a plain Vision Transformer (Li et al., "Exploring Plain Vision Transformer Backbones for Object
Detection", ECCV 2022: ViTDet), so that a masked pre-training carries over.

Attention is within windows but for a few blocks, evenly spread, in which all patches meet. The last feature map alone
becomes a pyramid: transposed convolutions upwards, pooling downwards. Heads are convolutions with LayerNorm.

Departures: the paper's code adds relative positions to every block; here a block has those that its pre-training had
(SimMIM's), resized, and none otherwise. The patches that fill up the last windows are hidden from attention (the
paper's code attends to zeros). The class token and the encoder's final LayerNorm are left out, as in the paper's code.

Shapes: B images of S x S pixels, P the side of a patch, G = S / P, D width, W the side of a window in patches, F
channels of the pyramid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import Conv2dNormActivation

from tsrep.base.parameters import out_of_range
from tsrep_vision.mask_rcnn.resnet import MaskRCNN
from tsrep_vision.pretrained import encoder_of
from tsrep_vision.sizes import check_sizes
from tsrep_vision.vit import EPS, RelativeBias, ViT, ViTBlock

STRIDES = (1 / 4, 1 / 2, 1, 2, 4)  # of the pyramid's levels, in patches
ANCHOR = 8  # side of an anchor, in strides of its level: 32 to 512 pixels at a patch of 16
ASPECTS = (0.5, 1.0, 2.0)

norm = partial(LayerNorm2d, eps=EPS)


def cut_windows(x: Tensor, window: int) -> Tensor:
    """A map (B, G, G, D) as windows (B K, W W, D), K = ceil(G / W)^2, with zeros behind its end.

    The inverse is `join_windows`.

    Examples
    --------
    >>> x = torch.arange(9.0).view(1, 3, 3, 1)
    >>> cut_windows(x, 2).squeeze(-1)
    tensor([[0., 1., 3., 4.],
            [2., 0., 5., 0.],
            [6., 7., 0., 0.],
            [8., 0., 0., 0.]])
    >>> torch.equal(join_windows(cut_windows(x, 2), 2, 3), x)
    True
    """
    missing = -x.shape[1] % window
    x = F.pad(x, (0, 0, 0, missing, 0, missing))
    blocks = x.unflatten(2, (-1, window)).unflatten(1, (-1, window))
    return blocks.transpose(2, 3).flatten(3, 4).flatten(0, 2)


def join_windows(windows: Tensor, window: int, grid: int) -> Tensor:
    """(B K, W W, D) -> (B, G, G, D), the inverse of `cut_windows`."""
    rows = -(-grid // window)
    blocks = windows.unflatten(1, (window, window)).unflatten(0, (-1, rows, rows)).transpose(2, 3)
    return blocks.flatten(3, 4).flatten(1, 2)[:, :grid, :grid]


def spread(count: int, depth: int) -> tuple[int, ...]:
    """`count` of `depth` blocks, evenly spread, the last one among them; all where there are fewer.

    Examples
    --------
    >>> spread(4, 12), spread(2, 3)
    ((2, 5, 8, 11), (0, 2))
    """
    count = min(count, depth)
    return tuple((number + 1) * depth // count - 1 for number in range(count))


class WindowedViT(nn.Module):
    """The patches and blocks of a ViT, with attention within windows: (B, C, S, S) -> (B, D, G, G).

    Parameters
    ----------
    vit : a ViT for images of any size; its weights are copied, its positions interpolated. A relative bias keeps its
        entries within windows no larger than the grid that it was trained on.
    image_size : S.
    window : W; a window as large as the grid makes all blocks global.
    global_blocks : numbers of the blocks in which all patches meet.
    """

    position: Tensor | None
    hidden: Tensor | None

    def __init__(self, vit: ViT, image_size: int, window: int, global_blocks: Sequence[int]):
        super().__init__()
        trained_bias = vit.relative_bias
        vit = vit.resized(image_size).requires_grad_(True)
        self.grid, self.width, self.window = vit.grid, vit.width, min(window, vit.grid)
        everywhere = range(len(vit.blocks)) if self.window == vit.grid else global_blocks
        self.global_blocks = frozenset(everywhere)
        self.patch_embed, self.blocks = vit.patch_embed, vit.blocks
        position = None if vit.position is None else vit.position[1:].unflatten(0, (vit.grid, vit.grid))
        self.register_buffer("position", position)
        self.register_buffer("hidden", hidden_places(vit.grid, self.window), persistent=False)
        self.global_bias = vit.relative_bias
        self.window_bias: RelativeBias | None = None
        if trained_bias is not None and self.window < vit.grid:
            self.window_bias = trained_bias.resized(self.window, interpolate=False)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patch_embed(images).permute(0, 2, 3, 1)
        if self.position is not None:
            x = x + self.position
        for_global = None if self.global_bias is None else self.global_bias()[:, 1:, 1:]
        for_windows = self._for_windows(len(x))
        for number, block in enumerate(self.blocks):
            block = cast(ViTBlock, block)
            normalised = block.before_attention(x)
            if number in self.global_blocks:
                attended = block.attention(normalised.flatten(1, 2), for_global).view_as(x)
            else:
                windows = block.attention(cut_windows(normalised, self.window), for_windows)
                attended = join_windows(windows, self.window, self.grid)
            x = block.residuals(x, attended)
        return x.permute(0, 3, 1, 2)

    def _for_windows(self, batch: int) -> Tensor | None:
        """What is added to the scores within windows: (heads, W W, W W), or (B K, heads or 1, ..., W W)."""
        bias = None if self.window_bias is None else self.window_bias()[:, 1:, 1:]
        if self.hidden is None:
            return bias
        hidden = self.hidden.repeat(batch, 1, 1, 1)
        return hidden if bias is None else hidden + bias


def hidden_places(grid: int, window: int) -> Tensor | None:
    """(K, 1, 1, W W): -inf for the places of the windows behind the map's end, else 0; None: there are none."""
    if grid % window == 0:
        return None
    inside = cut_windows(torch.ones(1, grid, grid, 1), window).squeeze(-1)
    return torch.zeros_like(inside).masked_fill(inside == 0, -torch.inf)[:, None, None]


class SimplePyramid(nn.Module):
    """A ViT's last map as a pyramid of five levels: (B, D, G, G) -> F channels at 4, 2, 1, 1/2 and 1/4 times G.

    Parameters
    ----------
    width : D, a multiple of 4.
    channels : F.
    """

    def __init__(self, width: int, channels: int):
        super().__init__()
        half, quarter = width // 2, width // 4
        scaled: list[tuple[list[nn.Module], int]] = [
            (
                [
                    nn.ConvTranspose2d(width, half, 2, 2),
                    norm(half),
                    nn.GELU(),
                    nn.ConvTranspose2d(half, quarter, 2, 2),
                ],
                quarter,
            ),
            ([nn.ConvTranspose2d(width, half, 2, 2)], half),
            ([], width),
            ([nn.MaxPool2d(2)], width),
        ]
        self.levels = nn.ModuleList(
            nn.Sequential(
                *layers,
                Conv2dNormActivation(given, channels, 1, norm_layer=norm, activation_layer=None),
                Conv2dNormActivation(channels, channels, 3, norm_layer=norm, activation_layer=None),
            )
            for layers, given in scaled
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = {str(number): level(x) for number, level in enumerate(self.levels)}
        return {**maps, "pool": F.max_pool2d(maps["3"], 1, 2)}


class ViTPyramid(nn.Module):
    """The backbone of Mask R-CNN: a windowed ViT and its pyramid, which has `out_channels` channels."""

    def __init__(self, body: WindowedViT, channels: int):
        super().__init__()
        self.body = body
        self.pyramid = SimplePyramid(body.width, channels)
        self.out_channels = channels

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return self.pyramid(self.body(images))


def mask_rcnn_vit(
    num_classes: int,
    image_size: int = 1024,
    embed_dim: int | None = None,
    depth: int | None = None,
    num_heads: int | None = None,
    *,
    patch_size: int | None = None,
    backbone: nn.Module | None = None,
    window: int = 14,
    global_blocks: int | Sequence[int] = 4,
    drop_path: float = 0.0,
    channels: int = 256,
    hidden_size: int = 1024,
    anchor_sizes: Sequence[int] | None = None,
    mask_loss: str = "sigmoid",
    roi: str = "align",
    **options: Any,
) -> MaskRCNN:
    """Mask R-CNN with a plain ViT, new or pre-trained, called as `mask_rcnn_resnet50_fpn` is.

    An image is resized so that its longer side has S pixels, and filled up to S x S.

    Parameters
    ----------
    num_classes : classes, the background, 0, included.
    image_size : S, a multiple of 2 P.
    embed_dim, depth, num_heads, patch_size : D, blocks, heads and P of a new ViT; None: those of `backbone`, or ViT-B's
        (768, 12, 12, 16). P is a power of two.
    backbone : a pre-trained `ViT`, or a `MAE`, `SimMIM` or `MaskFeat` around one. Its weights are copied, its positions
        interpolated to S. None: random weights.
    window : W, the side of attention windows in patches.
    global_blocks : in how many blocks, evenly spread, all patches meet; or the numbers of these blocks.
    drop_path : stochastic depth of a new ViT.
    channels, hidden_size : F, also of the heads' convolutions; width of the box head's fully connected layer.
    anchor_sizes : side of the anchors of the five levels, in pixels; None: 8 strides, 32 to 512 where P is 16.
    mask_loss : "sigmoid", the paper's, or "softmax".
    roi : "align", the paper's, or "pool".
    options : further arguments of torchvision's `MaskRCNN`: `box_detections_per_img`, `image_mean`, ...

    Raises
    ------
    ValueError
        The sizes do not fit one another or `backbone`, or a name is unknown.

    Examples
    --------
    >>> model = mask_rcnn_vit(4, image_size=96, embed_dim=48, depth=4, num_heads=4, channels=32).eval()
    >>> [found] = model([torch.rand(3, 60, 90)])
    >>> sorted(found), found["masks"].shape[1:]
    (['boxes', 'labels', 'masks', 'scores'], torch.Size([1, 60, 90]))
    """
    check_sizes(num_classes=num_classes, window=window, channels=channels, hidden_size=hidden_size)
    sizes = {
        "embed_dim": embed_dim,
        "depth": depth,
        "num_heads": num_heads,
        "patch_size": patch_size,
    }
    vit = _new_vit(image_size, drop_path, sizes) if backbone is None else encoder_of(backbone)
    if backbone is not None:
        _check_backbone(vit, sizes)
    patch = vit.patch_size
    if math.log2(patch) % 1 or patch < 4:
        raise ValueError(f"patch_size is {patch}; wanted a power of two from 4 on")
    if image_size % (2 * patch):
        raise ValueError(f"image_size is {image_size!r}; wanted a multiple of {2 * patch}")
    if vit.width % 4:
        raise ValueError(f"embed_dim is {vit.width}; wanted a multiple of 4")
    where = _global_blocks(global_blocks, len(vit.blocks))
    sides = [int(ANCHOR * patch * stride) for stride in STRIDES] if anchor_sizes is None else anchor_sizes
    if len(sides) != len(STRIDES):
        raise ValueError(f"anchor_sizes has {len(sides)} sizes; wanted {len(STRIDES)}, one per level")
    body = WindowedViT(vit, image_size, window, where)
    four = [channels] * 4
    return MaskRCNN(
        ViTPyramid(body, channels),
        min_size=image_size,
        max_size=image_size,
        size_divisible=image_size,
        rpn_anchor_generator=AnchorGenerator(tuple((side,) for side in sides), (ASPECTS,) * len(STRIDES)),
        rpn_head=RPNHead(channels, len(ASPECTS), conv_depth=2),
        box_head=FastRCNNConvFCHead((channels, 7, 7), four, [hidden_size], norm_layer=norm),
        box_predictor=FastRCNNPredictor(hidden_size, num_classes),
        mask_head=MaskRCNNHeads(channels, four, 1, norm_layer=norm),
        mask_predictor=MaskRCNNPredictor(channels, channels, num_classes),
        mask_loss=mask_loss,
        roi=roi,
        **options,
    )


def _global_blocks(given: int | Sequence[int], depth: int) -> tuple[int, ...]:
    """The numbers of the global blocks, of `depth`."""
    where = spread(given, depth) if isinstance(given, int) else tuple(given)
    if (isinstance(given, int) and given < 0) or not set(where) <= set(range(depth)):
        raise out_of_range("global_blocks", given, f"how many, or numbers from 0 to {depth - 1}")
    return where


def _new_vit(image_size: int, drop_path: float, sizes: dict[str, int | None]) -> ViT:
    base = {"embed_dim": 768, "depth": 12, "num_heads": 12, "patch_size": 16}
    given = {name: value for name, value in sizes.items() if value is not None}
    return ViT(image_size, **{**base, **given}, drop_path=drop_path)  # type: ignore[arg-type]


def _check_backbone(vit: ViT, sizes: dict[str, int | None]) -> None:
    """Raises ValueError if a size that was given is another than the backbone's."""
    first = cast(ViTBlock, vit.blocks[0])
    own = {
        "embed_dim": vit.width,
        "depth": len(vit.blocks),
        "num_heads": first.n_heads,
        "patch_size": vit.patch_size,
    }
    for name, value in sizes.items():
        if value is not None and value != own[name]:
            raise ValueError(f"{name} is {value!r}; the backbone has {own[name]}")
