"""Time since each value was last observed, for irregular time stamps too, by one running maximum over time.

The convention is that of BRITS (Cao et al., 2018): the elapsed time of the first step is 0, and that of a later step
counts from the last observation before it, or from the first step if there is none.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def elapsed(times: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
    """Time since the last observation of a channel, (B, T, C).

    Parameters
    ----------
    times : (B, T), non-decreasing along T.
    observed : (B, T, C), True where a value was observed; False outside.
    inside : (B, T), False where a step is padding at either end, whose elapsed time is 0; None: all inside.
    """
    if inside is None:
        start = times[:, :1]
    else:
        start = times.masked_fill(~inside, torch.inf).amin(1, keepdim=True)
    seen = torch.where(observed, times.unsqueeze(-1), start.unsqueeze(-1)).cummax(1).values
    before = torch.cat([start.unsqueeze(-1).expand_as(seen[:, :1]), seen[:, :-1]], dim=1)
    since = times.unsqueeze(-1) - before
    return since if inside is None else since.masked_fill(~inside.unsqueeze(-1), 0.0)


def elapsed_backward(times: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
    """`elapsed` with time reversed, (B, T, C): its first step is the last of `times`."""
    return elapsed(-times.flip(1), observed.flip(1), None if inside is None else inside.flip(1))
