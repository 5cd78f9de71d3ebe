"""GPU kernels (Triton) for the inner parts of training and encoding, for numbers of 16 bit.

convolution.py   GELU and a dilated convolution of three taps, with gradients
dropout.py       dropout whose noise is generated in the kernel
loss.py          the hierarchical loss and its gradient
window_block.py  a residual block on windows, for encoding

Each file names the plain torch code that defines what it computes. The kernels also run on a CPU in Triton's
interpreter (TRITON_INTERPRET=1), slowly; so they are tested without a GPU. In 32 bit they are exact and slow: tensor
cores round to 19 bit, and without tensor cores torch's own products are faster.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

MOST_COMPONENTS = 1024  # of a representation
MOST_CHANNELS = 128  # of a layer; they are in one tile


def usable(x: Tensor, *widths: int) -> bool:
    """Whether the kernels support `x` and layers of these widths."""
    narrow = all(width <= MOST_CHANNELS for width in widths)
    return x.is_cuda and x.dtype in (torch.bfloat16, torch.float16) and narrow and installed()


def fits(batch: Tensor, n_components: int) -> bool:
    """Whether the kernels support a training step on a batch (B, T, C): components fit a tile, offsets fit 32 bit."""
    values = 2 * batch.shape[0] * batch.shape[1] * n_components
    return installed() and n_components <= MOST_COMPONENTS and values < 2**31


@cache
def installed() -> bool:
    """Whether Triton is installed; torch installs it on platforms that it supports."""
    return find_spec("triton") is not None
