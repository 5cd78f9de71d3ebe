"""What `tsrep forecast` and `tsrep detect` say about the series in a file before they begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape

STAND_INS = (-999.0, -9999.0, -99999.0)
"""Numbers that instruments write where they measured nothing."""


def described(file: Path, frame: Any) -> str:
    """Rich markup: steps, gaps and columns of a frame on a regular index; then values that may stand for gaps."""
    missing = int(frame.isna().any(axis=1).sum())
    gaps = f", {missing} steps with a missing value" if missing else ""
    step = frame.index[1] - frame.index[0]
    lines = [
        f"[bold]{escape(file.name)}[/bold]: {len(frame)} steps, a step {step}{gaps}; {_first(frame.columns)}"
    ]
    for value, columns in stand_ins(frame).items():
        lines.append(
            f"{_first(columns)}: {value:g} stands far below all other values; if it means that nothing was measured, "
            f"say --missing {value:g}"
        )
    return "\n".join(lines)


def stand_ins(frame: Any) -> dict[float, list[str]]:
    """The columns in which a number that usually stands for a gap occurs, and every other value is far above it.

    Examples
    --------
    >>> import pandas as pd
    >>> stand_ins(pd.DataFrame({"rain": [0.0, 2.0, -999.0], "debt": [-1200.0, -999.0, -700.0]}))
    {-999.0: ['rain']}
    """
    found: dict[float, list[str]] = {}
    for name in frame.columns:
        values = frame[name].to_numpy()
        for value in STAND_INS:
            others = values[(values != value) & ~np.isnan(values)]
            if len(others) < np.count_nonzero(~np.isnan(values)) and others.min(initial=np.inf) > value / 2:
                found.setdefault(value, []).append(str(name))
    return found


def _first(names: Any) -> str:
    """The first six names; a bracket in them is no markup."""
    return escape(", ".join(map(str, names[:6]))) + (" ..." if len(names) > 6 else "")
