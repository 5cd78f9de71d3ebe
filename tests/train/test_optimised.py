"""A network and its optimiser; learning rates as functions of the step."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from tsrep.train.optimised import Optimised, frozen, with_prefix
from tsrep.train.runtime import launch
from tsrep.train.schedule import constant, warm_up_cosine, warm_up_drops, warm_up_then_cosine


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def loss_of(network, seed=0):
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
    return network(x).square().mean()


def test_a_state_is_a_copy_that_later_steps_do_not_change(network):
    optimised = Optimised(network, 1e-2, launch("cpu"))
    optimised.descend(loss_of(network))
    state = {name: value.clone() for name, value in optimised.state().items()}
    kept = {name: value.clone() for name, value in state.items()}
    ends = []
    for _ in range(2):  # continued twice from one state: the second time as the first
        optimised.load_state(state)
        for seed in range(3):
            optimised.descend(loss_of(network, seed))
        ends.append({name: value.clone() for name, value in network.state_dict().items()})
        assert all(state[name].equal(kept[name]) for name in kept)
    assert all(ends[0][name].equal(ends[1][name]) for name in ends[0])


def test_it_is_torchs_adamw(network):
    other = nn.Linear(3, 2)
    other.load_state_dict(network.state_dict())
    reference = torch.optim.AdamW(other.parameters(), lr=1e-2, weight_decay=0.1)
    optimised = Optimised(network, 1e-2, launch("cpu"), weight_decay=0.1)
    for seed in range(5):
        reference.zero_grad()
        loss_of(other, seed).backward()
        reference.step()
        optimised.descend(loss_of(network, seed))
    torch.testing.assert_close(network.state_dict(), other.state_dict(), rtol=1e-5, atol=1e-6)


def test_gradients_are_clipped(network):
    optimised = Optimised(network, 1e-2, launch("cpu"), max_norm=1e-3)
    optimised.descend(1000 * loss_of(network))
    norm = torch.stack([weight.grad.norm() for weight in network.parameters()]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_groups_have_their_share_of_the_rate(network):
    def groups(module):
        return [{"params": [module.weight], "scale": 0.1}, {"params": [module.bias]}]

    optimised = Optimised(network, 1e-2, launch("cpu"), groups=groups)
    optimised.lr = 0.5
    assert [group["lr"] for group in optimised._optimiser.param_groups] == [0.05, 0.5]
    assert optimised.lr == pytest.approx(0.5)


def test_frozen_networks_pass_gradients_and_keep_none(network):
    optimised = Optimised(network, 1e-2, launch("cpu"))
    x = torch.ones(1, 3, requires_grad=True)
    with frozen(optimised, None):
        network(x).sum().backward()
    assert network.weight.grad is None and x.grad.abs().sum() > 0
    assert network.weight.requires_grad


def test_names_by_their_prefix():
    state = {"a.b": torch.ones(()), "ab": torch.zeros(())}
    assert list(with_prefix("a.", state)) == ["b"]


def test_schedules():
    assert [constant(0.1)(step) for step in (0, 10)] == [0.1, 0.1]
    rate = warm_up_cosine(2.0, warm_up=4, total=100)
    assert rate(0) == pytest.approx(0.5)
    assert rate(50) == pytest.approx(1.0)
    assert rate(25) == pytest.approx(1 + math.cos(math.pi / 4))
    assert rate(100) == rate(150) == pytest.approx(0)
    assert np.all(np.diff([rate(step) for step in range(4, 101)]) < 0)


def test_a_sum_of_losses_gives_the_gradient_of_their_sum(network):
    other = copy.deepcopy(network)
    Optimised(network, 1e-2, launch("cpu")).descend(loss_of(network, 1) + loss_of(network, 2))
    parts = [lambda seed=seed: loss_of(other, seed) for seed in (1, 2)]
    total = Optimised(other, 1e-2, launch("cpu")).descend_each(parts)
    assert total.ndim == 0 and not total.requires_grad
    torch.testing.assert_close(network.state_dict(), other.state_dict())


def test_another_optimiser_keeps_its_moments(network):
    sgd = partial(torch.optim.SGD, momentum=0.9)
    first, other = copy.deepcopy(network), copy.deepcopy(network)
    unbroken = Optimised(first, 0.1, launch("cpu"), optimiser=sgd)
    unbroken.descend(loss_of(first))
    resumed = Optimised(other, 0.1, launch("cpu"), optimiser=sgd)
    resumed.load_state(unbroken.state())
    for optimised in (unbroken, resumed):
        optimised.descend(loss_of(optimised.network, 1))
    assert all(a.equal(b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert "sgd.0.momentum_buffer" in resumed.state()


def test_warm_up_then_cosine_is_mae_s():
    rate = warm_up_then_cosine(2.0, warm_up=4, total=104, least=0.5)
    assert [rate(step) for step in (0, 2, 4, 54, 104, 200)] == pytest.approx([0.0, 1.0, 2.0, 1.25, 0.5, 0.5])
    assert warm_up_then_cosine(2.0, warm_up=0, total=0)(0) == 2.0


def test_detection_models_fall_to_a_tenth():
    rate = warm_up_drops(2.0, warm_up=4, drops=[10, 20])
    assert [rate(step) for step in (0, 2, 4, 9, 10, 20)] == pytest.approx([0.002, 1.001, 2.0, 2.0, 0.2, 0.02])
    assert warm_up_drops(2.0, warm_up=0, drops=[])(0) == 2.0
