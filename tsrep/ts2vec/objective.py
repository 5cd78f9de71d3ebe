"""What TS2Vec minimises on a batch: crop two views, hide steps in each, encode both, contrast the overlap.

Every switch of the paper's ablation table (table 5) is an argument here; the defaults are the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tsrep.ts2vec import fused
from tsrep.ts2vec.augment import AUGMENTATIONS
from tsrep.ts2vec.crops import (
    Views,
    draw_crops,
    inside,
    neighbouring_crops,
    nested_crops,
    overlapping_crops,
    random_window,
    whole_series,
)
from tsrep.ts2vec.encoder import DilatedConvolutions
from tsrep.ts2vec.levels import Levels, levels_of
from tsrep.ts2vec.loss import flat_loss, hierarchical_loss
from tsrep.ts2vec.masks import MASKS
from tsrep.ts2vec.pooling import max_over_time
from tsrep.ts2vec.tiled import both_views, tiled_loss, tiled_loss_of_first

PAIRS = ("contextual", "temporal", "subseries")
TINY = 2**11  # values of a view up to which the loss is computed as it is defined
DROPOUT = 0.1  # of the output, while training


@dataclass(frozen=True)
class ContrastiveObjective:
    """Called with (network, batch, generator), gives the loss of the batch (B, T, C)."""

    alpha: float = 0.5
    temporal_unit: int = 0
    mask: str = "binomial"
    crop: bool = True
    hierarchical: bool = True
    positive_pairs: str = "contextual"
    augmentation: str | None = None
    max_train_length: int = 3000

    def __call__(self, network: nn.Module, batch: Tensor, generator: torch.Generator) -> Tensor:
        within = inside(batch)
        ragged = not bool(within.all())
        if ragged:  # whether a step lies inside its instance travels with it through the crops, as a channel
            batch = torch.cat([batch, within.unsqueeze(-1)], dim=-1)
        views = self._views(random_window(batch, self.max_train_length, generator), generator)
        z1, inside1 = self._encode(network, views.first, views.steps_of_first, ragged, generator)
        z2, inside2 = self._encode(network, views.second, views.steps_of_second, ragged, generator)
        if self.positive_pairs == "subseries":
            z1, z2 = max_over_time(z1, inside1).unsqueeze(1), max_over_time(z2, inside2).unsqueeze(1)
            present = None if not ragged else z1.isfinite().all(-1) & z2.isfinite().all(-1)
            return flat_loss(_finite(z1), _finite(z2), alpha=1.0, inside=present)
        both = None if inside1 is None or inside2 is None else inside1 & inside2
        if z1.numel() > TINY:
            z = both_views(z1, z2)
            del z1, z2
            return tiled_loss(
                z,
                alpha=self.alpha,
                temporal_unit=self.temporal_unit,
                inside=None if both is None else both.T,
                hierarchical=self.hierarchical,
            )
        if self.hierarchical:
            return hierarchical_loss(z1, z2, alpha=self.alpha, temporal_unit=self.temporal_unit, inside=both)
        return flat_loss(z1, z2, alpha=self.alpha, inside=both)

    def plan(
        self, network: nn.Module, batch: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, ...] | None:
        """Every draw of a step beforehand, for `of_plan`; None where `batch` or `network` is not for it.

        Both views lie in one frame, from the beginning of the first to the end of the second, so that what they share
        is at the same place in both. The frame is made longer, to the next eighth of the series, so that few lengths
        occur; what lies beyond a view's ends is outside, which moves no representation.

        Gives the batch, where the frame begins in each instance (B,), the first step of each view and the first
        beyond it (2, 2), their masks (2, B, frame), seeds of the dropout (2,), and the `Levels` of the loss.
        """
        if (
            self.positive_pairs != "contextual"
            or self.augmentation is not None
            or not bool(inside(batch).all())
        ):
            return None
        if not isinstance(network.backbone, DilatedConvolutions) or not fused.fits(batch, network.backbone):
            return None
        batch = random_window(batch, self.max_train_length, generator)
        n, length, _ = batch.shape
        crops = draw_crops(n, length, generator, 2 ** (self.temporal_unit + 1), self.crop)
        ends = [(0, crops.right - crops.start), (crops.left - crops.start, crops.stop - crops.start)]
        eighth = -(-length // 8)
        frame = min(length, -(-ends[1][1] // eighth) * eighth)
        keep = torch.zeros(2, n, frame, dtype=torch.bool)
        seeds = torch.empty(2, dtype=torch.int64)
        for view, (first, beyond) in enumerate(ends):  # drawn in the order in which `__call__` draws
            keep[view, :, first:beyond] = MASKS[self.mask](n, beyond - first, generator)
            seeds[view] = _seed(generator)
        shared = crops.right - crops.left
        levels = levels_of(shared, frame, n, self.alpha, self.temporal_unit, self.hierarchical)
        return batch, crops.shift + crops.start, torch.tensor(ends), keep, seeds, *levels

    def of_plan(
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
        """The loss of what `plan` drew. It depends on the numbers in the tensors by way of the device alone."""
        from tsrep.ts2vec.fused.dropout import fused_dropout
        from tsrep.ts2vec.fused.loss import fused_loss

        n, frame = len(batch), torch.arange(keep.shape[2], device=batch.device)
        of_instance = torch.arange(n, device=batch.device).unsqueeze(1)
        x = batch[of_instance, (begin.unsqueeze(1) + frame).clamp(max=batch.shape[1] - 1)]
        within = (frame >= ends[:, :1]) & (frame < ends[:, 1:])
        shared = (ends[1, 0] + frame).clamp(max=len(frame) - 1)
        z = network(x.repeat(2, 1, 1), keep.flatten(0, 1), within.repeat_interleave(n, dim=0), shared)
        z = z.transpose(0, 1)
        if network.training:
            z = fused_dropout(z, DROPOUT, seeds[0])
        both, levels = z.unflatten(1, (2, n)), Levels(lengths, weights)
        return (
            fused_loss(both, levels)
            if fused.usable(both)
            else tiled_loss_of_first(_at_least_32_bit(both), levels)
        )

    def _views(self, x: Tensor, generator: torch.Generator) -> Views:
        shortest = 2 ** (self.temporal_unit + 1)
        if not self.crop:
            return whole_series(x)
        if self.positive_pairs == "temporal":
            return neighbouring_crops(x, generator, shortest)
        if self.positive_pairs == "subseries":
            return nested_crops(x, generator, shortest)
        return overlapping_crops(x, generator, shortest)

    def _encode(
        self, network: nn.Module, view: Tensor, steps: slice, ragged: bool, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """The contrasted steps of one view, (B, T, D), and which of them lie inside their instance."""
        within = None
        if ragged:
            view, within = view[..., :-1], view[..., -1].bool()
        if self.augmentation is not None:
            view = AUGMENTATIONS[self.augmentation](view, generator)
        keep = MASKS[self.mask](view.shape[0], view.shape[1], generator).to(view.device)
        z = _at_least_32_bit(network(view, keep, within, steps))
        if network.training:
            z = _dropout(z, generator)
        return z, None if within is None else within[:, steps]


def _dropout(z: Tensor, generator: torch.Generator) -> Tensor:
    """Dropout that draws from `generator` by way of a seed, so that the noise is made where `z` lives.

    16 random bits decide on a value, so the share dropped is DROPOUT to 1e-5; a bit generator gives them four at once.
    """
    noise = torch.Generator(z.device).manual_seed(_seed(generator))
    bits = torch.empty(-(-z.numel() // 4), dtype=torch.int64, device=z.device)
    bits.random_(-(2**63), None, generator=noise)
    dropped = round(DROPOUT * 2**16)
    kept = (bits.view(torch.int16)[: z.numel()] >= dropped - 2**15).view(torch.int8)
    steps_first = z.transpose(0, 1)  # as the encoder leaves them in memory
    return (steps_first * kept.view_as(steps_first)).mul_(2**16 / (2**16 - dropped)).transpose(0, 1)


def _at_least_32_bit(z: Tensor) -> Tensor:
    return z.to(torch.promote_types(z.dtype, torch.float32))


def _seed(generator: torch.Generator) -> int:
    return int(torch.randint(2**62, (), generator=generator))


def _finite(z: Tensor) -> Tensor:
    return z.nan_to_num(nan=0.0)
