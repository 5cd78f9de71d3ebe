"""Masked autoencoder (He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022).

Most patches of an image are hidden. The encoder, a ViT, sees the visible ones only, so a step of pre-training costs a
fraction of one at full length. Its outputs, mask tokens in the places of the hidden patches, and positions go through
a light decoder that predicts pixels and is thrown away after pre-training. The loss counts hidden patches only.

Departures: `visible_count` rounds as the paper's code does but for the error of floating-point numbers, and keeps at
least one patch visible and one hidden; patches of equal noise stay in their order.

Shapes: B images of S x S pixels, C channels, P the side of a patch, N = (S / P)^2 patches, M visible, D width of the
encoder, W of the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from tsrep.nn.masking import masked_mean, shuffled, take_tokens, unshuffled
from tsrep_vision.mae_checkpoint import from_official, to_official
from tsrep_vision.masks import visible_count
from tsrep_vision.output import MaskedOutput
from tsrep_vision.patch import patchify, unpatchify
from tsrep_vision.sizes import check_sizes
from tsrep_vision.vit import ENCODER_SIZES, EPS, ViT, ViTBlock, check_images, fixed_position, initialise


def reconstruction_loss(prediction: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
    """Squared error per patch, the mean over the values of a patch, then over the hidden patches.

    Parameters
    ----------
    prediction, target : (B, N, K).
    hidden : (B, N), True for the patches that count.
    """
    return masked_mean((prediction - target).square().mean(-1), hidden)


def normalised_patches(patches: Tensor) -> Tensor:
    """Each patch minus its mean, divided by its standard deviation (unbiased variance, eps = 1e-6): (B, N, K)."""
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    return (patches - mean) / (variance + EPS).sqrt()


class MAEDecoder(nn.Module):
    """Predictions for all patches from the encoder's vectors of the visible ones.

    Parameters
    ----------
    encoder_width, width, depth, num_heads : D; W, a multiple of 4 and of `num_heads`; blocks; heads.
    grid : S / P.
    values : P P C, what is predicted per patch.
    """

    position: Tensor

    def __init__(self, encoder_width: int, width: int, depth: int, num_heads: int, grid: int, values: int):
        super().__init__()
        check_sizes(decoder_dim=width, decoder_depth=depth, decoder_heads=num_heads)
        if width % num_heads:
            raise ValueError(f"decoder_dim is {width!r}; wanted a multiple of decoder_heads, {num_heads}")
        self.embed = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.register_buffer("position", fixed_position(width, grid))
        self.blocks = nn.ModuleList(ViTBlock(width, num_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.pixels = nn.Linear(width, values)
        initialise(self)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(self, latent: Tensor, restore: Tensor) -> Tensor:
        """
        Parameters
        ----------
        latent : (B, 1 + M, D), the class token and the visible patches in the order whose inverse is `restore` (B, N).

        Returns
        -------
        (B, N, P P C)
        """
        first, visible = self.embed(latent).split([1, latent.shape[1] - 1], dim=1)
        x = torch.cat([first, unshuffled(visible, self.mask_token, restore)], dim=1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.pixels(self.norm(x))[:, 1:]


class MAE(nn.Module):
    """The masked autoencoder: `encoder`, a `ViT`, and `decoder`.

    Parameters
    ----------
    image_size, patch_size, channels : S, P and C.
    embed_dim, depth, num_heads : width, blocks and attention heads of the encoder.
    decoder_dim, decoder_depth, decoder_heads : those of the decoder.
    normalise_target : predict pixels normalised per patch, which the paper finds to give better features.
    drop_path : stochastic depth of the encoder.

    Raises
    ------
    ValueError
        The sizes do not fit one another.

    Examples
    --------
    >>> import torch
    >>> model = MAE(image_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=4, decoder_dim=32, decoder_depth=1,
    ...             decoder_heads=4)
    >>> output = model(torch.randn(2, 3, 32, 32), mask_ratio=0.75)
    >>> tuple(output.prediction.shape), int(output.hidden.sum()), tuple(output.latent.shape)
    ((2, 16, 192), 24, (2, 5, 48))
    """

    def __init__(
        self,
        image_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        decoder_dim: int = 512,
        decoder_depth: int = 8,
        decoder_heads: int = 16,
        normalise_target: bool = False,
        *,
        channels: int = 3,
        drop_path: float = 0.0,
    ):
        super().__init__()
        self.encoder = ViT(
            image_size, patch_size, embed_dim, depth, num_heads, channels=channels, drop_path=drop_path
        )
        values = patch_size * patch_size * channels
        self.decoder = MAEDecoder(
            embed_dim, decoder_dim, decoder_depth, decoder_heads, self.encoder.grid, values
        )
        self.normalise_target = normalise_target

    def sizes(self) -> dict[str, Any]:
        """The arguments that make a `MAE` of these shapes, without stochastic depth."""
        encoder = self.encoder.sizes()
        blocks = self.decoder.blocks
        return {
            **{name: encoder[name] for name in ENCODER_SIZES},
            "decoder_dim": self.decoder.embed.out_features,
            "decoder_depth": len(blocks),
            "decoder_heads": cast(ViTBlock, blocks[0]).n_heads if blocks else 1,
            "normalise_target": self.normalise_target,
        }

    def forward(
        self,
        images: Tensor,
        mask_ratio: float = 0.75,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> MaskedOutput:
        """
        Parameters
        ----------
        images : (B, C, S, S).
        mask_ratio : share of the patches that is hidden, between 0 and 1.
        noise : (B, N), the patches of lowest noise stay visible; None: uniform numbers from `generator`, one on the
            images' device (None: torch's own).

        Returns
        -------
        `prediction` (B, N, P P C); `hidden` (B, N); `latent` (B, 1 + M, D), the class token first, then the visible
        patches by ascending noise.

        Raises
        ------
        ValueError
            `images` or `noise` has another shape, or `mask_ratio` is not between 0 and 1.
        """
        encoder = self.encoder
        check_images(images, encoder.channels, encoder.image_size, encoder.class_token.dtype)
        patches = patchify(images, self.encoder.patch_size)
        if noise is None:
            noise = torch.rand(patches.shape[:2], generator=generator, device=images.device)
        elif noise.shape != patches.shape[:2]:
            raise ValueError(f"noise has shape {tuple(noise.shape)}; wanted {tuple(patches.shape[:2])}")
        visible = visible_count(patches.shape[1], mask_ratio)
        order, restore = shuffled(noise)
        shown = order[:, :visible]
        tokens = self.encoder.embedded(take_tokens(patches, shown))  # hidden patches are not even embedded
        latent = self.encoder.encode(self.encoder.placed(tokens, shown))
        prediction = self.decoder(latent, restore)
        hidden = restore >= visible
        loss = reconstruction_loss(prediction, self.target_of(patches), hidden)
        return MaskedOutput(loss, prediction, hidden, latent)

    def target(self, images: Tensor) -> Tensor:
        """What is to be predicted, (B, N, P P C)."""
        return self.target_of(patchify(images, self.encoder.patch_size))

    def target_of(self, patches: Tensor) -> Tensor:
        """`target`, of patches that are cut already: (B, N, P P C)."""
        return normalised_patches(patches) if self.normalise_target else patches

    def reconstruction(self, images: Tensor, output: MaskedOutput) -> Tensor:
        """The images with their hidden patches predicted, (B, C, S, S).

        With `normalise_target` a prediction has the mean and the variance of the true patch, which the model does not
        know: for pictures only.
        """
        patches = patchify(images, self.encoder.patch_size)
        prediction = output.prediction.to(patches.dtype)
        if self.normalise_target:
            variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
            prediction = prediction * (variance + EPS).sqrt() + mean
        whole = torch.where(output.hidden.unsqueeze(-1), prediction, patches)
        return unpatchify(whole, self.encoder.patch_size)

    def load_official(self, checkpoint: Mapping[str, Any] | str | Path) -> Self:
        """Loads published weights, and returns the model.

        Parameters
        ----------
        checkpoint : a state dict (tensors or arrays) or a file of one (safetensors, or tensors that `torch.save` wrote)
            with the key names of MAE's own code, of timm's ViT or of transformers' ViTMAE. Without a decoder in it, the
            model's decoder stays as it is. A classifier's `head` is left out.

        Raises
        ------
        ModelFileError
            The file cannot be read safely, or the weights are not those of a model of these sizes. The model is
            unchanged.
        """
        from_official(self, checkpoint)
        return self

    def official_state(self, layout: str = "official") -> dict[str, Tensor]:
        """The weights under the key names of `layout`: "official", "timm" (the encoder alone) or "transformers"."""
        return to_official(self, layout)


def mae_vit_base(**options: Any) -> MAE:
    """ViT-B/16 at 224 pixels, with the paper's decoder (8 blocks, width 512). `options` replace arguments of `MAE`."""
    return MAE(**{"embed_dim": 768, "depth": 12, "num_heads": 12, **options})


def mae_vit_large(**options: Any) -> MAE:
    """ViT-L/16 at 224 pixels, with the paper's decoder. `options` replace arguments of `MAE`."""
    return MAE(**{"embed_dim": 1024, "depth": 24, "num_heads": 16, **options})


def mae_vit_huge(**options: Any) -> MAE:
    """ViT-H/14 at 224 pixels, with the paper's decoder. `options` replace arguments of `MAE`."""
    return MAE(**{"patch_size": 14, "embed_dim": 1280, "depth": 32, "num_heads": 16, **options})


def mae_vit_tiny(**options: Any) -> MAE:
    """About a million parameters for images of 32 pixels, for a CPU. `options` replace arguments of `MAE`."""
    sizes = {"image_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 4, "num_heads": 4}
    decoder = {"decoder_dim": 64, "decoder_depth": 2, "decoder_heads": 4}
    return MAE(**{**sizes, **decoder, **options})
