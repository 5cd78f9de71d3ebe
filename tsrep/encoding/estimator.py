"""`SeriesRepresentation`: training and saving of any encoder.

A subclass says which network it is (`_build`) and what it minimises (`_objective`). What the fitted network computes is
in `tsrep.encoding.representation`.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from tsrep.base.fitting import atomic
from tsrep.base.panels import Floats
from tsrep.base.parameters import (
    Range,
    boolean,
    check_parameters,
    integer,
    number,
    out_of_range,
    verbosity,
)
from tsrep.base.saving import Folder, Tensors
from tsrep.base.training import FABRIC, digest, initial_weights
from tsrep.data.lazy import BLOCK_VALUES, LazyPanel
from tsrep.data.stored import as_lazy
from tsrep.encoding.inference import as_steps
from tsrep.encoding.pieces import Pieces, held_out_at_the_end
from tsrep.encoding.representation import EncodingEstimator
from tsrep.encoding.training import Measure, hold_out, train
from tsrep.train.batches import Batches, TensorBatches
from tsrep.train.blocks import BlockBatches
from tsrep.train.run import Run
from tsrep.train.runtime import launch
from tsrep.train.schedule import Schedule, constant
from tsrep.train.step import Descent, Objective

if TYPE_CHECKING:
    from lightning.fabric import Fabric

DEFAULT_STEPS = 200
SAMPLED_VALUES = 2**22  # of a lazy panel

RANGES: dict[str, Range] = {
    "batch_size": integer(1),
    "lr": number(above=0),
    "max_steps": integer(0, none=True),
    "max_epochs": integer(0, none=True),
    "validation_fraction": number(0, below=1),
    "patience": integer(1, none=True),
    "checkpoint_every": integer(1),
    "fabric": FABRIC,
    "gather": boolean(),
    "warm_start": boolean(),
    "verbose": verbosity(),
}


class SeriesRepresentation(EncodingEstimator):
    """A scikit-learn transformer that trains a network from series to one vector per step.

    A subclass gives `_build(channels)`, a new network with random weights, and `_objective()`, what a training step
    minimises: (network, batch (B, T, C), generator) -> `tsrep.train.step.Losses`. The network is called with
    (x, keep, inside, steps), as `tsrep.encoding.encoder.SeriesEncoder` is, and has a `backbone`. A subclass may also
    give `_prepare` (how series are cut for training) and `_RANGES` (ranges of its own parameters).

    Attributes
    ----------
    gather : whether, in several processes, the objective is given the network's outputs for the whole batch; False
        needs an objective that knows `tsrep.train.processes.rows_of`.
    history_ : list of {"step", "epoch", "seconds", "loss", "validation_loss" where computed}.
    n_steps_ : training steps made in all.
    seed_ : the integer that seeded the fit.
    """

    gather: bool = True

    _RANGES: dict[str, Range] = {}
    _SHOWN: dict[str, str] | None = None  # the numbers of the record that the progress bar shows, and as what
    _TITLE: str | None = None  # of the progress bar; None: the name of the class

    # For subclasses

    @abstractmethod
    def _build(self, channels: int) -> nn.Module:
        """A network with random weights, in inference mode and without gradients, for series of `channels` channels."""

    @abstractmethod
    def _objective(self) -> Objective:
        """What a training step minimises."""

    def _prepare(self, x: Tensor) -> Tensor:
        """Series (n, T, C) as they are trained on: without empty ones, and as they are if there are none."""
        seen = torch.cat([~part.isnan().flatten(1).all(1) for part in x.split(_rows_at_once(x))])
        return x if bool(seen.all()) else x[seen]

    def _prepare_batch(self, batch: Tensor) -> Tensor:
        """A batch (B, T, C) of prepared series as it is trained on."""
        return batch

    def _longest(self) -> int | None:
        """The length at which `_prepare` cuts series: those of twice as many steps are pieces; None: it cuts none."""
        return None

    def _look_at(self, panel: Floats) -> None:
        """Sets what the network's shape depends on, from the panel (n, c, T) of a new training."""

    def _descent(
        self, network: nn.Module, generator: torch.Generator, fabric: Fabric, **together: Any
    ) -> Descent:
        """The training step; of several processes, `together` are `processes` and `gather` of `Descent`."""
        return Descent(network, self._objective(), lr=self.lr, generator=generator, fabric=fabric, **together)

    def _schedule(self, steps: int) -> Schedule:
        """The learning rate, in a training of `steps` steps in all."""
        return constant(self.lr)

    def _batch_size(self) -> int:
        """Instances per training step."""
        return self.batch_size

    def _measure(self, x: Tensor, held_out: Tensor | None, seed: int) -> Measure | None:
        """Further numbers for the record, computed every 10 steps from the network in training; None: no others.

        `x` (n, T, C) are the series that are trained on, `held_out` those that are not, if any.
        """
        return None

    def _default_length(self, values: int) -> int:
        """Training steps where neither `max_steps` nor `max_epochs` is set, for a panel of `values` values."""
        return DEFAULT_STEPS

    def _check_parameters(self) -> None:
        """Raises the ValueError of the first parameter that is out of range."""
        check_parameters(self, {**RANGES, **self._RANGES})
        if self.patience is not None and self.validation_fraction == 0:
            raise out_of_range("patience", self.patience, "None, or a validation_fraction above 0 with it")
        self._read_out()

    # Training

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns from a panel (n, c, t), or anything `tsrep.data.as_panel` takes; `y` is ignored.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` is not a panel to train on, or `checkpoint` holds another run.
        NonFiniteLossError
            The training diverged. The estimator and its checkpoint are what they were before.
        """
        self._check_parameters()
        continues = self.warm_start and self._is_trained()
        lazy = as_lazy(X)
        panel = self._panel(X if lazy is None else _sample(lazy), reset=not continues)
        data = ""
        if self.checkpoint is not None:
            data = digest(panel) if lazy is None else lazy.fingerprint()
        source = self._source(data)
        if source is None:
            run = self._start(panel)
        else:
            self._take_over(source)
            run = copy.deepcopy(self._run)
        _ = self.n_features_out_  # raises if the read-out is of layers that the network does not have
        if source is None or source is self:
            run.data = data
            run.extend(
                *self._length_of_training(panel.size if lazy is None else math.prod(lazy.shape)),
                self._processes().count,
            )
        if not run.finished:
            with self._checkpoint_outlives_divergence():
                self._train(run, panel, lazy)
        self._runs = [run]
        return self

    @property
    def _run(self) -> Run:
        return self._runs[0]

    def _start(self, panel: Floats) -> Run:
        """Sets a network with random weights; a run in which nothing was learned."""
        seed = self._draw_seed()
        self._look_at(panel)
        with initial_weights(seed):
            self.encoder_ = self._build(panel.shape[1])
        self._shape = self._current_shape()
        return Run(seed)

    def _length_of_training(self, values: int) -> tuple[int | None, int | None]:
        if self.max_steps is None and self.max_epochs is None:
            return self._default_length(values), None
        return self.max_steps, self.max_epochs

    def _train(self, run: Run, panel: Floats, lazy: LazyPanel | None = None) -> None:
        """Trains on the panel, or on a lazy one, of which it is a sample."""
        x, held_out, end = as_steps(panel), None, 0
        if lazy is not None:
            end, held_out = held_out_at_the_end(lazy, self.validation_fraction)
        elif self.validation_fraction > 0:
            x, held_out = hold_out(x, self.validation_fraction, run.seed)
        held_out = None if held_out is None else self._prepare_batch(self._prepare(held_out))
        x = self._prepare(x)
        fabric = launch(self.device, self.precision)

        processes = self._processes()
        batches: Batches[Tensor]
        if lazy is None:
            in_memory = TensorBatches.for_processes(x, self._batch_size(), run.seed, processes.count)
            in_memory.prepare, batches = self._prepare_batch, in_memory
        else:
            pieces, at_once = Pieces(lazy, self._longest(), (0, end)), self._batch_size() * processes.count
            batches = BlockBatches(
                pieces,
                at_once,
                run.seed,
                processes.count,
                lambda batch: self._prepare_batch(self._prepare(batch)),
            )

        def make_step(network: nn.Module, generator: torch.Generator) -> Descent:
            together = {"processes": processes, "gather": self.gather} if processes.count > 1 else {}
            return self._descent(network, generator, fabric, **together)

        def save(encoder: nn.Module) -> None:
            self.encoder_, self._runs = encoder, [run]
            self.save(str(self.checkpoint))

        self.encoder_ = train(
            self.encoder_,
            run,
            batches,
            make_step,
            schedule=self._schedule,
            batch_size=self._batch_size(),
            fabric=fabric,
            processes=processes,
            measure=self._measure(x, held_out, run.seed),
            held_out=held_out,
            patience=self.patience,
            save=None if self.checkpoint is None else save,
            save_every=self.checkpoint_every,
            title=(self._TITLE or type(self).__name__) if self.verbose > 0 else None,
            names=self._SHOWN,
        )

    # On disk

    def _fitted_state(self) -> Folder:
        tensors = {"model": self.encoder_.state_dict(), "training": self._run.tensors}
        return {"run": self._run.as_json(), "shape": self._shape}, tensors

    def _restore(self, fitted: dict[str, Any], tensors: Tensors) -> None:
        self._check_parameters()
        self._shape = fitted.get("shape", self._current_shape())
        parameters = self.get_params(deep=False)
        self.encoder_ = type(self)(**{**parameters, **self._shape})._build(self.n_channels_)
        self.encoder_.load_state_dict(tensors["model"])
        self._runs = [Run.from_json(fitted["run"], tensors["training"])]


def _sample(lazy: LazyPanel) -> Floats:
    """A sample of a lazy panel, for what is measured on the training series; a table where the panel is one."""
    sample = lazy.sample(SAMPLED_VALUES, 0)
    return sample[:, 0] if lazy.flat else sample


def _rows_at_once(x: Tensor) -> int:
    """Instances of about a block of values."""
    return max(1, BLOCK_VALUES // max(1, x[:1].numel()))
