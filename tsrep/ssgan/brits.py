"""The generator of SSGAN (Miao et al., AAAI 2021): bidirectional recurrent imputation, BRITS (Cao et al., 2018).

At each step the state, decayed by the time since each value was last observed, predicts the values of the step
(history estimate). The other channels of the step predict each channel (feature estimate). A learned weight combines
the two, and the completed step updates the state. The recurrence runs in both directions of time, and the two estimates
are averaged.

The full text of SSGAN's paper was not available: this package is a reconstruction from its abstract, the authors' code
and two ports. Departures in this file, none of which changes an imputation:
- both directions are computed in one product, and everything that does not depend on the state (decays, combining
  weights, the mask's part of the gates) is computed for all steps before the loop, which is in `loops/imputing.py`;
- the combining weight passes through a sigmoid, as in BRITS; SSGAN's authors leave it out;
- the generator gets no label: labels affect it through the classifier only;
- the difference of the two directions is summed over the steps, as in BRITS' paper; the authors' code takes its mean
  over the steps, beside errors that are summed. Its weight 0.1 is that of the code;
- at steps outside a series the input and forget gates are closed, so padding cannot move an estimate.

Shapes: B instances, T steps, C channels, H hidden size; (2, T, B, ...) holds both directions of time, see
`loops/directions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from tsrep.nn.masking import masked_mean
from tsrep.ssgan.generator import Imputation, filled
from tsrep.ssgan.loops.directions import Affine, Decay, both_ways, elapsed_both_ways, in_time
from tsrep.ssgan.loops.imputing import recurrent_imputation

CONSISTENCY = 0.1  # weight of the difference between the two directions, as in the code of BRITS' authors


class RecurrentGenerator(nn.Module):
    """BRITS: two recurrent imputers, one per direction of time.

    Parameters
    ----------
    n_channels : C.
    hidden_size : H, the width of each direction's LSTM.
    """

    def __init__(self, n_channels: int, hidden_size: int):
        super().__init__()
        self.decay = Decay(n_channels, hidden_size)
        self.value_decay = nn.Parameter(torch.empty(2, 1, 1, n_channels))
        self.value_decay_bias = nn.Parameter(torch.empty(2, 1, 1, n_channels))
        self.from_history = Affine(hidden_size, n_channels)
        self.from_features = Affine(n_channels, n_channels)
        self.combining = Affine(2 * n_channels, n_channels)
        self.mask_gates = Affine(n_channels, 4 * hidden_size, fan=hidden_size)
        self.step_gates = nn.Parameter(torch.empty(2, n_channels + hidden_size, 4 * hidden_size))
        bounds = {
            self.value_decay: n_channels,
            self.value_decay_bias: n_channels,
            self.step_gates: hidden_size,
        }
        for weight, fan in bounds.items():
            nn.init.uniform_(weight, -(fan**-0.5), fan**-0.5)

    def forward(
        self,
        values: Tensor,
        observed: Tensor,
        times: Tensor,
        inside: Tensor | None = None,
        beyond: Tensor | None = None,
    ) -> Imputation:
        """Estimates of all entries from the observed ones; the arguments are those of `Generator`.

        `beyond` is not used: the recurrence begins anew in each window.

        Returns
        -------
        The estimate; its stages are the history, feature and combined estimates of both directions, (2, B, T, C).
        """
        x, m = both_ways(values), both_ways(observed)
        since = elapsed_both_ways(times, observed, inside)
        decay = self.decay(since)
        value_decay = torch.exp(-(since * self.value_decay + self.value_decay_bias).relu())
        weight = self.combining(torch.cat([value_decay, m.to(value_decay)], -1)).sigmoid()
        gates = self.mask_gates(m.to(value_decay))
        if inside is not None:
            gates = self._closed(gates, ~both_ways(inside.unsqueeze(-1)))
        stages = tuple(in_time(stage) for stage in self._recurrence(x, m, decay, weight, gates))
        return Imputation(stages[-1].mean(0), stages)

    def _closed(self, gates: Tensor, outside: Tensor) -> Tensor:
        """`gates` with input and forget gates closed at steps outside, so that the state after them is zero."""
        closed, rest = gates.tensor_split([2 * gates.shape[-1] // 4], dim=-1)
        return torch.cat([closed.masked_fill(outside, -torch.inf), rest], dim=-1)

    def _recurrence(
        self, x: Tensor, m: Tensor, decay: Tensor, weight: Tensor, gates: Tensor
    ) -> tuple[Tensor, ...]:
        """History, feature and combined estimates, (2, T, B, C) each, in the order of each direction."""
        others = 1 - torch.eye(x.shape[-1], device=x.device)
        return recurrent_imputation(
            x.where(m, 0.0),
            ~m,
            decay,
            weight,
            gates,
            (self.from_history.weight, self.from_history.bias),
            (self.from_features.weight * others, self.from_features.bias),
            self.step_gates,
        )

    def reconstruction(
        self,
        imputation: Imputation,
        values: Tensor,
        observed: Tensor,
        hidden: Tensor,
        inside: Tensor | None = None,
    ) -> Tensor:
        """Errors of the estimates on all observed entries, hidden or shown, plus the difference of the directions.

        Each term is a mean over the observed entries times T. This is BRITS' sum over steps of the steps' means if all
        steps have equally many observations; otherwise a step counts by its number of observations.

        Parameters
        ----------
        imputation : of this module, from the entries that are observed and not hidden.
        values, observed : (B, T, C), the series.
        hidden : (B, T, C), True where an observed value was withheld from the input.
        inside : as in `forward`.
        """
        history, feature, combined = imputation.stages
        n_steps = values.shape[1]
        seen = observed.expand_as(combined)
        error = masked_mean((history - values).abs(), seen)  # l(x, history), both directions
        error = error + masked_mean((feature - values).abs(), seen)  # l(x, feature)
        error = error + masked_mean((combined - values).abs(), seen)  # l(x, combined)
        forward, backward = filled(values, observed & ~hidden, combined)
        all_inside = torch.ones_like(forward, dtype=torch.bool) if inside is None else inside.unsqueeze(-1)
        consistency = masked_mean((forward - backward).abs(), all_inside.expand_as(forward))
        return n_steps * (2 * error + CONSISTENCY * consistency)

    @classmethod
    def from_brits(cls, state: Mapping[str, Tensor]) -> Self:
        """The imputer with the weights of a BRITS, `state`, with the key names of PyPOTS: `rits_f.*`, `rits_b.*`."""

        def stacked(name: str) -> Tensor:
            return torch.stack([torch.as_tensor(state[f"{rits}.{name}"]) for rits in ("rits_f", "rits_b")])

        hidden_size, n_channels = state["rits_f.temp_decay_h.W"].shape
        input_forget_output_cell = [0, 1, 3, 2]  # torch's LSTM has the cell gate third

        def gates(name: str) -> Tensor:
            blocks = stacked(f"rnn_cell.{name}").chunk(4, dim=1)
            return torch.cat([blocks[i] for i in input_forget_output_cell], dim=1)

        into = gates("weight_ih").mT
        ours = {
            "decay.rate.weight": stacked("temp_decay_h.W").mT,
            "decay.rate.bias": stacked("temp_decay_h.b")[:, None],
            "value_decay": stacked("temp_decay_x.W").diagonal(dim1=1, dim2=2)[:, None, None],
            "value_decay_bias": stacked("temp_decay_x.b")[:, None, None],
            "from_history.weight": stacked("hist_reg.weight").mT,
            "from_history.bias": stacked("hist_reg.bias")[:, None],
            "from_features.weight": stacked("feat_reg.W").mT,
            "from_features.bias": stacked("feat_reg.b")[:, None],
            "combining.weight": stacked("combining_weight.weight").mT,
            "combining.bias": stacked("combining_weight.bias")[:, None],
            "mask_gates.weight": into[:, n_channels:],
            "mask_gates.bias": (gates("bias_ih") + gates("bias_hh"))[:, None],
            "step_gates": torch.cat([into[:, :n_channels], gates("weight_hh").mT], dim=1),
        }
        imputer = cls(n_channels, hidden_size)
        imputer.load_state_dict(ours)
        return imputer
