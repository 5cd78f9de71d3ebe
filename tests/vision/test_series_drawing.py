"""Series drawn as images."""

import pytest
import torch

from tsrep_vision.series.drawing import (
    INK,
    WHITE,
    at_places,
    draw_line,
    draw_stacked,
    quantile,
    robust_scale,
)


def test_scaling_is_robust_and_monotonic() -> None:
    x = torch.randn(3, 101, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(quantile(x, 0.3), torch.quantile(x, 0.3, dim=-1, keepdim=True))
    scaled = robust_scale(x)
    assert torch.equal(scaled.argsort(1), x.argsort(1))
    torch.testing.assert_close(robust_scale(7 * x - 3), scaled, atol=1e-5, rtol=0)
    spiked = x.clone()
    spiked[:, 5] = 1e6
    usual = torch.arange(101) != 5
    assert float((robust_scale(spiked) - scaled)[:, usual].abs().max()) < 0.1
    assert torch.equal(robust_scale(torch.full((1, 9), 4.0)), torch.zeros(1, 9))
    mostly_flat = torch.zeros(1, 100)
    mostly_flat[0, 3] = 1
    assert 1 < float(robust_scale(mostly_flat).max()) < 5


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 50, 64, 127])
def test_a_step_is_drawn_at_its_place(steps: int) -> None:
    x = torch.arange(float(steps)).expand(2, -1)
    size = 4 * steps
    images, places = draw_stacked(x, size)
    assert images.shape == (2, size, size) and places.shape == (2, steps, 2)
    nearest = ((places + 1) / 2 * size - 0.5).round().long().clamp(0, size - 1)
    found = images[0][nearest[0, :, 1], nearest[0, :, 0]]
    assert float((found - x[0]).abs().max()) <= max(1.0, 0.51 * steps**0.5)
    assert float(places.abs().max()) <= 1
    line, places = draw_line(x, 32)
    column, row = ((places[0] + 1) / 2 * 32).long().clamp(0, 31).unbind(1)
    assert bool((line[0][row, column] < 0).all())  # inked


def test_a_period_of_a_window_is_a_vertical_pattern() -> None:
    x = torch.sin(2 * torch.pi * torch.arange(100.0) / 10)[None]
    images, _ = draw_stacked(x, 30)
    torch.testing.assert_close(images[0], images[0, :1].expand(30, -1), atol=1e-4, rtol=0)


def test_a_line_is_antialiased_and_connected() -> None:
    x = torch.cat([torch.zeros(40), torch.ones(40)])[None]
    [image], _ = draw_line(x, 64)
    ink = (WHITE - image) / (WHITE - INK)
    assert bool(((ink >= 0) & (ink <= 1)).all()) and bool(((ink > 0) & (ink < 1)).any())
    torch.testing.assert_close(ink[:, 5].sum(), torch.tensor(1.5))  # as wide as a line
    assert float(ink[:, 31:33].sum()) > 50  # the jump
    flat, _ = draw_line(torch.zeros(1, 7), 16)
    assert bool((flat[0] == flat[0, :, :1]).all()) and float(flat.min()) < 0
    long, _ = draw_line(torch.randn(1, 5000, generator=torch.Generator().manual_seed(0)), 16)
    assert bool(((WHITE - long[0]).sum(0) > 0).all())


def test_vectors_of_patches_are_interpolated() -> None:
    z = torch.cat([torch.full((1, 1, 1), 9.0), torch.arange(4.0).view(1, 4, 1)], dim=1)
    places = torch.tensor([[[-0.5, -0.5], [0.5, 0.5], [0, 0.5], [-1, -1]]])
    assert at_places(z, places).flatten().tolist() == [0, 3, 2.5, 0]
