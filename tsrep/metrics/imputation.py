"""Errors of imputed values, over held-out values only: those that were known and removed.

All functions take `truth`, `imputed` and `held_out`, arrays of one shape. `held_out` is True where a value was removed,
and `truth` is a number there. Values that were never observed cannot be scored, and the errors of values that were not
removed would be 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def held_out_mae(truth: ArrayLike, imputed: ArrayLike, held_out: ArrayLike) -> float:
    """Mean absolute error over the held-out values, in units of `truth`.

    Raises
    ------
    ValueError
        Nothing is held out, the shapes differ, or `truth` or `imputed` is NaN at a held-out place.

    Examples
    --------
    >>> held_out_mae([1.0, 2.0, float("nan")], [9.0, 2.5, 0.0], [False, True, False])
    0.5
    """
    known, estimates = _held_out(truth, imputed, held_out)
    return float(np.abs(estimates - known).mean())


def held_out_mse(truth: ArrayLike, imputed: ArrayLike, held_out: ArrayLike) -> float:
    """Mean squared error, in squared units of `truth`. Raises as `held_out_mae`."""
    known, estimates = _held_out(truth, imputed, held_out)
    return float(((estimates - known) ** 2).mean())


def held_out_rmse(truth: ArrayLike, imputed: ArrayLike, held_out: ArrayLike) -> float:
    """Root of the mean squared error, in units of `truth`. Raises as `held_out_mae`."""
    return float(np.sqrt(held_out_mse(truth, imputed, held_out)))


def held_out_mre(truth: ArrayLike, imputed: ArrayLike, held_out: ArrayLike) -> float:
    """Mean relative error: the sum of the absolute errors over the sum of the absolute values, without a unit.

    NaN if all held-out values are 0. Raises as `held_out_mae`.
    """
    known, estimates = _held_out(truth, imputed, held_out)
    total = np.abs(known).sum()
    return float(np.abs(estimates - known).sum() / total) if total else float("nan")


def held_out_crps(truth: ArrayLike, samples: ArrayLike, held_out: ArrayLike) -> float:
    """Continuous ranked probability score of samples (s, ...) for a truth (...), mean over the held-out values.

    The score is that of the distribution with equal weight on each sample: E|S - truth| - E|S - S'| / 2 for two
    independent draws S and S', in units of `truth`. Lower = better; for one sample it is the absolute error. Raises as
    `held_out_mae`.
    """
    known, drawn = _held_out_samples(truth, samples, held_out)
    n = len(drawn)
    weights = 2 * np.arange(1, n + 1) - n - 1  # of sorted samples: sum |s - s'| / 2 over all pairs
    spread = np.tensordot(weights, np.sort(drawn, axis=0), axes=1) / n**2
    return float((np.abs(drawn - known).mean(axis=0) - spread).mean())


def held_out_coverage(truth: ArrayLike, samples: ArrayLike, held_out: ArrayLike, level: float = 0.9) -> float:
    """Share of the held-out values within the middle `level` of their samples (s, ...), ends included.

    It is near `level` for calibrated samples. Raises as `held_out_mae`, and if `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; wanted a share between 0 and 1")
    known, drawn = _held_out_samples(truth, samples, held_out)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return float(((known >= low) & (known <= high)).mean())


def _held_out(truth: ArrayLike, imputed: ArrayLike, held_out: ArrayLike) -> tuple[Values, Values]:
    """The held-out values (k,), true and imputed."""
    known, samples = _held_out_samples(truth, np.asarray(imputed)[None], held_out, "imputed")
    return known, samples[0]


def _held_out_samples(
    truth: ArrayLike, samples: ArrayLike, held_out: ArrayLike, name: str = "samples"
) -> tuple[Values, Values]:
    """The held-out values (k,), and the samples (s, k) of them."""
    known, drawn = np.asarray(truth, dtype=np.float64), np.asarray(samples, dtype=np.float64)
    mask = np.asarray(held_out)
    if drawn.ndim == 0 or drawn.shape[1:] != known.shape or mask.shape != known.shape:
        shape: Any = drawn.shape[1:] if name == "imputed" else drawn.shape
        raise ValueError(f"truth has shape {known.shape}, {name} has {shape}, held_out has {mask.shape}")
    if mask.dtype != np.bool_:
        raise ValueError(f"held_out has dtype {mask.dtype}; wanted bool")
    if not mask.any():
        raise ValueError("held_out is False everywhere: there is nothing to score")
    known, drawn = known[mask], drawn[:, mask]
    for what, values in (("truth", known), (name, drawn)):
        missing = int(np.isnan(values).sum())
        if missing:
            raise ValueError(f"{what} is NaN at {missing} held-out place(s)")
    return known, drawn
