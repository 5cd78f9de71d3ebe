"""A bidirectional gated recurrent unit (Cho et al., 2014) whose state may decay between steps.

`torch.nn.GRU` has its loop in C++, where no decay can be put. This one walks both directions in one batched loop and
computes the inputs' part of the gates for all steps at once; on a CPU, forward and backward take about three quarters
of the time of `torch.nn.GRU`, with the decay or without. So the discriminator has it with every kind of reminder.

Padding needs nothing more: the state that enters a step is multiplied by its decay, which is zero after a step outside.

Shapes: B instances, T steps, F features, H hidden size; (2, T, B, ..) are the two walks of `directions.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.directions import Affine, both_ways, in_time


class BidirectionalGRU(nn.Module):
    """(B, T, F) -> (B, T, 2 H), the states of both walks after each step."""

    def __init__(self, n_features: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        self.input_gates = Affine(n_features, 3 * hidden_size, fan=hidden_size)
        self.state_gates = Affine(hidden_size, 3 * hidden_size)

    def forward(self, x: Tensor, decay: Tensor | None = None, inside: Tensor | None = None) -> Tensor:
        """States of a walk over `x`.

        Parameters
        ----------
        x : (B, T, F).
        decay : (2, T, B, H), what the state is multiplied by before each step, as walked; None: nothing.
        inside : (B, T), False where a step is padding at either end; None: all inside. States there mean nothing.
        """
        if inside is not None:
            after_inside = _after_a_step_inside(inside)
            decay = after_inside if decay is None else decay * after_inside
        halves = [2 * self.hidden_size, self.hidden_size]
        gates, new = self.input_gates(both_ways(x)).split(halves, -1)
        kept = [None] * gates.shape[1] if decay is None else decay.to(gates).unbind(1)
        weight, bias = self.state_gates.weight, self.state_gates.bias
        h = new.new_zeros(new[:, 0].shape)
        states = []
        for gates_t, new_t, kept_t in zip(gates.unbind(1), new.unbind(1), kept, strict=True):
            if kept_t is not None:
                h = h * kept_t
            gates_h, new_h = torch.baddbmm(bias, h, weight).split(halves, -1)
            keep, reset = (gates_t + gates_h).sigmoid().chunk(2, -1)
            h = torch.lerp(torch.addcmul(new_t, reset, new_h).tanh(), h, keep)
            states.append(h)
        forward, backward = in_time(torch.stack(states, dim=1))
        return torch.cat([forward, backward], dim=-1)


def _after_a_step_inside(inside: Tensor) -> Tensor:
    """1 where the walk's step before was inside, 0 where it was not; (2, T, B, 1)."""
    walked = both_ways(inside.unsqueeze(-1).float())
    return F.pad(walked[:, :-1], (0, 0, 0, 0, 1, 0))
