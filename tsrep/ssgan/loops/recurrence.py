"""A bidirectional gated recurrent unit (Cho et al., 2014) whose state may decay between steps.

The loop of `torch.nn.GRU` is in C++ and has no place for a decay. This GRU runs both directions in one batched loop,
computes the inputs' part of the gates for all steps at once, and has a hand-written gradient (`_GatedRecurrence`). On a
CPU, forward and backward take about three quarters of the time of `torch.nn.GRU`, with the decay or without. So the
discriminator uses it with every kind of reminder.

Padding is handled by the decay: the state before a step is multiplied by it, and it is zero after a step outside.

Shapes: B instances, T steps, F features, H hidden size; (2, T, B, ...) holds both directions, see `directions.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tsrep.ssgan.loops.directions import Affine, affine_gradients, before, both_ways, in_time


class BidirectionalGRU(nn.Module):
    """(B, T, F) -> (B, T, 2 H), the states of both directions after each step."""

    def __init__(self, n_features: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        self.input_gates = Affine(n_features, 3 * hidden_size, fan=hidden_size)
        self.state_gates = Affine(hidden_size, 3 * hidden_size)

    def forward(self, x: Tensor, decay: Tensor | None = None, inside: Tensor | None = None) -> Tensor:
        """The states of both directions, (B, T, 2 H).

        Parameters
        ----------
        x : (B, T, F).
        decay : (2, T, B, H), factor on the state before each step, in each direction's order; None: no decay.
        inside : (B, T), False where a step is padding at either end; None: all inside. States there are undefined.
        """
        if inside is not None:
            after_inside = _after_a_step_inside(inside)
            decay = after_inside if decay is None else decay * after_inside
        gates = self.input_gates(both_ways(x))
        states = _recurrence(gates, decay, self.state_gates.weight, self.state_gates.bias)
        forward, backward = in_time(states)
        return torch.cat([forward, backward], dim=-1)


def _recurrence(gates: Tensor, decay: Tensor | None, weight: Tensor, bias: Tensor) -> Tensor:
    """`_GatedRecurrence` in the precision of the weights, with autocast or without."""
    with torch.autocast(gates.device.type, enabled=False):
        decay = None if decay is None else decay.to(weight)
        states: Tensor = _GatedRecurrence.apply(gates.to(weight), decay, weight, bias)
    return states


class _GatedRecurrence(torch.autograd.Function):
    """The states of both directions and their gradient, with the fewest possible calls.

    With e the decayed state before a step, x the parts z, r, n of `gates` and e those of e W + b:

        z = sigmoid(z_x + z_e)     r = sigmoid(r_x + r_e)     n = tanh(n_x + r n_e)     h = (1 - z) n + z e

    In the backward pass the gradients of the gates before their nonlinearities are grad_h times factors that do not
    depend on later steps. These factors, and the products for the weights, are computed for all steps at once from the
    tensors that the loop saves.
    """

    @staticmethod
    def forward(ctx: Any, gates: Tensor, decay: Tensor | None, weight: Tensor, bias: Tensor) -> Tensor:
        hidden = weight.shape[1]
        states = gates.new_empty(*gates.shape[:-1], hidden)
        entering, new = torch.empty_like(states), torch.empty_like(states)
        update_reset = gates.new_empty(*gates.shape[:-1], 2 * hidden)
        state_gates = torch.empty_like(gates)
        parts = (gates, states, entering, new, update_reset, state_gates)
        h = torch.zeros_like(states[:, 0])
        for t, (x, h_t, e, n, zr, e_gates) in enumerate(
            zip(*(part.unbind(1) for part in parts), strict=True)
        ):
            torch.mul(h, 1.0 if decay is None else decay[:, t], out=e)
            torch.baddbmm(bias, e, weight, out=e_gates)
            torch.add(x[..., : 2 * hidden], e_gates[..., : 2 * hidden], out=zr).sigmoid_()
            z, r = zr.chunk(2, -1)
            torch.addcmul(x[..., 2 * hidden :], r, e_gates[..., 2 * hidden :], out=n).tanh_()
            h = torch.lerp(n, e, z, out=h_t)
        ctx.save_for_backward(decay, weight, states, entering, new, update_reset, state_gates)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        decay, weight, states, entering, new, update_reset, state_gates = ctx.saved_tensors
        hidden = weight.shape[1]
        z, r = update_reset.chunk(2, -1)
        slope = torch.addcmul(1 - z, 1 - z, new * new, value=-1)  # dn / dh through the tanh
        factors = states.new_empty(*states.shape[:-1], 3, hidden)
        torch.mul(entering - new, z * (1 - z), out=factors[..., 0, :])
        torch.mul(slope * state_gates[..., 2 * hidden :], r * (1 - r), out=factors[..., 1, :])
        torch.mul(slope, r, out=factors[..., 2, :])

        grad_gates, grad_h, grad_entering = (torch.empty_like(x) for x in (factors, states, states))
        transposed = weight.mT.contiguous()
        grad_state = torch.zeros_like(states[:, 0])
        for t in reversed(range(states.shape[1])):
            torch.add(grad_states[:, t], grad_state, out=grad_h[:, t])
            grad_state = grad_h[:, t]
            torch.mul(grad_state.unsqueeze(-2), factors[:, t], out=grad_gates[:, t])
            grad_e = torch.bmm(grad_gates[:, t].flatten(-2), transposed)
            torch.addcmul(grad_e, grad_state, z[:, t], out=grad_entering[:, t])
            grad_state = grad_entering[:, t] * (1.0 if decay is None else decay[:, t])

        needs_gates, needs_decay, needs_weight, _ = ctx.needs_input_grad
        grad_decay = grad_entering * before(states) if needs_decay else None
        grad_flat = grad_gates.flatten(-2)
        grad_affine = affine_gradients(entering, grad_flat) if needs_weight else (None, None)
        if needs_gates:
            torch.mul(grad_h, slope, out=grad_gates[..., 2, :])  # the input's part is not scaled by r
        return grad_flat, grad_decay, *grad_affine


def _after_a_step_inside(inside: Tensor) -> Tensor:
    """1 if the step before, in each direction, was inside, else 0; (2, T, B, 1)."""
    return before(both_ways(inside.unsqueeze(-1).float()))
