"""`TrainedEstimator`: trainings that continue, from a checkpoint or after a finished `fit`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from tsrep.base.panels import INPUT, PanelEstimator, RandomState, draw_seed
from tsrep.base.parameters import Range, as_json, current_values, is_integer, out_of_range
from tsrep.base.saving import load
from tsrep.train.checkpoint import (
    check_writable,
    holds_model,
    read_folder,
    remove_folder,
    write_folder,
)
from tsrep.train.processes import Processes
from tsrep.train.run import Run
from tsrep.train.runtime import SETTINGS, launch_processes
from tsrep.train.step import NonFiniteLossError

FABRIC = Range(
    f"None, or a dict with some of {list(SETTINGS)}, where strategy is 'auto' or 'ddp'",
    lambda value: _settings(value),
)
NOT_OF_THE_RUN = (
    "checkpoint",
    "checkpoint_every",
    "device",
    "fabric",
    "random_state",
    "verbose",
    "warm_start",
)


class TrainedEstimator(PanelEstimator):
    """An estimator whose `fit` trains networks, in one `Run` or several.

    A subclass names in `_SHAPES` the parameters that decide on the networks' shapes, in `_NOT_TRAINING` those that do
    not enter the training, and keeps the runs in `_runs`. Of the parameters below it takes in its constructor what its
    users may set.
    """

    max_steps: int | None = None
    max_epochs: int | None = None
    batch_size: int = 8
    lr: float = 1e-3
    validation_fraction: float = 0.0
    patience: int | None = None
    warm_start: bool = False
    checkpoint: str | Path | None = None
    checkpoint_every: int = 50
    device: str = "auto"
    precision: str = "auto"
    fabric: Mapping[str, Any] | None = None
    random_state: RandomState = None
    verbose: int = 0

    _SHAPES: tuple[str, ...] = ()
    _NOT_TRAINING: tuple[str, ...] = ()
    _runs: list[Run]
    _shape: dict[str, Any]

    @property
    def history_(self) -> list[dict[str, Any]]:
        return [record for run in self._runs for record in run.history]

    @property
    def n_steps_(self) -> int:
        return sum(run.clock.step for run in self._runs)

    @property
    def seed_(self) -> int:
        return self._runs[0].seed

    def _processes(self) -> Processes:
        """Those that train together, started if they are not running yet."""
        return Processes(launch_processes(self.device, self.precision, self.fabric))

    def _draw_seed(self) -> int:
        """The seed of a new training, the same in all processes."""
        return self._processes().broadcast(draw_seed(self.random_state))

    def _is_trained(self) -> bool:
        """Whether there is a fit that a warm start can continue."""
        return "_runs" in vars(self)

    def _source(self, data: str) -> Self | None:
        """The estimator whose training continues: that in `checkpoint`, this one (a warm start), or None for a new one.

        Raises
        ------
        ValueError
            `checkpoint` holds a run of other parameters or on other data (`data` is their digest), or a parameter that
            decides on the shape of the networks has changed since the fit that a warm start continues.
        """
        continues = self.warm_start and self._is_trained()
        found = self._found_in_checkpoint(data)
        if found is not None and not (continues and all(run.finished for run in found._runs)):
            return found
        if not continues:
            return None
        current = self._current_shape()
        for name, value in self._shape.items():
            if current[name] != value:
                raise out_of_range(name, current[name], f"{value!r}, as in the fit before (warm_start=True)")
        return self

    def _found_in_checkpoint(self, data: str) -> Self | None:
        """What `checkpoint` holds, if anything; it must be a run of these parameters on this data.

        None too if that is the fit that a warm start continues.
        """
        if self.checkpoint is None:
            return None
        check_writable(self.checkpoint, "checkpoint")
        self._processes().wait()  # all read the same, also where an interrupted fit has just written
        if not holds_model(self.checkpoint):
            return None
        found = self._load_checkpoint(self.checkpoint)
        if self.warm_start and self._is_trained() and self._is_fit_before(found):
            return None
        other = None
        if type(found) is not type(self):
            other = f"of a {type(found).__name__}"
        elif found._runs[0].data != data:
            other = "on other data"
        elif found._runs[0].processes != self._processes().count:
            other = f"of {found._runs[0].processes} processes, not {self._processes().count}"
        else:
            theirs = {**found.get_params(deep=False), "random_state": found.seed_}
            apart = (*NOT_OF_THE_RUN, *self._NOT_TRAINING)
            for name, value in self.get_params(deep=False).items():
                seeded = name == "random_state" and isinstance(value, int | np.integer)
                if (name not in apart or seeded) and as_json(theirs[name]) != as_json(value):
                    other = f"with {name}={theirs[name]!r}, not {value!r}"
        if other is not None:
            raise ValueError(f"checkpoint {str(self.checkpoint)!r} holds a run {other}; name another folder")
        return found

    def _load_checkpoint(self, path: str | Path) -> Any:
        return load(path)

    def _is_fit_before(self, found: Any) -> bool:
        """Whether `found` is what the last fit of this estimator left, which a warm start continues from here."""
        if type(found) is not type(self):
            return False
        ours, theirs = ((each.seed_, each.n_steps_, each._runs[0].data) for each in (self, found))
        return ours == theirs and all(run.finished for run in found._runs)

    @contextmanager
    def _checkpoint_outlives_divergence(self) -> Iterator[None]:
        """Puts the checkpoint back as it is now if the training inside diverges: to diverge again is of no use."""
        before = None
        if self.checkpoint is not None and holds_model(self.checkpoint):
            before = read_folder(self.checkpoint)
        try:
            yield
        except NonFiniteLossError:
            if not self._processes().is_first:
                raise
            if before is not None:
                write_folder(str(self.checkpoint), *before)
            elif self.checkpoint is not None:
                remove_folder(self.checkpoint)
            raise

    def _take_over(self, source: Self) -> None:
        """Sets the fitted attributes to those of `source`; the parameters stay, and so does what `X` has set."""
        kept = {*self.get_params(deep=False), *(() if source is self else (*INPUT, "feature_names_in_"))}
        fitted = {name: value for name, value in vars(source).items() if name not in kept}
        self.__dict__.update(fitted)

    def _current_shape(self) -> dict[str, Any]:
        """The parameters that decide on the networks' shapes, as JSON holds them."""
        return current_values(self, self._SHAPES)

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Any) -> Self:
        """The fitted estimator, without the folder for checkpoints that was named where it was saved."""
        parameters = {
            name: None if name == "checkpoint" else value for name, value in config["parameters"].items()
        }
        return super()._from_folder({**config, "parameters": parameters}, tensors)


