"""Ranges of constructor parameters: a table per estimator, one checker, one spelling of the error.

A table names each parameter and its `Range`::

    RANGES = {"depth": integer(0), "lr": number(above=0), "mask": one_of("binomial", "last")}
    check_parameters(estimator, RANGES)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


class Range(NamedTuple):
    """`holds(value)` says whether a value is in the range, `wanted` describes the range in an error."""

    wanted: str
    holds: Callable[[Any], bool]


def check_parameters(estimator: Any, ranges: Mapping[str, Range]) -> None:
    """Raises the `ValueError` of the first parameter of `estimator` that is out of its range."""
    for name, allowed in ranges.items():
        value = getattr(estimator, name)
        if not allowed.holds(value):
            raise out_of_range(name, value, allowed.wanted)


def check_unchanged(estimator: Any, fitted: Mapping[str, Any]) -> None:
    """Raises the `ValueError` of the first parameter that differs from its value at the fit, `fitted`."""
    for name, value in fitted.items():
        if not _same_setting(getattr(estimator, name), value):
            raise out_of_range(
                name, getattr(estimator, name), f"{value!r}, as in the fit; fit again to change it"
            )


def out_of_range(name: str, value: Any, wanted: str) -> ValueError:
    """The error for a parameter: `{name} is {value!r}; wanted {wanted}`."""
    return ValueError(f"{name} is {value!r}; wanted {wanted}")


def one_of(*choices: Any) -> Range:
    """One of the choices, which may include None."""
    return Range(f"one of {list(choices)}", lambda value: any(_same(value, choice) for choice in choices))


def integer(at_least: int, none: bool = False) -> Range:
    """An integer of at least `at_least`, or None if `none`."""
    return _or_none(
        Range(f"an integer of at least {at_least}", lambda value: is_integer(value) and value >= at_least),
        none,
    )


def number(
    at_least: float = -math.inf,
    at_most: float = math.inf,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    none: bool = False,
) -> Range:
    """A finite number between two ends, `at_least` and `at_most` included, `above` and `below` excluded."""

    def holds(value: Any) -> bool:
        inside = is_number(value) and at_least <= value <= at_most and above < value < below
        return bool(inside and math.isfinite(value))

    return _or_none(Range(_interval(at_least, at_most, above, below), holds), none)


def boolean(none: bool = False) -> Range:
    """True or False, or None if `none`."""
    return _or_none(Range("True or False", lambda value: isinstance(value, bool | np.bool_)), none)


def verbosity() -> Range:
    """An integer of at least 0, or a boolean."""
    return Range("0, 1, or a larger integer", lambda value: isinstance(value, bool) or _at_least_0(value))


def is_integer(value: Any) -> bool:
    """Whether `value` is an integer of Python or NumPy; a boolean is not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether `value` is an integer or a float of Python or NumPy; a boolean is not."""
    return is_integer(value) or isinstance(value, float | np.floating)


def _at_least_0(value: Any) -> bool:
    return is_integer(value) and value >= 0


def _or_none(allowed: Range, none: bool) -> Range:
    if not none:
        return allowed
    return Range(f"{allowed.wanted}, or None", lambda value: value is None or allowed.holds(value))


def _interval(at_least: float, at_most: float, above: float, below: float) -> str:
    low = f"from {at_least:g}" if at_least > -math.inf else f"above {above:g}" if above > -math.inf else ""
    high = f"to {at_most:g}" if at_most < math.inf else f"to below {below:g}" if below < math.inf else ""
    if low.startswith("from") and not high:
        return f"a number of at least {at_least:g}"
    return " ".join(part for part in ("a number", low, high) if part)


def _same_setting(now: Any, value: Any) -> bool:
    """Equal, a list being the same as a tuple or an array of its values."""
    several = [isinstance(each, list | tuple | np.ndarray) for each in (now, value)]
    return bool(list(now) == list(value) if all(several) else not any(several) and now == value)


def _same(value: Any, choice: Any) -> bool:
    """Equal and of the same type: `True` is not the choice 1, and an array is no choice at all."""
    return type(value) is type(choice) and bool(value == choice) if choice is not None else value is None
