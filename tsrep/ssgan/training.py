"""From series with gaps to a trained generator: hold values out, play the game, keep the best, survive divergence.

No second set is asked for: a share of the observed values is held out for good, neither shown to the generator nor
counted in its loss, and the error on them says when to stop, which weights to keep, and in which channels the
network is worth having.
"""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsrep.ssgan.inference import estimate
from tsrep.ssgan.parameters import Settings
from tsrep.ssgan.step import Batch, ClassifierPretraining, SSGANStep
from tsrep.train import hooks
from tsrep.train.batches import Batches, take
from tsrep.train.loop import Clock, Hook, NonFiniteLossError, fit

if TYPE_CHECKING:
    from lightning.fabric import Fabric

VALIDATE_EVERY = 50  # steps
VALIDATED = 256  # series at most
WARM_UP = 100  # steps
EXPLODED = 30  # times the first step's loss, or the deviation of the values (one) where that is larger
RESCUES = 5
SLOWER = 0.1


class Training(NamedTuple):
    """What a training tells of itself: its record, and how often it diverged and was set back."""

    history: hooks.History
    rescues: int


@dataclass
class HeldOut:
    """Series without some of their observed values, and those values.

    Attributes
    ----------
    batch : the series as they are shown.
    truth : (n, T, C), what was held out, 0 elsewhere.
    held_out : (n, T, C), True where it was.
    """

    batch: Batch
    truth: Tensor
    held_out: Tensor


def hold_out(batch: Batch, fraction: float, seed: int) -> HeldOut:
    """A random share of the observed values; a series with one value keeps it."""
    random = np.random.default_rng([seed, 2])
    chance = torch.from_numpy(random.random(batch.observed.shape)).masked_fill(~batch.observed, 2.0)
    last = chance == chance.flatten(1).amax(1).view(-1, 1, 1)
    held_out = batch.observed & (chance < fraction) & ~last
    shown = batch._replace(
        values=batch.values.masked_fill(held_out, 0.0), observed=batch.observed & ~held_out
    )
    return HeldOut(shown, batch.values.masked_fill(~held_out, 0.0), held_out)


def train(
    step: SSGANStep,
    data: HeldOut,
    settings: Settings,
    *,
    seed: int,
    batch_size: int,
    patience: int | None,
    fabric: Fabric,
    title: str | None = None,
) -> Training:
    """Plays the game to its end and leaves in `step` the weights with the lowest error on the held-out values.

    A loss that is not finite or has exploded brings the best weights back and makes every rate ten times lower, with a
    warning; the fifth time training ends there. `title` heads a progress bar, None shows none.
    """
    batches = Batches(data.batch, batch_size, seed)
    if step.classifier is not None and settings.pretrain_epochs and settings.max_steps != 0:
        fit(ClassifierPretraining(step), batches, max_epochs=settings.pretrain_epochs)
    history: hooks.History = []
    validation = _few(data, seed)
    checks = bool(validation.held_out.any())

    def error() -> float:
        return held_out_error(step.generator.network, validation, fabric)

    guard = _Guard(step, error() if checks else math.inf)
    total = _total_steps(settings, batches.per_epoch)
    pace = _pace(step, settings, total, guard, seed)
    pace(Clock(), {})
    with hooks.progress_bar(title or "", total, show=title is not None) as bar:
        after_step: list[Hook] = [hooks.record(history), guard.watch]
        if checks:
            after_step.append(hooks.validate(history, error, max(1, min(VALIDATE_EVERY, total))))
            after_step.append(lambda clock, scalars: guard.keep(history))
            if patience is not None:
                after_step.append(hooks.stop_early(history, patience))
        after_step += [pace, bar]
        while True:
            try:
                fit(
                    step,
                    batches,
                    max_steps=settings.max_steps,
                    max_epochs=settings.max_epochs,
                    hooks=after_step,
                    resume=guard.clock,
                )
                break
            except NonFiniteLossError as failure:
                guard.rescue()
                ends = guard.rescues == RESCUES
                warnings.warn(
                    f"the training diverged at step {guard.clock.step} ({failure}): the best weights so far are back, "
                    + ("and it ended; a lower lr may help" if ends else "and lr is a tenth of what it was"),
                    RuntimeWarning,
                    stacklevel=4,
                )
                if ends:
                    break
                pace(guard.clock, {})
    if checks:
        guard.restore()
    return Training(history, guard.rescues)


class _Guard:
    """The best state so far, and the way back to it."""

    def __init__(self, step: SSGANStep, error: float):
        self.step = step
        self.lowest = error
        self.best = copy.deepcopy(step.state())
        self.clock = Clock()
        self.slower = 1.0
        self.rescues = 0
        self.first: float | None = None

    def watch(self, clock: Clock, scalars: dict[str, float]) -> None:
        self.clock = copy.copy(clock)
        loss = scalars["reconstruction"]
        if self.first is None:
            self.first = loss
        if loss > EXPLODED * max(self.first, 1.0):  # a first step may have hidden nothing
            raise NonFiniteLossError(f"the loss exploded to {loss:.3g}")

    def keep(self, history: hooks.History) -> None:
        found = history[-1].get("validation_loss", math.inf)
        if found < self.lowest:
            self.lowest, self.best = found, copy.deepcopy(self.step.state())

    def rescue(self) -> None:
        self.rescues += 1
        self.slower *= SLOWER
        self.restore()

    def restore(self) -> None:
        self.step.load_state(self.best)


def _total_steps(settings: Settings, per_epoch: int) -> int:
    limits = [settings.max_steps, None if settings.max_epochs is None else settings.max_epochs * per_epoch]
    return min(limit for limit in limits if limit is not None)


def _pace(step: SSGANStep, settings: Settings, total: int, guard: _Guard, seed: int) -> Hook:
    """Sets what the next step trains with: its learning rate, and the share of values that it hides."""
    low, high = np.broadcast_to(settings.hide_rate, 2)

    def hook(clock: Clock, scalars: dict[str, float]) -> None:
        step.hide_rate = float(np.random.default_rng([seed, 3, clock.step]).uniform(low, high))
        rate = settings.lr * guard.slower
        if settings.anneal:
            rate *= min(1.0, (clock.step + 1) / WARM_UP)
            rate *= 0.5 + 0.5 * math.cos(math.pi * min(1.0, clock.step / max(1, total)))
        for player in (step.generator, step.discriminator, step.classifier):
            if player is not None:
                player.lr = rate

    return hook


def held_out_error(network: torch.nn.Module, data: HeldOut, fabric: Fabric) -> float:
    """Mean absolute error on the held-out values."""
    found, _ = estimate(network, data.batch, fabric)
    return float((found - data.truth).abs()[data.held_out].mean())


def _few(data: HeldOut, seed: int) -> HeldOut:
    """No more series than a quick validation takes."""
    if len(data.truth) <= VALIDATED:
        return data
    chosen = torch.from_numpy(np.random.default_rng([seed, 4]).permutation(len(data.truth))[:VALIDATED])
    return HeldOut(take(data.batch, chosen), data.truth[chosen], data.held_out[chosen])
