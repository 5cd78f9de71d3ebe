"""An encoder with a linear head, and which weights of the encoder are kept as they are.

Shapes: B instances, T steps, C channels, D components of a vector, K outputs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import torch
from torch import Tensor, nn

from tsrep.base.parameters import Range, is_integer, out_of_range
from tsrep.encoding.pooling import max_over_time, mean_over_time
from tsrep.nn.padding import inside

FREEZE = Range(
    'None, "all" or a number of layers of at least 1',
    lambda value: (
        value is None
        or isinstance(value, bool)
        or (isinstance(value, str) and value == "all")
        or (is_integer(value) and value >= 1)
    ),
)
"""The values of `freeze`; True is "all" and False is None."""


class EncoderWithHead(nn.Module):
    """Outputs (B, K) of series (B, T, C): an encoder, its mean and maximum over time, and a linear map of them.

    Parameters
    ----------
    encoder : (B, T, C) -> (B, T, D), called with (x, keep, inside).
    width, outputs : D and K.
    frozen : names of the encoder's weights that are not trained. Modules that have no others are in inference mode in
        training too, so that running statistics stay as they are.
    """

    def __init__(self, encoder: nn.Module, width: int, outputs: int, frozen: Collection[str] = ()):
        super().__init__()
        self.encoder = encoder
        self.frozen = frozenset(frozen)
        self.head = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, outputs))
        self._at_rest = [name for name, module in encoder.named_modules() if self._is_frozen(name, module)]

    def _is_frozen(self, name: str, module: nn.Module) -> bool:
        weights = [".".join(filter(None, (name, weight))) for weight, _ in module.named_parameters()]
        return bool(weights) and self.frozen.issuperset(weights)

    def trained(self) -> list[nn.Parameter]:
        """The encoder's weights that are trained; the others no longer ask for gradients."""
        for name, weight in self.encoder.named_parameters():
            if name in self.frozen:
                weight.requires_grad_(False)
        return [weight for name, weight in self.encoder.named_parameters() if name not in self.frozen]

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for name in self._at_rest:
            self.encoder.get_submodule(name).eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        within = inside(x)
        where = None if bool(within.all()) else within
        z = self.encoder(x, None, where)
        return self.head(torch.cat([mean_over_time(z, where), max_over_time(z, where)], dim=1))


def frozen_weights(encoder: Any, freeze: str | bool | int | None, channels: int) -> list[str]:
    """Names of the weights of an encoder of `channels` channels that `freeze` keeps as they are.

    A number keeps the first layers of the backbone, counted as a read-out of several layers counts them, and every
    weight that the encoder has before them.

    Raises
    ------
    ValueError
        The backbone has fewer layers than that, or none that can be counted.
    """
    names = [name for name, _ in encoder.named_parameters()]
    if freeze is None or freeze is False:
        return []
    if freeze is True or freeze == "all":
        return names
    layers = _layers_of(encoder, channels)
    if isinstance(freeze, str) or freeze > len(layers):
        counted = f", or a number from 1 to {len(layers)}" if layers else ": the layers cannot be counted"
        raise out_of_range("freeze", freeze, f'None or "all"{counted}')
    kept = {id(weight) for layer in layers[: int(freeze)] for weight in layer.parameters()}
    last = max(place for place, weight in enumerate(encoder.parameters()) if id(weight) in kept)
    return names[: last + 1]


def _layers_of(encoder: Any, channels: int) -> list[nn.Module]:
    """The modules of the backbone whose outputs are the encoder's layers; none where they are not a list of modules."""
    if not hasattr(encoder, "layers"):
        return []
    weight = next(encoder.parameters())
    with torch.inference_mode():
        outputs = encoder.layers(torch.zeros(1, 1, channels, device=weight.device))
        count = sum(1 for _ in outputs)
    for module in encoder.backbone.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count > 1:
            return list(module)
    return []
