"""The loss against its definition written out term by term."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.ts2vec.fast.tiled import Tiling, both_views, tiled_loss
from tsrep.ts2vec.loss import contrast, flat_loss, halve, hierarchical_loss, instance_loss, temporal_loss


def contrast_by_definition(z1, z2, inside):
    """Equations 1 and 2: -log(exp(positive) / sum over all rows of the group but the anchor), averaged."""
    terms = []
    for a, b, here in zip(z1, z2, inside, strict=True):
        rows = [(v, i) for v in (0, 1) for i in range(len(a)) if here[i]]
        vector = {(0, i): a[i] for i in range(len(a))} | {(1, i): b[i] for i in range(len(b))}
        for v, i in rows:
            others = [vector[v, i] @ vector[row] for row in rows if row != (v, i)]
            terms.append(torch.logsumexp(torch.stack(others), 0) - vector[v, i] @ vector[1 - v, i])
    return torch.stack(terms).mean() if terms else torch.tensor(0.0)


def hierarchy_by_definition(z1, z2, inside, alpha, unit):
    """Algorithm 1 of the paper."""
    total, level = 0.0, 0
    while True:
        across = contrast_by_definition(z1.transpose(0, 1), z2.transpose(0, 1), inside.T)
        total = total + alpha * across
        if z1.shape[1] == 1:
            return total / (level + 1)
        if level >= unit:
            total = total + (1 - alpha) * contrast_by_definition(z1, z2, inside)
        level += 1
        half = z1.shape[1] // 2
        pooled = []
        for z in (z1, z2):
            masked = z.masked_fill(~inside.unsqueeze(-1), -math.inf)
            pooled.append(torch.stack([masked[:, 2 * t : 2 * t + 2].amax(1) for t in range(half)], 1))
        inside = torch.stack([inside[:, 2 * t : 2 * t + 2].any(1) for t in range(half)], 1)
        z1, z2 = (z.masked_fill(z.isinf(), 0.0) for z in pooled)


@settings(max_examples=30)
@given(
    b=st.integers(1, 4),
    t=st.integers(1, 9),
    d=st.integers(1, 3),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
    unit=st.integers(0, 2),
    ragged=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_loss_and_gradients_are_those_of_the_definition(b, t, d, alpha, unit, ragged, seed):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = (
        torch.randn(b, t, d, generator=generator, dtype=torch.float64, requires_grad=True) for _ in "12"
    )
    inside = torch.ones(b, t, dtype=torch.bool)
    if ragged:
        lengths = torch.randint(1, t + 1, (b, 1), generator=generator)
        inside = torch.arange(t) < lengths
    ours = hierarchical_loss(z1, z2, alpha=alpha, temporal_unit=unit, inside=inside if ragged else None)
    theirs = hierarchy_by_definition(z1, z2, inside, alpha, unit) + 0 * (z1.sum() + z2.sum())
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9, abs=1e-9)
    gradient, expected = (
        torch.autograd.grad(loss, (z1, z2), materialize_grads=True) for loss in (ours, theirs)
    )
    torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-9)


@settings(max_examples=80)
@given(
    b=st.integers(1, 5),
    t=st.integers(1, 40),
    d=st.integers(1, 4),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
    unit=st.integers(0, 3),
    hierarchical=st.booleans(),
    ragged=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 20.0]),
    rows=st.integers(1, 90),
    values_at_once=st.sampled_from([1, 200, 10_000]),
    kept_values=st.sampled_from([0, 500, 10_000]),
    seed=st.integers(0, 10_000),
)
def test_the_tiled_loss_is_the_loss(
    b, t, d, alpha, unit, hierarchical, ragged, scale, rows, values_at_once, kept_values, seed
):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = (
        (scale * torch.randn(b, t, d, generator=generator, dtype=torch.float64)).requires_grad_()
        for _ in "12"
    )
    inside = torch.arange(t) < torch.randint(1, t + 1, (b, 1), generator=generator) if ragged else None
    tiled = tiled_loss(
        both_views(z1, z2),
        alpha=alpha,
        temporal_unit=unit,
        inside=None if inside is None else inside.T,
        hierarchical=hierarchical,
        tiling=Tiling(rows, values_at_once, kept_values),
    )
    if hierarchical:
        defined = hierarchical_loss(z1, z2, alpha=alpha, temporal_unit=unit, inside=inside)
    else:
        defined = flat_loss(z1, z2, alpha=alpha, inside=inside)
    assert tiled.item() == pytest.approx(defined.item(), rel=1e-9, abs=1e-9)
    gradient, expected = (
        torch.autograd.grad(3 * loss, (z1, z2), materialize_grads=True) for loss in (tiled, defined)
    )
    torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-9)


def test_the_tiled_loss_without_gradients_and_in_32_bit():
    z1, z2 = torch.randn(2, 4, 300, 32, generator=torch.Generator().manual_seed(0))
    defined = hierarchical_loss(z1, z2).item()
    assert tiled_loss(both_views(z1, z2), alpha=0.5).item() == pytest.approx(defined, rel=1e-6)
    z1, z2 = 30 * z1, 30 * z2  # similarities of thousands: no exponential may vanish unseen
    far = tiled_loss(both_views(z1, z2), alpha=0.5)
    assert far.item() == pytest.approx(hierarchical_loss(z1, z2).item(), rel=1e-5)


def test_one_positive_and_nothing_else_costs_nothing():
    z = torch.randn(1, 1, 4)
    assert contrast(z, z).item() == pytest.approx(0.0, abs=1e-6)
    assert instance_loss(torch.randn(1, 6, 4), torch.randn(1, 6, 4)).item() == pytest.approx(0.0, abs=1e-5)


def test_rows_that_are_all_alike_cost_the_log_of_their_number():
    z = torch.ones(2, 8, 3)
    assert temporal_loss(z, z).item() == pytest.approx(math.log(15), abs=1e-5)
    assert instance_loss(z, z).item() == pytest.approx(math.log(3), abs=1e-5)
    assert flat_loss(z, z, alpha=0.5).item() == pytest.approx((math.log(15) + math.log(3)) / 2, abs=1e-5)


def test_large_similarities_do_not_overflow():
    z = 100 * torch.randn(2, 5, 8, requires_grad=True)
    loss = hierarchical_loss(z, z.detach())
    loss.backward()
    assert torch.isfinite(loss)


def test_values_outside_do_not_matter():
    generator = torch.Generator().manual_seed(0)
    z1, z2 = torch.randn(2, 3, 8, 4, generator=generator)
    inside = torch.arange(8) < torch.tensor([[8], [5], [3]])
    before = hierarchical_loss(z1, z2, inside=inside)
    z1 = torch.where(inside.unsqueeze(-1), z1, 1e6)
    assert hierarchical_loss(z1, z2, inside=inside).item() == pytest.approx(before.item())


def test_halving_drops_an_odd_last_step():
    z = torch.tensor([[[1.0], [5.0], [2.0], [3.0], [9.0]]])
    assert halve(z).flatten().tolist() == [5.0, 3.0]
    inside = torch.tensor([[True, False, False, False, False]])
    assert halve(z, inside).flatten().tolist() == [1.0, 0.0]
