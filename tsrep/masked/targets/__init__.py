"""Targets: what a masked model predicts of a hidden patch. A map, simplest first:

- `target.py`: the base class `Target`, and what a target promises.
- `values.py`: "values", "patch_normalised", "differences".
- `gradients.py`: "slope_histogram", the histogram of oriented gradients of a series.
- `spectrum.py`: "spectrum" (Fourier) and "wavelet" (Haar).
- `statistics.py`: "statistics" (mean, deviation, slope) and "autocorrelation".
- `symbols.py`: labels instead of numbers, "sax" and "segment".
- `catch22.py`: "catch22", 22 canonical features of a window; `scaling.py` has those of many regressions.
- `kernels.py`: "random_kernels", after ROCKET and Hydra.
- `function.py`: a function of the user.
- `teacher.py`: "teacher", the vector of a copy of the model.
- `scaled.py`: a target in units of its best constant prediction; `lost.py`: targets as a saved model names them.
- `series.py`: what they share: interpolation, windows, which patches are defined.

`build_target` makes one from its name; `least_patch` is the patch length that some need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor

from tsrep.base.parameters import out_of_range
from tsrep.masked.targets.catch22 import Catch22
from tsrep.masked.targets.function import PatchFunction
from tsrep.masked.targets.gradients import SlopeHistogram
from tsrep.masked.targets.kernels import RandomKernels
from tsrep.masked.targets.spectrum import Spectrum, Wavelet
from tsrep.masked.targets.statistics import Autocorrelation, Statistics
from tsrep.masked.targets.symbols import Sax, Segment
from tsrep.masked.targets.target import Target
from tsrep.masked.targets.values import Differences, PatchNormalised, Values

TARGETS: dict[str, type[Target]] = {
    "values": Values,
    "patch_normalised": PatchNormalised,
    "differences": Differences,
    "slope_histogram": SlopeHistogram,
    "spectrum": Spectrum,
    "wavelet": Wavelet,
    "statistics": Statistics,
    "autocorrelation": Autocorrelation,
    "sax": Sax,
    "segment": Segment,
    "catch22": Catch22,
    "random_kernels": RandomKernels,
}


def least_patch(targets: Iterable[Any]) -> int:
    """The least patch length with which there is something to predict of each target, as `build_target` takes them."""
    kinds = [TARGETS.get(target) if isinstance(target, str) else target for target in targets]
    return max(getattr(kind, "least_patch", 1) for kind in kinds)


def build_target(
    target: str | type[Target] | Callable[[Tensor], Tensor], channels: int, patch_length: int
) -> Target:
    """The target that is named, of a subclass of `Target`, or of a function patches (..., P) -> features (..., K)."""
    if isinstance(target, str) and target in TARGETS:
        return TARGETS[target](channels, patch_length)
    if isinstance(target, type) and issubclass(target, Target):
        return target(channels, patch_length)
    if callable(target) and not isinstance(target, type):
        return PatchFunction(channels, patch_length, target)
    raise out_of_range(
        "target", target, f"one of {list(TARGETS)}, a subclass of Target, or a function of patches"
    )
