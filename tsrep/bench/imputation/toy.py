"""Does the distribution of what is imputed match the true one? Data whose conditional distributions are known.

The theorem behind the reminder: a generator that fools a discriminator which is reminded of enough draws from the true
distribution of the missing values given the observed ones. So if u is the true conditional distribution function, at
what was imputed, u is uniform between 0 and 1. `distance` is the largest distance of the distribution of u from that
(Kolmogorov and Smirnov's): 0 where it matches, about 0.5 for an imputer that always gives the conditional mean.

gaussian   autoregression of order one, coefficient 0.8, deviation 1, in 24 steps; 30 % taken away. Given the observed
           values, a missing one is normal.
mixture    two channels: the first is independent normal noise, the second is the first plus or minus 2 (a fair coin
           each step) plus noise of deviation 0.3; half of the second is taken away. The conditional mean lies where
           hardly any value is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kstest, norm

from tsrep.bench.cells import Cell
from tsrep.bench.imputation.ssgan import PAPER, imputer_of
from tsrep.bench.imputation.task import Array
from tsrep.bench.pages import Summary, conditions, seeds_of, with_labels
from tsrep.data import missing

Distribution = Callable[[Array, Array], Array]
"""Takes values (n, c, t) and the observed series (n, c, t; NaN where missing); returns their distribution function at
the values, (n, c, t)."""

LENGTH = 24
COEFFICIENT = 0.8
APART, NOISE = 2.0, 0.3
CORRELATION = COEFFICIENT ** np.abs(np.subtract.outer(np.arange(LENGTH), np.arange(LENGTH)))


def gaussian(n: int, random: np.random.Generator) -> tuple[Array, Array]:
    """(what is true, what is seen), (n, 1, 24)."""
    truth = random.standard_normal((n, 1, LENGTH)) @ np.linalg.cholesky(CORRELATION).T
    return truth, missing.mcar(truth, 0.3, random)


def gaussian_moments(seen: Array) -> tuple[Array, Array]:
    """Mean and deviation of each value given the observed ones of its series; those themselves where it is observed."""
    mean, deviation = np.nan_to_num(seen), np.zeros_like(seen)
    for series, middle, spread in zip(seen[:, 0], mean[:, 0], deviation[:, 0], strict=True):
        gone = np.isnan(series)
        across = CORRELATION[np.ix_(gone, ~gone)]
        weights = np.linalg.solve(CORRELATION[np.ix_(~gone, ~gone)], across.T).T
        middle[gone] = weights @ series[~gone]
        spread[gone] = np.sqrt(1.0 - (weights * across).sum(axis=1))
    return mean, deviation


def gaussian_distribution(values: Array, seen: Array) -> Array:
    mean, deviation = gaussian_moments(seen)
    return norm.cdf((values - mean) / np.where(deviation > 0, deviation, 1.0))


def mixture(n: int, random: np.random.Generator) -> tuple[Array, Array]:
    """(what is true, what is seen), (n, 2, 24)."""
    first = random.standard_normal((n, LENGTH))
    side = APART * random.choice([-1.0, 1.0], size=first.shape)
    truth = np.stack([first, first + side + NOISE * random.standard_normal(first.shape)], axis=1)
    seen = truth.copy()
    seen[:, 1] = missing.mcar(truth[:, 1], 0.5, random)
    return truth, seen


def mixture_distribution(values: Array, seen: Array) -> Array:
    above = values - seen[:, :1]
    return (norm.cdf((above - APART) / NOISE) + norm.cdf((above + APART) / NOISE)) / 2


TOYS: dict[str, tuple[Callable[[int, np.random.Generator], tuple[Array, Array]], Distribution]] = {
    "gaussian": (gaussian, gaussian_distribution),
    "mixture": (mixture, mixture_distribution),
}


def true_draws(train: Array, seen: Array, truth: Array, name: str, seed: int) -> Array:
    """Draws from the true conditional distribution: what a perfect imputer gives."""
    random = np.random.default_rng(seed)
    if name == "gaussian":
        mean, deviation = gaussian_moments(seen)
        return mean + deviation * random.standard_normal(seen.shape)
    side = APART * random.choice([-1.0, 1.0], size=seen.shape)
    return np.where(np.isnan(seen), seen[:, :1] + side + NOISE * random.standard_normal(seen.shape), seen)


def true_mean(train: Array, seen: Array, truth: Array, name: str, seed: int) -> Array:
    """The true conditional mean: the least squared error, and the wrong distribution."""
    if name == "gaussian":
        return gaussian_moments(seen)[0]
    return np.where(np.isnan(seen), seen[:, :1], seen)


def by_ssgan(
    train: Array, seen: Array, truth: Array, name: str, seed: int, drawn: bool = False, **settings: Any
) -> Array:
    """`SSGANImputer`'s imputation, or one of its samples."""
    imputer = imputer_of(seed, **settings).fit(train)
    return imputer.sample(seen, n_samples=1)[0] if drawn else imputer.transform(seen)


METHODS: dict[str, Callable[[Array, Array, Array, str, int], Array]] = {
    "true draws": true_draws,
    "true mean": true_mean,
    "ssgan": by_ssgan,
    "ssgan, sampled": partial(by_ssgan, drawn=True),
    "paper": partial(by_ssgan, **PAPER),
    "paper, hint": partial(by_ssgan, **PAPER, reminder="hint"),
    "paper, no reminder": partial(by_ssgan, **PAPER, reminder=None),
    "paper, sampled": partial(by_ssgan, **PAPER, drawn=True),
}


def evaluate(cell: Cell, n: int = 1000) -> dict[str, Any]:
    """`distance` of one cell over the missing values of `n` series that were not learned from, and the errors."""
    draw, distribution = TOYS[cell.dataset]
    train = draw(n, np.random.default_rng(2 * cell.seed))[1]
    truth, seen = draw(n, np.random.default_rng(2 * cell.seed + 1))
    imputed = np.asarray(METHODS[cell.method](train, seen, truth, cell.dataset, cell.seed))
    gone = np.isnan(seen)
    u = distribution(imputed, seen)[gone]
    return {
        "distance": float(kstest(u, "uniform").statistic),
        "rmse": float(np.sqrt(((imputed - truth)[gone] ** 2).mean())),
        "deviation": float(imputed[gone].std()),
        "true_deviation": float(truth[gone].std()),
        "held_out": int(gone.sum()),
    }


def summarise(good_lines: list[dict[str, Any]]) -> Summary:
    """Distances and errors: one row per toy and method, means over seeds."""
    lines = pd.DataFrame(good_lines)
    numbers = ["distance", "rmse", "deviation", "true_deviation"]
    table = lines.groupby(["dataset", "method"])[numbers].mean()
    order = list(METHODS)
    table = table.loc[sorted(table.index, key=lambda key: (key[0], order.index(key[1])))]
    distance = (
        "distance: of the true conditional distribution function at what was imputed from uniform; 0 "
        "where the distributions match, about 0.5 for a conditional mean."
    )
    return Summary(
        notes=[conditions(lines), f"Seeds {seeds_of(lines)}. {distance}"],
        sections=[("Distances and errors", with_labels(table, lambda key: f"{key[0]}: {key[1]}", "toy"))],
        csv=table,
    )
