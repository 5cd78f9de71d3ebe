"""A teacher's representation of hidden patches (data2vec, Baevski et al., ICML 2022; TS-JEPA, Ennadir et al., 2025).

The teacher is a copy of the model that sees the whole series. With momentum m it follows the model, w <- m w + (1 -
m) w', after every step; with m = 1 it stays as it began. Its vectors are normalised to mean 0 and deviation 1 over
their components (data2vec, section 3.3). Both could collapse to one vector for everything, so the objective adds a
variance term (VICReg, Bardes et al., ICLR 2022, equation 1).

Shapes: B series, N patches of P steps, C channels, D width of the model's representation.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.masked.targets.target import Target


class Teacher(Target):
    """The teacher's vector per patch, (B, N, P, C) -> (B, N, 1, D), NaN where nothing of the patch was observed.

    Parameters
    ----------
    patch_length, width : P and D.
    momentum : m; 1 keeps the teacher as it is.
    """

    network: nn.Module

    def __init__(self, patch_length: int, width: int, momentum: float):
        super().__init__(1, patch_length)
        self.width = width
        self.momentum = momentum

    def attach(self, network: nn.Module) -> None:
        """Makes the teacher, a copy of `network` without what is for training only."""
        teacher = copy.deepcopy(network)
        for part in ("targets", "heads", "head", "decoder"):
            if hasattr(teacher, part):
                setattr(teacher, part, None)
        self.network = with_constant_weights(teacher)

    @torch.no_grad()
    def forward(self, frame: Tensor) -> Tensor:
        z = cast(Any, self.network).tokens(frame)
        unknown = frame.isnan().flatten(2).all(2, keepdim=True)
        return F.layer_norm(z, z.shape[-1:]).masked_fill(unknown, torch.nan).unsqueeze(2)

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """Moves the teacher towards `network`."""
        if self.momentum == 1:
            return
        weights = dict(network.named_parameters())
        pairs = [(mean, weights[name]) for name, mean in self.network.named_buffers() if name in weights]
        torch._foreach_lerp_([mean for mean, _ in pairs], [weight for _, weight in pairs], 1 - self.momentum)


def with_constant_weights(module: nn.Module) -> nn.Module:
    """`module` with its weights as buffers: they are saved with it, and no optimiser sees them."""
    for part in module.modules():
        for name, weight in list(part._parameters.items()):
            if weight is not None:
                del part._parameters[name]
                part.register_buffer(name, weight.detach())
    return module


def variance_loss(z: Tensor, counted: Tensor | None = None) -> Tensor:
    """VICReg's variance term (equation 1): how far each component's deviation over all vectors is below 1.

    `z` (B, M, D), over B and M; `counted` (B, M) are the vectors that count, None: all. 0 of a single vector.
    """
    vectors = z.flatten(0, -2) if counted is None or bool(counted.all()) else z[counted]
    if len(vectors) < 2:
        return z.new_zeros(())
    deviation = (vectors.var(0) + 1e-4).sqrt()
    return (1 - deviation).relu().mean()
