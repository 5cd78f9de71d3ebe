"""Values taken away on purpose, to see how well they are found again: seeded patterns of missingness.

Each function returns a copy of `X` in which a share `rate` of the observed values is NaN; `X` is not changed. What is
missing already counts for nothing: it is neither in the share nor taken twice. So afterwards

    held_out = np.isnan(removed) & ~np.isnan(X)

says what was taken (`tsrep.metrics.held_out_mae` and its kin score those), and `held_out` holds
`round(rate * observed)` values, exactly, except where a docstring says otherwise.

mcar      every value alike: missing completely at random
blocks    runs of consecutive steps, on one or several channels at once: a sensor that fails for a while
channels  a whole channel of an instance: a sensor that was never there
ends      the last steps of an instance, on all channels: a recording that stops too early
mar       the more likely, the larger another channel is at that step, which stays: missing at random given others
mnar      the more likely, the larger the value itself is: missing not at random

One idea serves all: a pattern gives every value its *turn*, and values are taken in that order until the share is
reached. For `mar` and `mnar` a turn is a line in the deciding value plus logistic noise, so that the chance of being
taken is a logistic function of that value, whose intercept the rate decides.

`X` is an array `(n, c, t)` or `(n, t)`, a list of `(c, t_i)` arrays, or a data frame as `tsrep.data.as_panel` reads it
(with a time index one series, time down and channels across; with two levels instance and time). The same kind comes
back; integers become float64. With `leave_one` (the default) every instance keeps at least one of its values, because
estimators refuse one without any. `random_state` is a seed or a `numpy.random.Generator`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.panel import as_panel, is_flat

Array = NDArray[Any]
Flags = NDArray[np.bool_]
RandomState = int | np.random.Generator | None

AT_ONCE = 20_000
"""Runs that are drawn together, for the memory's sake."""


def mcar(X: Any, rate: float, random_state: RandomState = None, *, leave_one: bool = True) -> Any:
    """Every observed value has the same chance.

    Examples
    --------
    >>> import numpy as np
    >>> int(np.isnan(mcar(np.ones((2, 3, 10)), rate=0.25, random_state=0)).sum())
    15
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    return _without(X, _first_in_turn(random.random(panel.shape), ~np.isnan(panel), rate, leave_one))


def blocks(
    X: Any,
    rate: float,
    random_state: RandomState = None,
    *,
    length: int | None = None,
    mean_length: float = 10.0,
    n_channels: int | None = 1,
    leave_one: bool = True,
) -> Any:
    """Runs of consecutive steps, anywhere in an instance, on `n_channels` channels at once (None: all of them).

    Every run has `length` steps, or with None a random number of them: geometric, `mean_length` in the mean. No run is
    longer than the series. Runs may meet and overlap; the last one is cut short to hit the rate.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    if length is not None and length < 1:
        raise ValueError(f"length is {length}, wanted at least 1 step")
    if mean_length < 1:
        raise ValueError(f"mean_length is {mean_length}, wanted at least 1 step")
    wide = panel.shape[1] if n_channels is None else n_channels
    if not 1 <= wide <= panel.shape[1]:
        raise ValueError(f"n_channels is {n_channels}, wanted 1 to {panel.shape[1]}, the channels of X")

    observed = ~np.isnan(panel)
    needed = min(_count(rate, observed) + len(panel) * leave_one, int(observed.sum()))
    turn = np.full(panel.shape, np.inf)
    drawn = 0
    while (lacking := needed - int(np.isfinite(turn[observed]).sum())) > 0:
        more = min(AT_ONCE, 1 + int(lacking / (wide * (mean_length if length is None else length))))
        lengths = random.geometric(1 / mean_length, more) if length is None else np.full(more, length)
        lengths = np.minimum(lengths, panel.shape[2])
        starts = random.integers(0, panel.shape[2] - lengths + 1)
        instances = random.integers(0, len(panel), more)
        places = random.permuted(np.tile(np.arange(panel.shape[1]), (more, 1)), axis=1)[:, :wide]
        run, channel, step = np.nonzero(
            np.broadcast_to(np.arange(lengths.max()) < lengths[:, None, None], (more, wide, lengths.max()))
        )
        covered = instances[run], places[run, channel], starts[run] + step
        np.minimum.at(turn, covered, drawn + run)
        drawn += more
    return _without(X, _first_in_turn(turn, observed, rate, leave_one))


