"""Targets of masked models: each against its definition in plain NumPy, gaps, padding, fits and saved states."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tsrep.masked.targets import TARGETS, build_target
from tsrep.masked.targets.catch22 import FEATURES, catch22
from tsrep.masked.targets.gradients import angle_histogram
from tsrep.masked.targets.kernels import RandomKernels, spread_dilations
from tsrep.masked.targets.series import interpolated
from tsrep.masked.targets.spectrum import Wavelet, haar
from tsrep.masked.targets.symbols import letters, nearest
from tsrep.masked.targets.target import Target
from tsrep.masked.targets.values import Values

NAN = math.nan
PATCH_LOCAL = ("values", "patch_normalised", "spectrum", "statistics", "segment")
NUMBERS = tuple(name for name in TARGETS if not TARGETS[name].classes)
SIZES = [(name, P) for name in TARGETS for P in (1, 2, 3, 5, 16) if (name, P) != ("patch_normalised", 1)]


def make_frame(B=3, N=6, P=16, C=1, seed=0) -> Tensor:
    """Random walks plus noise, mean 0 and deviation 1 per channel."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(B, N * P, C, generator=generator).cumsum(1)
    x = x + torch.randn(x.shape, generator=generator)
    x = (x - x.mean((0, 1))) / x.std((0, 1))
    return x.view(B, N, P, C)


def with_gaps(frame: Tensor, share=0.2, seed=1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return frame.masked_fill(torch.rand(frame.shape, generator=generator) < share, NAN)


def fitted(name: str, channels=1, patch_length=16, seed=0) -> Target:
    target = build_target(name, channels, patch_length)
    target.fit(make_frame(12, 8, patch_length, channels, seed=9), torch.Generator().manual_seed(seed))
    return target


def series_of(frame: Tensor, b=0, c=0) -> np.ndarray:
    return frame[b, :, :, c].flatten().double().numpy()


def line_of(frame: Tensor, b=0, c=0) -> np.ndarray:
    x = series_of(frame, b, c)
    seen = np.flatnonzero(~np.isnan(x))
    return np.interp(np.arange(len(x)), seen, x[seen])


def same(one: Tensor, other: Tensor, atol=1e-5) -> None:
    torch.testing.assert_close(one, other, equal_nan=True, atol=atol, rtol=1e-4)


# What every target promises


@pytest.mark.parametrize(("name", "P"), SIZES)
def test_shapes_gaps_and_undefined_patches(name, P):
    frame = with_gaps(make_frame(3, 6, P, 3))
    frame[0, 1:3, :, 0] = NAN
    frame[1, :2], frame[2, 5:] = NAN, NAN
    frame[2, :, :, 2] = NAN
    before = frame.clone()
    target = fitted(name, 3, P)
    with torch.inference_mode():
        features = target(frame)
    assert features.shape == (3, 6, 3, target.width) and target.width >= 1
    assert features.dtype == frame.dtype
    assert target.width == P or not target.per_step
    same(frame, before)
    assert not features.isinf().any()
    assert features[frame.isnan().all(2)].isnan().all()
    if not target.per_step and name != "sax":
        full = (
            ~frame.isnan().any(2) if P > 1 or name != "slope_histogram" else torch.zeros(3, 6, 3, dtype=bool)
        )
        assert features[full].isfinite().all()
        halves = 2 * (~frame.isnan()).sum(2) < P
        halves_statistics = features[halves][:, :3] if name == "statistics" else features[halves]
        assert halves_statistics.isnan().all()
    if target.classes:
        label = features[features.isfinite()]
        assert (label == label.round()).all() and label.min() >= 0 and label.max() < target.classes


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 2), (1, 3, 1), (1, 1, 40)])
def test_tiny_frames(name, shape):
    if name == "patch_normalised" and shape[2] == 1:
        return
    target = fitted(name, 1, shape[2])
    features = target(make_frame(*shape) if math.prod(shape) > 1 else torch.full((1, 1, 1, 1), 0.3))
    assert features.shape == (*shape[:2], 1, target.width) and not features.isinf().any()
    if name not in ("differences", "slope_histogram"):
        assert features.isfinite().all()


