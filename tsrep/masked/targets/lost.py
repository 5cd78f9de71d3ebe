"""Targets as a saved model names them. Of a function or class of the user only its name and width are on disk."""

from __future__ import annotations

from typing import Any, NamedTuple

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


def name_of(target: Any) -> str:
    """The name of one target."""
    if isinstance(target, str):
        return target
    return target.name if isinstance(target, LostFunction) else target.__name__


def names_of(target: Any) -> Any:
    """A target, or a list of them, as JSON holds it: what is the user's by its name, in angle brackets."""
    if _several(target):
        return [names_of(each) for each in target]
    return target if isinstance(target, str) else f"<{name_of(target)}>"


def targets_of(names: Any, fitted: dict[str, Any]) -> Any:
    """The inverse of `names_of`, with `LostFunction` for what is the user's; `fitted` is the saved state of the fit."""
    if names is None:
        return None
    at_fit = zip(fitted["shape"]["target"], fitted["target_widths"], strict=True)
    widths = {name: width for name, (_, width) in at_fit}
    found = [
        LostFunction(name[1:-1], widths.get(name, 1)) if name.startswith("<") else name
        for name in (names if _several(names) else [names])
    ]
    return found if _several(names) else found[0]


def _several(target: Any) -> bool:
    return isinstance(target, list | tuple) and not isinstance(target, LostFunction)
