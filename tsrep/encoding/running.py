"""The read-out of one long series from its stretches: what `ReadOut` gives for all steps, and no step is kept.

Maxima are those of the whole series to the bit. Means and deviations are merged in 64 bit (Chan et al., "Updating
formulae and a pairwise algorithm for computing sample variances", 1979), and equal up to rounding.

Shapes: m steps, H components of a layer, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.encoding.pooling import STATISTICS
from tsrep.encoding.read_out import ReadOut


class RunningReadOut:
    """The features of a series of `steps` steps, whose stretches are added in order."""

    def __init__(self, statistics: ReadOut, steps: int):
        self.statistics = statistics
        self.done = 0
        self._parts = [
            (index, _RunningStatistic(name), *_place(part, parts, steps))
            for index in statistics.layers
            for name, parts in statistics.pools
            for part in range(parts)
        ]

    def add(self, layers: list[Tensor]) -> None:
        """The next stretch: the outputs (1, m, H_i) of the layers. A `ValueError` if the read-out is of others."""
        self.statistics.check(layers)
        begin, self.done = self.done, self.done + layers[-1].shape[1]
        for index, statistic, start, stop in self._parts:
            here = slice(max(start, begin) - begin, max(0, min(stop, self.done) - begin))
            if here.start < here.stop:
                statistic.add(layers[index][:, here])

    def features(self) -> Tensor:
        """(1, F)."""
        return torch.cat([statistic.value for _, statistic, _, _ in self._parts], dim=1).float()


def _place(part: int, parts: int, steps: int) -> tuple[int, int]:
    """(start, stop) of a part of a series, as `equal_parts` cuts it."""
    start = part * steps // parts
    return start, max((part + 1) * steps // parts, start + 1)


class _RunningStatistic:
    """One of `STATISTICS` over steps that come in stretches; `value` (1, H) in 64 bit."""

    value: Tensor
    mean: Tensor  # of a deviation

    def __init__(self, name: str):
        self.name = name
        self.count = 0

    def add(self, z: Tensor) -> None:
        value = STATISTICS[self.name](z, None).cpu().double()  # not every device has 64 bit
        mean = STATISTICS["mean"](z, None).cpu().double() if self.name == "deviation" else value
        if self.count == 0:
            self.value, self.mean, self.count = value, mean, z.shape[1]
            return
        self.count += z.shape[1]
        share = z.shape[1] / self.count
        if self.name == "max":
            self.value = torch.maximum(self.value, value)
        elif self.name == "deviation":
            between = share * (1 - share) * (mean - self.mean).square()
            self.value = ((1 - share) * self.value.square() + share * value.square() + between).sqrt()
        else:
            self.value = self.value + share * (value - self.value)
        self.mean = self.mean + share * (mean - self.mean)