@pytest.mark.parametrize("name", TARGETS)
def test_constant_series_are_finite(name):
    features = fitted(name)(torch.full((2, 8, 16, 1), 5.3))
    assert features[:, 1:].isfinite().all()
    if name in ("patch_normalised", "autocorrelation", "catch22", "slope_histogram"):
        assert features.abs().max() < 1e-3


@pytest.mark.parametrize("name", TARGETS)
def test_a_gap_elsewhere_and_padding_change_nothing(name):
    target, frame = fitted(name), make_frame(2, 12)
    features = target(frame)
    if name in PATCH_LOCAL:
        gap = frame.clone()
        gap[:, 3], gap[:, 5, 2:9] = NAN, NAN
        rest = [0, 1, 2, 4, *range(6, 12)]
        same(target(gap)[:, rest], features[:, rest])
    padding = torch.full((2, 5, 16, 1), NAN)
    padded = target(torch.cat([padding[:, :3], frame, padding], dim=1))
    assert padded[:, :3].isnan().all() and padded[:, 15:].isnan().all()
    same(padded[:, 3:15], features)


@pytest.mark.parametrize("name", NUMBERS)
def test_gradients_are_finite(name):
    frame = with_gaps(make_frame(3, 6))
    frame[0, 2], frame[1, 1:3], frame[2] = NAN, 0.5, 0.7
    frame.requires_grad_()
    features = fitted(name)(frame)
    features[~features.isnan()].sum().backward()
    assert frame.grad is not None and frame.grad.isfinite().all()


@pytest.mark.parametrize("name", TARGETS)
def test_a_fit_is_determined_by_its_seed_and_saved_by_the_state(name):
    frame = with_gaps(make_frame(2, 8, 5, 2))
    one, same_seed = fitted(name, 2, 5), fitted(name, 2, 5)
    new = build_target(name, 2, 5)
    new.load_state_dict(one.state_dict())
    same(same_seed(frame), one(frame), atol=0)
    same(new(frame), one(frame), atol=0)


def test_another_seed_draws_other_kernels():
    frame = make_frame(2, 8)
    one = fitted("random_kernels")
    assert not torch.equal(fitted("random_kernels", seed=1)(frame), one(frame))
    same(copy.deepcopy(one)(frame), one(frame), atol=0)


def test_build_target():
    class Twice(Target):
        width = 1

    assert isinstance(build_target(Twice, 1, 4), Twice)
    middle = build_target(
        lambda patches: torch.stack([patches.nan_to_num().sum(-1), patches[..., 0]], -1), 2, 4
    )
    frame = make_frame(2, 3, 4, 2)
    frame[0, 1, :, 0], frame[1, 2, 0, 1] = NAN, NAN
    features = middle(frame)
    assert middle.width == 2 and features.shape == (2, 3, 2, 2)
    assert features[0, 1, 0].isnan().all() and features[1, 2, 1].isnan().tolist() == [False, True]
    same(features[0, 0, 1], torch.stack([frame[0, 0, :, 1].sum(), frame[0, 0, 0, 1]]))
    for wrong in ("x", None, int, 3):
        with pytest.raises(ValueError, match=r"target is .*; wanted one of \['values', 'patch_normalised'"):
            build_target(wrong, 1, 4)
    with pytest.raises(ValueError, match="wanted a tensor"):
        build_target(lambda patches: patches.sum(), 1, 4)


# values.py, gradients.py


def test_values_and_differences():
    frame = torch.tensor([1.0, 2.0, NAN, 4.0, 7.0, 7.0]).view(1, 2, 3, 1)
    same(Values(1, 3)(frame).flatten(), frame.flatten())
    same(build_target("differences", 1, 3)(frame).flatten(), torch.tensor([NAN, 1, NAN, NAN, 3, 0]))


