"""The classifiers of SSGAN (Miao et al., AAAI 2021): the label of a completed series.

`RecurrentClassifier` is the paper's, with the departures below. `ConvolutionalClassifier` is the default: it was more
accurate on two archive sets whose classes differ in a short shape, and equally accurate on PhysioNet.

Both get the values only, neither the mask nor the times: the imputed values should carry the label, and a classifier
that reads the label from the pattern of gaps would give the generator no gradient.

Departures of `RecurrentClassifier`: it has any number of classes, while the authors' label is binary; and it averages
the states over all steps of both directions, while the authors take the last state of one. The values do not enter the
authors' recurrence, so their classifier gives the generator no gradient.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.loops.recurrence import BidirectionalGRU

KERNEL, DILATIONS = 5, (1, 2, 4)  # steps


class RecurrentClassifier(nn.Module):
    """One logit per class, from the mean state of a bidirectional recurrent network."""

    def __init__(self, n_channels: int, hidden_size: int, n_classes: int):
        super().__init__()
        self.recurrence = BidirectionalGRU(n_channels, hidden_size)
        self.out = nn.Linear(2 * hidden_size, n_classes)

    def forward(self, completed: Tensor, inside: Tensor | None = None) -> Tensor:
        """Logits (B, n_classes) from completed series (B, T, C); `inside` (B, T), None: all steps."""
        states = self.recurrence(completed, inside=inside)
        if inside is None:
            return self.out(states.mean(1))
        within = inside.unsqueeze(-1)
        return self.out((states * within).sum(1) / within.sum(1).clamp(min=1))


class ConvolutionalClassifier(nn.Module):
    """One logit per class, from mean and maximum over time of three dilated convolutions, which span 29 steps."""

    def __init__(self, n_channels: int, hidden_size: int, n_classes: int):
        super().__init__()
        widths = (n_channels, hidden_size, hidden_size)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, hidden_size, KERNEL, padding=KERNEL // 2 * dilation, dilation=dilation)
            for width, dilation in zip(widths, DILATIONS, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in DILATIONS)
        self.out = nn.Linear(2 * hidden_size, n_classes)

    def forward(self, completed: Tensor, inside: Tensor | None = None) -> Tensor:
        """See `RecurrentClassifier.forward`."""
        within = torch.ones_like(completed[..., :1]) if inside is None else inside.unsqueeze(-1).to(completed)
        x = completed * within
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            shapes = F.gelu(norm(convolution(x.mT).mT)) * within
            x = x + shapes if number else shapes
        mean = x.sum(1) / within.sum(1).clamp(min=1)
        return self.out(torch.cat([mean, x.masked_fill(within == 0, -torch.inf).amax(1)], -1))


CLASSIFIERS = {"recurrent": RecurrentClassifier, "convolutional": ConvolutionalClassifier}