def _settings(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, Mapping) or not set(value) <= set(SETTINGS):
        return False
    devices, nodes = value.get("devices", 1), value.get("num_nodes", 1)
    counted = (is_integer(devices) and devices >= 1) or devices == "auto"
    return counted and is_integer(nodes) and nodes >= 1 and value.get("strategy", "auto") in ("auto", "ddp")


def initial_weights(seed: int) -> AbstractContextManager[Any]:
    """A context in which this thread builds networks with the weights of `seed`.

    Torch's global generator is neither read nor set, so other threads keep their random numbers.
    """
    return _DrawingFrom(torch.Generator().manual_seed(seed))


class _DrawingFrom(TorchDispatchMode):
    """Operations of this thread that would draw from the global generator draw from `generator`.

    Torch's modules have no argument for it. The numbers are those that the global generator gives for the same seed.
    """

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.generator = generator

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if not _takes_generator(func) and "generator" in func.overloadpacket.overloads():  # `randn` is one
            func = func.overloadpacket.generator
        if _takes_generator(func) and kwargs.get("generator") is None:
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)


def _takes_generator(func: Any) -> bool:
    return any(argument.name == "generator" for argument in func._schema.arguments)


def digest(*arrays: NDArray[Any] | None) -> str:
    """SHA-256 of shapes and contents."""
    hashed = hashlib.sha256()
    for array in arrays:
        if array is not None:
            hashed.update(str(array.shape).encode() + np.ascontiguousarray(array).data)
    return hashed.hexdigest()
