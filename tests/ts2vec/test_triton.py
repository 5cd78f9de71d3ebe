"""The GPU kernels against what defines them; without a GPU they run in Triton's interpreter."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("triton")

from tsrep import TS2Vec, load
from tsrep.encoding.encoder import SeriesEncoder
from tsrep.train.runtime import launch
from tsrep.train.step import Descent
from tsrep.ts2vec import objective
from tsrep.ts2vec.backbones import LSTM
from tsrep.ts2vec.convolution import activated, three_taps
from tsrep.ts2vec.encoder import ResidualBlock, paper_encoder
from tsrep.ts2vec.fast import planned
from tsrep.ts2vec.fast.levels import Levels, levels_of
from tsrep.ts2vec.fast.planned import PlannedObjective
from tsrep.ts2vec.fast.tiled import tiled_loss, tiled_loss_of_prefix
from tsrep.ts2vec.fast.triton import MOST_COMPONENTS
from tsrep.ts2vec.fast.triton.convolution import fused_three_taps
from tsrep.ts2vec.fast.triton.dropout import fused_dropout
from tsrep.ts2vec.fast.triton.loss import fused_loss
from tsrep.ts2vec.fast.triton.window_block import fused_on_interior, fused_on_window
from tsrep.ts2vec.fast.window_encoder import WindowEncoder

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def on_a_gpu(test):
    return pytest.mark.gpu(pytest.mark.skipif(DEVICE == "cpu", reason="needs a GPU")(test))


def close(found, expected, error=1e-5, of_terms=0.0):
    """`of_terms` is how large the numbers are whose difference is compared: their rounding stays where it is 0."""
    rounding = torch.finfo(torch.float32).eps * of_terms
    torch.testing.assert_close(
        found, expected, rtol=error, atol=error * float(expected.detach().abs().max()) + 1e-6 + rounding
    )


def on_device(levels):
    return Levels(*(part.to(DEVICE) for part in levels))


def random(*shape, seed, scale=1.0, **options):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale
    return values.to(DEVICE).requires_grad_()


@settings(max_examples=25)
@given(
    steps=st.integers(1, 24),
    beyond=st.integers(0, 9),
    instances=st.integers(1, 5),
    width=st.sampled_from([1, 16, 21, 40]),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
    unit=st.integers(0, 2),
    hierarchical=st.booleans(),
    seed=st.integers(0, 10_000),
)
@example(2, 1, 1, 40, 1.0, 0, True, 0)  # a loss of 0, but for the rounding of similarities of up to 56
def test_the_loss_of_the_first_steps_is_that_of_those_alone(
    steps, beyond, instances, width, alpha, unit, hierarchical, seed
):
    z = random(steps + beyond, 2, instances, width, seed=seed)
    levels = on_device(levels_of(steps, steps + beyond, instances, alpha, unit, hierarchical))
    expected = tiled_loss(z[:steps], alpha=alpha, temporal_unit=unit, hierarchical=hierarchical)
    (towards,) = torch.autograd.grad(expected, z)
    similarity = float(z.detach().square().sum(-1).max())  # the loss is a difference of such numbers
    for loss in (fused_loss, tiled_loss_of_prefix):
        found = loss(z, levels)
        close(found, expected, of_terms=similarity)
        close(torch.autograd.grad(found, z)[0], towards)


@pytest.mark.parametrize(("steps", "instances"), [(45, 2), (3, 40)])
def test_groups_larger_than_a_tile(steps, instances):
    z = random(steps, 2, instances, 24, seed=1, scale=2.0)
    found = fused_loss(z, on_device(levels_of(steps, steps, instances, 0.5, 0, True)))
    expected = tiled_loss(z, alpha=0.5)
    close(found, expected)
    close(torch.autograd.grad(found, z)[0], torch.autograd.grad(expected, z)[0])
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(found, z)


@settings(max_examples=20)
@given(
    steps=st.integers(1, 90),
    instances=st.integers(1, 3),
    inputs=st.sampled_from([1, 8, 17]),
    outputs=st.sampled_from([4, 16]),
    dilation=st.sampled_from([1, 2, 16, 128]),
    ragged=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_the_convolution(steps, instances, inputs, outputs, dilation, ragged, seed):
    x = random(steps, instances, inputs, seed=seed)
    taps = random(3, inputs, outputs, seed=seed + 1)
    bias, towards = random(outputs, seed=seed + 2), random(steps, instances, outputs, seed=seed + 3).detach()
    inside = (random(steps, instances, 1, seed=seed + 4) > 0) if ragged else None
    found = fused_three_taps(x, inside, taps, bias, dilation)
    expected = three_taps(activated(x, inside), taps, bias, dilation)
    close(found, expected)
    of = (x, taps, bias)
    for mine, truth in zip(
        torch.autograd.grad((found * towards).sum(), of),
        torch.autograd.grad((expected * towards).sum(), of),
        strict=True,
    ):
        close(mine, truth, 1e-4)


@settings(max_examples=15)
@given(
    steps=st.integers(1, 9),
    windows=st.sampled_from([1, 5, 70]),
    width=st.sampled_from([3, 16]),
    first=st.integers(0, 2),
    every=st.integers(1, 2),
    seed=st.integers(0, 10_000),
)
def test_a_block_on_windows(steps, windows, width, first, every, seed):
    block = ResidualBlock(width, width, dilation=1, last=False).to(DEVICE)
    x = random(steps, windows, width, seed=seed).detach()
    at = slice(min(first, steps - 1), None, every)
    with torch.inference_mode():
        close(fused_on_window(x, at, *weights_of(block)), block(x, None)[at])


@settings(max_examples=10)
@given(
    beyond=st.integers(1, 80),
    instances=st.integers(1, 3),
    width=st.sampled_from([3, 16]),
    dilation=st.sampled_from([1, 4]),
    seed=st.integers(0, 10_000),
)
def test_a_block_on_the_interior(beyond, instances, width, dilation, seed):
    block = ResidualBlock(width, width, dilation, last=False).to(DEVICE)
    x = random(4 * dilation + beyond, instances, width, seed=seed).detach()
    with torch.inference_mode():
        found = fused_on_interior(x, dilation, *weights_of(block))
        close(found, block(x, None)[2 * dilation : -2 * dilation])


def weights_of(block):
    return [weight for conv in (block.conv1, block.conv2) for weight in (conv.taps.flatten(0, 1), conv.bias)]


def test_dropout_keeps_its_share_and_its_noise():
    z = torch.ones(3000, 3, device=DEVICE, requires_grad=True)
    y = fused_dropout(z, 0.25, torch.tensor([2**40 + 5], device=DEVICE))
    np.testing.assert_allclose(y.detach().unique().tolist(), [0.0, 4 / 3], rtol=1e-6)
    assert float((y == 0).float().mean()) == pytest.approx(
        0.25, abs=0.02
    )  # five standard deviations of 9,000 draws
    y.sum().backward()
    assert torch.equal(z.grad, y)
    other = fused_dropout(z, 0.25, torch.tensor([2**40 + 6], device=DEVICE))
    assert 0.3 < float((other != y).float().mean()) < 0.45  # 2 * 0.25 * 0.75


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"crop": False},
        {"temporal_unit": 2},
        {"hierarchical": False, "alpha": 0.2},
        {"mask": "continuous", "max_train_length": 12},
    ],
)
@pytest.mark.parametrize("seed", [0, 5, 11])
def test_a_plan_gives_the_loss_and_gradients_of_the_objective(options, seed, monkeypatch):
    for module in (objective, planned):
        monkeypatch.setattr(module, "DROPOUT", 0.0)  # the noise differs
    network = paper_encoder(2, hidden_channels=8, n_components=20, depth=3).to(DEVICE)
    x = random(3, 26, 2, seed=seed).detach().cpu()
    x[0, 4] = torch.nan
    of = list(network.parameters())
    contrastive = PlannedObjective(**options)
    plan = contrastive.plan(network, x, torch.Generator().manual_seed(seed))
    found = contrastive.loss_of_plan(network, *(part.to(DEVICE) for part in plan))
    expected = contrastive(network, x.to(DEVICE), torch.Generator().manual_seed(seed))
    close(found, expected)
    for mine, truth in zip(torch.autograd.grad(found, of), torch.autograd.grad(expected, of), strict=True):
        close(mine, truth, 1e-4)


def test_no_host_synchronisation(monkeypatch):
    """On the meta device tensors hold no numbers: code that reads one raises."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: False)  # it does not know of that device
    network = paper_encoder(2, 8, 20, depth=3).eval()
    plan = PlannedObjective().plan(network, torch.zeros(3, 26, 2), torch.Generator())
    loss = PlannedObjective().loss_of_plan(network.to("meta"), *(part.to("meta") for part in plan))
    loss.backward()
    assert loss.shape == ()
    with torch.inference_mode():
        before, new = torch.zeros(1, 9, 2, device="meta"), torch.zeros(1, 14, 2, device="meta")
        z = WindowEncoder(network, context=9, short=5, before=before).push(new, (True, False))
    assert z.shape == (2, 1, 14, 20)


