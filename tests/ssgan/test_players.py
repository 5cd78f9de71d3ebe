"""Discriminator, classifier and the losses: known answers, gradients, padding."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tsrep.nn.masking import masked_mean
from tsrep.ssgan.classifier import CLASSIFIERS
from tsrep.ssgan.discriminator import Discriminator
from tsrep.ssgan.loops.recurrence import BidirectionalGRU
from tsrep.ssgan.loss import adversarial_loss, classifier_loss, discriminator_loss
from tsrep.ssgan.reminder import draw_reminder

INSTANCES, STEPS, CHANNELS, HIDDEN = 3, 7, 2, 4


@pytest.fixture(autouse=True)
def _weights_from_a_seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def series():
    randomness = torch.Generator().manual_seed(0)
    completed = torch.randn(INSTANCES, STEPS, CHANNELS, generator=randomness)
    observed = torch.rand(completed.shape, generator=randomness) < 0.6
    times = torch.rand(INSTANCES, STEPS, generator=randomness).cumsum(1)
    return completed, draw_reminder(observed, 0.8, randomness), times


def pad(x, before, after, junk):
    ends = [x.new_full((x.shape[0], n, *x.shape[2:]), junk) for n in (before, after)]
    return torch.cat([ends[0], x, ends[1]], dim=1)


def torchs(ours):
    """`torch.nn.GRU` with the weights of ours, whose gates are update, reset, new."""
    peer = torch.nn.GRU(CHANNELS, HIDDEN, batch_first=True, bidirectional=True)
    for direction, suffix in enumerate(("", "_reverse")):
        for layer, name in ((ours.input_gates, "ih"), (ours.state_gates, "hh")):
            for part, kind in ((layer.weight, "weight"), (layer.bias, "bias")):
                update, reset, new = part[direction].detach().chunk(3, dim=-1)
                theirs = torch.cat([reset, update, new], dim=-1)
                theirs = theirs.T if kind == "weight" else theirs[0]
                getattr(peer, f"{kind}_{name}_l0{suffix}").data = theirs.contiguous()
    return peer


def test_without_decay_the_recurrence_is_torchs():
    ours = BidirectionalGRU(CHANNELS, HIDDEN)
    x, _, _ = series()
    torch.testing.assert_close(ours(x), torchs(ours)(x)[0], rtol=0, atol=1e-6)


def test_with_decay_the_recurrence_is_a_cell_on_decayed_states():
    ours = BidirectionalGRU(CHANNELS, HIDDEN)
    x, _, _ = series()
    decay = torch.rand(2, STEPS, INSTANCES, HIDDEN)
    peer = torchs(ours)
    cells = []
    for suffix in ("", "_reverse"):
        cell = torch.nn.GRUCell(CHANNELS, HIDDEN)
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(cell, kind).data = getattr(peer, f"{kind}_l0{suffix}").data
        cells.append(cell)
    states = torch.zeros(2, STEPS, INSTANCES, HIDDEN)
    for direction, walk in enumerate((range(STEPS), reversed(range(STEPS)))):
        h = torch.zeros(INSTANCES, HIDDEN)
        for i, t in enumerate(walk):
            h = cells[direction](x[:, t], h * decay[direction, i])
            states[direction, t] = h
    expected = torch.cat([states[0], states[1]], dim=-1).transpose(0, 1)
    torch.testing.assert_close(ours(x, decay), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("decaying", [True, False])
def test_the_recurrences_gradient_is_that_of_differences(decaying):
    ours = BidirectionalGRU(CHANNELS, HIDDEN).double()
    x = series()[0].double().requires_grad_()
    decay = torch.rand(2, STEPS, INSTANCES, HIDDEN, dtype=torch.double).requires_grad_() if decaying else None
    parts = (ours.state_gates.weight, ours.state_gates.bias)
    assert torch.autograd.gradcheck(
        lambda *_: ours(x, decay), (x, decay, *parts) if decaying else (x, *parts)
    )


def test_under_autocast_the_recurrence_keeps_the_precision_of_its_weights():
    ours = BidirectionalGRU(CHANNELS, HIDDEN)
    x, _, _ = series()
    with torch.autocast("cpu", torch.bfloat16):
        states = ours(x)
        states.sum().backward()
    assert states.dtype == ours.state_gates.weight.grad.dtype == torch.float32
    torch.testing.assert_close(states, ours(x), rtol=0, atol=0.02)


@given(
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    decaying=st.booleans(),
    kind=st.sampled_from(sorted(CLASSIFIERS)),
)
def test_padding_cannot_move_a_logit(before, after, decaying, kind):
    completed, reminder, times = series()
    discriminator = Discriminator(CHANNELS, HIDDEN, decaying)
    classifier = CLASSIFIERS[kind](CHANNELS, HIDDEN, 3)
    inside = pad(torch.ones(times.shape, dtype=torch.bool), before, after, False)
    long = pad(completed, before, after, 99.0)
    logits = discriminator(long, pad(reminder, before, after, 0.5), pad(times, before, after, 5.0), inside)
    expected = discriminator(completed, reminder, times)
    torch.testing.assert_close(logits[:, before : before + STEPS], expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(classifier(long, inside), classifier(completed), rtol=0, atol=1e-6)


@pytest.mark.parametrize("decaying", [False, True])
def test_every_logit_feels_every_value_and_reminder(decaying):
    completed, reminder, times = series()
    inputs = [completed.requires_grad_(), reminder.requires_grad_()]
    logits = Discriminator(CHANNELS, HIDDEN, decaying)(*inputs, times)
    assert logits.shape == completed.shape
    for gradient in torch.autograd.grad(logits[:, 3].sum(), inputs):
        assert (gradient != 0).all()


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_class_logits_feel_every_value(kind, n_classes):
    completed, _, _ = series()
    logits = CLASSIFIERS[kind](CHANNELS, HIDDEN, n_classes)(completed.requires_grad_())
    assert logits.shape == (INSTANCES, n_classes)
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), completed)
    assert (gradient != 0).all()


OBSERVED = torch.tensor([[[True, False], [True, True], [False, True]]])
LOGITS = torch.tensor([[[2.0, -1.0], [0.0, 3.0], [0.5, -2.0]]])
INSIDE = torch.tensor([[True, True, False]])


def bce(logit, observed):
    return math.log1p(math.exp(-logit if observed else logit))


def test_discriminator_loss_is_the_mean_over_all_entries_inside():
    entries = [(2.0, True), (-1.0, False), (0.0, True), (3.0, True), (0.5, False), (-2.0, True)]
    terms = [bce(*entry) for entry in entries]
    assert discriminator_loss(LOGITS, OBSERVED).item() == pytest.approx(sum(terms) / 6)
    assert discriminator_loss(LOGITS, OBSERVED, INSIDE).item() == pytest.approx(sum(terms[:4]) / 4)


def test_adversarial_loss_is_the_mean_over_missing_entries_inside():
    expected = (bce(-1.0, True) + bce(0.5, True)) / 2
    assert adversarial_loss(LOGITS, OBSERVED).item() == pytest.approx(expected)
    assert adversarial_loss(LOGITS, OBSERVED, INSIDE).item() == pytest.approx(bce(-1.0, True))
    assert adversarial_loss(LOGITS, torch.ones_like(OBSERVED)).item() == 0


def test_the_adversarial_gradient_does_not_vanish_where_the_discriminator_is_sure():
    logits = torch.full((1, 1, 1), -20.0, requires_grad=True)
    adversarial_loss(logits, torch.zeros(1, 1, 1, dtype=torch.bool)).backward()
    assert logits.grad.item() == pytest.approx(-1.0)


def test_classifier_loss_is_the_mean_over_labelled_series():
    logits = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 5.0], [3.0, 0.0, 0.0]], requires_grad=True)
    loss = classifier_loss(logits, torch.tensor([1, -1, 2]))
    expected = -F.log_softmax(logits, -1)[[0, 2], [1, 2]].mean()
    assert loss.item() == pytest.approx(expected.item())
    loss.backward()
    assert not logits.grad[1].any()
    assert logits.grad[[0, 2]].any()


def test_classifier_loss_without_labels_is_zero_and_has_a_gradient():
    logits = torch.randn(2, 3, requires_grad=True)
    loss = classifier_loss(logits, torch.tensor([-1, -1]))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_masked_mean_ignores_what_is_not_chosen():
    error = torch.tensor([1.0, 1e30, 3.0], requires_grad=True)
    mean = masked_mean(error, torch.tensor([True, False, True]))
    mean.backward()
    assert mean.item() == 2
    assert error.grad.tolist() == [0.5, 0, 0.5]
    assert masked_mean(error, torch.zeros(3, dtype=torch.bool)).item() == 0
