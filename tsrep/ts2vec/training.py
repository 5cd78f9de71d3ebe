"""From panels to a trained encoder: prepare the series, build the step, run the loop."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from tsrep.train import hooks
from tsrep.train.batches import Batches
from tsrep.train.loop import Clock, fit
from tsrep.train.run import Run
from tsrep.train.step import Descent
from tsrep.ts2vec.crops import centre, split_long
from tsrep.ts2vec.encoder import SeriesEncoder
from tsrep.ts2vec.objective import ContrastiveObjective

if TYPE_CHECKING:
    from lightning.fabric import Fabric

VALIDATE_EVERY = 10  # steps


def prepare(x: Tensor, longest: int) -> Tensor:
    """Series (n, T, C) as they are trained on: long ones in pieces, ragged ones centred, empty ones left out."""
    x = centre(split_long(x, longest))
    return x[~x.isnan().all(-1).all(-1)]


def hold_out(x: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """(training, validation): a random share of the instances, at least one in each part."""
    if len(x) < 2:
        raise ValueError("validation_fraction needs at least 2 instances; X has 1")
    order = torch.from_numpy(np.random.default_rng([seed, 1]).permutation(len(x)))
    held = min(max(1, round(fraction * len(x))), len(x) - 1)
    return x[order[held:]], x[order[:held]]


def train(
    encoder: SeriesEncoder,
    run: Run,
    x: Tensor,
    objective: ContrastiveObjective,
    *,
    lr: float,
    batch_size: int,
    fabric: Fabric,
    held_out: Tensor | None = None,
    patience: int | None = None,
    save: Callable[[SeriesEncoder], None] | None = None,
    save_every: int = 50,
    show: bool = False,
) -> SeriesEncoder:
    """Goes on with `run` to its end and returns the encoder with the averaged weights.

    `encoder` holds the averaged weights so far and is left as it is; `run` advances. `save` is called with the encoder
    every `save_every` steps and at the end, with `run` up to date.
    """
    network = copy.deepcopy(encoder).requires_grad_(True)
    generator = torch.Generator().manual_seed(run.seed)
    step = Descent(network, objective, lr=lr, generator=generator, fabric=fabric)
    if run.tensors:
        step.load_state(run.tensors)
    averaged = cast(SeriesEncoder, step.average.network)

    def keep(clock: Clock) -> None:
        run.clock, run.tensors = clock, step.state()
        if save is not None:
            save(averaged)

    with hooks.progress_bar("TS2Vec", run.max_steps, run.clock.step, show) as bar:
        after_step = [hooks.record(run.history), bar]
        if held_out is not None:
            parts = held_out.split(int(batch_size))  # torch takes NumPy's integers for something else
            after_step.append(
                hooks.validate(run.history, lambda: _loss(step, parts, run.seed), VALIDATE_EVERY)
            )
        if patience is not None:
            after_step.append(hooks.stop_early(run.history, patience))
        if save is not None:
            after_step.append(hooks.checkpoint(keep, save_every))
        clock = fit(
            step,
            Batches(x, batch_size, run.seed),
            max_steps=run.max_steps,
            max_epochs=run.max_epochs,
            hooks=after_step,
            resume=run.clock,
        )
    run.finished = True
    keep(clock)
    return averaged


def _loss(step: Descent, parts: tuple[Tensor, ...], seed: int) -> float:
    """Mean loss over held-out batches, with the same crops and masks every time."""
    generator = torch.Generator().manual_seed(seed)
    losses = [float(step.evaluate(part, generator)) for part in parts]
    return float(np.average(losses, weights=[len(part) for part in parts]))
