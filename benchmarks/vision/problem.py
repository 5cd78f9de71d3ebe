"""The models of the speed rows: MAE at three sizes, and the same with mask tokens in the encoder.

Shapes: B images of S x S pixels, N patches, M visible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tsrep.nn.masking import shuffled, take_tokens
from tsrep.train.cuda_graph import Captured
from tsrep.train.optimised import Optimised
from tsrep.train.runtime import launch
from tsrep_vision import MAE
from tsrep_vision.mae import reconstruction_loss
from tsrep_vision.masks import visible_count
from tsrep_vision.patch import patchify

RATIO = 0.75
LEARNING_RATE = 1.5e-4
VISIBLE, FULL = "visible patches only", "full length"
EAGER, GRAPH, COMPILED = "eager", "CUDA graph", "torch.compile and CUDA graph"


@dataclass(frozen=True)
class Sizes:
    """Sizes of a MAE and of a batch."""

    batch: int
    image_size: int
    patch_size: int
    embed_dim: int
    depth: int
    num_heads: int
    decoder_dim: int
    decoder_depth: int
    decoder_heads: int

    def model(self) -> MAE:
        """A new model that predicts normalised pixels, with the weights of seed 0."""
        sizes = {name: value for name, value in vars(self).items() if name != "batch"}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return MAE(**sizes, normalise_target=True)

    def images(self) -> Tensor:
        """(B, 3, S, S), normally distributed."""
        shape = (self.batch, 3, self.image_size, self.image_size)
        return torch.randn(shape, generator=torch.Generator().manual_seed(0))


SIZES = {
    "4 blocks of 128, 32 px": Sizes(64, 32, 4, 128, 4, 4, 64, 2, 4),
    "12 blocks of 192, 224 px": Sizes(8, 224, 16, 192, 12, 3, 128, 8, 4),
    "ViT-B/16, 224 px": Sizes(2, 224, 16, 768, 12, 12, 512, 8, 16),
}


class FullLength(nn.Module):
    """MAE with mask tokens in the encoder: the same networks, and all patches go through both.

    He et al., CVPR 2022, table 1c: 3.3 times the operations of the encoder that sees visible patches only.
    """

    def __init__(self, mae: MAE):
        super().__init__()
        self.mae = mae
        self.mask_token = nn.Parameter(torch.zeros(mae.encoder.width))

    def encode(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder's vectors (B, 1 + N, D), and which patches are hidden, (B, N)."""
        encoder = self.mae.encoder
        tokens = encoder.tokens(images)
        hidden = shuffled(noise)[1] >= visible_count(tokens.shape[1], RATIO)
        masked = torch.where(hidden.unsqueeze(-1), self.mask_token.to(tokens.dtype), tokens)
        return encoder.encode(encoder.placed(masked)), hidden

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        """The loss."""
        latent, hidden = self.encode(images, noise)
        in_place = torch.arange(noise.shape[1], device=noise.device).expand(len(noise), -1)
        prediction = self.mae.decoder(latent, in_place)
        return reconstruction_loss(prediction, self.mae.target(images), hidden)


def encoder_alone(mae: MAE, images: Tensor, noise: Tensor) -> Tensor:
    """What the encoder makes of the visible patches, (B, 1 + M, D)."""
    encoder = mae.encoder
    shown = shuffled(noise)[0][:, : visible_count(noise.shape[1], RATIO)]
    patches = take_tokens(patchify(images, encoder.patch_size), shown)
    return encoder.encode(encoder.placed(encoder.embedded(patches), shown))


def noise_of(sizes: Sizes) -> Tensor:
    """(B, N)."""
    shape = (sizes.batch, (sizes.image_size // sizes.patch_size) ** 2)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def encoders(sizes: Sizes) -> dict[str, Callable[[], object]]:
    """Forward and backward of the encoder alone: on the visible patches, and on all with mask tokens."""
    images, noise = sizes.images(), noise_of(sizes)
    few, full = sizes.model(), FullLength(sizes.model())

    def visible() -> None:
        few.zero_grad()
        encoder_alone(few, images, noise).sum().backward()

    def full_length() -> None:
        full.zero_grad()
        full.encode(images, noise)[0].sum().backward()

    return {VISIBLE: visible, FULL: full_length}


def training_step(
    sizes: Sizes, name: str, device: str = "cpu", precision: str = "32", mode: str = EAGER
) -> Callable[[], object]:
    """A function that makes one more step of a training on one batch: forward, loss, backward, AdamW.

    Parameters
    ----------
    name : `VISIBLE` or `FULL`.
    mode : `EAGER`; `GRAPH`, the step captured as a CUDA graph; or `COMPILED`, that with the network compiled before.
    """
    fabric = launch(device, precision)
    network: nn.Module = sizes.model() if name == VISIBLE else FullLength(sizes.model())
    if mode == COMPILED:
        network.compile()
    optimised = Optimised(network, LEARNING_RATE, fabric)
    images, noise = sizes.images().to(fabric.device), noise_of(sizes).to(fabric.device)

    def loss_of(network: nn.Module, images: Tensor, noise: Tensor) -> Tensor:
        return network(images, RATIO, noise=noise).loss if name == VISIBLE else network(images, noise)

    if mode == EAGER:
        return lambda: optimised.descend(loss_of(optimised.forward, images, noise))

    def update(images: Tensor, noise: Tensor) -> Tensor:
        with fabric.autocast():
            loss = loss_of(network, images, noise)
        return optimised.descend(loss)

    captured = Captured(update, fabric.device)
    return lambda: captured(images, noise)
