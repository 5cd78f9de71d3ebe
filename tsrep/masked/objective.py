"""The loss of a batch: hide, predict, and compare what is hidden with the targets.

Shapes: B series, T steps, C channels, N patches of P steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tsrep.masked.joint import masked_views
from tsrep.masked.masks import Mask
from tsrep.masked.network import MaskedNetwork, Predicted, frame_of
from tsrep.masked.targets.teacher import Teacher, variance_loss
from tsrep.nn.masking import masked_mean
from tsrep.train.processes import rows_of
from tsrep.ts2vec.crops import random_window


@dataclass(frozen=True)
class MaskedObjective:
    """Called with (network, batch (B, T, C), generator), returns the losses; 1 is the best constant prediction.

    Attributes
    ----------
    mask : what is hidden.
    names : of the targets, for the record of their losses.
    loss_on : "hidden", as MAE and SimMIM have it, or "all" observed values.
    contrast_weight : of TS2Vec's contrast, see `tsrep.masked.joint`; 0 leaves it out.
    variance_weight : of the variance term beside a teacher's target.
    longest : steps of a window of longer series.
    hides : False shows everything: an autoencoder.
    """

    mask: Mask
    names: tuple[str, ...]
    loss_on: str = "hidden"
    contrast_weight: float = 0.0
    variance_weight: float = 1.0
    longest: int = 3000
    hides: bool = True

    def __call__(self, network: Any, batch: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        x = network.normalise(random_window(batch, self.longest, generator))
        frame = frame_of(x, network.patch_length)
        teachers = [scaled.target for scaled in network.targets if isinstance(scaled.target, Teacher)]
        if network.training:
            for teacher in teachers:
                teacher.follow(getattr(network, "module", network))  # within Fabric's wrapper
        if self.contrast_weight > 0:
            views, contrast = masked_views(network, frame, self.mask, generator, network.training)
            parts = {"contrast": self.contrast_weight * contrast}
        else:
            hidden = self.mask(~frame.isnan(), generator)
            seen = hidden if self.hides else torch.zeros_like(hidden)
            rows = rows_of(network, len(frame))
            views, parts = [(frame[rows], hidden[rows], network.predict(frame, seen))], {}
        each = [self.losses(network, *view) for view in views]
        masked = torch.stack([mean_loss(network, losses) for losses in each]).mean()
        masked = masked + sum(probe_loss(network, losses) for losses in each)
        if len(self.names) > 1:
            for index, name in enumerate(self.names):
                parts[name] = torch.stack([losses[index].detach() for losses in each]).mean()
        loss = masked + parts["contrast"] if self.contrast_weight > 0 else masked
        if teachers:
            of_views = [variance_loss(predicted.z, predicted.counted) for *_, predicted in views]
            parts["variance"] = torch.stack(of_views).mean()
            loss = loss + self.variance_weight * parts["variance"]
        return {"loss": loss, **parts}

    def losses(
        self, network: MaskedNetwork, frame: Tensor, hidden: Tensor, predicted: Predicted
    ) -> list[Tensor]:
        """One loss per target, from the predictions for a normalised frame (B, N, P, C)."""
        observed = ~frame.isnan()
        counted = hidden if self.loss_on == "hidden" else observed
        losses = []
        scaled: Any
        for scaled, output in zip(network.targets, predicted.outputs, strict=True):
            wanted = scaled(frame)
            weights = scaled.scored(wanted, counted, observed)
            losses.append(masked_mean(scaled.errors(output, wanted), weights))
        return losses


def mean_loss(network: Any, losses: list[Tensor]) -> Tensor:
    """The mean over the targets that the encoder learns from."""
    return torch.stack(
        [loss for loss, scaled in zip(losses, network.targets, strict=True) if not scaled.probed]
    ).mean()


def probe_loss(network: Any, losses: list[Tensor]) -> Tensor | float:
    """0, with the gradient of the losses of probed targets, from which their heads alone learn."""
    probed = [loss for loss, scaled in zip(losses, network.targets, strict=True) if scaled.probed]
    return sum(loss - loss.detach() for loss in probed)
