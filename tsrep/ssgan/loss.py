"""The losses of SSGAN's three networks (Miao et al., AAAI 2021). Each generator defines its own reconstruction loss.

    discriminator   L_D   = mean over all entries of BCE(D(x, R), M)
    adversarial     L_adv = mean over missing entries of -log D(x, R)           (the non-saturating form)
    classifier      L_C   = mean over labelled series of -log C(x)[y]
    generator       L_G   = reconstruction + adversarial_weight * L_adv + classifier_weight * L_C

x is the completed series, M the mask of observed entries, R the reminder. In the min-max game as written the generator
minimises log(1 - D), whose gradient vanishes where the discriminator is certain. Of the two ports of the paper one uses
each form.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.base.labels import UNLABELLED
from tsrep.nn.masking import masked_mean


def discriminator_loss(logits: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
    """L_D: the binary cross-entropy of "this entry was observed", over all entries inside.

    `logits` and `observed` (B, T, C); `inside` (B, T), None: all steps.
    """
    error = F.binary_cross_entropy_with_logits(logits, observed.to(logits), reduction="none")
    all_inside = torch.ones_like(observed) if inside is None else inside.unsqueeze(-1).expand_as(observed)
    return masked_mean(error, all_inside)


def adversarial_loss(logits: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
    """L_adv: mean over the missing entries of -log sigmoid(logit), low where imputed entries look observed."""
    missing = ~observed if inside is None else ~observed & inside.unsqueeze(-1)
    return masked_mean(F.softplus(-logits), missing)


def classifier_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """L_C: cross-entropy over the labelled series; 0 if there are none.

    `logits` (B, n_classes); `labels` (B,), class numbers, -1 for unlabelled.
    """
    total = F.cross_entropy(logits, labels, ignore_index=UNLABELLED, reduction="sum")
    return total / (labels != UNLABELLED).sum().clamp(min=1)
