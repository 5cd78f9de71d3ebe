"""What a masked image model returns."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class MaskedOutput(NamedTuple):
    """The outputs of one forward pass; each model's `forward` gives their shapes.

    Attributes
    ----------
    loss : scalar.
    prediction : what the model predicts for all patches, hidden or not.
    hidden : True where a patch was hidden from the encoder.
    latent : the encoder's normalised output.
    """

    loss: Tensor
    prediction: Tensor
    hidden: Tensor
    latent: Tensor
