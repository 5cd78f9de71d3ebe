"""A cell is one measurement: a method on a data set with a seed. Its id is stable: a finished cell is known again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Protocol


class Measurable(Protocol):
    """A dataclass with a stable name: what a result line is about."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...


@dataclass(frozen=True)
class Cell:
    """`table` is the published table it belongs to; `variant` changes the method's settings ("": the plain method)."""

    table: str
    dataset: str
    method: str
    seed: int = 0
    variant: str = ""

    @property
    def id(self) -> str:
        """Stable name, for example "ucr/GunPoint/ts2vec/full/seed0"."""
        return "/".join(
            filter(None, (self.table, self.dataset, self.method, self.variant, f"seed{self.seed}"))
        )


def grid(
    table: str,
    datasets: Iterable[str],
    methods: Iterable[str],
    seeds: Iterable[int],
    variants: Iterable[str] = ("",),
) -> list[Cell]:
    """Every combination. Seeds vary slowest: a run that is cut short has whole seeds before it has more of them."""
    return [
        Cell(table, dataset, method, seed, variant)
        for seed, dataset, method, variant in product(
            tuple(seeds), tuple(datasets), tuple(methods), tuple(variants)
        )
    ]


def once(cells: Sequence[Cell], measured_once: Callable[[Cell], bool]) -> list[Cell]:
    """`cells`, of which those for which `measured_once` holds are kept with the first seed only."""
    return [cell for cell in cells if cell.seed == cells[0].seed or not measured_once(cell)]