def test_plans_have_few_lengths_and_nothing_shown_beyond_a_view():
    network = paper_encoder(1, 4, 6, 2)
    generator = torch.Generator().manual_seed(0)
    plans = [PlannedObjective().plan(network, torch.zeros(2, 100, 1), generator) for _ in range(60)]
    assert 4 <= len({plan[3].shape for plan in plans}) <= 8
    for _, begin, ends, keep, *_ in plans:
        assert int(begin.min()) >= 0
        assert int((begin + ends[1, 1]).max()) <= 100
        for view, (first, beyond) in zip(keep, ends.tolist(), strict=True):
            assert not view[:, :first].any()
            assert not view[:, beyond:].any()


def test_what_no_plan_is_made_for():
    x, generator = torch.zeros(2, 20, 1), torch.Generator()
    network = paper_encoder(1, 4, 6, 2)
    ragged = x.clone()
    ragged[0, :3] = torch.nan
    assert PlannedObjective().plan(network, ragged, generator) is None
    assert PlannedObjective(positive_pairs="subseries").plan(network, x, generator) is None
    assert PlannedObjective(augmentation="jitter").plan(network, x, generator) is None
    assert PlannedObjective().plan(paper_encoder(1, 4, MOST_COMPONENTS + 1, 2), x, generator) is None
    other = SeriesEncoder(torch.nn.Linear(1, 4), LSTM(4, 6))
    assert PlannedObjective().plan(other, x, generator) is None


