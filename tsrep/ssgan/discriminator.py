"""The discriminator of SSGAN (Miao et al., AAAI 2021): for every entry, whether it was observed or imputed.

A bidirectional recurrent network over [completed series, reminder R]. With the temporal reminder its state decays with
the time since the last entry that R marks as observed, as the generator's state does.

Departures: the authors' code gives one logit per series, and the values do not enter its recurrence, so no gradient
reaches the generator. One logit per entry, trained against the mask, is what both ports of the paper have.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tsrep.ssgan.loops.directions import Decay, elapsed_both_ways
from tsrep.ssgan.loops.recurrence import BidirectionalGRU
from tsrep.ssgan.reminder import reminded


class Discriminator(nn.Module):
    """One logit per entry, high where the entry looks observed; R is all that it is told of the mask.

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
        """Logits (B, T, C) from the completed series and R, (B, T, C) each, and `times` (B, T)."""
        decay = None
        if self.decay is not None:
            decay = self.decay(elapsed_both_ways(times, reminded(reminder), inside))
        return self.out(self.recurrence(torch.cat([completed, reminder], dim=-1), decay, inside))
