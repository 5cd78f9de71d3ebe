"""The one training loop. It knows order, counters, the stop rule, the non-finite guard and hooks; it knows no loss,
optimiser or model.

Hooks are functions called after every step with the clock and the step's scalars; one that returns True stops the
training. Recording, progress bars, validation, early stopping and checkpoints are hooks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tsrep.train.batches import Batches
from tsrep.train.step import Step

Hook = Callable[["Clock", dict[str, float]], bool | None]


class NonFiniteLossError(FloatingPointError):
    """The loss became NaN or infinite."""


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
    hooks: Sequence[Hook] = (),
    resume: Clock | None = None,
) -> Clock:
    """Calls `step` batch after batch until a limit is reached or a hook says stop.

    Parameters
    ----------
    max_steps, max_epochs : totals, counted from the very first step; None is no limit. At least one is needed.
    resume : the clock of the run to go on with; None starts anew. A copy of it advances, so it is not changed.

    Raises
    ------
    NonFiniteLossError
        A scalar that `step` returned is not finite. The weights are already spoilt by then, and so may be a
        checkpoint of the step before.
    """
    if max_steps is None and max_epochs is None:
        raise ValueError("max_steps and max_epochs are both None: the training would never end")
    clock = Clock() if resume is None else Clock(resume.step, resume.epoch, resume.batch)
    if clock.batch >= batches.per_epoch:  # the run goes on with fewer batches than it had: their next epoch
        clock.epoch, clock.batch = clock.epoch + 1, 0

    def finished() -> bool:
        return (max_steps is not None and clock.step >= max_steps) or (
            max_epochs is not None and clock.epoch >= max_epochs
        )

    while not finished():
        for batch in batches.epoch(clock.epoch, skip=clock.batch):
            scalars = {name: float(value) for name, value in step(batch).items()}
            for name, value in scalars.items():
                if not math.isfinite(value):
                    raise NonFiniteLossError(
                        f"{name} became {value} at step {clock.step + 1}: the learning rate may be too high "
                        "or the data badly scaled"
                    )
            clock.step += 1
            clock.batch += 1
            if clock.batch == batches.per_epoch:
                clock.epoch, clock.batch = clock.epoch + 1, 0
            answers = [
                hook(clock, scalars) for hook in hooks
            ]  # every hook is called, whatever the first says
            if any(answers):
                return clock
            if finished():
                break
    return clock
