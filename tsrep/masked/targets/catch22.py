"""catch22: 22 canonical characteristics of time series (Lubba et al., 2019, table 1), batched.

The features were selected from hctsa's thousands for a low redundancy and a good accuracy over many data sets. Each is
defined by a short algorithm. The functions here are named by their feature and count as the authors' code of the paper
does; its releases from 1.0 on count some lags and runs differently. Autocorrelations are not circular.

Lubba, Sethi, Knaute, Schultz, Fulcher, Jones: catch22: CAnonical Time-series CHaracteristics. Data Mining and Knowledge
Discovery 33, 2019.

Shapes: M windows of n steps, brought to mean 0 and (unbiased) standard deviation 1.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.masked.targets.scaling import autocovariance, fluctuation, periodicity
from tsrep.masked.targets.series import defined, enough, extent, interpolated, windows_around
from tsrep.masked.targets.target import Target

WINDOW = 64  # steps, at least
SHORTEST = 16  # windows of fewer steps have no features
CONSTANT = 1e-4  # windows of a smaller deviation have no features
FEATURES = (
    "DN_HistogramMode_5",
    "DN_HistogramMode_10",
    "SB_BinaryStats_mean_longstretch1",
    "DN_OutlierInclude_p_001_mdrmd",
    "DN_OutlierInclude_n_001_mdrmd",
    "CO_f1ecac",
    "CO_FirstMin_ac",
    "SP_Summaries_welch_rect_area_5_1",
    "SP_Summaries_welch_rect_centroid",
    "FC_LocalSimple_mean3_stderr",
    "CO_trev_1_num",
    "CO_HistogramAMI_even_2_5",
    "IN_AutoMutualInfoStats_40_gaussian_fmmi",
    "MD_hrv_classic_pnn40",
    "SB_BinaryStats_diff_longstretch0",
    "SB_MotifThree_quantile_hh",
    "FC_LocalSimple_mean1_tauresrat",
    "CO_Embed2_Dist_tau_d_expfit_meandiff",
    "SC_FluctAnal_2_dfa_50_1_2_logi_prop_r1",
    "SC_FluctAnal_2_rsrangefit_50_1_logi_prop_r1",
    "SB_TransitionMatrix_3ac_sumdiagcov",
    "PD_PeriodicityWang_th0_01",
)


class Catch22(Target):
    """The features of the window of max(P, 64) steps around the patch, (B, N, P, C) -> (B, N, C, 22).

    Missing steps are interpolated linearly; a series shorter than the window is continued with its first and last
    observation as far as the frame goes. All features are 0 for a constant window and for a frame of fewer than 16
    steps, one is 0 where it is undefined. A patch with fewer than half of its steps is NaN.
    """

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = len(FEATURES)

    def forward(self, frame: Tensor) -> Tensor:
        width = max(self.patch_length, WINDOW)
        windows = windows_around(interpolated(frame), extent(frame), self.patch_length, width)
        features = catch22(windows.flatten(0, 2)).unflatten(0, windows.shape[:3])
        return defined(features, enough(frame))


def catch22(windows: Tensor) -> Tensor:
    """The features of complete windows in the paper's order, (M, n) -> (M, 22); they are normalised here."""
    n = windows.shape[1]
    if n < SHORTEST:
        return windows.new_zeros(len(windows), len(FEATURES))
    centred = windows - windows.mean(-1, keepdim=True)
    variance = centred.square().sum(-1, keepdim=True) / (n - 1)
    varies = variance > CONSTANT**2
    z = torch.where(varies, centred / torch.where(varies, variance, 1.0).sqrt(), _filler(n, centred))

    correlation = autocorrelation(z)
    zero = first_zero(correlation)
    step = z.diff(dim=-1)
    power, frequency = periodogram(z)
    features = [
        histogram_mode(z, 5),
        histogram_mode(z, 10),
        longest_stretch(z > 0),
        *outlier_timing(torch.cat([z, -z])).chunk(2),
        first(correlation[:, 1:] < math.exp(-1), n - 1) + 1,
        first(
            (correlation[:, 1:-1] < correlation[:, :-2]) & (correlation[:, 1:-1] < correlation[:, 2:]), n - 1
        )
        + 1,
        low_power(power, frequency),
        median_frequency(power, frequency),
        (z[:, 3:] - (z[:, :-3] + z[:, 1:-2] + z[:, 2:-1]) / 3).std(-1),
        (step * step * step).mean(-1),
        histogram_information(z),
        gaussian_information_minimum(z),
        (step.abs() > 0.04).to(z.dtype).mean(-1),
        longest_stretch(step < 0),
        pair_entropy(z),
        first_zero(autocorrelation(step - step.mean(-1, keepdim=True))) / zero,
        embedding_distance(z, zero),
        fluctuation(z, 2, "dfa"),
        fluctuation(z, 1, "range"),
        transition_covariance(z, zero),
        periodicity(z),
    ]
    table = torch.stack([feature.to(z.dtype) for feature in features], dim=-1)
    return torch.where(varies & table.isfinite(), table, 0.0)


