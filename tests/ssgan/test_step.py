"""The game: who moves when, who is driven by whom, and that a killed run ends as an unbroken one."""

import copy
from itertools import pairwise

import pytest
import torch

from tsrep.nn.masking import masked_mean
from tsrep.ssgan import step as step_module
from tsrep.ssgan.brits import RecurrentGenerator
from tsrep.ssgan.classifier import RecurrentClassifier
from tsrep.ssgan.discriminator import Discriminator
from tsrep.ssgan.generator import Imputation, filled
from tsrep.ssgan.loss import adversarial_loss, classifier_loss
from tsrep.ssgan.step import SCALARS, Batch, ClassifierPretraining, SSGANStep
from tsrep.train.batches import TensorBatches
from tsrep.train.loop import fit
from tsrep.train.optimised import Optimised, frozen
from tsrep.train.runtime import launch

INSTANCES, STEPS, CHANNELS, HIDDEN, CLASSES = 6, 8, 2, 5, 3
PLAYERS = ("generator", "discriminator", "classifier")


@pytest.fixture(scope="module")
def fabric():
    return launch("cpu")


def series(labels=(0, 1, 2, -1, 1, -1), inside=None):
    randomness = torch.Generator().manual_seed(3)
    shape = (INSTANCES, STEPS, CHANNELS)
    observed = torch.rand(shape, generator=randomness) < 0.7
    values = torch.randn(shape, generator=randomness) * observed
    times = torch.arange(float(STEPS)).expand(INSTANCES, STEPS)
    return Batch(values, observed, times, torch.tensor(labels), inside)


