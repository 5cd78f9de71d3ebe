"""Patches of images and back; how many are hidden, and where."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep_vision.masks import MASKS, blocks, draw_mask, random_units, square, visible_count
from tsrep_vision.patch import patchify, unpatchify


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("height", [8, 16])
def test_patches_come_back_as_the_image(height: int) -> None:
    images = torch.randn(2, 3, height, 8, generator=generator())
    patches = patchify(images, 4)
    assert patches.shape == (2, height // 2, 48)
    assert torch.equal(unpatchify(patches, 4, height), images)


def test_a_patch_is_ordered_by_row_column_channel() -> None:
    images = torch.randn(1, 3, 8, 8, generator=generator())
    second = patchify(images, 4)[0, 1].view(4, 4, 3)
    assert torch.equal(second, images[0, :, :4, 4:].permute(1, 2, 0))


def test_patches_match_the_papers_code(mae_reference: dict[str, torch.Tensor]) -> None:
    assert torch.equal(patchify(mae_reference["x"], 8), mae_reference["patches"])


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="8 x 6 pixels; wanted multiples of patch_size, 4"):
        patchify(torch.zeros(1, 3, 8, 6), 4)
    with pytest.raises(ValueError, match="6 patches; wanted a square number"):
        unpatchify(torch.zeros(1, 6, 48), 4)
    with pytest.raises(ValueError, match="6 patches; wanted a multiple of 4"):
        unpatchify(torch.zeros(1, 6, 48), 4, height=16)
    with pytest.raises(ValueError, match="50 values per patch"):
        unpatchify(torch.zeros(1, 4, 50), 4)


@pytest.mark.parametrize(
    ("total", "ratio", "visible"),
    [(196, 0.75, 49), (196, 0.8, 39), (196, 0.9, 19), (10, 0.8, 2), (10, 0.9, 1), (4, 0.99, 1), (4, 0.01, 3)],
)
def test_maes_visible_patches_are_rounded_down(total: int, ratio: float, visible: int) -> None:
    assert visible_count(total, ratio) == visible


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(MASKS)),
    st.integers(2, 14),
    st.floats(0.01, 0.99),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_every_mask_hides_some_and_not_all(kind: str, units: int, ratio: float, seed: int, two: bool) -> None:
    unit = 2 if two else 1
    hidden = draw_mask(kind, 3, units * unit, unit, ratio, generator(seed))
    assert hidden.shape == (3, units * unit, units * unit) and hidden.dtype == torch.bool
    counts = hidden.flatten(1).sum(1)
    assert bool((counts == counts[0]).all()) and 0 < int(counts[0]) < hidden[0].numel()
    cells = hidden.unflatten(2, (units, unit)).unflatten(1, (units, unit))
    assert bool((cells.all(4).all(2) == cells.any(4).any(2)).all())  # whole units
    assert torch.equal(hidden, draw_mask(kind, 3, units * unit, unit, ratio, generator(seed)))


def test_simmims_hidden_units_are_rounded_up() -> None:
    for grid, ratio in [(6, 0.6), (7, 0.6), (5, 0.6), (10, 0.55)]:
        count = math.ceil(round(grid * grid * ratio, 6))
        assert random_units(4, grid, ratio, generator()).flatten(1).sum(1).tolist() == [count] * 4


def test_all_units_are_hidden_alike_often() -> None:
    share = random_units(4000, 4, 0.5, generator()).float().mean(0)
    assert (share - 0.5).abs().max() < 0.05


def test_a_square_is_one_square_and_reaches_every_place() -> None:
    hidden = square(500, 14, 0.6, generator())
    assert set(hidden.any(2).sum(1).tolist()) == set(hidden.any(1).sum(1).tolist()) == {11}
    assert torch.equal(hidden, hidden.any(2, keepdim=True) & hidden.any(1, keepdim=True))
    assert bool(hidden.any(0).all())


def test_maskfeat_hides_78_of_196_in_blocks() -> None:
    hidden = blocks(64, 14, 0.4, generator())
    assert hidden.flatten(1).sum(1).tolist() == [78] * 64

    def neighbours(mask: torch.Tensor) -> float:
        return float((mask[:, 1:] & mask[:, :-1]).sum() / mask.sum())

    assert neighbours(hidden) > 1.4 * neighbours(random_units(64, 14, 0.4, generator()))


def test_a_mask_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="mask_ratio is 1.0"):
        draw_mask("random", 1, 4, 1, 1.0)
    with pytest.raises(ValueError, match="at least two whole units"):
        draw_mask("random", 1, 4, 4, 0.5)
    with pytest.raises(ValueError, match="mask_ratio is 0"):
        visible_count(16, 0)
