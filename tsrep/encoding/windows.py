"""Each step of a series from that step and the `context` steps before it.

The definition: for each step t the window t - context .. t is encoded alone, and the representation of its last step is
kept. A window that begins before its series is filled with missing steps (NaN), as in the TS2Vec authors' code. That is
what `encode_alone` and `RecentSteps` do, for any encoder. A backbone with `fast_windows` gives the same in less work.

Shapes: n series, V variants (the last step shown, or hidden), D components.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.encoding.backbone import WindowState
from tsrep.encoding.batches import STEPS_PER_BATCH, move, steps_per_batch

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def encode_windows(
    encoder: nn.Module, x: Tensor, context: int, hide_last: tuple[bool, ...], fabric: Fabric
) -> Iterator[tuple[slice, slice, Tensor]]:
    """(rows, steps, (V, rows, steps, D)) for `x` (n, T, C), one variant per entry of `hide_last`.

    True hides the last step of each window. A few windows are encoded by the definition whatever the backbone.
    """
    move(encoder, fabric.device)
    fast = getattr(encoder.backbone, "fast_windows", None)
    steps = x.shape[0] * x.shape[1] * (context + 1)
    if fast is None or steps <= STEPS_PER_BATCH["cpu"]:
        return encode_alone(encoder, x, context, hide_last, fabric)
    return fast.encode(encoder, x, context, hide_last, fabric)


def encode_alone(
    encoder: nn.Module,
    x: Tensor,
    context: int,
    hide_last: tuple[bool, ...],
    fabric: Fabric,
    windows_at_once: int | None = None,
) -> Iterator[tuple[slice, slice, Tensor]]:
    """The definition: every window is encoded alone, `windows_at_once` in a batch (None: what suits the device)."""
    padded = F.pad(x, (0, 0, context, 0), value=torch.nan)
    windows = padded.unfold(1, context + 1, 1).mT  # (n, T, context + 1, C), a view
    if windows_at_once is None:
        windows_at_once = max(1, steps_per_batch(fabric.device) // (context + 1))
    for rows, steps in tiles(x.shape[0], x.shape[1], windows_at_once):
        tile = windows[rows, steps]
        z = last_steps(encoder, tile.flatten(0, 1), hide_last, fabric)
        yield rows, steps, z.view(len(hide_last), *tile.shape[:2], -1)


@torch.inference_mode()
def last_steps(encoder: nn.Module, windows: Tensor, hide_last: tuple[bool, ...], fabric: Fabric) -> Tensor:
    """(V, B, D) of the last step of each of the windows (B, context + 1, C)."""
    last = slice(windows.shape[1] - 1, None)
    keep = torch.ones(windows.shape[:2], dtype=torch.bool)
    keep[:, -1] = False
    keeps = [keep if hidden else None for hidden in hide_last]
    with fabric.autocast():
        windows, keeps = fabric.to_device((windows, keeps))
        return torch.stack([encoder(windows, keep, steps=last).float() for keep in keeps])[:, :, 0]


class RecentSteps:
    """The definition for one live series: the last `context` steps are kept, and each window is encoded alone."""

    def __init__(self, encoder: nn.Module, context: int, channels: int, fabric: Fabric):
        self.encoder = encoder
        self.fabric = fabric
        self.before = torch.full((1, context, channels), torch.nan)

    def push(self, x: Tensor, hide_last: tuple[bool, ...] = (False,)) -> Tensor:
        """See `tsrep.encoding.backbone.WindowState`; `x` (1, m, C)."""
        context = self.before.shape[1]
        known = torch.cat([self.before, x.cpu()], dim=1)
        windows = known.unfold(1, context + 1, 1).mT[0]
        self.before = known[:, known.shape[1] - context :]
        at_once = max(1, steps_per_batch(self.fabric.device) // (context + 1))
        parts = [last_steps(self.encoder, few, hide_last, self.fabric) for few in windows.split(at_once)]
        return torch.cat(parts, dim=1).unsqueeze(1)

    def state_dict(self) -> dict[str, Tensor]:
        return {"before": self.before}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.before = state["before"]


def follow(encoder: nn.Module, context: int, channels: int, fabric: Fabric) -> WindowState:
    """The state for one live series, fast where the backbone has a fast way."""
    move(encoder, fabric.device)
    fast = getattr(encoder.backbone, "fast_windows", None)
    if fast is None:
        return RecentSteps(encoder, context, channels, fabric)
    return fast.follow(encoder, context)


def tiles(n: int, steps: int, at_once: int) -> Iterator[tuple[slice, slice]]:
    """(rows, steps) that cover `n` series of `steps` steps in order, as many steps per series as possible."""
    wide = min(steps, at_once)
    high = max(1, at_once // wide)
    for row in range(0, n, high):
        for step in range(0, steps, wide):
            yield slice(row, min(row + high, n)), slice(step, min(step + wide, steps))
