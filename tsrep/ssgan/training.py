"""Training on series with gaps: hold values out, run the game, keep the best weights, recover from divergence.

No validation set is needed: a share of the observed values is held out for the whole training, neither shown to the
generator nor counted in its loss. The error on them decides when to stop, which weights to keep, and in which channels
the network is better than interpolation.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tsrep.nn.overlap import Windows, cut
from tsrep.ssgan.inference import estimate
from tsrep.ssgan.parameters import Settings
from tsrep.ssgan.step import Batch, ClassifierPretraining, SSGANStep
from tsrep.train import hooks
from tsrep.train.batches import TensorBatches, take
from tsrep.train.loop import Clock, Hook, fit, reading_interval
from tsrep.train.optimised import with_prefix
from tsrep.train.processes import Processes
from tsrep.train.run import Run
from tsrep.train.schedule import Schedule, constant, warm_up_cosine
from tsrep.train.step import NonFiniteLossError, require_finite

if TYPE_CHECKING:
    from lightning.fabric import Fabric

VALIDATE_EVERY = 50  # steps
MOST_VALIDATED = 256  # series
WARM_UP_STEPS = 100
EXPLODED_RATIO = 30  # of a loss to the first loss, or to 1, the deviation of the values, if that is larger
MOST_RESCUES = 5
RESCUE_FACTOR = 0.1  # of the learning rate


@dataclass
class HeldOut:
    """Series without some of their observed values, and these held-out values.

    Attributes
    ----------
    batch : the series without the held-out values.
    truth : (n, T, C), the held-out values, 0 elsewhere.
    held_out : (n, T, C), True where a value is held out.
    """

    batch: Batch
    truth: Tensor
    held_out: Tensor


def hold_out(batch: Batch, windows: Windows, fraction: float, seed: int) -> HeldOut:
    """Holds out a random share of the observed values, each in all the windows that overlap there.

    The largest draw of each window stays, so that a window keeps at least one of its values.

    Parameters
    ----------
    batch : the windows of all series.
    windows : their positions, (n,).
    fraction : probability of each observed value.
    seed : of the draws.
    """
    steps = int((windows.starts + windows.length).max())
    shape = (int(windows.rows.max()) + 1, steps, batch.observed.shape[2])
    draws = torch.from_numpy(np.random.default_rng([seed, 2]).random(shape))
    chance = cut(draws, windows).masked_fill(~batch.observed, -1.0)
    kept = torch.zeros(shape, dtype=torch.bool)
    window, step, channel = (chance == chance.flatten(1).amax(1).view(-1, 1, 1)).nonzero().T
    kept[windows.rows[window], windows.starts[window] + step, channel] = True
    held_out = batch.observed & (chance < fraction) & ~cut(kept, windows)
    shown = batch._replace(
        values=batch.values.masked_fill(held_out, 0.0), observed=batch.observed & ~held_out
    )
    return HeldOut(shown, batch.values.masked_fill(~held_out, 0.0), held_out)


def train(
    step: SSGANStep,
    run: Run,
    data: HeldOut,
    settings: Settings,
    *,
    batch_size: int,
    patience: int | None,
    fabric: Fabric,
    processes: Processes,
    save: Callable[[], None] | None = None,
    save_every: int = 50,
    title: str | None = None,
) -> None:
    """Continues `run` to its end and leaves in `step` the weights with the lowest error on the held-out values.

    If the loss is not finite or has exploded, training continues from the best weights with a tenth of every learning
    rate, with a warning; the fifth time it ends.

    Parameters
    ----------
    step : the game; if `run` has a state, the game continues from it.
    run : where the training stands; it advances. Its tensors are the present and the best state of the game.
    processes : that train together, each with `batch_size` series per step.
    save : called every `save_every` steps, with `run` up to date, in the first process.
    title : heads a progress bar; None shows none.
    """
    batches = TensorBatches.for_processes(data.batch, batch_size, run.seed, processes.count)
    validation = _sample(data, run.seed)
    checks = bool(validation.held_out.any())

    def error() -> float:
        return processes.broadcast(held_out_error(step.generator.network, validation, fabric))

    untouched = run.clock.step == 0 and run.max_steps != 0
    if untouched and step.classifier is not None and settings.pretrain_epochs:
        fit(ClassifierPretraining(step), batches, max_epochs=settings.pretrain_epochs)
    guard = _Guard(step, run, error if checks else None)
    total = _total_steps(run, batches.per_epoch)

    def keep(clock: Clock) -> None:
        require_finite(step.state(), clock.step)
        guard.write(clock)
        if save is not None and processes.is_first:
            save()

    validate_every = max(1, min(VALIDATE_EVERY, total))
    periods = []
    show = title is not None and processes.is_first
    with hooks.progress_bar(title or "", total, run.clock.step, show) as bar:
        after_step: list[Hook] = [hooks.record(run.history), guard.watch]
        if checks:
            after_step.append(hooks.validate(run.history, error, validate_every))
            after_step.append(lambda clock, scalars: guard.keep_best(run.history))
            periods.append(validate_every)
            if patience is not None:
                after_step.append(hooks.stop_early(run.history, patience, run.since))
        after_step.append(bar)
        if save is not None:
            after_step.append(hooks.checkpoint(keep, save_every))
            periods.append(save_every)
        while True:
            try:
                fit(
                    step,
                    batches,
                    max_steps=run.max_steps,
                    max_epochs=run.max_epochs,
                    before_step=_settings_of_next_step(step, settings, total, guard, run.seed),
                    hooks=after_step,
                    read_every=reading_interval(fabric.device, *periods),
                    resume=guard.clock,
                )
                break
            except NonFiniteLossError as divergence:
                guard.rescue()
                ends = guard.rescues >= MOST_RESCUES
                warnings.warn(
                    f"the training diverged at step {guard.clock.step} ({divergence}): the best weights are restored, "
                    + (
                        "and training ended; a lower lr may help"
                        if ends
                        else "and lr is a tenth of what it was"
                    ),
                    RuntimeWarning,
                    stacklevel=5,
                )
                if ends:
                    break
    run.finished = True
    guard.write(guard.clock)
    if checks:
        guard.restore()


class _Guard:
    """Keeps the best state so far and restores it after a divergence. Its own state is saved with the run."""

    def __init__(self, step: SSGANStep, run: Run, error: Callable[[], float] | None):
        self.step = step
        self.run = run
        self.clock = copy.copy(run.clock)
        notes: dict[str, Any] = run.notes
        self.slower = notes.get("slower", 1.0)
        self.rescues = notes.get("rescues", 0)
        self.first: float | None = notes.get("first_loss")
        if run.tensors:
            step.load_state(with_prefix("step.", run.tensors))
            self.best = with_prefix("best.", run.tensors)
            lowest = notes.get("lowest")
            self.lowest = math.inf if lowest is None else lowest
        else:
            self.best = copy.deepcopy(step.state())
            self.lowest = math.inf if error is None else error()

    def watch(self, clock: Clock, scalars: dict[str, float]) -> None:
        self.clock = copy.copy(clock)
        loss = scalars["reconstruction"]
        if self.first is None:
            self.first = loss
        if loss > EXPLODED_RATIO * max(self.first, 1.0):  # the first step may have hidden nothing
            raise NonFiniteLossError(f"the loss exploded to {loss:.3g}")

    def keep_best(self, history: hooks.History) -> None:
        error = history[-1].get("validation_loss", math.inf)
        if error < self.lowest:
            self.lowest, self.best = error, copy.deepcopy(self.step.state())

    def rescue(self) -> None:
        self.rescues += 1
        self.slower *= RESCUE_FACTOR
        self.restore()

    def restore(self) -> None:
        self.step.load_state(self.best)

    def write(self, clock: Clock) -> None:
        """Writes the present state to the run."""
        lowest = None if math.isinf(self.lowest) else self.lowest
        self.run.clock = copy.copy(clock)
        self.run.notes = {
            "lowest": lowest,
            "slower": self.slower,
            "rescues": self.rescues,
            "first_loss": self.first,
        }
        states = {"step": self.step.state(), "best": self.best}
        self.run.tensors = {f"{which}.{name}": x for which, of in states.items() for name, x in of.items()}


def _total_steps(run: Run, per_epoch: int) -> int:
    limits = [run.max_steps, None if run.max_epochs is None else run.max_epochs * per_epoch]
    return min(limit for limit in limits if limit is not None)


def _settings_of_next_step(
    step: SSGANStep, settings: Settings, total: int, guard: _Guard, seed: int
) -> Callable[[Clock], None]:
    """A hook that sets the learning rate of the next step and the share of values that it hides."""
    low, high = np.broadcast_to(settings.hide_rate, 2)
    lr = settings.lr * guard.slower
    rate: Schedule = warm_up_cosine(lr, WARM_UP_STEPS, total) if settings.anneal else constant(lr)

    def before_step(clock: Clock) -> None:
        step.hide_rate = float(np.random.default_rng([seed, 3, clock.step]).uniform(low, high))
        for player in (step.generator, step.discriminator, step.classifier):
            if player is not None:
                player.lr = rate(clock.step)

    return before_step


def held_out_error(network: torch.nn.Module, data: HeldOut, fabric: Fabric) -> float:
    """Mean absolute error on the held-out values."""
    estimates, _ = estimate(network, data.batch, fabric)
    return float((estimates - data.truth).abs()[data.held_out].mean())


def _sample(data: HeldOut, seed: int) -> HeldOut:
    """At most `MOST_VALIDATED` of the series, to limit the time of a validation."""
    if len(data.truth) <= MOST_VALIDATED:
        return data
    rows = torch.from_numpy(np.random.default_rng([seed, 4]).permutation(len(data.truth))[:MOST_VALIDATED])
    return HeldOut(take(data.batch, rows), data.truth[rows], data.held_out[rows])
