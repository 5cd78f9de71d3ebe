"""Masked prediction and TS2Vec's contrast from the same two masked views, in one forward pass of each.

Two overlapping crops of every series are drawn as in TS2Vec (section 3.2), in whole patches. Patches of each are
hidden; the model predicts them, and the encodings of the overlap, hidden patches included, are contrasted (section
3.3). Both losses are in units of what chance gives: added as they are, the contrast would be several times larger.

Shapes: B series, N patches of P steps, C channels, D width of a representation.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tsrep.masked.masks import Mask
from tsrep.masked.network import Predicted, inside_frame
from tsrep.train.processes import rows_of
from tsrep.ts2vec.crops import draw_crops, take_steps
from tsrep.ts2vec.objective import ContrastiveObjective, at_least_32_bit, dropout

ALPHA = 0.5  # TS2Vec's, weight of the instance-wise contrast


def masked_views(
    network: Any, frame: Tensor, mask: Mask, generator: torch.Generator, training: bool
) -> tuple[list[tuple[Tensor, Tensor, Predicted]], Tensor]:
    """Both views of a normalised frame (B, N, P, C), each as (frame, hidden, prediction), and their contrast.

    Of several processes each is given the views of the instances that its `network` returns.
    """
    start, left, right, stop, shift = draw_crops(len(frame), frame.shape[1], generator, shortest=2)
    within = inside_frame(frame)
    rows = rows_of(network, len(frame))
    views, overlaps = [], []
    for first, end, skipped in ((start, right, left - start), (left, stop, 0)):
        part = take_steps(frame, shift + first, end - first)
        inside = take_steps(within, shift + first, end - first)
        hidden = mask(~part.isnan(), generator)
        predicted = network.predict(part, hidden, inside)
        views.append((part[rows], hidden[rows], predicted))
        z = at_least_32_bit(predicted.z)
        each = z.shape[1] // part.shape[1]  # vectors per patch: 1, or one per step
        z = z[:, skipped * each : (skipped + right - left) * each]
        overlaps.append(dropout(z, generator, len(frame), rows) if training else z)
        counted = inside[rows, skipped : skipped + right - left]
        counted = counted.any(2) if each == 1 else counted.flatten(1)
    z = torch.stack([overlap.transpose(0, 1) for overlap in overlaps], dim=1)
    contrast = ContrastiveObjective(alpha=ALPHA).contrast(z, None if bool(counted.all()) else counted)
    return views, contrast / chance(z.shape[2], len(z))


def chance(instances: int, steps: int) -> float:
    """TS2Vec's loss if all similarities were equal: the mean over the levels of the hierarchy."""
    total, levels = 0.0, 0
    while steps >= 1:
        total += ALPHA * math.log(max(1, 2 * instances - 1)) + (1 - ALPHA) * math.log(2 * steps - 1)
        steps, levels = steps // 2, levels + 1
    return max(total / levels, 1e-3)