def test_patch_normalised():
    frame = with_gaps(make_frame(2, 5, 6, 2), 0.4)
    features = build_target("patch_normalised", 2, 6)(frame)
    for patch, feature in zip(frame.transpose(2, 3).reshape(-1, 6), features.reshape(-1, 6), strict=True):
        seen = patch[~patch.isnan()].double()
        expected = (patch - seen.mean()) / (seen.var() + 1e-6).sqrt() if len(seen) > 1 else patch * NAN
        same(feature, expected.float())
    with pytest.raises(ValueError, match="patch_length is 1; wanted an integer of at least 2"):
        build_target("patch_normalised", 1, 1)


def test_slope_histogram_against_a_loop():
    frame = with_gaps(make_frame(2, 5, 8))
    target = fitted("slope_histogram", 1, 8)
    features, scale = target(frame), float(target.scale[0])
    for b in range(2):
        x = series_of(frame, b)
        for n in range(5):
            votes, usable = np.zeros(9), 0
            for t in range(8 * n, 8 * n + 8):
                sides = [x[t] - x[t - 1]] if t > 0 else []
                sides += [x[t + 1] - x[t]] if t + 1 < len(x) else []
                sides = [side for side in sides if not np.isnan(side)]
                if sides:
                    usable += 1
                    slope = np.mean(sides) / scale
                    place = np.clip((math.atan(slope) + math.pi / 2) / (math.pi / 9) - 0.5, 0, 8)
                    low = min(int(place), 7)
                    votes[low] += abs(slope) * (1 - place + low)
                    votes[low + 1] += abs(slope) * (place - low)
            expected = votes / np.sqrt(votes @ votes + 1e-4) if usable >= 4 else np.full(9, NAN)
            np.testing.assert_allclose(features[b, n, 0], expected, atol=1e-5)


def test_a_slope_of_60_degrees_votes_between_two_bins():
    histogram = angle_histogram(
        torch.full((4,), math.tan(math.pi / 3))
    )  # centres are 0, +-20, +-40, +-60, +-80
    same(histogram, torch.tensor([0, 0, 0, 0, 0, 0, 0, 1.0, 0]), atol=1e-4)
    assert angle_histogram(torch.zeros(4)).tolist() == [0] * 9


# spectrum.py, statistics.py


