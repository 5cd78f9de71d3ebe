"""A function or class of the user that a saved model had as a target: only its name and width are on disk."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from tsrep.masked.targets.target import Target


class LostFunction(NamedTuple):
    """What is known of such a target: its name and K."""

    name: str
    width: int


class LostTarget(Target):
    """In its place: the encoder works, and training on says what is missing.

    Parameters
    ----------
    channels, patch_length : C and P.
    function : what is known of the target.
    """

    def __init__(self, channels: int, patch_length: int, function: LostFunction):
        super().__init__(channels, patch_length)
        self.function = function
        self.width = function.width

    def forward(self, frame: Tensor) -> Tensor:
        raise ValueError(
            f"the target {self.function.name!r} was a function of yours, which a saved model does not hold: "
            "set_params(target=...) and fit again"
        )
