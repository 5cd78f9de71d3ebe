"""Where a training stands and what it is a training of: all that continuing it needs, except the model itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from torch import Tensor

from tsrep.train.hooks import History
from tsrep.train.loop import Clock


@dataclass
class Run:
    """A training, from its first step on.

    Attributes
    ----------
    seed : of the weights, the batches and the step's generator.
    max_steps, max_epochs : totals at which it ends.
    data : digest of the training data.
    finished : whether the limits were reached, or early stopping ended it.
    since : steps that were made before the limits were last extended; early stopping looks at later ones only.
    clock, history, tensors : steps done, the record of each, and the step's state after the last.
    processes : number of processes that train together.
    notes : what a training keeps beside the step's state, as JSON holds it.
    """

    seed: int
    max_steps: int | None = None
    max_epochs: int | None = None
    data: str = ""
    finished: bool = False
    since: int = 0
    clock: Clock = field(default_factory=Clock)
    history: History = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    processes: int = 1

    def extend(self, steps: int | None, epochs: int | None, processes: int = 1) -> None:
        """Extends the limits by `steps` or `epochs` from the current clock, for training in `processes` processes."""
        self.processes = processes
        self.max_steps = None if steps is None else self.clock.step + int(steps)
        self.max_epochs = None if epochs is None else self.clock.epoch + int(epochs)
        self.since = self.clock.step
        self.finished = False

    def as_json(self) -> dict[str, Any]:
        """Everything but the tensors."""
        described = asdict(Run(**{**vars(self), "tensors": {}}))
        del described["tensors"]
        return described

    @classmethod
    def from_json(cls, described: dict[str, Any], tensors: dict[str, Tensor]) -> Self:
        """The inverse of `as_json`, with the tensors."""
        return cls(**{**described, "clock": Clock(**described["clock"]), "tensors": tensors})
