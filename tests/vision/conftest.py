"""Recorded outputs of the papers' own code as tensors, and small models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tsrep_vision import MAE, MaskFeat, SimMIM, ViT
from tsrep_vision.data import ImageSet, read_images


def read(path: Path) -> dict[str, torch.Tensor]:
    with np.load(path) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


def beginning_with(prefix: str, arrays: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


@pytest.fixture(scope="session")
def mae_reference(fixtures_root: Path) -> dict[str, torch.Tensor]:
    return read(fixtures_root / "mae_reference.npz")


@pytest.fixture(scope="session")
def mae_weights(mae_reference: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The recorded state dict, with the official names."""
    return beginning_with("state/", mae_reference)


@pytest.fixture(scope="session")
def simmim_reference(fixtures_root: Path) -> dict[str, dict[str, torch.Tensor]]:
    """By backbone, "vit" or "swin"."""
    arrays = read(fixtures_root / "simmim_reference.npz")
    return {backbone: beginning_with(f"{backbone}/", arrays) for backbone in ("vit", "swin")}


@pytest.fixture(scope="session")
def hog_reference(fixtures_root: Path) -> dict[str, torch.Tensor]:
    return read(fixtures_root / "hog_reference.npz")


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


COLOURS = np.eye(3)


def make_small(kind: str) -> nn.Module:
    """A small model of this kind for images of 16 pixels, with the same weights each time."""
    vit = {"image_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2}
    makers: dict[str, Callable[[], nn.Module]] = {
        "mae": lambda: MAE(**vit, decoder_dim=16, decoder_depth=1, decoder_heads=2),
        "simmim": lambda: SimMIM(**vit),
        "swin": lambda: SimMIM(
            backbone="swin", image_size=16, embed_dim=16, depths=(1, 1), num_heads=(2, 2), window_size=2
        ),
        "maskfeat": lambda: MaskFeat(**vit),
        "vit": lambda: ViT(**vit),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return makers[kind]()


def coloured(count: int, seed: int = 0) -> ImageSet:
    """Images of 16 pixels, red, green or blue beneath noise, with their colour as label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = rng.uniform(0, 0.5, (count, 16, 16, 3)) + 0.4 * COLOURS[labels][:, None, None]
    return read_images(pixels, labels=labels)


@pytest.fixture(scope="session")
def make() -> Callable[[str], nn.Module]:
    """`make_small`."""
    return make_small


@pytest.fixture(scope="session")
def colours() -> Callable[..., ImageSet]:
    """`coloured`."""
    return coloured
