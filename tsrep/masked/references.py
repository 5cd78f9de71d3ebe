"""What a masked model's loss is to be compared with: losses that need no learning, or no visible value.

The loss of such a model falls in any case: the mean of the training series at each position alone lowers it. So
beside it stand, on the same series with the same values hidden,

sample_loss      the model
positional_mean  the mean of the target over the training series at the same position, which sees nothing
lines            the target of the series in which straight lines connect the visible values
all_hidden       the model itself with everything hidden

Shapes: B series, N patches of P steps, C channels, K numbers per patch and channel.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.masked.network import Predicted, frame_of, inside_frame, shown
from tsrep.masked.objective import MaskedObjective, mean_loss
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.ssgan.interpolating import interpolate

MOST_SERIES = 256  # from which positional means are taken
CHECKED_SERIES = 16  # on which the losses are compared


class ReferenceLosses:
    """The losses above, of the network in training, which it is called with. Those without the model are computed once.

    Parameters
    ----------
    objective : the loss.
    series, checked : (n, T, C), of the training and those on which the losses are computed; the first few count.
    seed : of what is hidden.
    """

    def __init__(self, objective: MaskedObjective, series: Tensor, checked: Tensor, seed: int):
        self.objective = objective
        self.series, self.checked = (
            frame_of(some, 1).squeeze(2)[:, -objective.longest :]  # the last steps of each series
            for some in (series[:MOST_SERIES], checked[:CHECKED_SERIES])
        )
        self.seed = seed
        self.constant: dict[str, float] = {}

    @torch.no_grad()
    def __call__(self, network: Any) -> dict[str, float]:
        if not self.constant:
            self._prepare(network)
        was_training = network.training
        network.eval()
        observed = ~self.frame.isnan()
        unseen = self.hidden if self.objective.hides else torch.zeros_like(self.hidden)
        losses = {
            name: self._mean(network, network.predict(self.frame, hidden).outputs)
            for name, hidden in (("sample_loss", unseen), ("all_hidden", observed))
        }
        network.train(was_training)
        return {**self.constant, **losses}

    def _prepare(self, network: Any) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        training, self.frame = (
            frame_of(network.normalise(x.to(network.normalise.centre.device)), network.patch_length)
            for x in (self.series, self.checked)
        )
        self.hidden = self.objective.mask(~self.frame.isnan(), generator)
        lines = lines_between(shown(self.frame, self.hidden))
        positional = [positional_mean(scaled, training, self.frame.shape[1]) for scaled in network.targets]
        straight = [as_prediction(scaled, scaled(lines)) for scaled in network.targets]
        self.constant = {
            "positional_mean": self._mean(
                network, [mean.expand(len(self.frame), -1, -1, -1) for mean in positional]
            ),
            "lines": self._mean(network, straight),
        }

    def _mean(self, network: Any, outputs: list[Tensor]) -> float:
        """The loss of predictions (B, N, C, outputs) per target."""
        losses = self.objective.losses(network, self.frame, self.hidden, Predicted(outputs, self.frame))
        return float(mean_loss(network, losses))


def positional_mean(scaled: ScaledTarget, training: Tensor, patches: int) -> Tensor:
    """The prediction of the training series' mean at each patch, (patches, C, outputs), counted from the end."""
    target = scaled(training)
    known = ~target.isnan()
    if scaled.target.classes:
        labels = F.one_hot(target.nan_to_num(nan=0.0).long(), scaled.target.classes) * known.unsqueeze(-1)
        count = known.sum(0).unsqueeze(-1) + scaled.target.classes
        mean = ((labels.sum(0) + 1) / count).log().flatten(-2)
    else:
        mean = target.nansum(0) / known.sum(0).clamp(min=1)
    if len(mean) >= patches:
        return mean[len(mean) - patches :]
    return torch.cat([mean[:1].expand(patches - len(mean), -1, -1), mean])


def lines_between(frame: Tensor) -> Tensor:
    """The frame with straight lines between its visible values, constant beyond the ends; NaN outside the series."""
    x = frame.flatten(1, 2)
    times = torch.arange(x.shape[1], dtype=x.dtype, device=x.device).expand(x.shape[:2])
    filled, _, _ = interpolate(x.nan_to_num(nan=0.0), ~x.isnan(), times)
    filled = filled.unflatten(1, frame.shape[1:3])
    return filled.masked_fill(~inside_frame(frame).unsqueeze(-1), torch.nan)


def as_prediction(scaled: ScaledTarget, target: Tensor) -> Tensor:
    """A target (B, N, C, K) as a head would predict it; a label has the probability 0.9."""
    if not scaled.target.classes:
        return target.nan_to_num(nan=0.0)
    others = 0.1 / max(1, scaled.target.classes - 1)
    labels = F.one_hot(target.nan_to_num(nan=0.0).long(), scaled.target.classes)
    return torch.where(labels > 0, 0.9, others).log().flatten(-2)
