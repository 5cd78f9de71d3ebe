"""One point at a time: what the buffers give is the plain encoder's last step, however often they were used before."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.ts2vec.encoder import DilatedConvolutions, paper_encoder
from tsrep.ts2vec.fast.point import LastStep
from tsrep.ts2vec.fast.window_encoder import WindowEncoder


def backbone(width=6, hidden=6, components=9, depth=4):
    with torch.random.fork_rng():
        torch.manual_seed(depth)
        return DilatedConvolutions(width, hidden, components, depth).eval()


def by_definition(network, latent):
    return network(latent[None], None, slice(-1, None))[0, 0]


def windows(count, steps, width):
    return torch.randn(count, steps, width, generator=torch.Generator().manual_seed(steps))


@settings(max_examples=60)
@given(
    context=st.integers(0, 90),
    depth=st.integers(0, 8),
    width=st.integers(1, 20),
    components=st.integers(1, 20),
)
@torch.inference_mode()
def test_the_last_step_of_a_window_is_the_plain_encoders(context, depth, width, components):
    network = backbone(width, 6, components, depth)
    last_step = LastStep(network, context)
    for latent in windows(3, context + 1, width):  # what the first leaves in the buffers moves no later one
        torch.testing.assert_close(last_step(latent), by_definition(network, latent), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_window_by_hand():
    """One block of one channel, dilation 1, two steps, every tap 1 and no bias: the last of two convolutions, and x."""
    network = backbone(1, 1, 1, depth=0)
    for weight in network.parameters():
        weight.copy_(torch.ones_like(weight) if weight.ndim > 1 else torch.zeros_like(weight))
    gelu = torch.nn.functional.gelu
    both = gelu(torch.tensor(0.5)) + gelu(torch.tensor(-2.0))  # the first convolution, at both steps
    latent = torch.tensor([[0.5], [-2.0]])
    torch.testing.assert_close(LastStep(network, 1)(latent), (2 * gelu(both) - 2.0)[None])
    alone = gelu(gelu(torch.tensor(-2.0))) - 2.0  # a window of one step has no neighbours
    torch.testing.assert_close(LastStep(network, 0)(latent[1:]), alone[None])


@torch.inference_mode()
def test_a_result_is_the_callers_and_the_window_is_not_written_to():
    network = backbone()
    last_step = LastStep(network, 12)
    first, second = windows(2, 13, 6)
    before = first.clone()
    z = last_step(first)
    kept = z.clone()
    z_second = last_step(second)
    z_second.zero_()
    torch.testing.assert_close(z, kept, rtol=0, atol=0)
    torch.testing.assert_close(first, before, rtol=0, atol=0)
    torch.testing.assert_close(last_step(first), kept, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(12, 6), (13, 5), (14, 6)])
@torch.inference_mode()
def test_a_window_of_another_size_is_refused(shape):
    with pytest.raises(RuntimeError, match="size"):
        LastStep(backbone(), 12)(torch.zeros(shape))


@pytest.mark.parametrize("hide_last", [(False,), (True,), (True, False), (False, True, False)])
@torch.inference_mode()
def test_points_and_stretches_in_any_order_give_what_a_stretch_gives(hide_last):
    encoder = paper_encoder(2, 6, 9, depth=5).eval()
    x = torch.randn(1, 80, 2, generator=torch.Generator().manual_seed(0))
    x[0, [0, 30, 31, 55], 0] = torch.nan
    want = WindowEncoder(encoder, 25).push(x, hide_last)
    mixed = WindowEncoder(encoder, 25)
    parts = [mixed.push(part, hide_last) for part in x.split([1, 1, 20, 1, 9, *[1] * 47, 1], dim=1)]
    torch.testing.assert_close(torch.cat(parts, 2), want, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_the_buffers_serve_one_series_on_a_cpu_only():
    encoder = paper_encoder(2, 6, 9, depth=3).eval()
    assert WindowEncoder(encoder, 10)._last_step is not None
    two = WindowEncoder(encoder, 10, n=2)
    assert two._last_step is None
    x = torch.randn(2, 1, 2, generator=torch.Generator().manual_seed(0))
    alone = [WindowEncoder(encoder, 10).push(series[None]) for series in x]
    torch.testing.assert_close(two.push(x), torch.cat(alone, 1), rtol=1e-5, atol=1e-5)
