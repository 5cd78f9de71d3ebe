"""The default generator: straight lines between observations, and what a network has to add to them.

Between two observations a line is a hard rival: most networks that impute start far below it and end near it. This one
starts on it. Its draft is the interpolation plus a residual whose last layer begins at zero, so an untrained
generator *is* the interpolation. At every step the network sees the interpolated values of all channels, what was
observed, and how long ago and how far ahead the neighbouring observations are; a small Transformer (or a recurrent
net) over the steps does the rest. A second, smaller network then looks at the series with the draft in its gaps, where
channels that were missing can speak to each other, and revises it by a residual of its own. A linear map adds what
the other channels say directly: by how much each of them is off what its own neighbours foretell at that step, so that
a spike which many sensors see is found in the one that missed it. This generator is no part of SSGAN's paper; the game
of `step.py` takes it as it takes any other.

The error of the estimate is learned too: a last head gives the scale b of a Laplace distribution around it. Its
gradient stops at the head, so that it costs the estimate nothing.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.nn.masking import masked_mean
from tsrep.ssgan.cores import elapsed_code, make_core
from tsrep.ssgan.generator import Imputation, filled

SHOWN = 0.1  # weight of the error on entries that the network could see, beside the hidden ones
SMALLEST = 1e-3  # of a scale b, in standard deviations of a channel
NEIGHBOURS = 5  # steps that the revision's first layer looks at


def interpolate(values: Tensor, observed: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Straight lines between observations, the ends held; 0 in a channel without any.

    Parameters
    ----------
    values, observed : (B, T, C).
    times : (B, T), non-decreasing.

    Returns
    -------
    The lines, and the time since the last and until the next observation, (B, T, C) each: 0 at an observation, the
    whole length of the series where there is none on that side.
    """
    before, after = _neighbours(observed)
    lines = torch.where(observed, values, _between(values, observed, times, before, after))
    now, last = times.unsqueeze(-1), observed.shape[1] - 1
    longest = (times[:, -1:] - times[:, :1]).unsqueeze(-1)
    at_before, at_after = (_at(times, steps.clamp(0, last)) for steps in (before, after))
    since = torch.where(before >= 0, now - at_before, longest)
    until = torch.where(after <= last, at_after - now, longest)
    return lines, since, until


def foretold(values: Tensor, observed: Tensor, times: Tensor) -> Tensor:
    """The straight line at every entry, (B, T, C), as if that entry had not been observed; arguments as above."""
    before, after = _neighbours(observed)
    before = F.pad(before[:, :-1], (0, 0, 1, 0), value=-1)
    after = F.pad(after[:, 1:], (0, 0, 0, 1), value=observed.shape[1])
    return _between(values, observed, times, before, after)


def _neighbours(observed: Tensor) -> tuple[Tensor, Tensor]:
    """The steps of the observations at or before, and at or after, each entry: (B, T, C); -1 and T without one."""
    steps = observed.shape[1]
    step = torch.arange(steps, device=observed.device).view(1, -1, 1).expand_as(observed)
    before = torch.where(observed, step, -1).cummax(1).values
    after = torch.where(observed, step, steps).flip(1).cummin(1).values.flip(1)
    return before, after


