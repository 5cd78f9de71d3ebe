"""A training step whose randomness is drawn beforehand, so that all of it can be captured as a CUDA graph.

`PlannedObjective` is `ContrastiveObjective` (`ts2vec/objective.py`) with the methods of `tsrep.train.step.Planned`:
`plan` draws crops, masks and seeds on the host, and `loss_of_plan` is a function of tensors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tsrep.nn.padding import inside
from tsrep.ts2vec.crops import draw_crops, random_window
from tsrep.ts2vec.fast import triton
from tsrep.ts2vec.fast.levels import Levels, levels_of
from tsrep.ts2vec.fast.tiled import tiled_loss_of_prefix
from tsrep.ts2vec.masks import MASKS
from tsrep.ts2vec.objective import DROPOUT, ContrastiveObjective, at_least_32_bit, draw_seed


class PlannedObjective(ContrastiveObjective):
    """`ContrastiveObjective` that can draw a step's randomness beforehand."""

    def plan(
        self, network: nn.Module, batch: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, ...] | None:
        """Draws all randomness of a step, the arguments of `loss_of_plan`; None if `batch` or `network` is not for it.

        Both views are in one frame, from the start of the first to the end of the second, so that their overlap has
        the same position in both. The frame's length is rounded up to eighths of the series, so that few lengths
        occur. Steps beyond the ends of a view count as outside, so they move no representation.

        Returns
        -------
        The batch; the first step of the frame in each instance (B,); for each view its first step and the first step
        after it (2, 2); the masks (2, B, frame); seeds of the dropout (2,); and the `Levels` of the loss.
        """
        if (
            self.positive_pairs != "contextual"
            or self.augmentation is not None
            or not bool(inside(batch).all())
        ):
            return None
        backbone: Any = network.backbone
        if not hasattr(backbone, "fits_kernels") or not backbone.fits_kernels(batch):
            return None
        batch = random_window(batch, self.max_train_length, generator)
        n, length, _ = batch.shape
        crops = draw_crops(n, length, generator, 2 ** (self.temporal_unit + 1), self.crop)
        ends = [(0, crops.right - crops.start), (crops.left - crops.start, crops.stop - crops.start)]
        eighth = -(-length // 8)
        frame = min(length, -(-ends[1][1] // eighth) * eighth)
        keep = torch.zeros(2, n, frame, dtype=torch.bool)
        seeds = torch.empty(2, dtype=torch.int64)
        for view, (first, beyond) in enumerate(ends):  # in the order of `__call__`
            keep[view, :, first:beyond] = MASKS[self.mask](n, beyond - first, generator)
            seeds[view] = draw_seed(generator)
        shared = crops.right - crops.left
        levels = levels_of(shared, frame, n, self.alpha, self.temporal_unit, self.hierarchical)
        return batch, crops.shift + crops.start, torch.tensor(ends), keep, seeds, *levels

    def loss_of_plan(
        self,
        network: nn.Module,
        batch: Tensor,
        begin: Tensor,
        ends: Tensor,
        keep: Tensor,
        seeds: Tensor,
        lengths: Tensor,
        weights: Tensor,
    ) -> Tensor:
        """The loss for the arguments that `plan` drew, without host synchronisation."""
        from tsrep.ts2vec.fast.triton.dropout import fused_dropout
        from tsrep.ts2vec.fast.triton.loss import fused_loss

        n, frame = len(batch), torch.arange(keep.shape[2], device=batch.device)
        instances = torch.arange(n, device=batch.device).unsqueeze(1)
        x = batch[instances, (begin.unsqueeze(1) + frame).clamp(max=batch.shape[1] - 1)]
        within = (frame >= ends[:, :1]) & (frame < ends[:, 1:])
        shared = (ends[1, 0] + frame).clamp(max=len(frame) - 1)
        z = network(x.repeat(2, 1, 1), keep.flatten(0, 1), within.repeat_interleave(n, dim=0), shared)
        z = z.transpose(0, 1)
        if network.training:
            z = fused_dropout(z, DROPOUT, seeds[0])
        both, levels = z.unflatten(1, (2, n)), Levels(lengths, weights)
        return (
            fused_loss(both, levels)
            if triton.usable(both)
            else tiled_loss_of_prefix(at_least_32_bit(both), levels)
        )
