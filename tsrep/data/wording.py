"""How messages write an option of the reader: as whoever called it does, in Python or in a shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Wording = Callable[[str, Any], str]
"""The text of an option by its name and value; None for no certain value."""


def as_argument(name: str, value: Any) -> str:
    """An option as an argument of the function that was called."""
    return f"{name}=..." if value is None else f"{name}={value!r}"


_wording: ContextVar[Wording] = ContextVar("wording", default=as_argument)


def option(name: str, value: Any = None) -> str:
    """An option of `read_table`, for a message.

    Examples
    --------
    >>> option("sort", True), option("separator")
    ('sort=True', 'separator=...')
    """
    return _wording.get()(name, value)


@contextmanager
def worded(wording: Wording) -> Iterator[None]:
    """Messages of the code within write options in this way."""
    before = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(before)


@contextmanager
def worded_as_call(function: str) -> Iterator[None]:
    """Messages of the code within write options as arguments of a public function, for callers that do not have them.

    Where they are written for a shell, they stay so.

    Examples
    --------
    >>> with worded_as_call("as_regular"):
    ...     option("sort", True)
    'tsrep.data.as_regular(..., sort=True)'
    """
    if _wording.get() is not as_argument:
        yield
        return
    with worded(lambda name, value: f"tsrep.data.{function}(..., {as_argument(name, value)})"):
        yield
