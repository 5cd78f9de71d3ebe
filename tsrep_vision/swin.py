"""Swin Transformer (Liu et al., ICCV 2021) as an encoder of SimMIM: timm's network, opened between patches and stages.

timm is an optional dependency (`pip install 'tsrep[vision]'`); it is imported when a `Swin` is made.

Shapes: B images of S x S pixels, C channels, P the side of a patch, N = (S / P)^2 patches, E width of the tokens, L
stages, D = 2^(L - 1) E width of the output, R = 2^(L - 1) P its stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from tsrep.base.parameters import out_of_range
from tsrep_vision.sizes import check_sizes, check_stages
from tsrep_vision.vit import check_images, needs_timm


class Swin(nn.Module):
    """The encoder. Attributes: `width` D, `token_width` E, `patch_size` P, `stride` R, `grid` S / P, `image_size` S.

    Parameters
    ----------
    image_size, patch_size, channels : S, a multiple of R; P; C.
    embed_dim : E.
    depths, num_heads : blocks and attention heads of each stage.
    window_size : side of an attention window, in patches; a smaller grid is one window.
    drop_path : stochastic depth, from 0 at the first block to this probability at the last.

    Raises
    ------
    ImportError
        timm is not installed.
    ValueError
        The sizes do not fit one another.
    """

    def __init__(
        self,
        image_size: int = 192,
        patch_size: int = 4,
        embed_dim: int = 128,
        depths: Sequence[int] = (2, 2, 18, 2),
        num_heads: Sequence[int] = (4, 8, 16, 32),
        window_size: int = 6,
        *,
        channels: int = 3,
        drop_path: float = 0.0,
    ):
        super().__init__()
        check_sizes(
            image_size=image_size,
            patch_size=patch_size,
            embed_dim=embed_dim,
            window_size=window_size,
            channels=channels,
            drop_path=drop_path,
        )
        check_stages("depths", depths)
        check_stages("num_heads", num_heads, len(depths))
        growth = 2 ** (len(depths) - 1)
        if any(embed_dim * 2**stage % heads for stage, heads in enumerate(num_heads)):
            widths = [embed_dim * 2**stage for stage in range(len(depths))]
            raise out_of_range("num_heads", num_heads, f"divisors of the stages' widths, {widths}")
        if image_size % (patch_size * growth):
            raise ValueError(f"image_size is {image_size!r}; wanted a multiple of {patch_size * growth}")
        try:
            from timm.models.swin_transformer import SwinTransformer
        except ImportError as error:
            raise needs_timm("backbone 'swin'", error) from error
        self.image_size, self.patch_size, self.channels = image_size, patch_size, channels
        self.grid = image_size // patch_size
        self.token_width, self.width = embed_dim, embed_dim * growth
        self.stride = patch_size * growth
        self.depths, self.num_heads, self.window_size = list(depths), list(num_heads), window_size
        self.network = SwinTransformer(
            img_size=image_size,
            patch_size=patch_size,
            in_chans=channels,
            num_classes=0,
            embed_dim=embed_dim,
            depths=tuple(depths),
            num_heads=tuple(num_heads),
            window_size=window_size,
            drop_path_rate=drop_path,
        )

    def sizes(self) -> dict[str, Any]:
        """The arguments that make a `Swin` of these shapes, without stochastic depth."""
        return {
            "image_size": self.image_size,
            "patch_size": self.patch_size,
            "embed_dim": self.token_width,
            "depths": self.depths,
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "channels": self.channels,
        }

    def tokens(self, images: Tensor) -> Tensor:
        """The embedded patches: (B, C, S, S) -> (B, N, E).

        Raises
        ------
        ValueError
            `images` has another shape.
        """
        check_images(images, self.channels, self.image_size, next(self.parameters()).dtype)
        return self.network.patch_embed(images).flatten(1, 2)

    def feature_map(self, tokens: Tensor) -> Tensor:
        """The normalised output of the last stage, from tokens: (B, N, E) -> (B, D, S / R, S / R)."""
        grid = tokens.unflatten(1, (self.grid, self.grid))
        return self.network.norm(self.network.layers(grid)).permute(0, 3, 1, 2)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, D, S / R, S / R)."""
        return self.feature_map(self.tokens(images))
