"""The loop of the recurrent generator, with a hand-written gradient.

BRITS (Cao et al., 2018) feeds the imputed values of one step into the next, so no library's LSTM can run its loop.
Under autograd each of its 48 or more steps costs twenty small calls forward and forty backward. Here both directions
are one loop with the fewest possible calls. In the backward pass the gradients of the gates are those of cell and state
times factors that do not depend on later steps. These factors, and the products for the weights, are computed for all
steps at once from the tensors that the loop saves.

Shapes: B instances, T steps, C channels, H hidden size; tensors of both directions are (2, T, B, ...), see
`directions.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tsrep.ssgan.loops.directions import affine_gradients, before


def recurrent_imputation(
    known: Tensor,
    missing: Tensor,
    decay: Tensor,
    weight: Tensor,
    gates: Tensor,
    history: tuple[Tensor, Tensor],
    feature: tuple[Tensor, Tensor],
    step_gates: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """History, feature and combined estimates, (2, T, B, C) each, in the precision of the weights.

    Parameters
    ----------
    known : (2, T, B, C), the observed values, 0 elsewhere; it gets no gradient.
    missing : (2, T, B, C), True where not observed.
    decay : (2, T, B, H), factor on the state before each step.
    weight : (2, T, B, C), weight of the feature estimate in the combined one, 0 to 1.
    gates : (2, T, B, 4 H), the part of the gates that does not depend on the state; input, forget, output, cell.
    history, feature : weight and bias of the regressions on the state, (2, H, C), and on the other channels, (2, C, C).
    step_gates : (2, C + H, 4 H), weight of the gates on completed step and state.
    """
    inputs = (known, missing, decay, weight, gates)
    with torch.autocast(gates.device.type, enabled=False):
        estimates: tuple[Tensor, Tensor, Tensor] = _RecurrentImputation.apply(
            *(x.to(step_gates) for x in inputs), *history, *feature, step_gates
        )
    return estimates


class _RecurrentImputation(torch.autograd.Function):
    """With k the known values, m the mask of missing ones, d the decay and w the combining weight of a step:

        e = d h                 x = e V + v         y = (k + m x) U + u       z = x + w (y - x)
        i, f, o, g = gates + [k + m z, e] S         c = f c + i g             h = o tanh(c)

    x, y, z are the history, feature and combined estimates; i, f, o pass through a sigmoid and g through a tanh.
    """

    @staticmethod
    def forward(
        ctx: Any,
        known: Tensor, missing: Tensor, decay: Tensor, weight: Tensor, gates: Tensor,
        v_weight: Tensor, v_bias: Tensor, u_weight: Tensor, u_bias: Tensor, s_weight: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        n_channels, hidden = u_weight.shape[1], v_weight.shape[1]
        x, y, z = (torch.empty_like(known) for _ in range(3))
        h, c = torch.empty_like(decay), torch.empty_like(decay)
        entering = gates.new_empty(*gates.shape[:-1], n_channels + hidden)  # [k + m z, e]
        open_gates = torch.empty_like(gates)
        h_t = c_t = torch.zeros_like(decay[:, 0])
        for t in range(gates.shape[1]):
            k, m, entering_t, i_f_o_g = known[:, t], missing[:, t], entering[:, t], open_gates[:, t]
            e = torch.mul(h_t, decay[:, t], out=entering_t[..., n_channels:])
            x_t = torch.baddbmm(v_bias, e, v_weight, out=x[:, t])
            y_t = torch.baddbmm(u_bias, torch.addcmul(k, m, x_t), u_weight, out=y[:, t])
            z_t = torch.lerp(x_t, y_t, weight[:, t], out=z[:, t])
            torch.addcmul(k, m, z_t, out=entering_t[..., :n_channels])
            torch.baddbmm(gates[:, t], entering_t, s_weight, out=i_f_o_g)
            i, f, o = i_f_o_g[..., : 3 * hidden].sigmoid_().chunk(3, -1)
            g = i_f_o_g[..., 3 * hidden :].tanh_()
            c_t = torch.addcmul(f * c_t, i, g, out=c[:, t])
            h_t = torch.mul(o, c_t.tanh(), out=h[:, t])
        ctx.save_for_backward(
            known, missing, decay, weight, v_weight, u_weight, s_weight, x, y, h, c, entering, open_gates
        )
        return x, y, z

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_out_x: Tensor, grad_out_y: Tensor, grad_out_z: Tensor
    ) -> tuple[Tensor | None, ...]:
        known, missing, decay, weight, v_weight, u_weight, s_weight, x, y, h, c, entering, open_gates = (
            ctx.saved_tensors
        )
        n_channels, hidden = u_weight.shape[1], v_weight.shape[1]
        i, f, o, g = open_gates.chunk(4, -1)
        tanh_c = c.tanh()
        slope_c = o * (1 - tanh_c * tanh_c)  # dh / dc
        # Factors on the gradient of c; the third is on that of h.
        factors = open_gates.new_empty(*open_gates.shape[:-1], 4, hidden)
        torch.mul(g, i * (1 - i), out=factors[..., 0, :])
        torch.mul(before(c), f * (1 - f), out=factors[..., 1, :])
        torch.mul(tanh_c, o * (1 - o), out=factors[..., 2, :])
        torch.mul(i, 1 - g * g, out=factors[..., 3, :])

        grad_gates, grad_entering = torch.empty_like(factors), torch.empty_like(entering)
        grad_x, grad_y, grad_z = (torch.empty_like(x) for _ in range(3))
        back_s, back_u, back_v = (w.mT.contiguous() for w in (s_weight, u_weight, v_weight))
        shares = 1 - weight
        grad_h = grad_c = torch.zeros_like(h[:, 0])
        for t in reversed(range(h.shape[1])):
            m, grad_gates_t, grad_into = missing[:, t], grad_gates[:, t], grad_entering[:, t]
            grad_c = torch.addcmul(grad_c, grad_h, slope_c[:, t])
            torch.mul(grad_c.unsqueeze(-2), factors[:, t], out=grad_gates_t)
            torch.mul(grad_h, factors[:, t, :, 2], out=grad_gates_t[..., 2, :])
            torch.bmm(grad_gates_t.flatten(-2), back_s, out=grad_into)
            grad_z_t = torch.addcmul(grad_out_z[:, t], grad_into[..., :n_channels], m, out=grad_z[:, t])
            grad_y_t = torch.addcmul(grad_out_y[:, t], grad_z_t, weight[:, t], out=grad_y[:, t])
            grad_x_t = torch.addcmul(grad_out_x[:, t], grad_z_t, shares[:, t], out=grad_x[:, t]).addcmul_(
                torch.bmm(grad_y_t, back_u), m
            )
            grad_into[..., n_channels:] += torch.bmm(grad_x_t, back_v)
            grad_h = grad_into[..., n_channels:] * decay[:, t]
            grad_c = grad_c * f[:, t]

        grad_flat = grad_gates.flatten(-2)
        state, grad_state = entering[..., n_channels:], grad_entering[..., n_channels:]
        grad_v = affine_gradients(state, grad_x)
        grad_u = affine_gradients(torch.addcmul(known, missing, x), grad_y)
        grad_s, _ = affine_gradients(entering, grad_flat)
        return None, None, grad_state * before(h), grad_z * (y - x), grad_flat, *grad_v, *grad_u, grad_s
