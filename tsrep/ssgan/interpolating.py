"""The default generator: straight lines between observations, and what a network has to add to them.

Between two observations a line is a hard rival: most networks that impute start far below it and end near it. This one
starts on it. Its draft is the interpolation plus a residual whose last layer begins at zero, so an untrained
generator *is* the interpolation. At every step the network sees the interpolated values of all channels, what was
observed, and how long ago and how far ahead the neighbouring observations are; a small Transformer (or a recurrent
net) over the steps does the rest. A second, smaller network then looks at the series with the draft in its gaps, where
channels that were missing can speak to each other, and revises it by a residual of its own. It is no part of SSGAN's
paper; the game of `step.py` takes it as it takes any other generator.

The error of the estimate is learned too: a last head gives the scale b of a Laplace distribution around it. Its
gradient stops at the head, so that it costs the estimate nothing.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.cores import make_core, position
from tsrep.ssgan.generator import Imputation, filled
from tsrep.ssgan.loss import masked_mean

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
    batch, steps, channels = values.shape
    step = torch.arange(steps, device=values.device).view(1, -1, 1).expand(batch, -1, channels)
    before = torch.where(observed, step, -1).cummax(1).values
    after = torch.where(observed, step, steps).flip(1).cummin(1).values.flip(1)
    has_before, has_after = before >= 0, after < steps
    left = torch.where(has_before, before, after).clamp(0, steps - 1)
    right = torch.where(has_after, after, before).clamp(0, steps - 1)
    now = times.unsqueeze(-1).expand(-1, -1, channels)
    at_left, at_right = now.gather(1, left), now.gather(1, right)
    share = ((now - at_left) / (at_right - at_left).clamp(min=1e-6)).clamp(0, 1)
    known = torch.where(observed, values, 0.0)
    start, stop = known.gather(1, left), known.gather(1, right)
    lines = torch.where(observed, values, torch.where(right > left, start + share * (stop - start), start))
    longest = (times[:, -1:] - times[:, :1]).unsqueeze(-1)
    since = torch.where(has_before, now - at_left, longest)
    until = torch.where(has_after, at_right - now, longest)
    return lines, since, until


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
        place = position(times, self.hidden_size)
        residual, states = self.draft(torch.cat([lines, mask, near / 2], -1), place, inside)
        draft = lines + residual
        residual, states = self.revision(
            torch.cat([filled(values, observed, draft), lines, mask, states], -1), place, inside
        )
        spread = self.scale(torch.cat([states.detach(), near], -1))
        return Imputation(draft + residual, (draft,), SMALLEST + F.softplus(spread - 1.0))

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
