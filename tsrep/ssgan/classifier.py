"""The classifier of SSGAN (Miao et al., AAAI 2021): the label of a completed series.

It sees values only, neither the mask nor the times: what the label says is to be in the imputed values, and a
classifier that reads the label from the pattern of gaps would not drive the generator.

Departures: any number of classes, where the authors have a binary label; and the states are averaged over all steps of
both directions, where the authors take the last of one. Their recurrence takes in no value, so their classifier cannot
drive the generator.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

from torch import Tensor, nn

from tsrep.ssgan.recurrence import BidirectionalGRU


class Classifier(nn.Module):
    """One logit a class."""

    def __init__(self, n_channels: int, hidden_size: int, n_classes: int):
        super().__init__()
        self.recurrence = BidirectionalGRU(n_channels, hidden_size)
        self.out = nn.Linear(2 * hidden_size, n_classes)

    def forward(self, completed: Tensor, inside: Tensor | None = None) -> Tensor:
        """(B, n_classes) logits from completed series (B, T, C); `inside` (B, T), None: all."""
        states = self.recurrence(completed, inside=inside)
        if inside is None:
            return self.out(states.mean(1))
        within = inside.unsqueeze(-1)
        return self.out((states * within).sum(1) / within.sum(1).clamp(min=1))
