"""Which observed values a training step hides (and the model predicts).

MAE hides random patches (He et al., CVPR 2022), SimMIM random squares of several patches (Xie et al., CVPR 2022),
MaskFeat blocks (Wei et al., CVPR 2022), the time-series Transformer geometric spans of steps (Zerveas et al., KDD
2021). Missing values are never hidden, since nothing is known of them. Of every series with two observed patches at
least one stays visible and at least one is hidden, whatever the ratio.

What makes the prediction hard is less the ratio than how far a hidden step is from a visible one: `average_distance`
(SimMIM, section 4.1.2) is the common axis.

Shapes: B series, N patches of P steps, C channels; `hidden` and `observed` (B, N, P, C) or, of patches, (B, N, C).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.nn.masking import hidden_count, lowest

GEOMETRIC_SPAN = 3.0  # steps, the mean that Zerveas et al. use
BLOCK_SHARE = 8  # a block is an eighth of the series unless told otherwise

Span = int | float | tuple[float, float] | None
Ratio = float | tuple[float, float]


@dataclass(frozen=True)
class Mask:
    """A kind of mask with its sizes, called with (observed, generator).

    Attributes
    ----------
    kind : a name in `KINDS`.
    ratio : share of the observed patches (of "geometric" the steps, of "channel" the channels) that is hidden; two
        numbers are the ends of a range from which each batch draws.
    span : length of a hidden run, a number or a range: patches for "random" (1) and "block" (an eighth of the series),
        mean number of steps for "geometric" (3). Other kinds have none.
    shared : True hides the same patches of all channels, False draws for each channel.
    """

    kind: str = "random"
    ratio: Ratio = 0.75
    span: Span = None
    shared: bool = True

    def __call__(self, observed: Tensor, generator: torch.Generator) -> Tensor:
        """`hidden` (B, N, P, C), within `observed`. All randomness is drawn from `generator`, a CPU one."""
        ratio = _drawn(self.ratio, generator)
        span = None if self.span is None else _drawn(self.span, generator)
        if self.shared and self.kind != "channel":
            any_channel = observed.any(-1, keepdim=True)
            return observed & KINDS[self.kind](any_channel, ratio, span, generator)
        return observed & KINDS[self.kind](observed, ratio, span, generator)


def random_patches(observed: Tensor, ratio: float, span: float | None, generator: torch.Generator) -> Tensor:
    """Random runs of `span` neighbouring patches (None: 1; half of them at most), counted from the end of the series.

    Where all observed patches lie in one run, the last of them are hidden.
    """
    eligible = observed.any(2)
    b, n, c = eligible.shape
    run = min(max(1, round(span or 1)), max(1, n // 2))
    runs = -(-n // run)
    noise = _noise((b, runs, c), generator, observed.device).repeat_interleave(run, dim=1)[:, -n:]
    if run == 1:
        return _lowest_patches(noise, eligible, ratio)
    whole = F.pad(eligible.float(), (0, 0, runs * run - n, 0)).unflatten(1, (runs, run)).amax(2) > 0
    of_runs = noise.flip(1)[:, ::run].flip(1)  # one number per run
    hidden = _lowest_patches(of_runs, whole, ratio)[:, :, 0].repeat_interleave(run, dim=1)[:, -n:]
    in_one_run = whole.sum(1, keepdim=True) == 1
    return (eligible & torch.where(in_one_run, _last_patches(eligible, ratio), hidden)).unsqueeze(2)


def blocks(observed: Tensor, ratio: float, span: float | None, generator: torch.Generator) -> Tensor:
    """Runs of `span` patches at random places, which may overlap, until the ratio is reached: block-wise masks in 1-D.

    Each place of a run has a random number, a patch the lowest of the runs that cover it.
    """
    eligible = observed.any(2)
    b, n, c = eligible.shape
    run = min(n, max(1, round(n / BLOCK_SHARE if span is None else span)))
    places = _noise((b, n + run - 1, c), generator, observed.device)
    cover = -F.max_pool1d(-places.transpose(1, 2), run, stride=1).transpose(1, 2)
    return _lowest_patches(cover, eligible, ratio)


def one_span(observed: Tensor, ratio: float, span: float | None, generator: torch.Generator) -> Tensor:
    """One run of observed patches at a random place."""
    eligible = observed.any(2)
    total = eligible.sum(1)
    count = hidden_count(total, ratio)
    start = torch.floor(_noise(total.shape, generator, observed.device) * (total - count + 1)).long()
    rank = eligible.long().cumsum(1) - 1
    within = (rank >= start.unsqueeze(1)) & (rank < (start + count).unsqueeze(1))
    return (eligible & within).unsqueeze(2)


def future(observed: Tensor, ratio: float, span: float | None, generator: torch.Generator) -> Tensor:
    """The last observed patches."""
    return _last_patches(observed.any(2), ratio).unsqueeze(2)


def channels(observed: Tensor, ratio: float, span: float | None, generator: torch.Generator) -> Tensor:
    """Whole channels, of those in which anything was observed; of a series with one channel the whole series."""
    eligible = observed.flatten(1, 2).any(1)
    noise = _noise(eligible.shape, generator, observed.device).masked_fill(~eligible, 2.0)
    return lowest(noise, hidden_count(eligible.sum(1), ratio))[:, None, None]


def geometric(observed: Tensor, ratio: float, span: float | None, generator: torch.Generator) -> Tensor:
    """Alternating runs of steps, hidden ones of mean length `span` (None: 3) and visible ones, each geometric.

    The mean of the visible runs follows from the ratio; `span` is longer where the ratio cannot be reached otherwise.
    """
    flat = observed.flatten(1, 2)
    b, t, c = flat.shape
    ratio = min(max(ratio, 1e-3), 1 - 1e-3)
    length = max(GEOMETRIC_SPAN if span is None else span, ratio / (1 - ratio), 1.0)
    means = torch.tensor([length, max(1.0, length * (1 - ratio) / ratio)])
    pairs = t // 2 + 1
    uniform = torch.rand(b, c, pairs, 2, generator=generator).clamp(min=1e-9)
    leave = (1 / means).clamp(max=1 - 1e-6)
    runs = 1 + torch.floor(uniform.log() / torch.log1p(-leave)).clamp(max=t)
    begins_visible = torch.rand(b, c, 1, generator=generator) >= ratio
    runs = runs.flatten(2)
    ends = torch.where(begins_visible, runs.roll(-1, 2), runs).cumsum(
        2
    )  # one run more or less: still alternating
    number = torch.searchsorted(ends, torch.arange(float(t)).expand(b, c, t).contiguous(), right=True)
    hidden = ((number % 2 == 0) ^ begins_visible).transpose(1, 2).to(observed.device) & flat
    total, count = flat.sum(1, keepdim=True), hidden.sum(1, keepdim=True)
    first = flat & (flat.long().cumsum(1) == 1)
    hidden = torch.where((count == 0) & (total > 0), first, hidden)  # at least one is hidden
    hidden = torch.where((count == total) & (total > 1), hidden & ~first, hidden)  # and at least one visible
    return hidden.unflatten(1, observed.shape[1:3])


KINDS: dict[str, Callable[[Tensor, float, float | None, torch.Generator], Tensor]] = {
    "random": random_patches,
    "block": blocks,
    "span": one_span,
    "geometric": geometric,
    "channel": channels,
    "future": future,
}


def average_distance(hidden: Tensor, observed: Tensor | None = None) -> Tensor:
    """Mean distance, in steps, of the hidden steps to the nearest visible one of their series and channel: AvgDist.

    `hidden` and `observed` (B, T, C); a value that was not observed is neither hidden nor visible. None: all were.
    Series and channels without a visible step are left out; NaN if there is no other.
    """
    steps = hidden.shape[1]
    known = torch.ones_like(hidden) if observed is None else observed
    visible = known & ~hidden
    place = torch.arange(steps, device=hidden.device).view(1, -1, 1).expand_as(hidden)
    before = torch.where(visible, place, -2 * steps).cummax(1).values
    after = torch.where(visible, place, 3 * steps).flip(1).cummin(1).values.flip(1)
    distance = torch.minimum(place - before, after - place)
    counted = hidden & known & visible.any(1, keepdim=True)
    return distance[counted].float().mean()


def _lowest_patches(noise: Tensor, eligible: Tensor, ratio: float) -> Tensor:
    """The eligible patches of lowest noise, as many as the ratio says: (B, N, C) -> (B, N, 1, C)."""
    noise = noise.masked_fill(~eligible, torch.inf).transpose(1, 2)
    chosen = lowest(noise, hidden_count(eligible.sum(1), ratio)).transpose(1, 2)
    return (chosen & eligible).unsqueeze(2)


def _last_patches(eligible: Tensor, ratio: float) -> Tensor:
    """The last of the eligible patches (B, N, C), as many as the ratio says."""
    total = eligible.sum(1)
    rank = eligible.long().cumsum(1) - 1
    return eligible & (rank >= (total - hidden_count(total, ratio)).unsqueeze(1))


def _noise(shape: tuple[int, ...] | torch.Size, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.rand(tuple(shape), generator=generator).to(device)


def _drawn(value: float | tuple[float, float], generator: torch.Generator) -> float:
    """The number itself, or one drawn evenly from the range."""
    if not isinstance(value, tuple | list):
        return float(value)
    low, high = value
    return float(low) + (float(high) - float(low)) * float(torch.rand((), generator=generator))
