"""Recorded outputs of the papers' own code as tensors, and small models."""

from pathlib import Path

import numpy as np
import pytest
import torch


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
