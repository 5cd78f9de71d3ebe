"""`SeriesEncoder`: input projection, mask and backbone; series with gaps to one vector per step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn


class SeriesEncoder(nn.Module):
    """Series with gaps to one vector per step.

    A step's latent vector is masked *after* the projection (TS2Vec, section 3.1), so that a hidden step differs from a
    step whose value is 0.

    Parameters
    ----------
    projection : (B, T, C) -> (B, T, H), a linear map or the identity.
    backbone : a module that meets `tsrep.encoding.backbone.Backbone`.
    """

    def __init__(self, projection: nn.Module, backbone: nn.Module):
        super().__init__()
        self.projection = projection
        self.backbone = backbone

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        inside: Tensor | None = None,
        steps: slice | Tensor = slice(None),
    ) -> Tensor:
        """Representations (B, len(steps), D) of the `steps` of `x` (B, T, C), a slice or indices.

        `x` may hold NaN: a step with any missing channel has a zero latent, as if it were masked. `keep` (B, T) is
        False where a mask hides a step. `inside` (B, T) is False where a step is padding; the output there is
        undefined. The caller's `x` is not written to.
        """
        return self.backbone(self.latent(x, keep), inside, steps)

    def layers(self, x: Tensor, keep: Tensor | None = None, inside: Tensor | None = None) -> Iterator[Tensor]:
        """The outputs (B, T, H_i) of all layers of the backbone; of one that has no `layers`, its output alone."""
        latent = self.latent(x, keep)
        backbone: Any = self.backbone
        if hasattr(backbone, "layers"):
            yield from backbone.layers(latent, inside)
        else:
            yield backbone(latent, inside, slice(None))

    def latent(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """The input of the backbone, (B, T, H): the projection of each step, zero where it is missing or hidden."""
        observed = ~x.isnan().any(-1)
        shown = observed if keep is None else observed & keep
        latent = self.projection(x.nan_to_num(nan=0.0))
        return latent * shown.unsqueeze(-1).to(latent.dtype)