def game(fabric, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        players = {
            "generator": RecurrentGenerator(CHANNELS, HIDDEN),
            "discriminator": Discriminator(CHANNELS, HIDDEN, decaying=True),
            "classifier": RecurrentClassifier(CHANNELS, HIDDEN, CLASSES),
        }
    settings = {"hide_rate": 0.2, **players, **settings}
    randomness = torch.Generator().manual_seed(0)
    return SSGANStep(lr=1e-2, randomness=randomness, fabric=fabric, **settings)


def weights(step):
    return {
        who: [weight.detach().clone() for weight in player.network.parameters()]
        for who in PLAYERS
        if (player := getattr(step, who)) is not None
    }


def moved(before, after):
    """The players of which any bit differs."""
    return {
        who
        for who in before
        if not all(torch.equal(old, new) for old, new in zip(before[who], after[who], strict=True))
    }


def test_each_update_moves_its_player_alone_and_in_order(fabric, monkeypatch):
    step = game(fabric, discriminator_steps=2)
    snapshots = [weights(step)]
    descend = Optimised.descend

    def watched(player, loss):
        detached = descend(player, loss)
        snapshots.append(weights(step))
        return detached

    monkeypatch.setattr(Optimised, "descend", watched)
    step(series())
    order = [moved(before, after) for before, after in pairwise(snapshots)]
    assert order == [{"classifier"}, {"generator"}, {"discriminator"}, {"discriminator"}]


def test_the_generators_turn_leaves_no_gradient_on_the_others(fabric, monkeypatch):
    step = game(fabric)
    left = []
    descend = Optimised.descend

    def watched(player, loss):
        for other in (step.discriminator, step.classifier):
            other.network.zero_grad()
        detached = descend(player, loss)
        if player is step.generator:
            left.extend(w.grad for o in (step.discriminator, step.classifier) for w in o.network.parameters())
        return detached

    monkeypatch.setattr(Optimised, "descend", watched)
    step(series())
    assert left
    assert all(gradient is None for gradient in left)
    assert all(w.requires_grad for who in PLAYERS for w in getattr(step, who).network.parameters())


class Entries(torch.nn.Module):
    """A generator whose estimate is a table of free numbers and whose reconstruction says nothing."""

    def __init__(self, start=0.0):
        super().__init__()
        self.table = torch.nn.Parameter(torch.full((INSTANCES, STEPS, CHANNELS), start))

    def forward(self, values, observed, times, inside=None, beyond=None):
        return Imputation(self.table * 1.0)

    def reconstruction(self, imputation, values, observed, hidden, inside=None):
        return 0.0 * imputation.estimate.sum()


@pytest.mark.parametrize("who", ["discriminator", "classifier"])
def test_the_others_drive_the_generator(fabric, who):
    """Its gradient is not zero on missing entries, zero on observed ones, and depends on what was imputed."""
    batch = series(labels=(0, 1, 2, 0, 1, 2))
    gradients = []
    for start in (0.0, 1.0):
        generator = Entries(start)
        absent = ({"discriminator", "classifier"} - {who}).pop()
        step = game(fabric, generator=generator, hide_rate=0.0, reminder_rate=0.5, **{absent: None})
        step(batch)
        gradients.append(generator.table.grad)
    for gradient in gradients:
        assert (gradient[~batch.observed] != 0).all()
        assert not gradient[batch.observed].any()
    assert (gradients[0] - gradients[1])[~batch.observed].abs().min() > 0


def test_the_generators_gradient_is_that_of_its_three_terms(fabric, monkeypatch):
    """Against the sum written out, with the networks as they stood in the generator's turn."""
    weight = {"adversarial_weight": 3.0, "classifier_weight": 2.0}
    step = game(fabric, hide_rate=0.0, reminder_rate=0.0, discriminator_steps=0, **weight)
    twin = copy.deepcopy({who: getattr(step, who).network for who in PLAYERS})
    monkeypatch.setattr(step_module.Optimised, "descend", lambda player, loss: _backward_only(loss))
    batch = series()
    scalars = step(batch)

    values, observed, times, labels, *_ = batch
    imputation = twin["generator"](values, observed, times)
    completed = filled(values, observed, imputation.estimate)
    nothing_told = torch.full_like(values, 0.5)
    reconstruction = twin["generator"].reconstruction(
        imputation, values, observed, torch.zeros_like(observed)
    )
    adversarial = adversarial_loss(twin["discriminator"](completed, nothing_told, times), observed)
    label = classifier_loss(twin["classifier"](completed), labels)
    (reconstruction + 3 * adversarial + 2 * label).backward()
    for ours, expected in zip(
        step.generator.network.parameters(), twin["generator"].parameters(), strict=True
    ):
        torch.testing.assert_close(ours.grad, expected.grad)
    assert scalars["reconstruction"] == reconstruction.detach()
    assert scalars["adversarial"] == adversarial.detach()
    assert scalars["label"] == label.detach()


def _backward_only(loss):
    loss.backward()
    return loss.detach()


def test_real_and_imputed_differ_and_share_no_memory(fabric):
    """What the discriminator sees is the batch where observed and the estimate elsewhere, in tensors of its own."""
    step = game(fabric, hide_rate=0.0)
    seen = []
    step.discriminator.network.register_forward_pre_hook(lambda module, args: seen.append(args))
    batch = series()
    step(batch)
    assert len(seen) == 1 + step.discriminator_steps
    in_generators_turn, *in_its_own = seen
    assert in_generators_turn[0].requires_grad
    own = {batch.values.data_ptr(), batch.observed.data_ptr(), batch.times.data_ptr()}
    for completed, reminder, *_ in seen:
        assert torch.equal(completed[batch.observed], batch.values[batch.observed])
        assert (completed[~batch.observed] != batch.values[~batch.observed]).all()
        assert len({completed.data_ptr(), reminder.data_ptr()} - own) == 2
    for completed, *_ in in_its_own:
        assert not completed.requires_grad
        assert torch.equal(completed, in_generators_turn[0])
    reminders = [reminder for _, reminder, *_ in seen]
    assert all(not torch.equal(one, other) for one, other in pairwise(reminders))


def test_hidden_values_are_withheld_from_all_and_count_in_the_reconstruction(fabric):
    step = game(fabric, hide_rate=0.5)
    inputs, completed = [], []
    step.generator.network.register_forward_pre_hook(lambda module, args: inputs.append(args))
    step.discriminator.network.register_forward_pre_hook(lambda module, args: completed.append(args[0]))
    batch = series()
    step(batch)
    step(batch)
    for (values, shown, *_), seen in zip(inputs, completed[:: 1 + step.discriminator_steps], strict=True):
        hidden = batch.observed & ~shown
        assert hidden.any()
        assert not shown[~batch.observed].any()
        assert not values[~shown].any()
        assert torch.equal(values[shown], batch.values[shown])
        assert (seen[hidden] != batch.values[hidden]).all()
    assert not torch.equal(inputs[0][1], inputs[1][1])


def test_a_batch_without_labels_leaves_the_classifier_and_gives_zero(fabric):
    step = game(fabric)
    step(series())  # so that the optimiser has momentum
    before = weights(step)
    scalars = step(series(labels=[-1] * INSTANCES))
    assert moved(before, weights(step)) == {"generator", "discriminator"}
    assert scalars["classifier"] == scalars["label"] == 0
    assert all(torch.isfinite(value) for value in scalars.values())


def test_a_long_gradient_of_the_generator_is_shortened(fabric):
    long, short = game(fabric), game(fabric, max_norm=1e-3)
    for step in (long, short):
        step(series())

    def norm(player):
        return torch.stack([weight.grad.norm() for weight in player.network.parameters()]).norm().item()

    assert norm(long.generator) > 1e-2
    assert norm(short.generator) == pytest.approx(1e-3, rel=1e-3)
    assert norm(short.discriminator) > 1e-2  # the others' are left alone


@pytest.mark.parametrize("absent", [("discriminator",), ("classifier",), ("discriminator", "classifier")])
def test_a_player_may_be_absent(fabric, absent):
    step = game(fabric, **dict.fromkeys(absent))
    before = weights(step)
    scalars = step(series())
    assert moved(before, weights(step)) == set(before)
    assert tuple(scalars) == SCALARS
    assert not any(value.requires_grad for value in scalars.values())
    assert not any(scalars[who] for who in absent)


def test_nothing_of_the_batch_is_written_to(fabric):
    batch = series(inside=torch.ones(INSTANCES, STEPS, dtype=torch.bool))
    batch = batch._replace(beyond=torch.ones(INSTANCES, 2, 2, CHANNELS))
    before = copy.deepcopy(batch)
    game(fabric)(batch)
    assert all(torch.equal(part, kept) for part, kept in zip(batch, before, strict=True))


def test_steps_outside_change_no_players_gradient(fabric):
    """A batch with padding moves every player as the one without, but for BRITS' sum over steps."""

    class Summed(RecurrentGenerator):
        def reconstruction(self, imputation, values, observed, hidden, inside=None):
            return masked_mean((imputation.estimate - values).abs(), observed)

    plain = series()
    inside = torch.ones(INSTANCES, STEPS + 3, dtype=torch.bool)
    inside[:, :1] = inside[:, -2:] = False

    def padded(x, junk):
        return torch.cat([torch.full_like(x[:, :1], junk), x, torch.full_like(x[:, :2], junk)], dim=1)

    long = Batch(
        padded(plain.values, 7.0),
        padded(plain.observed, False),
        padded(plain.times, 3.0),
        plain.labels,
        inside,
    )
    results = []
    for batch in (plain, long):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            generator = Summed(CHANNELS, HIDDEN)
        step = game(fabric, generator=generator, hide_rate=0.0, reminder_rate=0.0)
        results.append((step(batch), weights(step)))
    for name in SCALARS:
        torch.testing.assert_close(results[0][0][name], results[1][0][name], rtol=1e-4, atol=1e-5)
    for who in PLAYERS:
        for one, other in zip(results[0][1][who], results[1][1][who], strict=True):
            assert (one - other).abs().mean() < 1e-4  # Adam's first steps are lr wide: 1e-2


@pytest.mark.parametrize("stop", [1, 4])
def test_a_killed_run_ends_in_the_same_bits(fabric, stop):
    batches = TensorBatches(series(), 4, seed=0)
    unbroken = game(fabric)
    fit(unbroken, batches, max_steps=6)

    first = game(fabric)
    clock = fit(first, batches, max_steps=stop)
    state = {name: value.clone() for name, value in first.state().items()}
    second = game(fabric, generator=RecurrentGenerator(CHANNELS, HIDDEN))
    second.load_state(state)
    fit(second, batches, max_steps=6, resume=clock)

    ours, theirs = second.state(), unbroken.state()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_game_captured_on_a_gpu_is_that_of_the_cpu():
    def played(device):
        step = game(launch(device))
        batches = [series(), series(labels=[-1] * INSTANCES), series()]
        scalars = []
        for turn in range(12):
            step.hide_rate, step.generator.lr = 0.1 + 0.02 * turn, 1e-2 / (1 + turn)
            scalars.append([float(value) for value in step(batches[turn % 3]).values()])
            if turn == 7:
                step.load_state({name: value.clone() for name, value in step.state().items()})
        return torch.tensor(scalars)

    torch.testing.assert_close(played("cuda"), played("cpu"), rtol=5e-3, atol=1e-4)


def test_pretraining_moves_the_classifier_alone_and_lowers_its_loss(fabric):
    step = game(fabric)
    before = weights(step)
    losses = [ClassifierPretraining(step)(series())["classifier"] for _ in range(20)]
    assert moved(before, weights(step)) == {"classifier"}
    assert losses[-1] < losses[0]
    for absent in (game(fabric, classifier=None), step):
        assert ClassifierPretraining(absent)(series(labels=[-1] * INSTANCES))["classifier"] == 0


def test_frozen_is_undone_after_an_error(fabric):
    step = game(fabric)
    with pytest.raises(RuntimeError, match="inside"), frozen(step.discriminator, None):
        assert not any(w.requires_grad for w in step.discriminator.network.parameters())
        raise RuntimeError("inside")
    assert all(w.requires_grad for w in step.discriminator.network.parameters())


def test_no_global_random_state_is_drawn_from(fabric):
    step = game(fabric)
    before = torch.random.get_rng_state()
    step(series())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_batches_of_a_named_tuple_keep_the_fields_together(fabric):
    data = series()
    seen = list(TensorBatches(data, 4, seed=0).epoch(0))
    assert [type(batch) for batch in seen] == [Batch, Batch]
    for batch in seen:
        assert batch.inside is None
        for i in range(len(batch.values)):
            (same,) = [j for j in range(INSTANCES) if torch.equal(batch.values[i], data.values[j])]
            assert torch.equal(batch.observed[i], data.observed[same])
            assert batch.labels[i] == data.labels[same]
