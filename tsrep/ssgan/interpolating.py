"""The default generator: linear interpolation between observations, plus a learned residual.

Linear interpolation is a strong baseline: most imputation networks start far below it and end near it. This one starts
at it. The draft is the interpolation plus a residual whose last layer is initialised to zero, so an untrained generator
*is* the interpolation. At each step the input of the network is the interpolated values of all channels, the mask, and
the time since the last and until the next observation; a small Transformer (or a recurrent network) over the steps
follows. A second, smaller network gets the series with the draft in its gaps, so that channels with missing values
inform each other, and revises the draft by a residual of its own. A linear map adds a direct term from the other
channels: the difference of each channel from the interpolation of its own neighbours at that step. So a spike that many
sensors record is also estimated for the sensor that missed it. This generator is not part of SSGAN's paper; the game of
`step.py` accepts it like any other.

The error of the estimate is learned too: a last head gives the scale b of a Laplace distribution around the estimate.
Its gradient stops at the head, so it does not affect the estimate.

A window of a longer series is interpolated as the whole series is: from the last observation before the window, and to
the first one after it (`beyond.py`).

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.nn.masking import masked_mean
from tsrep.ssgan.cores import elapsed_code, make_core
from tsrep.ssgan.generator import Imputation, filled

SHOWN_WEIGHT = 0.1  # of the error on entries shown to the network; that on hidden entries has weight 1
MIN_SCALE = 1e-3  # least scale b, in standard deviations of a channel
REVISION_KERNEL = 5  # steps, kernel size of the revision's first layer


def interpolate(
    values: Tensor, observed: Tensor, times: Tensor, beyond: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Linear interpolation between observations, constant beyond the ends; 0 in a channel without observations.

    Parameters
    ----------
    values, observed : (B, T, C).
    times : (B, T), non-decreasing.
    beyond : (B, 2, 2, C), see `tsrep.ssgan.beyond`; None: these are whole series.

    Returns
    -------
    The interpolation, and the time since the last and until the next observation, (B, T, C) each: 0 at an observation,
    at most the duration of the window, and that if there is none on that side.
    """
    longest = (times[:, -1:] - times[:, :1]).unsqueeze(-1)
    values, observed, times, within = _with_ends(values, observed, times, beyond)
    before, after = neighbours(observed)
    lines = torch.where(observed, values, _between(values, observed, times, before, after))
    last = observed.shape[1] - 1
    at_before, at_after = (times.gather(1, steps.clamp(0, last)) for steps in (before, after))
    since = torch.where(before >= 0, times - at_before, longest).minimum(longest)
    until = torch.where(after <= last, at_after - times, longest).minimum(longest)
    return lines[:, within], since[:, within], until[:, within]


def interpolated_without_self(
    values: Tensor, observed: Tensor, times: Tensor, beyond: Tensor | None = None
) -> Tensor:
    """`interpolate` at each entry, (B, T, C), as if that entry had not been observed; the same arguments."""
    values, observed, times, within = _with_ends(values, observed, times, beyond)
    before, after = neighbours(observed)
    before = F.pad(before[:, :-1], (0, 0, 1, 0), value=-1)
    after = F.pad(after[:, 1:], (0, 0, 0, 1), value=observed.shape[1])
    return _between(values, observed, times, before, after)[:, within]


def _with_ends(
    values: Tensor, observed: Tensor, times: Tensor, beyond: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, slice]:
    """The series with a step at either end for the observations beyond, times for each channel; where the series is."""
    times = times.unsqueeze(-1).expand_as(values)
    if beyond is None:
        return values, observed, times, slice(None)
    there = beyond[:, 1].isfinite()
    at, when = beyond[:, 0].to(values), beyond[:, 1].to(times).masked_fill(~there, 0.0)
    values, observed, times = (
        torch.cat([ends[:, :1], series, ends[:, 1:]], dim=1)
        for ends, series in ((at, values), (there, observed), (when, times))
    )
    return values, observed, times, slice(1, -1)


def neighbours(observed: Tensor) -> tuple[Tensor, Tensor]:
    """The steps of the last observation up to each entry and of the next from it on, (B, T, C); -1 and T for none."""
    steps = observed.shape[1]
    step = torch.arange(steps, device=observed.device).view(1, -1, 1).expand_as(observed)
    before = torch.where(observed, step, -1).cummax(1).values
    after = torch.where(observed, step, steps).flip(1).cummin(1).values.flip(1)
    return before, after


