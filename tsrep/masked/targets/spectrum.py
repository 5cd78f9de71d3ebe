"""The Fourier spectrum of a patch, and the energies of a wavelet transform around it.

Shapes: B series, N patches, P steps per patch, C channels, T = N P steps.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.masked.targets.series import as_patches, defined, enough, interpolated
from tsrep.masked.targets.target import Target

SMALL_MAGNITUDE = 1e-3  # least magnitude; the phases of smaller ones shrink towards 0
SMALL_ENERGY = 1e-4  # added to energies before the logarithm


class Spectrum(Target):
    """The discrete Fourier transform of a patch: log magnitudes, and cosine and sine of the phases.

    (B, N, P, C) -> (B, N, C, K) with K = (P // 2 + 1) + 2 (P // 2): log m_k for k = 0 (the mean) to P // 2,
    then Re X_k / m_k (the cosine of the phase) for k = 1 to P // 2, then Im X_k / m_k (the sine), where
    m_k^2 = |X_k|^2 + 1e-6. The transform is orthonormal: divided by sqrt(P). Missing steps are interpolated linearly
    along the series; a patch with fewer than half of its steps is NaN.
    """

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = patch_length // 2 + 1 + 2 * (patch_length // 2)

    def forward(self, frame: Tensor) -> Tensor:
        patches = as_patches(interpolated(frame), self.patch_length)
        return defined(log_spectrum(patches), enough(frame))


class Wavelet(Target):
    """Log energies of the maximal-overlap Haar wavelet transform along the series, averaged over the steps of a patch.

    (B, N, P, C) -> (B, N, C, L + 1): levels 1 to L = ceil(log2(max(2, P))) + 1, finest first, then the smooth of level
    L. The energy of a level is the mean over the patch of its squared coefficients (Percival & Walden, 2000, chapter 5,
    with their scaling), and the number is log(1e-4 + energy). The transform is not circular: the ends are replicated.
    Missing steps are interpolated linearly along the series; a patch with fewer than half of its steps is NaN.

    Percival, Walden: Wavelet methods for time series analysis. Cambridge University Press, 2000.
    """

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.levels = math.ceil(math.log2(max(2, patch_length))) + 1
        self.width = self.levels + 1

    def forward(self, frame: Tensor) -> Tensor:
        coefficients = haar(interpolated(frame), self.levels)
        energies = [as_patches(level.square(), self.patch_length).mean(-1) for level in coefficients]
        return defined((torch.stack(energies, dim=-1) + SMALL_ENERGY).log(), enough(frame))


def log_spectrum(patches: Tensor) -> Tensor:
    """Log magnitudes and phases (cos, sin) of the Fourier transform of patches, (..., P) -> (..., K)."""
    transform = torch.fft.rfft(patches, norm="ortho")
    power = transform.real.square() + transform.imag.square()
    magnitude = (power + SMALL_MAGNITUDE**2).sqrt()
    phases = transform[..., 1:] / magnitude[..., 1:]
    return torch.cat([magnitude.log(), phases.real, phases.imag], dim=-1)


def haar(series: Tensor, levels: int) -> list[Tensor]:
    """Wavelet coefficients of levels 1 to `levels`, then the smooth, (B, C, T) each.

    A coefficient of level j at step t is half the difference between the means of the 2^(j - 1) steps from t on and of
    as many before it: Percival & Walden's W_j, advanced so that it is centred at t. The smooth is the mean of the
    2^levels steps around t.
    """
    steps, reach = series.shape[-1], 2 ** (levels - 1)
    mean = F.pad(series, (reach, reach), mode="replicate")  # of `half` steps from each step on
    coefficients = []
    for level in range(levels):
        half = 2**level
        now = mean[..., reach : reach + steps]
        before = mean[..., reach - half : reach - half + steps]
        coefficients.append((now - before) / 2)
        mean = (mean[..., :-half] + mean[..., half:]) / 2
    return [*coefficients, mean[..., :steps]]