@pytest.mark.parametrize("P", [1, 2, 5, 8])
def test_spectrum(P):
    frame = with_gaps(make_frame(2, 6, P))
    features = build_target("spectrum", 1, P)(frame)
    for n, patch in enumerate(line_of(frame).reshape(6, P)):
        transform = np.fft.fft(patch)[: P // 2 + 1] / np.sqrt(P)
        size = np.sqrt(np.abs(transform) ** 2 + 1e-6)
        phase = (transform / size)[1:]
        if 2 * np.isfinite(frame[0, n].numpy()).sum() >= P:
            expected = np.concatenate([np.log(size), phase.real, phase.imag])
            np.testing.assert_allclose(features[0, n, 0], expected, atol=1e-3)


def test_a_cosine_has_one_frequency():
    wave = torch.cos(2 * math.pi * 3 * torch.arange(16) / 16).view(1, 1, 16, 1)
    features = build_target("spectrum", 1, 16)(wave).flatten()
    assert features[:9].argmax() == 3 and features[3].exp() == pytest.approx(2, rel=1e-4)
    assert features[9 + 2] == pytest.approx(1, abs=1e-4) and features[17 + 2] == pytest.approx(0, abs=1e-4)


def test_wavelet_against_the_definition():
    frame = with_gaps(make_frame(1, 5, 6))
    target = Wavelet(1, 6)
    line = line_of(frame)
    at = lambda t: line[np.clip(t, 0, len(line) - 1)]  # noqa: E731
    coefficients = np.zeros((target.levels + 1, len(line)))
    for t in range(len(line)):
        for level in range(1, target.levels + 1):
            half = np.arange(2 ** (level - 1))
            coefficients[level - 1, t] = (at(t + half).mean() - at(t - 1 - half).mean()) / 2
        coefficients[-1, t] = at(t + np.arange(-(2 ** (target.levels - 1)), 2 ** (target.levels - 1))).mean()
    assert target.levels == 4
    energy = np.square(coefficients).reshape(-1, 5, 6).mean(-1).T
    defined = 2 * np.isfinite(frame[0, :, :, 0].numpy()).sum(1) >= 6
    np.testing.assert_allclose(target(frame)[0, defined, 0], np.log(energy + 1e-4)[defined], atol=1e-3)
    step = torch.tensor([[[0.0, 0, 0, 2, 2, 2]]])
    assert haar(step, 1)[0].flatten().tolist() == [0, 0, 0, 1, 0, 0]


def test_statistics_against_polyfit():
    frame = with_gaps(make_frame(2, 6, 7))
    features = build_target("statistics", 1, 7)(frame)
    for b in range(2):
        for n in range(6):
            patch = frame[b, n, :, 0].double().numpy()
            for part, feature in zip((patch, patch[:3], patch[3:]), features[b, n, 0].split(3), strict=True):
                seen = np.flatnonzero(~np.isnan(part))
                if 2 * len(seen) < len(part):
                    assert feature.isnan().all()
                    continue
                values = part[seen]
                slope = np.polyfit(seen, values, 1)[0] if len(seen) > 1 else 0.0
                expected = [values.mean(), np.log(values.var() + 1e-6) / 2, 7 * slope]
                np.testing.assert_allclose(feature, expected, atol=1e-4)
    assert build_target("statistics", 1, 3)(torch.tensor([1.0, 2, 3]).view(1, 1, 3, 1))[
        ..., [0, 2]
    ].tolist() == [[[[2, 3]]]]


def test_autocorrelation_against_a_loop():
    frame = with_gaps(make_frame(2, 10, 8))
    frame[0, 0, :5] = NAN
    features = build_target("autocorrelation", 1, 8)(frame)
    line, first = line_of(frame), int(np.flatnonzero(~np.isnan(series_of(frame)))[0])
    for n in range(10):
        start = min(max(8 * n - 12, first), 80 - 32)
        window = line[start : start + 32] - line[start : start + 32].mean()
        expected = [window[k:] @ window[: 32 - k] / (window @ window) for k in range(1, 9)]
        if not features[0, n].isnan().all():
            np.testing.assert_allclose(features[0, n, 0], expected, atol=1e-4)
    alternating = torch.tensor([1.0, -1, 1, -1]).view(1, 1, 4, 1)
    same(
        build_target("autocorrelation", 1, 4)(alternating).flatten()[:4], torch.tensor([-0.75, 0.5, -0.25, 0])
    )


# symbols.py


def test_sax_by_hand():
    x = torch.tensor([-1.5, -1.5, -0.5, -0.5, 0.5, 0.5, 1.5, 1.5])  # deviation sqrt(1.25)
    x[1] = NAN
    frame = torch.cat([x, x + 0.0]).view(1, 2, 8, 1)
    labels = build_target("sax", 1, 8)(frame)
    seen = x[~x.isnan()].double()
    z = (torch.tensor([-1.5, -0.5, 0.5, 1.5]) - seen.mean()) / seen.std(correction=0)
    cuts = [-1.15, -0.67, -0.32, 0, 0.32, 0.67, 1.15]  # Lin et al., 2007, table 3
    assert labels[0, 0, 0].tolist() == [sum(float(value) >= cut for cut in cuts) for value in z]
    assert letters(torch.tensor([-9.0, -0.1, 0.1, 9, NAN])).nan_to_num(nan=-1).tolist() == [0, 3, 4, 7, -1]
    frame[0, 1, :4] = NAN
    assert build_target("sax", 1, 8)(frame)[0, 1, 0].isnan().tolist() == [True, True, False, False]


def test_sax_with_parts_that_share_steps():
    frame = make_frame(2, 6, 5)
    x = frame[:, :, :, 0].double().flatten(1)
    z = ((x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True, correction=0)).view(2, 6, 5)
    means = z.repeat_interleave(4, dim=-1).view(2, 6, 4, 5).mean(-1)  # four parts of 5 / 4 steps
    same(build_target("sax", 1, 5)(frame)[:, :, 0], letters(means).float())


def test_segment():
    target, frame = fitted("segment", 1, 6), with_gaps(make_frame(2, 6, 6), 0.3)
    assert target.vocabulary.unique(dim=0).shape == (64, 6)
    for patch, label in zip(frame[..., 0].flatten(0, 1), target(frame).flatten(), strict=True):
        seen = ~patch.isnan()
        if seen.sum() >= 3:
            assert label == (patch - target.vocabulary)[:, seen].square().mean(1).argmin()
        else:
            assert label.isnan()
    exact = target.vocabulary[[5, 63]].view(1, 2, 6, 1)
    assert target(exact).flatten().tolist() == [5, 63]


def test_few_segments_are_repeated_and_the_first_wins():
    target = build_target("segment", 1, 3)
    frame = torch.tensor([[0.0, 0, 0], [1, 1, 1], [2, 2, NAN]]).view(1, 3, 3, 1).repeat(9, 1, 1, 1)
    target.fit(frame, torch.Generator())
    assert target.vocabulary.unique(dim=0).shape == (2, 3)
    assert target(frame)[0].flatten().tolist() == [0, 1, 1]
    assert nearest(torch.tensor([1.0, NAN, 1]), target.vocabulary) == 1
    with pytest.raises(ValueError, match="no training patch"):
        target.fit(frame * NAN, torch.Generator())


# catch22.py


def walks_and_waves(n: int) -> np.ndarray:
    random = np.random.default_rng(n)
    waves = np.sin(np.arange(n) / random.uniform(1, 9, (20, 1))) + 0.1 * random.normal(size=(20, n))
    x = np.concatenate([random.normal(size=(20, n)), random.normal(size=(20, n)).cumsum(1), waves])
    return (x - x.mean(1, keepdims=True)) / x.std(1, ddof=1, keepdims=True)


# Where sktime's functions differ from the definition. All of them are also given the autocorrelation here: sktime's own
# is circular, as it is not padded with zeros to twice the length.
DIFFERENT = {
    "DN_OutlierInclude_p_001_mdrmd": "stops at the later of two limits, the authors' code at the earlier",
    "DN_OutlierInclude_n_001_mdrmd": "the same",
    "FC_LocalSimple_mean3_stderr": "biased deviation",
    "IN_AutoMutualInfoStats_40_gaussian_fmmi": "biased autocorrelation, where the correlation of the pairs is meant",
    "SB_MotifThree_quantile_hh": "ranks instead of quantiles",
    "SB_TransitionMatrix_3ac_sumdiagcov": "ranks instead of quantiles",
    "FC_LocalSimple_mean1_tauresrat": "circular autocorrelation of the residuals, computed inside",
    "CO_Embed2_Dist_tau_d_expfit_meandiff": "biased deviation in the number of bins",
}


@pytest.mark.parametrize("n", [64, 100])
def test_catch22_agrees_with_sktime(n):
    pytest.importorskip("numba")
    from sktime.transformations.catch22 import (
        get_methods_dict,
    )  # in the paper's order; two of its names are swapped

    z = walks_and_waves(n)
    ours = catch22(torch.from_numpy(z)).numpy()
    for column, (name, function) in enumerate(
        zip(FEATURES, get_methods_dict("catch22").values(), strict=True)
    ):
        theirs = []
        for x in z:
            correlation = np.correlate(x, x, "full")[n - 1 :] / (x @ x)
            zero = int(np.argmax(correlation <= 0))
            theirs.append(float(function(x, x.min(), x.max(), x.mean(), x.std(), x, correlation, zero)))
        agree = np.isclose(ours[:, column], theirs, rtol=1e-4, atol=1e-6)
        if name == "FC_LocalSimple_mean3_stderr":
            np.testing.assert_allclose(
                ours[:, column], np.array(theirs) * np.sqrt((n - 3) / (n - 4)), rtol=1e-6
            )
        elif name in DIFFERENT:
            assert agree.mean() > 0.5 or "ranks" in DIFFERENT[name], name  # see the tests below
        else:
            assert agree.all(), name


def test_catch22_agrees_with_the_authors_code():
    """Recorded with pycatch22 0.4.5, but for CO_f1ecac."""
    t = np.arange(64)
    x = np.sin(t / 3) + 0.5 * np.cos(t * t / 50) + 0.02 * t
    recorded = [
        *(0.7352753, 0.9395505, 10, 0.40625, -0.5, 4, 10, 0.8098349, 0.2945243, 0.7027124, 0.04844338),
        *(0.2724074, 4, 0.9206349, 9, 1.904092, 0.3333333, 0.3220729, 0.2222222, 0.7037037, 0.06, 18),
    ]  # CO_f1ecac is 3.56 there: since 0.4 it interpolates between the lags 3 and 4, the paper's takes 4
    np.testing.assert_allclose(catch22(torch.from_numpy(x)[None])[0], recorded, rtol=1e-5)
    np.testing.assert_allclose(catch22(torch.from_numpy(x).float()[None])[0], recorded, rtol=1e-4)


def outlier_timing_by_definition(x):
    medians, last = [], 0
    for j in range(int(x.max() / 0.01) + 1):
        steps = np.flatnonzero(x >= 0.01 * j) + 1
        medians.append(np.median(steps) / (len(x) / 2) - 1)
        if (len(steps) - 1) * 100 / (x >= 0).sum() > 2:
            last = j
    return np.median(medians[: last + 1])


def information_minimum_by_definition(x):
    lags = min(40, math.ceil(len(x) / 2))
    information = [-np.log(1 - np.corrcoef(x[:-k], x[k:])[0, 1] ** 2) for k in range(1, lags + 1)]
    for k in range(1, lags - 1):
        if information[k] < min(information[k - 1], information[k + 1]):
            return k
    return lags


def first_zero_by_definition(x):
    x = x - x.mean()
    below = np.flatnonzero(np.correlate(x, x, "full")[len(x) - 1 :] <= 0)
    return int(below[0]) if len(below) else len(x)


def embedding_distance_by_definition(x):
    tau = min(first_zero_by_definition(x), len(x) // 10)
    points = np.stack([x[: len(x) - tau], x[tau:]], 1)
    distance = np.linalg.norm(np.diff(points, axis=0), axis=1)
    bins = math.ceil(np.ptp(distance) / (3.5 * distance.std(ddof=1) / len(distance) ** (1 / 3)))
    count, edges = np.histogram(distance, bins)
    centre = (edges[1:] + edges[:-1]) / 2
    return np.abs(count / len(distance) - np.exp(-centre / distance.mean()) / distance.mean()).mean()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("DN_OutlierInclude_p_001_mdrmd", outlier_timing_by_definition),
        ("DN_OutlierInclude_n_001_mdrmd", lambda x: outlier_timing_by_definition(-x)),
        ("IN_AutoMutualInfoStats_40_gaussian_fmmi", information_minimum_by_definition),
        (
            "FC_LocalSimple_mean1_tauresrat",
            lambda x: first_zero_by_definition(np.diff(x)) / first_zero_by_definition(x),
        ),
        ("CO_Embed2_Dist_tau_d_expfit_meandiff", embedding_distance_by_definition),
    ],
)
@pytest.mark.parametrize("n", [40, 100])
def test_the_features_on_which_sktime_differs(name, reference, n):
    z = walks_and_waves(n)
    ours = catch22(torch.from_numpy(z))[:, FEATURES.index(name)]
    np.testing.assert_allclose(ours, [reference(x) for x in z], rtol=1e-6)


