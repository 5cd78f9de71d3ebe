"""`ScaledTarget`: a target in units in which its loss is 1 for the best constant prediction, whatever the target.

So the losses of several targets can be added, and a loss of 1 says that nothing was learned.

Shapes: B series, N patches of P steps, C channels, K numbers per patch and channel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.masked.targets.target import Target

LOSSES = ("squared", "absolute")
FEW_SCORED = 0.5  # share of a patch's observed values that must be hidden for its features to be scored
TINY_DEVIATION = 1e-4  # of a number that is as good as constant: it is not scaled
TINY_CHANCE = 1e-6  # error of the best constant where all is as good as constant: nothing is in units of it


class ScaledTarget(nn.Module):
    """A target, standardised over the training series, and its error.

    Parameters
    ----------
    target : what is predicted.
    loss : "squared" or "absolute", for numbers; labels have cross-entropy.
    probed : True: a head learns to read the target from the encoder, which does not learn from it.

    Attributes
    ----------
    outputs : numbers that a head gives per patch and channel: K, or K times the number of classes.
    """

    mean: Tensor
    deviation: Tensor
    chance: Tensor

    def __init__(self, target: Target, loss: str, probed: bool = False):
        super().__init__()
        self.target = target
        self.loss = loss
        self.probed = probed
        width = 1 if target.per_step else target.width
        self.outputs = target.width * max(1, target.classes)
        self.register_buffer("mean", torch.zeros(target.channels, width))
        self.register_buffer("deviation", torch.ones(target.channels, width))
        self.register_buffer("chance", torch.ones(()))

    @torch.no_grad()
    def fit(self, frame: Tensor, generator: torch.Generator) -> None:
        """Fits the target and the scales on training series (B, N, P, C)."""
        self.target.fit(frame, generator)
        raw = self.target(frame)
        if not self.target.classes:
            rows = raw.permute(2, 3, 0, 1)  # (C, K, B, N)
            rows = rows.flatten(1).unsqueeze(1) if self.target.per_step else rows.flatten(2)
            mean = rows.nanmean(-1)
            deviation = (rows - mean.unsqueeze(-1)).square().nanmean(-1).sqrt()
            self.mean.copy_(mean.nan_to_num(nan=0.0))
            self.deviation.copy_(torch.where(deviation > TINY_DEVIATION, deviation, 1.0))
        scaled = self(frame)
        known = ~scaled.isnan()
        if bool(known.any()):
            chance = float(self._errors(self._constant(scaled, known), scaled)[known].mean())
            self.chance.fill_(chance if chance > TINY_CHANCE else 1.0)

    def forward(self, frame: Tensor) -> Tensor:
        """(B, N, P, C) -> (B, N, C, K), NaN where undefined; labels as they are. Always in 32 bit."""
        with torch.autocast(frame.device.type, enabled=False):
            raw = self.target(frame)
        return raw if self.target.classes else (raw - self.mean) / self.deviation

    def unscaled(self, prediction: Tensor) -> Tensor:
        """The inverse of the scaling, (B, N, C, K)."""
        return prediction * self.deviation + self.mean

    def errors(self, prediction: Tensor, scaled: Tensor) -> Tensor:
        """Errors (B, N, C, K) of predictions (B, N, C, outputs) in units of the best constant's; 0 where undefined."""
        return self._errors(prediction, scaled) / self.chance

    def scored(self, scaled: Tensor, hidden: Tensor, observed: Tensor) -> Tensor:
        """Which numbers (B, N, C, K) count, where `hidden` of the `observed` values (B, N, P, C) were hidden.

        A per-step number counts where its step is hidden, a per-patch number where at least half of the patch is.
        """
        hidden, observed = hidden.transpose(2, 3), observed.transpose(2, 3)
        if not self.target.per_step:
            if scaled.shape[2] == 1:  # a number of all channels together
                hidden, observed = hidden.flatten(2).unsqueeze(2), observed.flatten(2).unsqueeze(2)
            total = observed.sum(-1, keepdim=True)
            hidden = (hidden.sum(-1, keepdim=True) >= FEW_SCORED * total) & (total > 0)
        return hidden & ~scaled.isnan()

    def _errors(self, prediction: Tensor, scaled: Tensor) -> Tensor:
        known = ~scaled.isnan()
        wanted = scaled.nan_to_num(nan=0.0)
        if self.target.classes:
            scores = prediction.unflatten(-1, (self.target.width, self.target.classes)).flatten(0, -2)
            error = F.cross_entropy(scores, wanted.flatten().long(), reduction="none").view_as(wanted)
        elif self.loss == "squared":
            error = (prediction - wanted).square()
        else:
            error = (prediction - wanted).abs()
        return error * known

    def _constant(self, scaled: Tensor, known: Tensor) -> Tensor:
        """The best constant prediction over the training series: zeros, or the logarithm of the labels' shares."""
        if not self.target.classes:
            return torch.zeros_like(scaled)
        labels = F.one_hot(scaled.nan_to_num(nan=0.0).long(), self.target.classes) * known.unsqueeze(-1)
        share = (labels.sum((0, 1)) + 1e-3) / (known.sum((0, 1)).unsqueeze(-1) + 1e-3 * self.target.classes)
        return share.log().flatten(-2).expand(*scaled.shape[:2], -1, -1)
