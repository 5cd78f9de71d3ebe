"""The encoder's invariants: padding, gaps, locality, and the fast convolution against its definition."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.encoding.pooling import max_over_windows, mean_over_time, multiscale
from tsrep.nn.padding import inside
from tsrep.ts2vec import convolution
from tsrep.ts2vec.build import BACKBONES, build_encoder
from tsrep.ts2vec.convolution import DilatedConvolution, activated, three_taps
from tsrep.ts2vec.encoder import paper_encoder


def seeded_normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def small_encoder(backbone="dilated_conv", channels=2, depth=5):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_encoder(
            channels,
            backbone=backbone,
            input_projection=True,
            hidden_channels=8,
            n_components=12,
            depth=depth,
        )


@settings(max_examples=40)
@given(
    b=st.integers(1, 3),
    t=st.integers(1, 12),
    width=st.integers(1, 5),
    out=st.integers(1, 5),
    dilation=st.sampled_from([1, 2, 3, 8, 16]),
    ragged=st.booleans(),
    recomputed=st.booleans(),
    seed=st.integers(0, 999),
)
def test_the_convolution_in_place_equals_its_definition_and_torchs(
    b, t, width, out, dilation, ragged, recomputed, seed
):
    layer = DilatedConvolution(width, out, dilation)
    x = seeded_normal(t, b, width, seed=seed).requires_grad_()
    inside = seeded_normal(t, b, 1, seed=seed + 2) > 0 if ragged else None
    weights = seeded_normal(t, b, out, seed=seed + 1)
    parameters = (x, layer.taps, layer.bias)
    as_torch = layer.taps.permute(2, 1, 0).contiguous()
    a = F.gelu(x) if inside is None else F.gelu(x) * inside
    by_torch = F.conv1d(a.permute(1, 2, 0), as_torch, layer.bias, padding=dilation, dilation=dilation)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "KEPT_ACTIVATIONS", 0 if recomputed else convolution.KEPT_ACTIVATIONS)
        in_place = layer(x, inside)
    results = [
        in_place,
        three_taps(activated(x, inside), layer.taps, layer.bias, dilation),
        by_torch.permute(2, 0, 1),
    ]
    gradients = [torch.autograd.grad((y * weights).sum(), parameters) for y in results]
    for y, gradient in zip(results[1:], gradients[1:], strict=True):
        torch.testing.assert_close(results[0], y, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(gradients[0], gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backbone", BACKBONES)
@settings(max_examples=15)
@given(before=st.integers(0, 20), after=st.integers(0, 20), t=st.integers(1, 15))
def test_padding_moves_no_representation(backbone, before, after, t):
    encoder = small_encoder(backbone)
    x = seeded_normal(2, t, 2)
    x[0, t // 2] = torch.nan if t > 2 else 0.0
    padded = F.pad(x, (0, 0, before, after), value=torch.nan)
    z = encoder(padded, None, inside(padded))[:, before : before + t]
    torch.testing.assert_close(z, encoder(x, None, inside(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_wanted_steps_are_those_of_the_whole(backbone):
    x, steps = seeded_normal(3, 20, 2), slice(4, 11)
    encoder = small_encoder(backbone)
    torch.testing.assert_close(encoder(x, steps=steps), encoder(x)[:, steps])
    deep = small_encoder(backbone, depth=3)  # its output block still reaches across the series
    torch.testing.assert_close(deep(x, steps=steps), deep(x)[:, steps])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_missing_point_is_no_zero_and_stays_missing(backbone):
    encoder = small_encoder(backbone)
    x = seeded_normal(1, 20, 2)
    gap, zero = x.clone(), x.clone()
    gap[0, 9, 0] = torch.nan
    zero[0, 9, 0] = 0.0
    first = encoder(gap)
    assert gap.isnan().sum() == 1  # the caller's series is as it was
    torch.testing.assert_close(encoder(gap), first, rtol=0, atol=0)
    assert (first - encoder(zero)).abs().max() > 1e-3
    hidden = torch.ones(1, 20, dtype=torch.bool)
    hidden[0, 9] = False
    torch.testing.assert_close(encoder(x, hidden), first)  # missing and masked are the same to the encoder
    assert first.isfinite().all()


def test_the_reach_of_a_step_is_that_of_the_dilations():
    encoder = small_encoder(depth=2)  # dilations 1, 2, 4 with two convolutions each: 14 steps to either side
    x = seeded_normal(1, 60, 2)
    moved = x.clone()
    moved[0, 30] += 1.0
    changed = (encoder(moved) - encoder(x)).abs().sum(-1).squeeze() > 1e-7
    assert changed.nonzero().flatten().tolist() == list(range(16, 45))


def test_the_papers_encoder_has_the_papers_size():
    def count(encoder):
        return sum(p.numel() for p in encoder.parameters())

    assert count(paper_encoder(1, 64, 320, 10)) == 637_248
    assert count(paper_encoder(8, 64, 320, 10)) == 637_696
    paper_sized = {"input_projection": True, "hidden_channels": 64, "n_components": 320, "depth": 10}
    for backbone in BACKBONES:
        size = count(build_encoder(1, backbone=backbone, **paper_sized))
        assert size == pytest.approx(637_248, rel=0.03)


@settings(max_examples=30)
@given(t=st.integers(1, 12), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_windows_hold_the_largest_value_around_each_step(t, width, seed):
    z = seeded_normal(1, t, 3, seed=seed)
    pooled = max_over_windows(z, width)
    for step in range(t):
        window = z[:, max(0, step - width // 2) : step - width // 2 + width]
        assert torch.equal(pooled[:, step], window.amax(1))


def test_a_window_of_any_width_takes_the_room_of_the_series():
    z = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(max_over_windows(z, 10**12), z.amax(1, keepdim=True).expand_as(z))


def test_multiscale_widths():
    z = seeded_normal(1, 20, 3)
    expected = [max_over_windows(z, width) for width in (3, 5, 9, 17, 33)]
    assert torch.equal(multiscale(z), torch.cat(expected, -1))
    assert multiscale(seeded_normal(1, 1, 3)).shape == (1, 1, 3)


def test_mean_over_time_counts_only_what_is_chosen():
    z, where = seeded_normal(2, 4, 3), torch.tensor([[True, True, False, False], [True] * 4])
    expected = np.stack([z[0, :2].numpy().mean(0), z[1].numpy().mean(0)])
    np.testing.assert_allclose(mean_over_time(z, where), expected, rtol=1e-5)
