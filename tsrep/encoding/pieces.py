"""The instances that a lazy panel is trained on: its series, or pieces of long ones, without those held out.

Shapes: n series, T steps, C channels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tsrep.data.lazy import BLOCK_VALUES, LazyPanel

MOST_HELD_OUT = 2**22  # values on which a validation loss is computed


class Pieces:
    """The series of a panel, those of at least twice `longest` steps cut into pieces of nearly equal length.

    The pieces are those of `tsrep.ts2vec.crops.split_long`, a series' pieces one after the other.

    Parameters
    ----------
    panel : what is read.
    longest : steps; None: series are not cut.
    rows : (start, stop) of the series that count.
    """

    def __init__(self, panel: LazyPanel, longest: int | None, rows: tuple[int, int]):
        self.panel = panel
        steps = panel.shape[2]
        sections = 1 if longest is None else max(1, steps // longest)
        short, longer = divmod(steps, sections)
        self.edges = np.cumsum([0, *([short + 1] * longer), *([short] * (sections - longer))])
        self.first, self.end = rows
        self.length = int(np.diff(self.edges).max())
        self.block = max(1, BLOCK_VALUES // (panel.shape[1] * self.length))

    def __len__(self) -> int:
        return (self.end - self.first) * (len(self.edges) - 1)

    def read(self, start: int, stop: int) -> Tensor:
        """The pieces start to stop - 1, (stop - start, T, C); shorter ones are padded with NaN at the end."""
        sections = len(self.edges) - 1
        if sections == 1:
            return self._steps_down(self.panel.read(slice(self.first + start, self.first + stop)))
        pieces = torch.full((stop - start, self.length, self.panel.shape[1]), torch.nan)
        row = start // sections
        while row * sections < stop:
            pieces_here = range(max(start, row * sections), min(stop, (row + 1) * sections))
            begin = int(self.edges[pieces_here[0] - row * sections])
            end = int(self.edges[pieces_here[-1] + 1 - row * sections])
            place = slice(self.first + row, self.first + row + 1)
            values = self._steps_down(self.panel.read(place, slice(begin, end)))[0]
            for piece in pieces_here:
                low, high = self.edges[piece - row * sections : piece - row * sections + 2] - begin
                pieces[piece - start, : high - low] = values[low:high]
            row += 1
        return pieces

    @staticmethod
    def _steps_down(panel: np.ndarray) -> Tensor:
        return torch.from_numpy(panel).transpose(1, 2)


def held_out_at_the_end(panel: LazyPanel, fraction: float) -> tuple[int, Tensor | None]:
    """How many series are trained on, and some of the others, (n, T, C).

    The last series are held out, for a random choice would have to read all of the panel: where those stand in another
    order than that of chance, shuffle the file or hold out by hand.

    Raises
    ------
    ValueError
        There is one series only.
    """
    n, channels, steps = panel.shape
    if fraction == 0:
        return n, None
    if n < 2:
        raise ValueError("validation_fraction needs at least 2 instances; X has 1")
    end = n - min(max(1, round(fraction * n)), n - 1)
    most = max(1, MOST_HELD_OUT // (channels * steps))
    return end, torch.from_numpy(panel.read(slice(end, min(n, end + most)))).transpose(1, 2)
