"""The interface of a backbone: its required and its optional members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class Backbone(Protocol):
    """A `torch.nn.Module` from latent vectors to representations, one per step.

    Attributes
    ----------
    reach : the number of steps that an output looks to either side; None: it may depend on the whole series.

    Optional members
    ----------------
    layers(latent, inside) -> iterator of (B, T, H_i) : the outputs of all layers, the last one's being `forward`'s.
        Without it the read-out knows the last layer only.
    fast_windows : `FastWindows`, for causal encoding in less work than window by window.
    exportable() -> module : the same function of (B, H, T) in operations that exporters know.
    """

    reach: int | None

    def __call__(self, latent: Tensor, inside: Tensor | None, steps: slice | Tensor) -> Tensor:
        """Representations (B, len(steps), D) of `steps`.

        Parameters
        ----------
        latent : (B, T, H), zero where a step is missing or hidden.
        inside : (B, T), False where a step is padding, which must move no representation; None: all inside.
        steps : a slice, or indices of steps.
        """


class WindowState(Protocol):
    """A series that grows, and the windows that end at its newest steps."""

    def push(self, x: Tensor, hide_last: tuple[bool, ...] = (False,)) -> Tensor:
        """Representations (V, n, m, D) of the windows that end at each of the m new steps `x` (n, m, C).

        There is one variant per entry of `hide_last`; True hides the last step of each window from the encoder.
        """

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that later windows depend on."""

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Goes on, to the bit, from what `state_dict` gave."""


class FastWindows(Protocol):
    """The encodings that `encoding.windows` defines, in less work."""

    def encode(
        self, encoder: Any, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
    ) -> Iterator[tuple[slice, slice, Tensor]]:
        """(rows, steps, (V, rows, steps, D)), as `windows.encode_windows`; the encoder is on the device."""

    def follow(self, encoder: Any, context: int) -> WindowState:
        """The state for one live series."""


class Surroundings(NamedTuple):
    """Which steps of a series the representations of some of its steps depend on.

    Attributes
    ----------
    reach : the number of steps to either side.
    window : not None: the series is encoded in windows of `window` steps, counted from its end, each alone.
    """

    reach: int = 0
    window: int | None = None

    def of(self, start: int, stop: int, first: int, end: int) -> tuple[int, int]:
        """(begin, until) of what start to stop - 1 depend on, in a series from `first` to `end` - 1.

        Examples
        --------
        >>> Surroundings(reach=3).of(10, 20, 8, 100)
        (8, 23)
        >>> Surroundings(window=16).of(10, 20, 0, 50)
        (2, 34)
        """
        if self.window is None:
            return max(first, start - self.reach), min(end, stop + self.reach)
        before, behind = -(-(end - start) // self.window), (end - stop) // self.window
        return max(first, end - before * self.window), end - behind * self.window


def surroundings_of(encoder: nn.Module) -> Surroundings | None:
    """What a step's representation depends on; None: the whole series."""
    window = getattr(encoder, "window_steps", None)
    if window is not None:
        return Surroundings(window=window)
    reach = getattr(encoder.backbone, "reach", None)
    return None if reach is None else Surroundings(reach=reach)
