"""The classifier of SSGAN (Miao et al., AAAI 2021): the label of a completed series. Two of them.

`RecurrentClassifier` is the paper's, but for what stands below. `ConvolutionalClassifier` is the default's: it found
more of the labels of two archive sets, where what tells classes apart is a short shape, and as many of PhysioNet's.

Both see values only, neither the mask nor the times: what the label says is to be in the imputed values, and a
classifier that reads the label from the pattern of gaps would not drive the generator.

Departures of the recurrent one: any number of classes, where the authors have a binary label; and the states are
averaged over all steps of both directions, where the authors take the last of one. Their recurrence takes in no value,
so their classifier cannot drive the generator.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.loops.recurrence import BidirectionalGRU

KERNEL, DILATIONS = 5, (1, 2, 4)


class RecurrentClassifier(nn.Module):
    """One logit a class, from the mean state of a recurrent net that walks both ways."""

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


class ConvolutionalClassifier(nn.Module):
    """One logit a class, from means and maxima over time of three dilated convolutions, 29 steps wide together."""

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
        """As `RecurrentClassifier.forward`."""
        within = torch.ones_like(completed[..., :1]) if inside is None else inside.unsqueeze(-1).to(completed)
        x = completed * within
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            shapes = F.gelu(norm(convolution(x.mT).mT)) * within
            x = x + shapes if number else shapes
        mean = x.sum(1) / within.sum(1).clamp(min=1)
        return self.out(torch.cat([mean, x.masked_fill(within == 0, -torch.inf).amax(1)], -1))


CLASSIFIERS = {"recurrent": RecurrentClassifier, "convolutional": ConvolutionalClassifier}
