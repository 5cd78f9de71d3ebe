"""What each of SSGAN's three players minimises (Miao et al., AAAI 2021). The generator's reconstruction is its own.

    discriminator   L_D   = mean over all entries of BCE(D(x, R), M)
    adversarial     L_adv = mean over missing entries of -log D(x, R)           (the non-saturating form)
    classifier      L_C   = mean over labelled series of -log C(x)[y]
    generator       L_G   = reconstruction + adversarial_weight * L_adv + classifier_weight * L_C

x is the completed series, M says what was observed, R is the reminder. The min-max game as written would have the
generator minimise log(1 - D), whose gradient vanishes where the discriminator is sure; both ports of the paper exist,
one with each form.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.nn.masking import masked_mean

UNLABELLED = -1


def discriminator_loss(logits: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
    """L_D: the binary cross-entropy of "this entry was observed", over all entries inside.

    `logits` and `observed` (B, T, C); `inside` (B, T), None: all.
    """
    error = F.binary_cross_entropy_with_logits(logits, observed.to(logits), reduction="none")
    every = torch.ones_like(observed) if inside is None else inside.unsqueeze(-1).expand_as(observed)
    return masked_mean(error, every)


def adversarial_loss(logits: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
    """L_adv: how sure the discriminator is that imputed entries are imputed, -log sigmoid(logit), over the missing."""
    missing = ~observed if inside is None else ~observed & inside.unsqueeze(-1)
    return masked_mean(F.softplus(-logits), missing)


def classifier_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """L_C: cross-entropy over the labelled series; 0 where there are none.

    `logits` (B, n_classes); `labels` (B,), the class's number or -1 for unlabelled.
    """
    total = F.cross_entropy(logits, labels, ignore_index=UNLABELLED, reduction="sum")
    return total / (labels != UNLABELLED).sum().clamp(min=1)
