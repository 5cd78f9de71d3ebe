"""Estimates and class probabilities of many series, in batches and without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tsrep.ssgan.generator import filled
from tsrep.ssgan.step import Batch
from tsrep.train.batches import take

if TYPE_CHECKING:
    from lightning.fabric import Fabric

SERIES_AT_ONCE = 64


@torch.no_grad()
def estimate(generator: nn.Module, batch: Batch, fabric: Fabric) -> tuple[Tensor, Tensor]:
    """The generator's estimates and the scale of their errors, (n, T, C) each; the scale is 1 if it learns none."""
    estimates, scales = [], []
    generator.to(fabric.device)
    for rows in torch.arange(len(batch.values)).split(SERIES_AT_ONCE):
        part = fabric.to_device(take(batch, rows))
        with fabric.autocast():
            imputation = generator(part.values, part.observed, part.times, part.inside, part.beyond)
        estimates.append(imputation.estimate.float().cpu())
        scale = imputation.scale
        scales.append(torch.ones_like(estimates[-1]) if scale is None else scale.float().cpu())
    return torch.cat(estimates), torch.cat(scales)


@torch.no_grad()
def class_probabilities(classifier: nn.Module, generator: nn.Module, batch: Batch, fabric: Fabric) -> Tensor:
    """Probabilities (n, n_classes) of the completed series."""
    estimates, _ = estimate(generator, batch, fabric)
    completed = filled(batch.values, batch.observed, estimates)
    classifier.to(fabric.device)
    parts = []
    for rows in torch.arange(len(completed)).split(SERIES_AT_ONCE):
        inside = None if batch.inside is None else fabric.to_device(batch.inside[rows])
        with fabric.autocast():
            logits = classifier(fabric.to_device(completed[rows]), inside)
        parts.append(logits.float().softmax(-1).cpu())
    return torch.cat(parts)
