"""Ranges of constructor parameters: a table per estimator, one checker, one spelling of the error.

A table names each parameter and its `Range`::

    RANGES = {"depth": integer(0), "lr": number(above=0), "mask": one_of("binomial", "last")}
    check_parameters(estimator, RANGES)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
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


def current_values(estimator: Any, names: Iterable[str]) -> dict[str, Any]:
    """The values of the named parameters, as JSON holds them."""
    return {name: as_json(getattr(estimator, name)) for name in names}


def check_unchanged(estimator: Any, fitted: Mapping[str, Any]) -> None:
    """Raises the `ValueError` of the first parameter that differs from its value at the fit, `fitted`."""
    for name, value in current_values(estimator, fitted).items():
        if value != fitted[name]:
            wanted = f"{fitted[name]!r}, as in the fit; fit again to change it"
            raise out_of_range(name, getattr(estimator, name), wanted)


def as_json(value: Any) -> Any:
    """A parameter as JSON holds it; a generator has no such form and was used up by the fit."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple | range):
        return [as_json(each) for each in value]
    if hasattr(value, "tolist"):  # arrays, and pandas' series and indices
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.random.RandomState | np.random.Generator):
        return None
    return value


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


def _same(value: Any, choice: Any) -> bool:
    """Equal and of the same type: `True` is not the choice 1, and an array is no choice at all."""
    return type(value) is type(choice) and bool(value == choice) if choice is not None else value is None
