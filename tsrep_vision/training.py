"""A training on images from its settings to its history: batches, schedule, progress, checkpoints, several processes.

`pretrain.py`, `probe.py` and `finetune.py` differ in their objective and in the groups of parameters; the rest is here.
Started by `torchrun`, every process calls the same function and has the same result.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn

from tsrep.base.parameters import (
    as_json,
    check_parameters,
    integer,
    number,
    out_of_range,
    verbosity,
)
from tsrep.train import hooks
from tsrep.train.batches import Batches
from tsrep.train.checkpoint import check_writable, holds_model, read_folder, write_folder
from tsrep.train.hooks import History
from tsrep.train.loop import Clock, fit, reading_interval
from tsrep.train.optimised import Groups, Optimised, Optimiser, adamw
from tsrep.train.run import Run
from tsrep.train.runtime import launch_processes
from tsrep.train.schedule import Schedule, warm_up_then_cosine
from tsrep.train.step import Step, require_finite
from tsrep_vision.data.batches import ImageBatches
from tsrep_vision.data.images import ImageError, ImageSet
from tsrep_vision.seeding import SEED, seed_of
from tsrep_vision.step import ImageObjective, ImageStep

if TYPE_CHECKING:
    from lightning.fabric import Fabric

BATCH_OF_RULE = 256  # lr = base_lr batch_size / 256, the papers' rule
NOT_OF_THE_RUN = (
    "accumulate",
    "checkpoint",
    "checkpoint_every",
    "device",
    "random_state",
    "verbose",
    "workers",
)


class TrainingStep(Step, Protocol):
    """A step with one optimiser, whose learning rate the schedule sets."""

    network: nn.Module
    optimised: Optimised


@dataclass(frozen=True)
class Training:
    """How a network is trained; the documentation of `pretrain` says what the settings mean."""

    max_steps: int | None
    max_epochs: int | None
    batch_size: int
    lr: float
    warm_up: float
    weight_decay: float
    least_lr: float = 0.0
    max_norm: float | None = None
    accumulate: int = 1
    workers: int = 0
    device: str = "auto"
    precision: str = "auto"
    random_state: int | None = None
    verbose: int = 0
    checkpoint: str | Path | None = None
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        check_parameters(self, RANGES)
        if self.checkpoint is not None:
            check_writable(self.checkpoint, "checkpoint")

    def schedule(self, steps: int) -> Schedule:
        """Learning rates of a training of `steps` steps."""
        return warm_up_then_cosine(self.lr, round(self.warm_up * steps), steps, min(self.least_lr, self.lr))


RANGES = {
    "max_steps": integer(0, none=True),
    "max_epochs": integer(0, none=True),
    "batch_size": integer(1),
    "lr": number(above=0),
    "warm_up": number(0, below=1),
    "weight_decay": number(0),
    "max_norm": number(above=0, none=True),
    "accumulate": integer(1),
    "workers": integer(0),
    "random_state": SEED,
    "verbose": verbosity(),
    "checkpoint_every": integer(1),
}


def scaled_lr(lr: float | None, base_lr: float, batch_size: int) -> float:
    """`lr`, or where it is None the papers' rule, lr = base_lr batch_size / 256."""
    return base_lr * batch_size / BATCH_OF_RULE if lr is None else lr


