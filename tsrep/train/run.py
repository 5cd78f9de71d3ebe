"""Where a training stands and what it is a training of: all that going on with it needs, but for the model itself."""

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
    clock, history, tensors : steps done, what each gave, and the step's state after the last.
    """

    seed: int
    max_steps: int | None = None
    max_epochs: int | None = None
    data: str = ""
    finished: bool = False
    clock: Clock = field(default_factory=Clock)
    history: History = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def extend(self, steps: int | None, epochs: int | None) -> None:
        """Sets the totals to so many more than were made."""
        self.max_steps = None if steps is None else self.clock.step + int(steps)
        self.max_epochs = None if epochs is None else self.clock.epoch + int(epochs)
        self.finished = False

    def as_json(self) -> dict[str, Any]:
        """Everything but the tensors."""
        described = asdict(Run(**{**vars(self), "tensors": {}}))
        del described["tensors"]
        return described

    @classmethod
    def from_json(cls, described: dict[str, Any], tensors: dict[str, Tensor]) -> Self:
        return cls(**{**described, "clock": Clock(**described["clock"]), "tensors": tensors})
