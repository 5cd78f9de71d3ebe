"""Names of channels, kept at `fit`: frames given later are put in the order of the fit."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5
"""Names that an error lists."""


def places_of_names(names: Sequence[str], fitted: Sequence[str]) -> list[int]:
    """Where in `names` each of the `fitted` names is.

    Raises
    ------
    ValueError
        There are other names than the fitted ones; the message is scikit-learn's.

    Examples
    --------
    >>> places_of_names(["load", "heat"], fitted=["heat", "load"])
    [1, 0]
    """
    unseen = [name for name in names if name not in fitted]
    missing = [name for name in fitted if name not in names]
    if unseen or missing:
        raise ValueError(
            "The feature names should match those that were passed during fit.\n"
            + _listed("Feature names unseen at fit time:", unseen)
            + _listed("Feature names seen at fit time, yet now missing:", missing)
        )
    return [list(names).index(name) for name in fitted]


def _listed(title: str, names: Sequence[str]) -> str:
    lines = [title, *(f"- {name}" for name in names[:SHOWN]), *(["- ..."] if len(names) > SHOWN else [])]
    return "\n".join(lines) + "\n" if names else ""