def train(
    network: nn.Module,
    images: ImageSet,
    objective: ImageObjective,
    settings: Training,
    *,
    title: str,
    recipe: dict[str, Any],
    groups: Groups | None = None,
    optimiser: Optimiser = adamw,
    make_batches: Callable[..., Batches[Any]] = ImageBatches,
    make_step: Callable[..., TrainingStep] = ImageStep,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    evaluate_every: int | None = None,
    shown: Mapping[str, str] | None = None,
) -> tuple[nn.Module, History]:
    """Trains a copy of `network`, or continues what `settings.checkpoint` holds.

    Parameters
    ----------
    network : the module with its initial weights; it is left as it is.
    objective, groups, optimiser : see `ImageStep`.
    title : head of the progress bar.
    recipe : what else the training depends on, as JSON holds it. A checkpoint of another recipe is refused.
    make_batches, make_step : take what `ImageBatches` and `ImageStep` take.
    evaluate : scores of the network, for the history: every `evaluate_every` steps and after the last.
    shown : which losses the progress bar shows, and as what; None: all.

    Returns
    -------
    The trained network, on the CPU and in evaluation mode; one record per step: `step`, `epoch`, `seconds`, the losses
    and the learning rate `lr`.

    Raises
    ------
    NonFiniteLossError
        The loss or the weights became NaN or infinite. The checkpoint is that of a finite step.
    ValueError
        There are no images, the weights are not of 32 bits or none is trained, the device cannot be used, or the
        checkpoint holds another run.
    """
    if len(images) == 0:
        raise ValueError("images is empty; wanted at least one")
    check_weights(network)
    fabric = launch_processes(settings.device, settings.precision)
    config = {"class": "training", "parameters": as_json_all({**asdict(settings), **recipe})}
    run = _found(settings, config, digest(images)) or _new(settings, images, fabric)
    batches = make_batches(
        images, settings.batch_size, run.seed, settings.workers, fabric.global_rank, fabric.world_size
    )
    step = make_step(
        copy.deepcopy(network),
        objective,
        lr=settings.lr,
        generator=torch.Generator().manual_seed(run.seed),
        fabric=fabric,
        weight_decay=settings.weight_decay,
        max_norm=settings.max_norm,
        groups=groups,
        optimiser=optimiser,
        accumulate=settings.accumulate,
    )
    if run.tensors:
        step.load_state(run.tensors)
    steps = _steps(settings, batches.per_epoch)
    rate = settings.schedule(steps)

    def set_rate(clock: Clock) -> None:
        step.optimised.lr = rate(clock.step)

    def add_rate(clock: Clock, scalars: dict[str, float]) -> None:
        scalars["lr"] = rate(clock.step - 1)

    def keep(clock: Clock) -> None:
        state = step.state()
        require_finite(state, clock.step)
        run.clock, run.tensors = clock, state
        if settings.checkpoint is not None and fabric.is_global_zero:
            write_folder(settings.checkpoint, {**config, "run": run.as_json()}, {"training": state})

    def score(clock: Clock, scalars: dict[str, float]) -> None:
        if clock.step < steps and evaluate_every is not None and clock.step % evaluate_every == 0:
            run.history[-1] |= evaluate(step.network)  # type: ignore[misc]

    periods = [settings.checkpoint_every] + ([] if evaluate_every is None else [evaluate_every])
    show = bool(settings.verbose) and fabric.is_global_zero
    with hooks.progress_bar(title, steps, run.clock.step, show, shown) as bar:
        after_step = [add_rate, hooks.record(run.history), bar]
        if evaluate is not None:
            after_step.append(score)
        if settings.checkpoint is not None:
            after_step.append(hooks.checkpoint(keep, settings.checkpoint_every))
        clock = fit(
            step,
            batches,
            max_steps=steps,
            before_step=set_rate,
            hooks=after_step,
            read_every=reading_interval(fabric.device, *periods),
            resume=run.clock,
        )
    if evaluate is not None and run.history:  # of a training that had ended before, too
        run.history[-1] |= evaluate(step.network)
    run.finished = True
    keep(clock)
    fabric.barrier()  # a process that reads the checkpoint next finds it written
    return step.network.cpu().eval(), run.history


def check_weights(network: nn.Module) -> None:
    """Raises ValueError unless there are weights to train, and all are of 32 bits."""
    others = {weight.dtype for weight in network.parameters()} - {torch.float32}
    if others:
        raise ValueError(
            f"model has weights of type {others.pop()}; wanted torch.float32, and another `precision` to compute in"
        )
    if not any(weight.requires_grad for weight in network.parameters()):
        raise ValueError("model has no weight with requires_grad; wanted some to train")


def digest(images: ImageSet) -> str:
    """SHA-256 of names, labels or objects, and the pixels of the first image: enough to tell one set from another."""
    hashed = hashlib.sha256("\n".join([str(images.resize), *images.names]).encode())
    if images.labels is not None:
        hashed.update(np.ascontiguousarray(images.labels).data)
    if images.annotations is not None:
        hashed.update(images.annotations.digest().encode())
    with suppress(ImageError):
        hashed.update(images[0].contiguous().numpy().data)
    return hashed.hexdigest()


def fingerprint(network: nn.Module) -> str:
    """SHA-256 of the weights: a training that began with others is another one."""
    hashed = hashlib.sha256()
    for name, value in network.state_dict().items():
        hashed.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()


def as_json_all(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON holds them."""
    return {name: as_json(value) for name, value in values.items()}


def _steps(settings: Training, per_epoch: int) -> int:
    """The step at which the training ends."""
    limits = (settings.max_steps, None if settings.max_epochs is None else settings.max_epochs * per_epoch)
    return min(limit for limit in limits if limit is not None)


def _new(settings: Training, images: ImageSet, fabric: Fabric) -> Run:
    """A run of the first process's seed."""
    seed = fabric.broadcast(seed_of(settings.random_state))
    return Run(seed, settings.max_steps, settings.max_epochs, digest(images))


def _found(settings: Training, config: dict[str, Any], data: str) -> Run | None:
    """The run in `settings.checkpoint`, if there is one; it must be of this recipe and on this data."""
    if settings.checkpoint is None or not holds_model(settings.checkpoint):
        return None
    found, tensors = read_folder(settings.checkpoint)
    if "run" not in found:
        raise out_of_range("checkpoint", str(settings.checkpoint), "a folder of a training, or a new one")
    run = Run.from_json(found["run"], tensors["training"])
    other = None
    theirs = {**found["parameters"], "random_state": run.seed}
    for name, value in config["parameters"].items():
        seeded = name == "random_state" and value is not None
        if (name not in NOT_OF_THE_RUN or seeded) and theirs.get(name) != value:
            other = f"with {name}={theirs.get(name)!r}, not {value!r}"
    if run.data != data:
        other = "on other images, labels or objects"
    if other is not None:
        raise ValueError(f"checkpoint {str(settings.checkpoint)!r} holds a run {other}; name another folder")
    return run
