"""From series to a trained encoder: hold instances out, build the step, run the loop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from tsrep.train import hooks
from tsrep.train.batches import Batches
from tsrep.train.loop import Clock, fit, reading_interval
from tsrep.train.processes import ALONE, Processes
from tsrep.train.run import Run
from tsrep.train.schedule import Schedule
from tsrep.train.step import Descent, require_finite

if TYPE_CHECKING:
    from lightning.fabric import Fabric

VALIDATE_EVERY = 10  # steps
MEASURE_EVERY = 10

Measure = Callable[[nn.Module], dict[str, float]]


def hold_out(x: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """(training, validation): a random share of the instances, at least one in each part."""
    if len(x) < 2:
        raise ValueError("validation_fraction needs at least 2 instances; X has 1")
    order = torch.from_numpy(np.random.default_rng([seed, 1]).permutation(len(x)))
    size = min(max(1, round(fraction * len(x))), len(x) - 1)
    return x[order[size:]], x[order[:size]]


def train(
    encoder: nn.Module,
    run: Run,
    batches: Batches[Any],
    make_step: Callable[[nn.Module, torch.Generator], Descent],
    *,
    schedule: Callable[[int], Schedule],
    batch_size: int,
    fabric: Fabric,
    processes: Processes = ALONE,
    measure: Measure | None = None,
    held_out: Tensor | None = None,
    patience: int | None = None,
    save: Callable[[nn.Module], None] | None = None,
    save_every: int = 50,
    title: str | None = None,
    names: Mapping[str, str] | None = None,
) -> nn.Module:
    """Continues `run` to its end and returns the trained encoder.

    Parameters
    ----------
    encoder : the model so far; it is left as it is.
    run : where the training stands; it advances.
    batches : training series (B, T, C), those of all processes together.
    make_step : (network, generator) -> the step that trains the network.
    schedule : gives the learning rate as a function of the step, for the total number of steps.
    batch_size : instances of which a validation loss is computed at once.
    fabric, processes : device and precision of this process; those that train together.
    measure : gives further numbers for the record, from the network every 10 steps.
    held_out : series on which a loss is computed every 10 steps.
    save : called with the encoder every `save_every` steps and at the end, with `run` up to date; in the first process.
    title, names : head of a progress bar, None shows none; which numbers it shows and as what, None: all.

    Raises
    ------
    NonFiniteLossError
        The loss or the weights became NaN or infinite. What `save` was called with before is finite.
    """
    network = copy.deepcopy(encoder).requires_grad_(True)
    step = make_step(network, torch.Generator().manual_seed(run.seed))
    if run.tensors:
        step.load_state(run.tensors)

    rate = schedule(_steps_in_all(run, batches.per_epoch))

    def set_rate(clock: Clock) -> None:
        step.optimised.lr = rate(clock.step)

    def keep(clock: Clock) -> None:
        state = step.state()
        require_finite(state, clock.step)
        run.clock, run.tensors = clock, state
        if save is not None and processes.is_first:
            save(_at_rest(step.model))

    periods = []
    show = title is not None and processes.is_first
    with hooks.progress_bar(title or "", run.max_steps, run.clock.step, show, names) as bar:
        after_step = [hooks.record(run.history), bar]
        if measure is not None:
            measured = measure
            after_step.insert(0, hooks.also(lambda: measured(step.network), MEASURE_EVERY))
            periods.append(MEASURE_EVERY)
        if held_out is not None:
            parts = held_out.split(int(batch_size))  # torch takes NumPy's integers for something else
            after_step.append(
                hooks.validate(
                    run.history,
                    lambda: processes.broadcast(_loss(step, parts, run.seed)),
                    VALIDATE_EVERY,
                )
            )
            periods.append(VALIDATE_EVERY)
        if patience is not None:
            after_step.append(hooks.stop_early(run.history, patience, run.since))
        if save is not None:
            after_step.append(hooks.checkpoint(keep, save_every))
            periods.append(int(save_every))
        clock = fit(
            step,
            batches,
            max_steps=run.max_steps,
            max_epochs=run.max_epochs,
            before_step=set_rate,
            hooks=after_step,
            read_every=reading_interval(fabric.device, *periods),
            resume=run.clock,
        )
    run.finished = True
    keep(clock)
    processes.wait()  # a process that reads the checkpoint next finds it written
    return _at_rest(step.model)


def _steps_in_all(run: Run, per_epoch: int) -> int:
    """The steps at which the run ends."""
    limits = [run.max_steps, None if run.max_epochs is None else run.max_epochs * per_epoch]
    return min(limit for limit in limits if limit is not None)


def _at_rest(model: nn.Module) -> nn.Module:
    """In inference mode and without gradients; a copy where it is the network in training."""
    if not any(weight.requires_grad for weight in model.parameters()):
        return model
    return copy.deepcopy(model).eval().requires_grad_(False)


def _loss(step: Descent, parts: tuple[Tensor, ...], seed: int) -> float:
    """Mean loss over held-out batches, with the same randomness every time."""
    generator = torch.Generator().manual_seed(seed)
    losses = [float(step.evaluate(part, generator)) for part in parts]
    return float(np.average(losses, weights=[len(part) for part in parts]))
