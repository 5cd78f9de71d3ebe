"""Inner parts of training and encoding as GPU kernels (Triton), for numbers of 16 bit.

Each file holds one part with its kernels; what it computes is defined elsewhere in plain torch and named there. The
kernels also run on a CPU in Triton's interpreter (TRITON_INTERPRET=1), slowly: so they are tested without a GPU. In 32
bit they are exact and slow: tensor cores round to 19 bit, and without those torch's own products are faster.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from tsrep.ts2vec.encoder import DilatedConvolutions

WIDEST = 1024  # components of a representation
WIDEST_LAYER = 128  # channels: they lie in one tile


def usable(x: Tensor, *widths: int) -> bool:
    """Whether the kernels are the way to work on `x` with layers of such widths."""
    narrow = all(width <= WIDEST_LAYER for width in widths)
    return x.is_cuda and x.dtype in (torch.bfloat16, torch.float16) and narrow and installed()


def fits(batch: Tensor, backbone: DilatedConvolutions) -> bool:
    """Whether a step on a batch (B, T, C) is for the kernels: their tiles hold its components, 32 bit its places."""
    width = backbone.n_components
    return installed() and width <= WIDEST and 2 * batch.shape[0] * batch.shape[1] * width < 2**31


@cache
def installed() -> bool:
    """Whether there is Triton; torch brings it where it supports it."""
    return find_spec("triton") is not None
