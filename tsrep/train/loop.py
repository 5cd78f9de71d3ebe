"""The one training loop. It knows order, counters, the stop rule, the non-finite guard and hooks; it knows no loss,
optimiser or model.

Hooks are functions called after every step with the clock and the step's scalars; one that returns True stops the
training. Recording, progress bars, validation, early stopping and checkpoints are hooks.

Reading a scalar makes the host wait for an accelerator. So scalars can be read every few steps only: the hooks are
then called for each of those steps in turn, when the last of them is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from tsrep.train.batches import Batches
from tsrep.train.step import NonFiniteLossError, Step

Hook = Callable[["Clock", dict[str, float]], bool | None]

READ_EVERY = 10  # steps, on an accelerator


@dataclass
class Clock:
    """Where training stands: steps done in all, the running epoch, batches done in it."""

    step: int = 0
    epoch: int = 0
    batch: int = 0


def fit(
    step: Step,
    batches: Batches[Any],
    *,
    max_steps: int | None = None,
    max_epochs: int | None = None,
    before_step: Callable[[Clock], None] | None = None,
    hooks: Sequence[Hook] = (),
    read_every: int = 1,
    resume: Clock | None = None,
) -> Clock:
    """Calls `step` batch after batch until a limit is reached or a hook says stop.

    Parameters
    ----------
    max_steps, max_epochs : totals, counted from the very first step; None is no limit. At least one is needed.
    before_step : called with the clock before every step; sets the learning rate, for example.
    read_every : the scalars are read, and the hooks called, at every multiple of this number of steps and at the end.
        A hook that looks at the network itself must act at such steps only, see `reading_interval`.
    resume : the clock of the run to continue; None starts anew. A copy of it advances, so it is not changed.

    Raises
    ------
    NonFiniteLossError
        A scalar that `step` returned is not finite. The weights are already spoilt by then.
    """
    if max_steps is None and max_epochs is None:
        raise ValueError("max_steps and max_epochs are both None: the training would never end")
    clock = Clock() if resume is None else replace(resume)
    if clock.batch >= batches.per_epoch:  # the run continues with fewer batches per epoch: their next epoch
        clock.epoch, clock.batch = clock.epoch + 1, 0
    unread: list[tuple[Clock, dict[str, Tensor]]] = []

    def finished() -> bool:
        return (max_steps is not None and clock.step >= max_steps) or (
            max_epochs is not None and clock.epoch >= max_epochs
        )

    while not finished():
        for batch in batches.epoch(clock.epoch, skip=clock.batch):
            if before_step is not None:
                before_step(clock)
            scalars = step(batch)
            clock.step += 1
            clock.batch += 1
            if clock.batch == batches.per_epoch:
                clock.epoch, clock.batch = clock.epoch + 1, 0
            unread.append((replace(clock), scalars))
            if clock.step % read_every == 0 or finished():
                stop = _read(unread, hooks)
                unread.clear()
                if stop:
                    return clock
            if finished():
                break
    return clock


def reading_interval(device: torch.device, *periods: int) -> int:
    """`read_every` for hooks that act every `periods` steps: 1 on a CPU, where reading costs nothing."""
    return 1 if device.type == "cpu" else math.gcd(READ_EVERY, *periods)


def _read(unread: Sequence[tuple[Clock, dict[str, Tensor]]], hooks: Sequence[Hook]) -> bool:
    """Calls the hooks for each step in turn; whether one of them says stop."""
    stop = False
    for clock, scalars in unread:
        values = {name: float(value) for name, value in scalars.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise NonFiniteLossError(
                    f"{name} became {value} at step {clock.step}: the learning rate may be too high "
                    "or the data badly scaled"
                )
        answers = [hook(clock, values) for hook in hooks]  # every hook is called, whatever the first says
        stop = stop or any(answers)
    return stop
