"""SSGAN's interpolating generator as a masked model: the lines between visible values and a learned residual.

The representation of a step is the states of the generator's two networks there. Values are predicted by the
generator's own estimate; other targets by linear heads on the states. See `tsrep.ssgan.interpolating`.

Shapes: B series, T steps, C channels, N patches of P steps, D width of a representation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from tsrep.masked.network import (
    FORWARD_METHODS,
    Heads,
    Normalisation,
    Predicted,
    inside_frame,
    mean_of_patches,
    shown,
)
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.masked.targets.values import Values
from tsrep.ssgan.interpolating import InterpolatingGenerator


class GeneratorNetwork(nn.Module):
    """The generator, with heads for what it does not estimate itself.

    Parameters
    ----------
    generator : estimates all values from the visible ones.
    targets : what is predicted.
    channels, patch_length : C and P, the steps that are hidden together.
    """

    full_length = True
    forward_methods = FORWARD_METHODS

    def __init__(
        self,
        generator: InterpolatingGenerator,
        targets: Sequence[ScaledTarget],
        channels: int,
        patch_length: int,
    ):
        super().__init__()
        self.normalise = Normalisation(channels)
        self.patch_length = patch_length
        self.generator = generator
        self.targets = nn.ModuleList(targets)
        self.estimated = [isinstance(scaled.target, Values) for scaled in targets]
        others = [scaled for scaled, own in zip(targets, self.estimated, strict=True) if not own]
        self.heads = Heads(generator.draft.core.width + generator.revision.core.width, others, per_step=True)

    @property
    def backbone(self) -> InterpolatingGenerator:
        """The generator; its outputs depend on the whole series."""
        return self.generator

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        inside: Tensor | None = None,
        steps: slice | Tensor = slice(None),
    ) -> Tensor:
        """Representations (B, len(steps), D); see `tsrep.encoding.encoder.SeriesEncoder.forward`."""
        x = self.normalise(x)
        if keep is not None:
            x = x.masked_fill(~keep.unsqueeze(-1), torch.nan)
        return self._run(x, inside)[1][:, steps]

    def layers(self, x: Tensor, keep: Tensor | None = None, inside: Tensor | None = None) -> Iterator[Tensor]:
        """The states of both networks (B, T, D): there is one layer."""
        yield self(x, keep, inside)

    def predict(self, frame: Tensor, hidden: Tensor, within: Tensor | None = None) -> Predicted:
        """See `tsrep.masked.network.MaskedNetwork`."""
        within = inside_frame(frame) if within is None else within
        inside = None if bool(within.all()) else within.flatten(1)
        estimate, z = self._run(shown(frame, hidden).flatten(1, 2), inside)
        values = estimate.unflatten(1, within.shape[1:]).transpose(2, 3)
        others = iter(self.heads(z, within))
        outputs = [
            (values - scaled.mean) / scaled.deviation if own else next(others)
            for scaled, own in zip(self.targets, self.estimated, strict=True)
        ]
        return Predicted(outputs, z, within.flatten(1))

    def tokens(self, frame: Tensor) -> Tensor:
        """See `tsrep.masked.network.MaskedNetwork`."""
        within = inside_frame(frame)
        _, z = self._run(frame.flatten(1, 2), None if bool(within.all()) else within.flatten(1))
        return mean_of_patches(z.unflatten(1, within.shape[1:]), within)

    def _run(self, x: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor]:
        """Estimates (B, T, C) and states (B, T, D) from normalised series, NaN where not visible."""
        times = torch.arange(x.shape[1], dtype=x.dtype, device=x.device).expand(x.shape[:2])
        if inside is not None:  # time begins with the series and ends with it
            times = (inside.long().cumsum(1) - 1).clamp(min=0).to(x.dtype)
        imputation, states = self.generator.with_states(x.nan_to_num(nan=0.0), ~x.isnan(), times, inside)
        return imputation.estimate, torch.cat(states, dim=-1)