def first(flags: Tensor, default: int) -> Tensor:
    """The place of the first True, (M, L) -> (M,); `default` without one."""
    return torch.where(flags.any(-1), flags.to(torch.int8).argmax(-1), default)


def autocorrelation(z: Tensor) -> Tensor:
    """The biased autocorrelation at lags 0 to n - 1 of windows with mean 0, (M, n) -> (M, n)."""
    covariance = autocovariance(z)
    return covariance / covariance[:, :1].clamp(min=torch.finfo(z.dtype).tiny)


def first_zero(correlation: Tensor) -> Tensor:
    """The first lag at which the autocorrelation is not positive, (M, n) -> (M,); n without one."""
    return first(correlation[:, 1:] <= 0, correlation.shape[1] - 1) + 1


def histogram_mode(z: Tensor, bins: int) -> Tensor:
    """DN_HistogramMode: the centre of the fullest of equal bins; the mean of the centres if several are."""
    low = z.amin(-1, keepdim=True)
    width = (z.amax(-1, keepdim=True) - low) / bins
    place = ((z - low) / width).long().clamp(max=bins - 1)
    fullest = counts(place, bins)
    fullest = (fullest == fullest.amax(-1, keepdim=True)).to(z.dtype)
    centre = torch.arange(bins, dtype=z.dtype, device=z.device) + 0.5
    return low.squeeze(-1) + width.squeeze(-1) * (fullest @ centre) / fullest.sum(-1)


def counts(labels: Tensor, classes: int, weight: Tensor | None = None) -> Tensor:
    """How often each label from 0 to `classes` - 1 occurs, (M, L) -> (M, classes) floats."""
    ones = torch.ones(labels.shape, device=labels.device) if weight is None else weight
    return torch.zeros(len(labels), classes, dtype=ones.dtype, device=labels.device).scatter_add_(
        1, labels, ones
    )


def longest_stretch(flags: Tensor) -> Tensor:
    """SB_BinaryStats: the greatest distance between fences: the False steps and both ends, (M, L) -> (M,).

    Between two False steps, this is the number of True steps plus one, as in the authors' code.
    """
    step = torch.arange(flags.shape[1], device=flags.device)
    fence = ~flags
    fence[:, -1] = True
    last = F.pad(torch.where(fence, step, 0).cummax(-1).values[:, :-1], (1, 0))
    return torch.where(fence, step - last, 0).amax(-1)