@on_a_gpu
@pytest.mark.parametrize(("precision", "error"), [("32", 1e-3), ("bf16", 0.1)])
def test_captured_steps_are_those_of_the_objective(precision, error, monkeypatch):
    for module in (objective, planned):
        monkeypatch.setattr(module, "DROPOUT", 0.0)  # the noise differs
    x = random(4, 150, 2, seed=3).detach().cpu()
    network = paper_encoder(2, 64, 320, 5)

    def losses(plain):
        contrastive = PlannedObjective()
        descent = Descent(
            copy.deepcopy(network),
            (lambda *given: contrastive(*given)) if plain else contrastive,
            lr=1e-3,
            generator=torch.Generator().manual_seed(0),
            fabric=launch("cuda", precision),
        )
        return [float(descent(x)["loss"]) for _ in range(15)], descent.average

    (found, captured), (expected, plain) = losses(False), losses(True)
    np.testing.assert_allclose(found, expected, rtol=error)
    assert captured.count == plain.count == 16
    for mine, theirs in zip(captured.network.parameters(), plain.network.parameters(), strict=True):
        assert float((mine - theirs).abs().mean()) < 1e-3  # a step moves a weight by 1e-3


@on_a_gpu
@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_gpu_fits_and_encodes_like_the_cpu(precision, tmp_path):
    X = random(6, 2, 200, seed=4).detach().cpu().numpy()
    model = TS2Vec(device="cuda", precision=precision, max_steps=30, random_state=0).fit(X)
    assert np.isfinite(model.transform(X)).all()
    model.save(tmp_path / "model")
    there = load(tmp_path / "model").set_params(device="cpu", precision="32")
    error = 1e-3 if precision == "32" else 0.1
    scale = np.abs(there.transform(X)).max()
    assert np.abs(model.transform(X) - there.transform(X)).max() < error * scale
    assert (
        np.abs(model.encode_causal(X, context=50) - there.encode_causal(X, context=50)).max() < error * scale
    )
    series = random(1, 2, 18_500, seed=5).detach().cpu().numpy()  # a large tile and two small ones
    expected = there.encode_causal(series, context=50)
    for _ in range(3):  # uncaptured, captured, replayed
        assert np.abs(model.encode_causal(series, context=50) - expected).max() < error * scale
