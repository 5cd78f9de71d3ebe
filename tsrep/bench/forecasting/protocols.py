"""The two protocols of the forecasting tables.

`PAPER` is the TS2Vec paper's: 60/20/20 % (ETT 12/4/4 months), the paper's horizons, every origin of the test part whose
horizon ends within it. `LONG_HORIZON` is the one that most later papers use: 70/10/20 %, other horizons, a longer look
back, and every window counts, the last batch too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

UNIVARIATE, MULTIVARIATE = "univariate", "multivariate"
SETTINGS = (UNIVARIATE, MULTIVARIATE)


class Protocol(NamedTuple):
    """`parts` of a set by its name and number of rows, `horizons` and `context` by its name, the default cells as
    (set, setting), and whether the first forecast is made at the last step before the test part (or at its first)."""

    parts: Callable[[str, int], tuple[slice, slice, slice]]
    horizons: Callable[[str], tuple[int, ...]]
    context: Callable[[str], int]
    cells: tuple[tuple[str, str], ...]
    before: bool


def paper_parts(name: str, rows: int) -> tuple[slice, slice, slice]:
    """`tsrep.data.ts2vec_parts`."""
    from tsrep.data import ts2vec_parts

    return ts2vec_parts(name, rows)


def paper_horizons(name: str) -> tuple[int, ...]:
    """Those of the TS2Vec paper; illness, which is too short for them, has those of the long-horizon literature."""
    if name == "illness":
        return 24, 36, 48, 60
    return (24, 48, 168, 336, 720) if name.startswith("ETTh") else (24, 48, 96, 288, 672)


def paper_context(name: str) -> int:
    return 200


def long_parts(name: str, rows: int) -> tuple[slice, slice, slice]:
    """`tsrep.data.long_horizon_parts`."""
    from tsrep.data import long_horizon_parts

    return long_horizon_parts(name, rows)


def long_horizons(name: str) -> tuple[int, ...]:
    return (24, 36, 48, 60) if name == "illness" else (96, 192, 336, 720)


def long_context(name: str) -> int:
    return 104 if name == "illness" else 336


PAPER = Protocol(
    paper_parts,
    paper_horizons,
    paper_context,
    cells=(
        ("ETTh1", UNIVARIATE),
        ("exchange", UNIVARIATE),
        ("illness", UNIVARIATE),
        ("ETTm1", UNIVARIATE),
        ("weather", UNIVARIATE),
        ("ETTh1", MULTIVARIATE),
        ("ETTm1", MULTIVARIATE),
    ),
    before=False,
)
LONG_HORIZON = Protocol(
    long_parts,
    long_horizons,
    long_context,
    cells=(
        ("ETTh1", MULTIVARIATE),
        ("exchange", MULTIVARIATE),
        ("illness", MULTIVARIATE),
        ("ETTm1", MULTIVARIATE),
    ),
    before=True,
)