def test_thirds_against_quantiles():
    """The entropy and the transitions, whose letters differ from sktime's, by NumPy's Hazen quantiles."""
    z = walks_and_waves(64)
    ours = catch22(torch.from_numpy(z)).numpy()
    for x, features in zip(z, ours, strict=True):

        def pairs(values):
            label = np.searchsorted(np.quantile(values, [1 / 3, 2 / 3], method="hazen"), values)
            table = np.zeros((3, 3))
            np.add.at(table, (label[:-1], label[1:]), 1)
            return table / (len(values) - 1)

        share = pairs(x)
        entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
        correlation = np.correlate(x, x, "full")[63:]
        steps = pairs(x[:: int(np.argmax(correlation <= 0))])
        assert features[FEATURES.index("SB_MotifThree_quantile_hh")] == pytest.approx(entropy)
        expected = np.var(steps, axis=0, ddof=1).sum()
        assert features[FEATURES.index("SB_TransitionMatrix_3ac_sumdiagcov")] == pytest.approx(expected)


def test_catch22_takes_the_window_around_the_patch():
    frame = make_frame(2, 10)
    features = build_target("catch22", 1, 16)(frame)
    x = frame.view(2, 160)
    for n, start in ((0, 0), (4, 40), (9, 96)):
        same(features[:, n, 0], catch22(x[:, start : start + 64]))
    assert build_target("catch22", 1, 5)(make_frame(2, 3, 5)).abs().max() == 0