def channels(X: Any, rate: float, random_state: RandomState = None, *, leave_one: bool = True) -> Any:
    """Whole channels, each of one instance: all that was observed of it.

    As many channels as come nearest to the rate: it is hit to within half of a channel.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    observed = np.asarray(~np.isnan(panel))
    held = observed.sum(axis=2)  # (n, c) values in each channel
    turn = np.where(held > 0, random.random(held.shape), -1.0)
    free = held > 0
    if leave_one:
        free[np.arange(len(held)), turn.argmax(axis=1)] = False
    order = np.argsort(np.where(free, turn, np.inf), axis=None)[: free.sum()]
    taken = np.concatenate([[0], np.cumsum(held.ravel()[order])])
    count = _count(rate, observed)
    if count > taken[-1] + held.max() / 2:
        raise ValueError(_too_many(rate, count, int(taken[-1])))
    whole = np.zeros(held.size, dtype=bool)
    whole[order[: np.abs(taken - count).argmin()]] = True
    return _without(X, whole.reshape(held.shape)[:, :, None] & observed)


def ends(X: Any, rate: float, random_state: RandomState = None, *, leave_one: bool = True) -> Any:
    """The last steps of each instance, on all channels; how many differs: one ends soon, another late.

    A share of its length that is uniform between 0 and some maximum (of the rate's making) is lost from an instance.
    One step of one instance may keep some of its channels, to hit the rate.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    observed = ~np.isnan(panel)
    backwards = np.asarray(observed.any(axis=1))[:, ::-1].cumsum(axis=1)[
        :, ::-1
    ]  # 1 at an instance's own last step
    turn = backwards / (1.0 - random.random((len(panel), 1))) / np.maximum(backwards.max(axis=1), 1)[:, None]
    return _without(X, _first_in_turn(np.broadcast_to(turn[:, None], panel.shape), observed, rate, leave_one))


def mar(
    X: Any,
    rate: float,
    random_state: RandomState = None,
    *,
    driver: int = 0,
    strength: float = 2.0,
    leave_one: bool = True,
) -> Any:
    """A value is missing at random given another channel's: logistic in the channel `driver` at the same step.

    The driver loses nothing itself, and `rate` is the share of the observed values of the *other* channels.
    `strength` is the slope of the log odds over one standard deviation of the driver; negative: small values of it take
    more away. Where the driver is missing it counts as its mean.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    if panel.shape[1] < 2:
        raise ValueError("X has one channel; missing at random given others takes at least two")
    if not -panel.shape[1] <= driver < panel.shape[1]:
        raise ValueError(f"driver is {driver}, and X has {panel.shape[1]} channels")
    decides = np.nan_to_num(_standardised(panel)[:, driver])[:, None]
    observed = np.asarray(~np.isnan(panel))
    observed[:, driver] = False
    turn = random.logistic(size=panel.shape) - strength * decides
    return _without(X, _first_in_turn(turn, observed, rate, leave_one))


def mnar(
    X: Any, rate: float, random_state: RandomState = None, *, strength: float = 2.0, leave_one: bool = True
) -> Any:
    """A value is missing because of what it is: the chance is logistic in the value itself.

    `strength` is the slope of the log odds over one standard deviation of the channel; negative: small values are
    taken rather than large ones.
    """
    panel, random = _panel_of(X), np.random.default_rng(random_state)
    turn = random.logistic(size=panel.shape) - strength * np.nan_to_num(_standardised(panel))
    return _without(X, _first_in_turn(turn, ~np.isnan(panel), rate, leave_one))


# Turns


def _first_in_turn(turn: Array, observed: Flags, rate: float, leave_one: bool) -> Flags:
    """The share `rate` of `observed` whose turn comes first; with `leave_one` the last of each instance stays."""
    free = observed.copy()
    if leave_one:
        flat = np.where(observed, turn, -np.inf).reshape(len(turn), -1)
        free.reshape(len(turn), -1)[np.arange(len(turn)), flat.argmax(axis=1)] = False
    count, places = _count(rate, observed), np.flatnonzero(free)
    if count > len(places):
        raise ValueError(_too_many(rate, count, len(places)))
    taken = np.zeros(observed.size, dtype=bool)
    taken[places[np.argsort(turn.reshape(-1)[places], kind="stable")[:count]]] = True
    return taken.reshape(observed.shape)


def _count(rate: float, observed: Flags) -> int:
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}, wanted a share of the observed values, 0 to 1")
    return round(rate * int(observed.sum()))


def _too_many(rate: float, count: int, free: int) -> str:
    return (
        f"rate {rate} asks for {count} values, and {free} can be taken when every instance keeps one; "
        "take a lower rate, or leave_one=False"
    )


def _standardised(panel: Array) -> Array:
    """Each channel with mean 0 and deviation 1 over what was observed of it; constant channels are 0."""
    observed = ~np.isnan(panel)
    count = np.maximum(observed.sum(axis=(0, 2), keepdims=True), 1)
    centred = panel - np.sum(panel, axis=(0, 2), keepdims=True, where=observed) / count
    deviation = np.sqrt(np.sum(centred**2, axis=(0, 2), keepdims=True, where=observed) / count)
    return centred / np.where(deviation > 0, deviation, 1.0)


# Containers


def _panel_of(X: Any) -> Array:
    """`X` as `(n, c, t)`. Unlike `as_panel` an array may hold instances without any value: nothing is lost there."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf" and X.ndim in (2, 3):
        return X[:, None] if X.ndim == 2 else X
    return as_panel(X)


def _without(X: Any, taken: Flags) -> Any:
    """A copy of `X` with NaN where `taken` (n, c, t)."""
    if isinstance(X, pd.DataFrame):
        return _frame_without(X, taken)
    if isinstance(X, list | tuple) and not is_flat(X):
        return [_hollowed(np.asarray(one), gone) for one, gone in zip(X, taken, strict=True)]
    array = np.asarray(X)
    return _hollowed(array, taken[:, 0] if array.ndim == 2 else taken)


def _hollowed(array: Array, taken: Flags) -> Array:
    """Of an array `(..., t)`; `taken` may go on behind its end, where a shorter series was padded."""
    kept = array.copy() if array.dtype.kind == "f" else array.astype(np.float64)
    kept[taken.reshape(*kept.shape[:-1], -1)[..., : kept.shape[-1]]] = np.nan
    return kept


def _frame_without(frame: pd.DataFrame, taken: Flags) -> pd.DataFrame:
    if isinstance(frame.index, pd.MultiIndex):
        instance = pd.factorize(frame.index.get_level_values(0))[0]
        step = frame.groupby(instance).cumcount().to_numpy()
        return frame.mask(taken[instance, :, step])
    return frame.mask(taken[:, 0] if is_flat(frame) else taken[0].T)
