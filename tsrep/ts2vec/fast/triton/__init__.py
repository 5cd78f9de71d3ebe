"""Inner parts of training and encoding as GPU kernels (Triton), for numbers of 16 bit.

Each file holds one part with its kernels; what it computes is defined elsewhere in plain torch and named there. The
kernels also run on a CPU in Triton's interpreter (TRITON_INTERPRET=1), slowly: so they are tested without a GPU. In 32
bit they are exact and slow: tensor cores round to 19 bit, and without those torch's own products are faster.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

MOST_COMPONENTS = 1024  # of a representation
MOST_CHANNELS = 128  # of a layer: they lie in one tile


def usable(x: Tensor, *widths: int) -> bool:
    """Whether the kernels work on `x` with layers of these widths."""
    narrow = all(width <= MOST_CHANNELS for width in widths)
    return x.is_cuda and x.dtype in (torch.bfloat16, torch.float16) and narrow and installed()


def fits(batch: Tensor, n_components: int) -> bool:
    """Whether a step on a batch (B, T, C) is for the kernels: their tiles hold its components, 32 bit its places."""
    places = 2 * batch.shape[0] * batch.shape[1] * n_components
    return installed() and n_components <= MOST_COMPONENTS and places < 2**31


@cache
def installed() -> bool:
    """Whether there is Triton; torch brings it where it supports it."""
    return find_spec("triton") is not None
