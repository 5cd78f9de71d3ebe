"""The loop, its batches and its hooks, on a step that only counts."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsrep.train import hooks
from tsrep.train.average import WeightAverage
from tsrep.train.batches import TensorBatches
from tsrep.train.cuda_graph import Captured
from tsrep.train.loop import Clock, fit, reading_interval
from tsrep.train.runtime import launch
from tsrep.train.step import NonFiniteLossError


class Remembers:
    """A step that keeps the batches it saw and returns the losses it was given (1.0 when they run out)."""

    def __init__(self, losses=()):
        self.seen, self.losses = [], list(losses)

    def __call__(self, batch):
        self.seen.append(batch.tolist())
        return {"loss": torch.tensor(self.losses.pop(0) if self.losses else 1.0)}


@given(n=st.integers(1, 40), batch_size=st.integers(1, 12), seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_an_epoch_shows_every_instance_once_in_batches_of_nearly_equal_size(n, batch_size, seed, epoch):
    batches = TensorBatches(torch.arange(n), batch_size, seed)
    parts = [part.tolist() for part in batches.epoch(epoch)]
    sizes = [len(part) for part in parts]
    assert sorted(sum(parts, [])) == list(range(n))
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == batches.per_epoch


def test_order_depends_on_seed_and_epoch_only():
    batches = TensorBatches(torch.arange(30), 7, seed=3)
    second = [part.tolist() for part in batches.epoch(1)]
    assert [part.tolist() for part in TensorBatches(torch.arange(30), 7, seed=3).epoch(1)] == second
    assert [part.tolist() for part in batches.epoch(1, skip=2)] == second[2:]
    assert [part.tolist() for part in batches.epoch(2)] != second
    assert [part.tolist() for part in TensorBatches(torch.arange(30), 7, seed=4).epoch(1)] != second


@pytest.mark.parametrize("stop", range(1, 12))
def test_a_resumed_run_sees_the_batches_of_an_unbroken_one(stop):
    batches = TensorBatches(torch.arange(10), 4, seed=0)
    unbroken, first, second = Remembers(), Remembers(), Remembers()
    end = fit(unbroken, batches, max_steps=12)
    clock = fit(first, batches, max_steps=stop)
    assert fit(second, batches, max_steps=12, resume=clock) == end
    assert first.seen + second.seen == unbroken.seen


def test_limits():
    batches = TensorBatches(torch.arange(10), 4, seed=0)
    assert fit(Remembers(), batches, max_steps=0) == Clock()
    assert fit(Remembers(), batches, max_epochs=2) == Clock(step=6, epoch=2, batch=0)
    assert fit(Remembers(), batches, max_steps=4, max_epochs=2).step == 4
    with pytest.raises(ValueError, match="never end"):
        fit(Remembers(), batches)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_its_step(bad):
    with pytest.raises(NonFiniteLossError, match="loss became .* at step 3"):
        fit(Remembers([1.0, 2.0, bad]), TensorBatches(torch.arange(4), 2, 0), max_steps=9)


def test_history_validation_and_early_stopping():
    history, validations = [], iter([3.0, 2.0, 2.5, 2.6, 1.0])
    after = [
        hooks.record(history),
        hooks.validate(history, lambda: next(validations), every=2),
        hooks.stop_early(history, patience=2),
    ]
    clock = fit(Remembers(), TensorBatches(torch.arange(4), 2, 0), max_steps=100, hooks=after)
    assert clock.step == 8  # the best validation, the second, lies two back at the fourth
    assert [line["step"] for line in history] == list(range(1, 9))
    assert [line.get("validation_loss") for line in history][1::2] == [3.0, 2.0, 2.5, 2.6]
    assert all(line["loss"] == 1.0 for line in history)


def test_early_stopping_reads_each_record_once():
    class Counted(list):
        read = 0

        def __getitem__(self, key):
            records = super().__getitem__(key)
            Counted.read += len(records) if isinstance(key, slice) else 0
            return records

        def __iter__(self):
            raise AssertionError("the whole history is read at each step")

    history, stops = Counted(), []
    hook = hooks.stop_early(history, patience=3, since=4)
    for step, loss in enumerate([1.0, 2.0, 0.5, 3.0, 9.0, None, 8.0, 8.0, None, 8.5, 9.0, 7.0], start=1):
        history.append({"step": step} | ({} if loss is None else {"validation_loss": loss}))
        stops.append(hook(None, {}))
    assert stops == [False] * 10 + [True, False]
    assert Counted.read == 12
    assert hooks.stop_early(history[:11], patience=3, since=4)(None, {})  # as a resumed run does
    assert hooks.stop_early([], patience=1)(None, {}) is False


def test_every_hook_is_called_even_when_one_says_stop():
    called = []
    after = [lambda clock, scalars: True, lambda clock, scalars: called.append(clock.step)]
    fit(Remembers(), TensorBatches(torch.arange(4), 2, 0), max_steps=5, hooks=after)
    assert called == [1]


@pytest.mark.parametrize("stop", [5, 12])
def test_scalars_read_every_few_steps_give_the_same_record_and_stop(stop):
    def trained(read_every, resume=None, history=None):
        history = [] if history is None else history
        acted = []
        after = [
            hooks.record(history),
            hooks.validate(history, lambda: float(len(history)), every=3),
            lambda clock, scalars: acted.append(clock.step),
            hooks.stop_early(history, patience=2),
        ]
        batches = TensorBatches(torch.arange(10), 4, seed=0)
        clock = fit(Remembers(), batches, max_steps=stop, hooks=after, read_every=read_every, resume=resume)
        return clock, [(line["step"], line["epoch"], line.get("validation_loss")) for line in history], acted

    assert trained(3) == trained(1)
    assert reading_interval(torch.device("cpu"), 50) == 1
    assert [reading_interval(torch.device("cuda"), *periods) for periods in ((), (50, 15), (7,))] == [
        10,
        5,
        1,
    ]


def test_a_loss_that_is_read_late_is_found_at_its_step():
    with pytest.raises(NonFiniteLossError, match="at step 2"):
        fit(Remembers([1.0, math.nan]), TensorBatches(torch.arange(4), 2, 0), max_steps=9, read_every=4)


def test_what_is_called_before_a_step_sees_its_clock():
    seen = []
    batches = TensorBatches(torch.arange(4), 2, 0)
    fit(Remembers(), batches, max_steps=3, before_step=lambda clock: seen.append((clock.step, clock.epoch)))
    assert seen == [(0, 0), (1, 0), (2, 1)]


def test_weight_average_is_the_mean_of_all_snapshots_with_the_first():
    network = torch.nn.Linear(2, 1, bias=False)
    snapshots = [np.array([[0.0, 3.0]]), np.array([[1.0, 1.0]]), np.array([[5.0, 2.0]])]
    network.weight.data = torch.tensor(snapshots[0])
    average = WeightAverage(network)
    for snapshot in snapshots[1:]:
        network.weight.data = torch.tensor(snapshot)
        average.update(network)
    np.testing.assert_allclose(average.network.weight, np.mean(snapshots, axis=0))
    assert not average.network.weight.requires_grad


@pytest.mark.parametrize(
    ("device", "precision"), [("tpu", "auto"), ("cuda:x", "auto"), ("cpu", "8"), ("cuda:99", "auto")]
)
def test_unknown_devices_and_precisions_are_refused(device, precision):
    with pytest.raises(ValueError, match="device|precision"):
        launch(device, precision)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_what_cannot_be_captured_runs_as_it_is():
    captured = Captured(lambda x: x * float(x.sum()), torch.device("cuda", 0))
    x = torch.tensor([1.0, 2.0])
    assert captured(x).tolist() == [3.0, 6.0]
    with pytest.warns(RuntimeWarning, match="could not be captured"):
        assert captured(x).tolist() == [3.0, 6.0]
    assert captured(2 * x).tolist() == [12.0, 24.0]
