"""The default generator: straight lines between observations, and what a network has to add to them.

Between two observations a line is a hard rival: most networks that impute start far below it and end near it. This one
starts on it. Its estimate is the interpolation plus a residual whose last layer begins at zero, so an untrained
generator *is* the interpolation. At every step the network sees the interpolated values of all channels, what was
observed, and how long ago and how far ahead the neighbouring observations are; a small Transformer (or a recurrent
net) over the steps does the rest. It is no part of SSGAN's paper; the game of `step.py` takes it as it takes any other.

The error of the estimate is learned too: a second head gives the scale b of a Laplace distribution around it. Its
gradient stops at the head, so that it costs the estimate nothing.

Shapes: B instances, T steps, C channels, H hidden size.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.generator import Imputation
from tsrep.ssgan.loss import masked_mean
from tsrep.ssgan.recurrence import BidirectionalGRU

CORES = ("transformer", "recurrent")
SHOWN = 0.1  # weight of the error on entries that the network could see, beside the hidden ones
SMALLEST = 1e-3  # of a scale b, in standard deviations of a channel


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


class Block(nn.Module):
    """Attention over the steps, then a perceptron on each, both as residuals of normalised input."""

    def __init__(self, hidden_size: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.before_attention = nn.LayerNorm(hidden_size)
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, 2 * hidden_size),
            nn.GELU(),
            nn.Linear(2 * hidden_size, hidden_size),
        )

    def forward(self, x: Tensor, keep: Tensor | None) -> Tensor:
        """(B, T, H); `keep` (B, 1, 1, T), True for the steps that may be looked at."""
        parts = self.query_key_value(self.before_attention(x))
        query, key, value = parts.unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=keep)
        x = x + self.attended(seen.transpose(1, 2).flatten(2))
        return x + self.perceptron(x)


class TransformerCore(nn.Module):
    """(B, T, H) -> (B, T, H) by blocks."""

    def __init__(self, hidden_size: int, depth: int, n_heads: int):
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden_size, n_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(hidden_size)
        self.width = hidden_size

    def forward(self, x: Tensor, inside: Tensor | None) -> Tensor:
        keep = None if inside is None else inside[:, None, None]
        for block in self.blocks:
            x = block(x, keep)
        return self.norm(x)


class RecurrentCore(nn.Module):
    """(B, T, H) -> (B, T, 2 H) by GRUs that walk both ways, each on the states of the one before."""

    def __init__(self, hidden_size: int, depth: int):
        super().__init__()
        widths = [hidden_size] + [2 * hidden_size] * (depth - 1)
        self.layers = nn.ModuleList(BidirectionalGRU(width, hidden_size) for width in widths)
        self.width = 2 * hidden_size

    def forward(self, x: Tensor, inside: Tensor | None) -> Tensor:
        for layer in self.layers:
            x = layer(x, inside=inside)
        return x


class InterpolatingGenerator(nn.Module):
    """Interpolation with a learned residual.

    Parameters
    ----------
    n_channels : C.
    hidden_size : H, a multiple of `n_heads` for the Transformer; even.
    depth : blocks, or recurrent layers.
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
        self.into = nn.Linear(4 * n_channels, hidden_size)
        self.core: TransformerCore | RecurrentCore
        if core == "transformer":
            self.core = TransformerCore(hidden_size, depth, n_heads)
        else:
            self.core = RecurrentCore(hidden_size, depth)
        self.residual = nn.Linear(self.core.width, n_channels)
        self.scale = nn.Linear(self.core.width + 2 * n_channels, n_channels)
        for head in (self.residual, self.scale):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(
        self, values: Tensor, observed: Tensor, times: Tensor, inside: Tensor | None = None
    ) -> Imputation:
        """Estimates, and as the one stage the scale b of their errors; arguments as `RecurrentGenerator.forward`."""
        lines, since, until = interpolate(values, observed, times)
        near = torch.cat([torch.log1p(since), torch.log1p(until)], -1)
        x = self.into(torch.cat([lines, observed.to(lines), near / 2], -1))
        x = self.core(x + position(times, self.hidden_size), inside)
        spread = self.scale(torch.cat([x.detach(), near], -1))
        return Imputation(lines + self.residual(x), (SMALLEST + F.softplus(spread - 1.0),))

    def reconstruction(
        self,
        imputation: Imputation,
        values: Tensor,
        observed: Tensor,
        hidden: Tensor,
        inside: Tensor | None = None,
    ) -> Tensor:
        """Mean absolute error on the hidden entries, a tenth of that on the shown ones, and the scale's likelihood.

        The last is -log Laplace(error; b) on the hidden entries, whose gradient reaches the scale head alone.
        """
        error = (imputation.estimate - values).abs()
        (scale,) = imputation.stages
        likelihood = scale.log() + error.detach() / scale
        shown = observed & ~hidden
        return masked_mean(error + likelihood - likelihood.detach(), hidden) + SHOWN * masked_mean(
            error, shown
        )


def position(times: Tensor, width: int) -> Tensor:
    """(B, T, width) sines and cosines of the times since the first step, of periods from 6 to 6,000 steps."""
    frequencies = torch.exp(torch.linspace(0.0, -math.log(1000.0), width // 2, device=times.device))
    angles = (times - times[:, :1]).unsqueeze(-1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)
