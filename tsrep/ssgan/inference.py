"""What a trained generator and classifier say of many series, in batches and without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tsrep.ssgan.generator import filled
from tsrep.ssgan.step import Batch
from tsrep.train.batches import take

if TYPE_CHECKING:
    from lightning.fabric import Fabric

AT_ONCE = 64  # series


@torch.no_grad()
def estimate(generator: nn.Module, batch: Batch, fabric: Fabric) -> tuple[Tensor, Tensor]:
    """The generator's estimates and the scale of their errors, (n, T, C) each; a scale of 1 where it has none."""
    estimates, scales = [], []
    generator.to(fabric.device)
    for chosen in torch.arange(len(batch.values)).split(AT_ONCE):
        part = fabric.to_device(take(batch, chosen))
        with fabric.autocast():
            imputation = generator(part.values, part.observed, part.times, part.inside)
        estimates.append(imputation.estimate.float().cpu())
        scale = imputation.scale
        scales.append(torch.ones_like(estimates[-1]) if scale is None else scale.float().cpu())
    return torch.cat(estimates), torch.cat(scales)


@torch.no_grad()
def class_probabilities(classifier: nn.Module, generator: nn.Module, batch: Batch, fabric: Fabric) -> Tensor:
    """(n, n_classes), of the completed series."""
    found, _ = estimate(generator, batch, fabric)
    completed = filled(batch.values, batch.observed, found)
    classifier.to(fabric.device)
    parts = []
    for chosen in torch.arange(len(completed)).split(AT_ONCE):
        inside = None if batch.inside is None else fabric.to_device(batch.inside[chosen])
        with fabric.autocast():
            logits = classifier(fabric.to_device(completed[chosen]), inside)
        parts.append(logits.float().softmax(-1).cpu())
    return torch.cat(parts)
