"""Learning rates as functions of the step.

A schedule is called with the number of steps made before, from 0 on, and gives the learning rate of the next step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    """`lr` at every step."""
    return lambda step: lr


def warm_up_cosine(lr: float, warm_up: int, total: int) -> Schedule:
    """Rises linearly to `lr` over `warm_up` steps, while a half cosine lowers it to 0 at step `total`.

    The cosine is that of SGDR (Loshchilov and Hutter, ICLR 2017, equation 5) without restarts.
    """

    def rate(step: int) -> float:
        risen = min(1.0, (step + 1) / max(1, warm_up))
        return lr * risen * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / max(1, total))))

    return rate


def warm_up_then_cosine(lr: float, warm_up: int, total: int, least: float = 0.0) -> Schedule:
    """Rises linearly from 0 to `lr` at step `warm_up`, then falls by a half cosine to `least` at step `total`.

    The schedule of MAE (He et al., CVPR 2022, tables 8 to 10), per step.
    """

    def rate(step: int) -> float:
        if step < warm_up:
            return lr * step / warm_up
        done = min(1.0, (step - warm_up) / max(1, total - warm_up))
        return least + (lr - least) * 0.5 * (1 + math.cos(math.pi * done))

    return rate


def warm_up_drops(lr: float, warm_up: int, drops: Sequence[int], start: float = 0.001) -> Schedule:
    """Rises linearly from `start` lr to `lr` over `warm_up` steps; falls to a tenth at each of the steps `drops`.

    The schedule of detection models (Goyal et al., "Accurate, Large Minibatch SGD", 2017; Mask R-CNN, section 3.1).
    """

    def rate(step: int) -> float:
        risen = 1.0 if step >= warm_up else start + (1 - start) * step / warm_up
        return lr * risen * 0.1 ** sum(step >= drop for drop in drops)

    return rate