# kernels.py


def test_random_kernels_against_a_loop():
    target = RandomKernels(2, 5, n_kernels=48)
    target.fit(make_frame(6, 20, 5, 2, seed=3), torch.Generator().manual_seed(0))
    frame = with_gaps(make_frame(2, 20, 5, 2))
    frame[1, 0, :, 1] = NAN
    frame[1, 1, :2, 1] = NAN
    features = target(frame).unflatten(-1, (4, 8, 3)).double().numpy()
    assert target.dilation.tolist() == [1, 4, 8] == spread_dilations(100, 3)
    weight, bias = target.weight.double().numpy(), target.bias.double().numpy()
    np.testing.assert_allclose(weight.mean(-1), 0, atol=1e-6)
    np.testing.assert_allclose(np.square(weight).sum(-1), 1, rtol=1e-5)
    for b, c, g in np.ndindex(2, 2, 3):
        x = series_of(frame, b, c)
        seen = np.flatnonzero(~np.isnan(x))
        inside = (np.arange(100) >= seen[0]) & (np.arange(100) <= seen[-1])
        line = np.where(inside, line_of(frame, b, c), 0)
        d = int(target.dilation[g])
        padded = np.pad(line, 4 * d)
        response = (
            np.stack([padded[k * d : k * d + 100] for k in range(9)], -1) @ weight[c, :, g].T
        )  # (100, 8)
        for n in range(20):
            steps = np.flatnonzero(inside[5 * n : 5 * n + 5]) + 5 * n
            if 2 * np.isfinite(x[5 * n : 5 * n + 5]).sum() < 5:
                assert np.isnan(features[b, n, c]).all()
                continue
            patch = response[steps]
            wins = np.eye(8)[patch.argmax(1)].mean(0)
            losses = np.eye(8)[patch.argmin(1)].mean(0)
            expected = [(patch > bias[c, :, g]).mean(0), patch.max(0), wins, losses]
            np.testing.assert_allclose(features[b, n, c, :, :, g], expected, atol=1e-4)


def test_biases_are_quantiles_and_dilations_fit():
    frame = make_frame(6, 20, 5, seed=3)
    target = RandomKernels(1, 5, n_kernels=64)
    target.fit(frame, torch.Generator().manual_seed(0))
    shares = target(frame).unflatten(-1, (4, 8, 8))[..., 0, :, :].mean((0, 1, 2))
    assert shares.min() < 0.2 and shares.max() > 0.8 and 0.3 < shares.mean() < 0.7
    assert spread_dilations(3, 2) == [1, 1] and spread_dilations(17, 2) == [1, 2]
    assert RandomKernels(100, 5).width == 4 * 8
    short = target(frame[:, :1])  # shorter than the dilated kernels
    assert short.isfinite().all()


def test_flat_series_have_no_winners():
    features = fitted("random_kernels")(torch.full((1, 40, 16, 1), 0.7)).unflatten(-1, (4, -1))
    assert features[0, 20, 0, 2:, : 8 * 4].abs().max() == 0


# series.py


def test_interpolation():
    frame = torch.tensor([NAN, 1.0, NAN, NAN, 4.0, NAN]).view(1, 2, 3, 1)
    same(interpolated(frame).flatten(), torch.tensor([1.0, 1, 2, 3, 4, 4]))