def _between(values: Tensor, observed: Tensor, times: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """The line from the observation at `before` to that at `after`; either alone if there is one, 0 without both."""
    last = observed.shape[1] - 1
    has_before, has_after = before >= 0, after <= last
    left = torch.where(has_before, before, after).clamp(0, last)
    right = torch.where(has_after, after, before).clamp(0, last)
    at_left, at_right = _at(times, left), _at(times, right)
    share = ((times.unsqueeze(-1) - at_left) / (at_right - at_left).clamp(min=1e-6)).clamp(0, 1)
    known = torch.where(observed, values, 0.0)
    start, stop = known.gather(1, left), known.gather(1, right)
    line = torch.where(right > left, start + share * (stop - start), start)
    return torch.where(has_before | has_after, line, 0.0)


def _at(times: Tensor, steps: Tensor) -> Tensor:
    return times.unsqueeze(-1).expand_as(steps).gather(1, steps)


class Residual(nn.Module):
    """What a network over the steps has to add, 0 before training: (B, T, F) -> (B, T, C), and its states.

    Its first layer looks at `neighbours` steps, an odd number.
    """

    def __init__(
        self,
        n_features: int,
        n_channels: int,
        hidden_size: int,
        depth: int,
        n_heads: int,
        core: str,
        neighbours: int,
    ):
        super().__init__()
        self.into = nn.Conv1d(n_features, hidden_size, neighbours, padding=neighbours // 2)
        self.core = make_core(core, hidden_size, depth, n_heads)
        self.out = nn.Linear(self.core.width, n_channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, place: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor]:
        if inside is not None:
            features = features * inside.unsqueeze(-1)
        states = self.core(self.into(features.mT).mT + place, inside)
        return self.out(states), states


class InterpolatingGenerator(nn.Module):
    """Interpolation with a learned residual, drafted and revised.

    Parameters
    ----------
    n_channels : C.
    hidden_size : H, a multiple of `n_heads` for the Transformer; even.
    depth : blocks, or recurrent layers, of the draft; the revision has half as many.
    n_heads : heads of the attention.
    core : "transformer" or "recurrent".
    """

    def __init__(
        self,
        n_channels: int,
        hidden_size: int = 64,
        depth: int = 2,
        n_heads: int = 4,
        core: str = "transformer",
    ):
        super().__init__()
        self.hidden_size = hidden_size
        self.draft = Residual(4 * n_channels, n_channels, hidden_size, depth, n_heads, core, 1)
        width = self.draft.core.width
        self.revision = Residual(
            3 * n_channels + width, n_channels, hidden_size, max(1, depth // 2), n_heads, core, NEIGHBOURS
        )
        self.from_others = nn.Parameter(torch.zeros(n_channels, n_channels))
        self.scale = nn.Linear(width + 2 * n_channels, n_channels)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.scale.bias)

    def forward(
        self, values: Tensor, observed: Tensor, times: Tensor, inside: Tensor | None = None
    ) -> Imputation:
        """Estimates and the scale b of their errors, and as the one stage the draft; arguments as
        `RecurrentGenerator.forward`."""
        lines, since, until = interpolate(values, observed, times)
        near = torch.cat([torch.log1p(since), torch.log1p(until)], -1)
        mask = observed.to(lines)
        place = elapsed_code(times, self.hidden_size)
        residual, states = self.draft(torch.cat([lines, mask, near / 2], -1), place, inside)
        draft = lines + residual
        completed = filled(values, observed, draft)
        residual, states = self.revision(torch.cat([completed, lines, mask, states], -1), place, inside)
        surprise = completed - foretold(values, observed, times)
        others = 1 - torch.eye(len(self.from_others), device=surprise.device)
        estimate = draft + residual + surprise @ (self.from_others * others)
        spread = self.scale(torch.cat([states.detach(), near], -1))
        return Imputation(estimate, (draft,), SMALLEST + F.softplus(spread - 1.0))

    def reconstruction(
        self,
        imputation: Imputation,
        values: Tensor,
        observed: Tensor,
        hidden: Tensor,
        inside: Tensor | None = None,
    ) -> Tensor:
        """Mean absolute error of estimate and draft on the hidden entries, a tenth of that on the shown ones, and the
        scale's likelihood.

        The last is -log Laplace(error; b) on the hidden entries, whose gradient reaches the scale head alone.
        """
        (draft,), scale = imputation.stages, imputation.scale
        assert scale is not None
        error = (imputation.estimate - values).abs()
        likelihood = scale.log() + error.detach() / scale
        errors = (error + (draft - values).abs()) / 2
        shown = observed & ~hidden
        return masked_mean(errors + likelihood - likelihood.detach(), hidden) + SHOWN * masked_mean(
            errors, shown
        )
