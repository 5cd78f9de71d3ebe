"""TS2Vec's loss of a batch: crop two views, mask steps in each, encode both, contrast the overlap.

Each switch of the paper's ablation (table 5) is an argument here; the defaults are the paper's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tsrep.encoding.pooling import max_over_time
from tsrep.nn.padding import inside
from tsrep.train.processes import rows_of
from tsrep.ts2vec.augment import AUGMENTATIONS
from tsrep.ts2vec.crops import (
    Views,
    neighbouring_crops,
    nested_crops,
    overlapping_crops,
    random_window,
    whole_series,
)
from tsrep.ts2vec.fast.tiled import both_views, tiled_loss
from tsrep.ts2vec.loss import flat_loss, hierarchical_loss
from tsrep.ts2vec.masks import MASKS

PAIRS = ("contextual", "temporal", "subseries")
DEFINITION_VALUES = 2**11  # values of a view up to which `loss.py` computes the loss
DROPOUT = 0.1  # share of the output's values, in training


@dataclass(frozen=True)
class ContrastiveObjective:
    """Called with (network, batch (B, T, C), generator), returns the loss of the batch."""

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
        if ragged:  # whether a step is inside its instance goes through the crops as a further channel
            batch = torch.cat([batch, within.unsqueeze(-1)], dim=-1)
        views = self._views(random_window(batch, self.max_train_length, generator), generator)
        z1, inside1 = self._encode(network, views.first, views.steps_of_first, ragged, generator)
        z2, inside2 = self._encode(network, views.second, views.steps_of_second, ragged, generator)
        if self.positive_pairs == "subseries":
            z1, z2 = max_over_time(z1, inside1).unsqueeze(1), max_over_time(z2, inside2).unsqueeze(1)
            valid = None if not ragged else z1.isfinite().all(-1) & z2.isfinite().all(-1)
            return flat_loss(_finite(z1), _finite(z2), alpha=1.0, inside=valid)
        both = None if inside1 is None or inside2 is None else inside1 & inside2
        z = both_views(z1, z2)
        del z1, z2
        return self.contrast(z, both)

    def contrast(self, z: Tensor, within: Tensor | None = None) -> Tensor:
        """The loss (section 3.3) of both views' encodings `z` (T, 2, B, D), of whose steps `within` (B, T) count."""
        if z[:, 0].numel() > DEFINITION_VALUES:
            return tiled_loss(
                z,
                alpha=self.alpha,
                temporal_unit=self.temporal_unit,
                inside=None if within is None else within.T,
                hierarchical=self.hierarchical,
            )
        z1, z2 = z.transpose(0, 2).unbind(1)
        if self.hierarchical:
            return hierarchical_loss(
                z1, z2, alpha=self.alpha, temporal_unit=self.temporal_unit, inside=within
            )
        return flat_loss(z1, z2, alpha=self.alpha, inside=within)

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
        """The contrasted steps of one view, (B, T, D), and which of them are inside their instance."""
        within = None
        if ragged:
            view, within = view[..., :-1], view[..., -1].bool()
        if self.augmentation is not None:
            view = AUGMENTATIONS[self.augmentation](view, generator)
        keep = MASKS[self.mask](view.shape[0], view.shape[1], generator).to(view.device)
        z, rows = at_least_32_bit(network(view, keep, within, steps)), rows_of(network, len(view))
        if network.training:
            z = dropout(z, generator, len(view), rows)
        return z, None if within is None else within[rows, steps]


def dropout(z: Tensor, generator: torch.Generator, whole: int, rows: slice) -> Tensor:
    """Dropout whose seed is drawn from `generator` and whose noise is generated on the device of `z`.

    Each value is dropped by 16 random bits, four values per 64-bit draw, so the share dropped is DROPOUT to 1e-5. The
    noise is that of a batch of `whole` instances, of which `z` (B, T, D) has the `rows`.
    """
    noise = torch.Generator(z.device).manual_seed(draw_seed(generator))
    steps_first = z.transpose(0, 1)  # the encoder's memory layout
    shape = len(steps_first), whole, z.shape[2]
    values = math.prod(shape)
    bits = torch.empty(-(-values // 4), dtype=torch.int64, device=z.device)
    bits.random_(-(2**63), None, generator=noise)
    dropped = round(DROPOUT * 2**16)
    kept = (bits.view(torch.int16)[:values] >= dropped - 2**15).view(torch.int8)
    return (steps_first * kept.view(shape)[:, rows]).mul_(2**16 / (2**16 - dropped)).transpose(0, 1)


def at_least_32_bit(z: Tensor) -> Tensor:
    """`z` in 32 bit; 64-bit numbers stay as they are."""
    return z.to(torch.promote_types(z.dtype, torch.float32))


def draw_seed(generator: torch.Generator) -> int:
    """A seed for a generator on the device."""
    return int(torch.randint(2**62, (), generator=generator))


def _finite(z: Tensor) -> Tensor:
    return z.nan_to_num(nan=0.0)
