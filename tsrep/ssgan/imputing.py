"""The loop of the recurrent generator, and its gradient written out.

BRITS (Cao et al., 2018) feeds what it imputes at one step into the next, so its loop cannot be left to a library's
LSTM; and taken apart by autograd, each of its 48 or more steps costs twenty small calls there and forty back. Here both
directions are one loop with as few calls as there can be. Going back, the gradients of the gates are those of cell and
state times factors that do not depend on what comes later: these are computed for all steps at once, and so are the
products for the weights, from what the loop leaves behind.

Shapes: B instances, T steps, C channels, H hidden size; all walks are (2, T, B, ..) as in `directions.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tsrep.ssgan.directions import affine_gradients, before


def impute_walking(
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
    known : (2, T, B, C), the observed values, 0 elsewhere; no gradient goes there.
    missing : (2, T, B, C), True where not observed.
    decay : (2, T, B, H), what the state is multiplied by before each step.
    weight : (2, T, B, C), of the feature estimate in the combined one, 0 to 1.
    gates : (2, T, B, 4 H), what enters the gates beside completed step and state; input, forget, output, cell.
    history, feature : weight and bias of the regressions on the state, (2, H, C), and on the other channels, (2, C, C).
    step_gates : (2, C + H, 4 H), from completed step and state to the gates.
    """
    given = (known, missing, decay, weight, gates)
    with torch.autocast(gates.device.type, enabled=False):
        found: tuple[Tensor, Tensor, Tensor] = _Imputing.apply(
            *(x.to(step_gates) for x in given), *history, *feature, step_gates
        )
    return found


class _Imputing(torch.autograd.Function):
    """With k the known values, m where they are missing, d the decay and w the combining weight of a step:

        e = d h                 x = e V + v         y = (k + m x) U + u       z = x + w (y - x)
        i, f, o, g = gates + [k + m z, e] S         c = f c + i g             h = o tanh(c)

    x, y, z are the history, feature and combined estimates; i, f, o pass a sigmoid and g a tanh.
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
        opened = torch.empty_like(gates)
        h_t = c_t = torch.zeros_like(decay[:, 0])
        for t in range(gates.shape[1]):
            k, m, into, i_f_o_g = known[:, t], missing[:, t], entering[:, t], opened[:, t]
            e = torch.mul(h_t, decay[:, t], out=into[..., n_channels:])
            x_t = torch.baddbmm(v_bias, e, v_weight, out=x[:, t])
            y_t = torch.baddbmm(u_bias, torch.addcmul(k, m, x_t), u_weight, out=y[:, t])
            z_t = torch.lerp(x_t, y_t, weight[:, t], out=z[:, t])
            torch.addcmul(k, m, z_t, out=into[..., :n_channels])
            torch.baddbmm(gates[:, t], into, s_weight, out=i_f_o_g)
            i, f, o = i_f_o_g[..., : 3 * hidden].sigmoid_().chunk(3, -1)
            g = i_f_o_g[..., 3 * hidden :].tanh_()
            c_t = torch.addcmul(f * c_t, i, g, out=c[:, t])
            h_t = torch.mul(o, c_t.tanh(), out=h[:, t])
        ctx.save_for_backward(
            known, missing, decay, weight, v_weight, u_weight, s_weight, x, y, h, c, entering, opened
        )
        return x, y, z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_x: Tensor, of_y: Tensor, of_z: Tensor) -> tuple[Tensor | None, ...]:
        known, missing, decay, weight, v_weight, u_weight, s_weight, x, y, h, c, entering, opened = (
            ctx.saved_tensors
        )
        n_channels, hidden = u_weight.shape[1], v_weight.shape[1]
        i, f, o, g = opened.chunk(4, -1)
        bent = c.tanh()
        of_cell = o * (1 - bent * bent)  # dc / dh
        factors = opened.new_empty(*opened.shape[:-1], 4, hidden)  # of dc, the third one of dh
        torch.mul(g, i * (1 - i), out=factors[..., 0, :])
        torch.mul(before(c), f * (1 - f), out=factors[..., 1, :])
        torch.mul(bent, o * (1 - o), out=factors[..., 2, :])
        torch.mul(i, 1 - g * g, out=factors[..., 3, :])

        of_gates, of_entering = torch.empty_like(factors), torch.empty_like(entering)
        dx, dy, dz = (torch.empty_like(x) for _ in range(3))
        back_s, back_u, back_v = (w.mT.contiguous() for w in (s_weight, u_weight, v_weight))
        shares = 1 - weight
        dh = dc = torch.zeros_like(h[:, 0])
        for t in reversed(range(h.shape[1])):
            m, gates_t, into = missing[:, t], of_gates[:, t], of_entering[:, t]
            dc = torch.addcmul(dc, dh, of_cell[:, t])
            torch.mul(dc.unsqueeze(-2), factors[:, t], out=gates_t)
            torch.mul(dh, factors[:, t, :, 2], out=gates_t[..., 2, :])
            torch.bmm(gates_t.flatten(-2), back_s, out=into)
            dz_t = torch.addcmul(of_z[:, t], into[..., :n_channels], m, out=dz[:, t])
            dy_t = torch.addcmul(of_y[:, t], dz_t, weight[:, t], out=dy[:, t])
            dx_t = torch.addcmul(of_x[:, t], dz_t, shares[:, t], out=dx[:, t]).addcmul_(
                torch.bmm(dy_t, back_u), m
            )
            into[..., n_channels:] += torch.bmm(dx_t, back_v)
            dh = into[..., n_channels:] * decay[:, t]
            dc = dc * f[:, t]

        flat = of_gates.flatten(-2)
        state, of_state = entering[..., n_channels:], of_entering[..., n_channels:]
        of_v = affine_gradients(state, dx)
        of_u = affine_gradients(torch.addcmul(known, missing, x), dy)
        of_s, _ = affine_gradients(entering, flat)
        return None, None, of_state * before(h), dz * (y - x), flat, *of_v, *of_u, of_s
