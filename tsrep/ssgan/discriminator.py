"""The discriminator of SSGAN (Miao et al., AAAI 2021): for every entry, whether it was observed or imputed.

A bidirectional recurrent net over [completed series, reminder R]. In the temporal kind its state decays with the time
since the last value that R says was observed, as the generator's does.

Departures: the authors' code gives one logit for a whole series, and its recurrence never takes in a value, so nothing
of it reaches the generator. One logit an entry, trained against the mask, is what both ports of the paper have.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tsrep.ssgan.loops.directions import Decay, elapsed_both_ways
from tsrep.ssgan.loops.recurrence import BidirectionalGRU
from tsrep.ssgan.reminder import reminded


class Discriminator(nn.Module):
    """One logit an entry, high where the entry looks observed.

    It is told of the mask by R alone.

    Parameters
    ----------
    n_channels : C.
    hidden_size : H, the width of each direction.
    decaying : whether the state decays with elapsed time, for the temporal reminder.
    """

    def __init__(self, n_channels: int, hidden_size: int, decaying: bool):
        super().__init__()
        self.decay = Decay(n_channels, hidden_size) if decaying else None
        self.recurrence = BidirectionalGRU(2 * n_channels, hidden_size)
        self.out = nn.Linear(2 * hidden_size, n_channels)

    def forward(
        self, completed: Tensor, reminder: Tensor, times: Tensor, inside: Tensor | None = None
    ) -> Tensor:
        """(B, T, C) logits from the completed series and R, (B, T, C) each, and `times` (B, T)."""
        decay = None
        if self.decay is not None:
            decay = self.decay(elapsed_both_ways(times, reminded(reminder), inside))
        return self.out(self.recurrence(torch.cat([completed, reminder], dim=-1), decay, inside))