def outlier_timing(z: Tensor) -> Tensor:
    """DN_OutlierInclude_001_mdrmd: where values above a rising threshold lie, from -1 (start) to 1 (end).

    At each threshold 0, 0.01, 0.02, ... it takes the median step of the values above, and then the median over the
    thresholds, as long as more than 2 % of the non-negative values (less one) are above. The steps are those of the k
    largest values; k thresholds share a set, so the median over the thresholds is a weighted one over k.
    """
    n = z.shape[1]
    value, order = z.sort(dim=-1, descending=True, stable=True)
    middle = medians_of_largest(order)
    total = (z >= 0).sum(-1, keepdim=True)
    fewest = (total // 50 + 2).clamp(max=n)
    thresholds = (value * 100).floor().long()  # threshold j is 0.01 j; those up to this one include the value
    trim = thresholds.gather(-1, fewest - 1)
    trim = torch.where(fewest <= total, trim, 0)
    up_to = torch.minimum(thresholds, trim).clamp(min=-1) + 1
    weight = up_to - F.pad(up_to[:, 1:], (0, 1))
    sorted_middle, by = middle.sort(-1)
    count = weight.gather(-1, by).cumsum(-1)
    total_weight = count[:, -1:]
    at = torch.cat([(total_weight + 1) // 2, total_weight // 2 + 1], dim=-1)
    median = sorted_middle.gather(-1, torch.searchsorted(count, at).clamp(max=n - 1)).mean(-1)
    return torch.where(z.amax(-1) < 0.01, 0.0, median / (n / 2) - 1)


def medians_of_largest(order: Tensor) -> Tensor:
    """Medians of the first k entries of permutations of 0 to n - 1, plus 1, for k = 1 to n: (M, n) -> (M, n).

    The entries are inserted into a sorted list one by one, for all rows at once.
    """
    entries = order.T.to(torch.int32).contiguous()
    ascending = torch.full_like(entries, len(entries))
    doubled = torch.empty_like(entries)
    for k, entry in enumerate(entries):
        before = F.pad(ascending[:k], (0, 0, 1, 0), value=-1)
        ascending[: k + 1] = torch.maximum(before, torch.minimum(ascending[: k + 1], entry))
        doubled[k] = ascending[k // 2] + ascending[(k + 1) // 2]
    return doubled.T / 2 + 1


def periodogram(z: Tensor) -> tuple[Tensor, float]:
    """Welch's estimate with one rectangular window, zero-padded to a power of 2: powers (M, F) and angular step."""
    n = z.shape[1]
    size = 2 ** math.ceil(math.log2(n))
    transform = torch.fft.rfft(z, n=size)
    power = (transform.real.square() + transform.imag.square()) / (2 * math.pi * n)
    power[:, 1:-1] *= 2
    return power, 2 * math.pi / size


def low_power(power: Tensor, frequency: float) -> Tensor:
    """SP_Summaries_welch_rect_area_5_1: the power in the lowest fifth of frequencies."""
    return power[:, : power.shape[1] // 5].sum(-1) * frequency


def median_frequency(power: Tensor, frequency: float) -> Tensor:
    """SP_Summaries_welch_rect_centroid: the angular frequency below which half of the power lies."""
    total = power.cumsum(-1)
    return first(total > total[:, -1:] / 2, 0) * frequency


def histogram_information(z: Tensor) -> Tensor:
    """CO_HistogramAMI_even_2_5: the mutual information of values 2 steps apart, in 5 equal bins."""
    low = z.amin(-1, keepdim=True) - 0.1
    width = (z.amax(-1, keepdim=True) + 0.1 - low) / 5
    place = ((z - low) / width).long()
    joint = counts(5 * place[:, :-2] + place[:, 2:], 25).view(-1, 5, 5).to(z.dtype) / (z.shape[1] - 2)
    apart = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
    return (joint * torch.where(joint > 0, joint / apart, 1.0).log()).sum((1, 2))


def gaussian_information_minimum(z: Tensor) -> Tensor:
    """IN_AutoMutualInfoStats_40_gaussian_fmmi: where the mutual information of lagged values first has a minimum.

    It is -log(1 - r^2) / 2 with r the correlation of the pairs that are k steps apart, k = 1 to min(40, n / 2). The
    place of the minimum is counted from 0, for k = 1; the number of lags without one.
    """
    n = z.shape[1]
    lags = min(40, math.ceil(n / 2))
    size = torch.arange(n - 1, n - 1 - lags, -1, dtype=z.dtype, device=z.device)
    total, squares = z.cumsum(-1), z.square().cumsum(-1)
    index = torch.arange(1, lags + 1, device=z.device)
    head, head_squares = total[:, n - 1 - index], squares[:, n - 1 - index]  # of the first n - k values
    tail = total[:, -1:] - total[:, index - 1]
    tail_squares = squares[:, -1:] - squares[:, index - 1]
    together = autocovariance(z)[:, 1 : lags + 1] - head * tail / size
    spread = (head_squares - head.square() / size) * (tail_squares - tail.square() / size)
    r_squared = together.square() / spread.clamp(min=torch.finfo(z.dtype).tiny)
    information = -(1 - r_squared).clamp(min=torch.finfo(z.dtype).eps).log()
    middle = information[:, 1:-1]
    return first((middle < information[:, :-2]) & (middle < information[:, 2:]), lags - 1) + 1


def thirds(values: Tensor, size: Tensor) -> Tensor:
    """Labels 0 to 2 by the quantiles 1/3 and 2/3 of the first `size` (M, 1) values of each row, (M, L) -> (M, L).

    The quantile q lies at place q size - 1/2 among the sorted values, and is interpolated between its neighbours.
    """
    place = torch.arange(values.shape[1], device=values.device)
    ascending = values.masked_fill(place >= size, torch.inf).sort(-1).values
    cut = torch.tensor([1 / 3, 2 / 3], dtype=values.dtype, device=values.device)
    at = torch.minimum((size * cut - 0.5).clamp(min=0), size - 1.0)
    low, high = ascending.gather(-1, at.floor().long()), ascending.gather(-1, at.ceil().long())
    quantile = low + (at - at.floor()) * (high - low)
    return (values > quantile[:, :1]).long() + (values > quantile[:, 1:]).long()


def pair_entropy(z: Tensor) -> Tensor:
    """SB_MotifThree_quantile_hh: the entropy of pairs of successive letters, three equally frequent letters."""
    label = thirds(z, torch.full_like(z[:, :1], z.shape[1]))
    share = counts(3 * label[:, :-1] + label[:, 1:], 9).to(z.dtype) / (z.shape[1] - 1)
    return -(share * torch.where(share > 0, share, 1.0).log()).sum(-1)


def transition_covariance(z: Tensor, zero: Tensor) -> Tensor:
    """SB_TransitionMatrix_3ac_sumdiagcov: the summed variances of the columns of the matrix of transition frequencies.

    The letters are thirds of the values taken every tau steps, tau the first zero of the autocorrelation. 0 for fewer
    than two such values.
    """
    n = z.shape[1]
    step = torch.arange(n, device=z.device) * zero.unsqueeze(-1)
    size = (n - 1) // zero.unsqueeze(-1) + 1
    label = thirds(z.gather(-1, step.clamp(max=n - 1)), size)
    both = (step[:, 1:] < n).to(z.dtype)
    share = counts(3 * label[:, :-1] + label[:, 1:], 9, both).view(-1, 3, 3) / (size - 1).unsqueeze(-1).clamp(
        min=1
    )
    return share.var(1).sum(-1)


def embedding_distance(z: Tensor, zero: Tensor) -> Tensor:
    """CO_Embed2_Dist_tau_d_expfit_meandiff: how far distances in an embedding are from an exponential distribution.

    The distances are those of successive points (z[t], z[t + tau]), tau the first zero of the autocorrelation and at
    most n / 10; the number is the mean absolute difference between their histogram, with Scott's number of bins, and
    the exponential density of the same mean at the centres of the bins.
    """
    n = z.shape[1]
    tiny = torch.finfo(z.dtype).tiny
    tau = zero.clamp(max=n // 10).unsqueeze(-1)
    size = n - 1 - tau
    square = z.diff(dim=-1).square()
    place = torch.arange(n - 1, device=z.device)
    distance = (square + square.gather(-1, (place + tau).clamp(max=n - 2))).clamp(min=tiny).sqrt()
    counted = place < size
    mean = torch.where(counted, distance, 0.0).sum(-1, keepdim=True) / size
    variance = torch.where(counted, distance - mean, 0.0).square().sum(-1, keepdim=True) / (size - 1)
    deviation = variance.clamp(min=tiny).sqrt()
    low = distance.masked_fill(~counted, torch.inf).amin(-1, keepdim=True)
    span = distance.masked_fill(~counted, -torch.inf).amax(-1, keepdim=True) - low
    alike = deviation < 0.001
    bins = (span / (3.5 * deviation.masked_fill(alike, 1.0) / size ** (1 / 3))).ceil().clamp(min=1)
    most = math.ceil(math.sqrt(2 * n) * n ** (1 / 3) / 3.5) + 1  # as many as any distances need
    width = span.masked_fill(alike, 1.0) / bins
    bin_of = torch.minimum(((distance - low) / width).clamp(0, most - 1).long(), bins.long() - 1)
    share = counts(bin_of, most, counted.to(z.dtype)) / size
    index = torch.arange(most, device=z.device)
    rate = mean.clamp(min=torch.finfo(z.dtype).eps)
    density = (-(low + (index + 0.5) * width) / rate).exp() / rate
    apart = torch.where(index < bins, (share - density).abs(), 0.0).sum(-1) / bins.squeeze(-1)
    return torch.where(alike.squeeze(-1), 0.0, apart)


def _filler(n: int, like: Tensor) -> Tensor:
    """A harmless window, in the place of constant ones, whose features are not used."""
    return torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device)
