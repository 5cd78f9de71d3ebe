"""catch22's fluctuation analyses and periodicity, whose regressions are constant matrices.

Residuals of least squares on a fixed design are linear in the data: they are I - Q Q' times the data, Q an orthonormal
basis of the design. So the regressions of all segments of all time scales are one matrix, computed once per length.

Shapes: M windows of n steps.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

SHORTEST_SCALE = 5
SCALES = 50  # before rounding
FEWEST_SCALES = 12
POINTS = 6  # scales on either side of the break, at least
RISE = 0.01  # of a peak of the autocovariance above the trough before it


def fluctuation(z: Tensor, lag: int, scaling: str) -> Tensor:
    """The share of time scales below the break of the fluctuation function's two lines in log-log axes, (M, n) -> (M,).

    The cumulative sum of every `lag`-th value is cut into segments and detrended. The fluctuation at a scale is the
    root mean over its segments of the squared residual ("dfa") or of the squared range of residuals ("range"). 0 with
    fewer than 12 scales, that is, below 32 steps.
    """
    profile = (
        z[:, ::lag][:, : z.shape[1] // lag].cumsum(-1).T.contiguous()
    )  # (steps, M): windows side by side
    scales = time_scales(z.shape[1])
    if len(scales) < FEWEST_SCALES:
        return z.new_zeros(len(z))
    sizes = []
    for scale in scales:
        segments = profile[: len(profile) // scale * scale].unflatten(0, (-1, scale))  # (segments, scale, M)
        residual = _without_line(scale, z.device, z.dtype) @ segments
        if scaling == "dfa":
            sizes.append(residual.square().mean((0, 1)))
        else:
            sizes.append((residual.amax(1) - residual.amin(1)).square().mean(0))
    logs = torch.stack(sizes, dim=-1).clamp(min=torch.finfo(z.dtype).tiny).log() / 2
    lines = _without_two_lines(tuple(scales), z.device, z.dtype)
    error = (
        torch.einsum("ms,bhst->mbht", logs, lines).square().sum(-1).sqrt().sum(-1)
    )  # of both lines, per break
    return (error.argmin(-1) + POINTS).to(z.dtype) / len(scales)


def periodicity(z: Tensor) -> Tensor:
    """The first peak of the autocovariance of the detrended window that is at least 0 and rises 0.01 above the trough
    before it (Wang et al., 2007), as its lag less 1; 0 without one. (M, n) -> (M,).

    The trend is a least-squares cubic spline with one interior knot.
    """
    n = z.shape[1]
    lags = math.ceil(n / 3)
    detrended = z @ _without_spline(n, z.device, z.dtype)
    products = autocovariance(detrended)[:, 1 : lags + 1]
    curve = products / torch.arange(n - 1, n - 1 - lags, -1, dtype=z.dtype, device=z.device)
    into, out = curve[:, 1:-1] - curve[:, :-2], curve[:, 2:] - curve[:, 1:-1]
    trough, peak = (into < 0) & (out > 0), (into > 0) & (out < 0)
    place = torch.arange(trough.shape[1], device=z.device)
    last = torch.where(trough, place, -1).cummax(-1).values
    middle = curve[:, 1:-1]
    rise = middle - middle.gather(-1, last.clamp(min=0))
    found = peak & (last >= 0) & (rise >= RISE) & (middle >= 0)
    return torch.where(found.any(-1), found.to(torch.int8).argmax(-1) + 1, 0).to(z.dtype)


def autocovariance(z: Tensor) -> Tensor:
    """sum_t z[t] z[t + k] for k = 0 to n - 1, not circular: (M, n) -> (M, n)."""
    n = z.shape[1]
    size = 2 ** math.ceil(math.log2(2 * n))
    transform = torch.fft.rfft(z, n=size)
    power = transform.real.square() + transform.imag.square()
    return torch.fft.irfft(power, n=size)[:, :n]


def time_scales(n: int) -> list[int]:
    """The distinct integers among 50 scales from 5 to n // 2, log-spaced."""
    low, high = math.log(SHORTEST_SCALE), math.log(max(n // 2, SHORTEST_SCALE))
    return sorted({round(math.exp(low + (high - low) * k / (SCALES - 1))) for k in range(SCALES)})


def _residual_maker(design: Tensor) -> Tensor:
    """I - Q Q' for a design (n, k): (n, n)."""
    basis = torch.linalg.qr(design).Q
    return torch.eye(len(design), dtype=design.dtype) - basis @ basis.T


def _line(x: Tensor) -> Tensor:
    """The residual maker of a line over x."""
    return _residual_maker(torch.stack([torch.ones_like(x), x - x.mean()], dim=1))


@lru_cache(maxsize=1024)
@torch.inference_mode(False)
def _without_line(steps: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The residual maker of a line over equally spaced steps, (steps, steps)."""
    return _line(torch.arange(steps, dtype=torch.float64)).to(device, dtype)


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _without_two_lines(scales: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Residuals of a line up to each break and of one from it on, (breaks, 2, scales, scales)."""
    x = torch.tensor(scales, dtype=torch.float64).log()
    breaks = range(POINTS, len(scales) - POINTS + 1)
    residual = torch.zeros(len(breaks), 2, len(scales), len(scales), dtype=torch.float64)
    for row, point in enumerate(breaks):
        residual[row, 0, :point, :point] = _line(x[:point])
        residual[row, 1, point - 1 :, point - 1 :] = _line(x[point - 1 :])
    return residual.to(device, dtype)


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _without_spline(n: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The residual maker of a cubic spline with a knot at step n // 2 - 1, (n, n)."""
    x = torch.linspace(-1, 1, n, dtype=torch.float64)
    beyond_knot = (x - x[n // 2 - 1]).clamp(min=0)
    design = torch.stack([torch.ones_like(x), x, x**2, x**3, beyond_knot**3], dim=1)
    return _residual_maker(design).to(device, dtype)