def _between(values: Tensor, observed: Tensor, times: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """The line from the observation at `before` to that at `after`; the value of one if it is alone, 0 without both."""
    last = observed.shape[1] - 1
    has_before, has_after = before >= 0, after <= last
    left = torch.where(has_before, before, after).clamp(0, last)
    right = torch.where(has_after, after, before).clamp(0, last)
    at_left, at_right = times.gather(1, left), times.gather(1, right)
    share = ((times - at_left) / (at_right - at_left).clamp(min=1e-6)).clamp(0, 1)
    known = torch.where(observed, values, 0.0)
    start, stop = known.gather(1, left), known.gather(1, right)
    line = torch.where(right > left, start + share * (stop - start), start)
    return torch.where(has_before | has_after, line, 0.0)


class Residual(nn.Module):
    """A residual from a network over the steps, 0 before training: (B, T, F) -> (B, T, C), and the network's states.

    `kernel_size` is the number of steps in its first layer, an odd number.
    """

    def __init__(
        self,
        n_features: int,
        n_channels: int,
        hidden_size: int,
        depth: int,
        n_heads: int,
        core: str,
        kernel_size: int,
    ):
        super().__init__()
        self.into = nn.Conv1d(n_features, hidden_size, kernel_size, padding=kernel_size // 2)
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
    """Linear interpolation with a learned residual, as a draft and its revision.

    Parameters
    ----------
    n_channels : C.
    hidden_size : H, even; for the Transformer a multiple of `n_heads`.
    depth : number of Transformer blocks, or recurrent layers, of the draft; the revision has half as many.
    n_heads : number of attention heads.
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
            3 * n_channels + width,
            n_channels,
            hidden_size,
            max(1, depth // 2),
            n_heads,
            core,
            REVISION_KERNEL,
        )
        self.from_others = nn.Parameter(torch.zeros(n_channels, n_channels))
        self.scale = nn.Linear(width + 2 * n_channels, n_channels)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.scale.bias)

    def forward(
        self,
        values: Tensor,
        observed: Tensor,
        times: Tensor,
        inside: Tensor | None = None,
        beyond: Tensor | None = None,
    ) -> Imputation:
        """Estimates and the scale b of their errors; the draft is the one stage.

        The arguments are those of `Generator`.
        """
        return self.with_states(values, observed, times, inside, beyond)[0]

    def with_states(
        self,
        values: Tensor,
        observed: Tensor,
        times: Tensor,
        inside: Tensor | None = None,
        beyond: Tensor | None = None,
    ) -> tuple[Imputation, tuple[Tensor, Tensor]]:
        """`forward`, and the states (B, T, width) of the draft's network and of the revision's."""
        interpolated, since, until = interpolate(values, observed, times, beyond)
        near = torch.cat([torch.log1p(since), torch.log1p(until)], -1)
        mask = observed.to(interpolated)
        place = elapsed_code(times, self.hidden_size)
        residual, drafting = self.draft(torch.cat([interpolated, mask, near / 2], -1), place, inside)
        draft = interpolated + residual
        completed = filled(values, observed, draft)
        residual, states = self.revision(
            torch.cat([completed, interpolated, mask, drafting], -1), place, inside
        )
        surprise = completed - interpolated_without_self(values, observed, times, beyond)
        others = 1 - torch.eye(len(self.from_others), device=surprise.device)
        estimate = draft + residual + surprise @ (self.from_others * others)
        spread = self.scale(torch.cat([states.detach(), near], -1))
        imputation = Imputation(estimate, (draft,), MIN_SCALE + F.softplus(spread - 1.0))
        return imputation, (drafting, states)

    def reconstruction(
        self,
        imputation: Imputation,
        values: Tensor,
        observed: Tensor,
        hidden: Tensor,
        inside: Tensor | None = None,
    ) -> Tensor:
        """Mean absolute error of estimate and draft on the hidden entries, plus 0.1 times that on the shown entries.

        The gradient is that of this loss plus -log Laplace(error; b) on the hidden entries, which trains the scale head
        only.
        """
        (draft,), scale = imputation.stages, imputation.scale
        assert scale is not None
        error = (imputation.estimate - values).abs()
        negative_log_likelihood = scale.log() + error.detach() / scale
        errors = (error + (draft - values).abs()) / 2
        shown = observed & ~hidden
        return masked_mean(
            errors + negative_log_likelihood - negative_log_likelihood.detach(), hidden
        ) + SHOWN_WEIGHT * masked_mean(errors, shown)
