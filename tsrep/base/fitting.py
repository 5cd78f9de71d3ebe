"""A `fit` that succeeds whole or changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Fit = TypeVar("Fit", bound=Callable[..., Any])


def atomic(fit: Fit) -> Fit:
    """Decorates a method `fit(self, ...)` so that it works on a shallow copy of the estimator.

    The estimator takes over the copy's attributes when `fit` has returned. After an exception, a `KeyboardInterrupt`
    among them, it is what it was before. `fit` must replace fitted attributes and not write into them, and may leave
    out `return self`.
    """

    @wraps(fit)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        fitting = copy.copy(self)
        fit(fitting, *args, **kwargs)
        self.__dict__ = fitting.__dict__
        return self

    run.__atomic__ = True  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]
