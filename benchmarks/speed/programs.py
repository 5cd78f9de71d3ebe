"""Both programs, with the same weights, for a row."""

from __future__ import annotations

from benchmarks.speed.official import Authors
from benchmarks.speed.ours import Ours
from benchmarks.speed.problem import Settings
from benchmarks.speed.rows import Row


def programs(row: Row, settings: Settings, precision: str | None = None) -> tuple[Ours, Authors | None]:
    """tsrep in the precision of the row or in `precision`, and the authors' code if there is a checkout."""
    authors = None
    if settings.official is not None:
        authors = Authors(settings.official, row.channels, settings.network, row.device)
    ours = Ours(
        row.channels,
        settings.network,
        row.device,
        precision or row.precision,
        None if authors is None else authors.state(),
    )
    return ours, authors
