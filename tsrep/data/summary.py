"""What was seen in a table, and what was decided: for people to check, before anything is computed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from tsrep.data.wording import option

SHOWN_KINDS = 4


@dataclass(frozen=True)
class TableSummary:
    """What was seen in a table.

    Attributes
    ----------
    rows : number of rows given.
    columns : names of the channels.
    time : where the time was found and how it was read.
    first, last : the first and the last time.
    step : the step between the times, in words; None for a single row.
    steps : number of steps from the first to the last.
    absent : number of steps without a row.
    missing : number of steps with a missing value, those without a row included.
    notes : what was decided, and how to say otherwise.
    """

    rows: int
    columns: list[str]
    time: str
    first: Any
    last: Any
    step: str | None
    steps: int
    absent: int
    missing: int
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The summary in lines of text.

        Examples
        --------
        >>> TableSummary(3, ["y"], "column 'day'", "Mon", "Thu", "1 days 00:00:00", 4, 1, 1).lines()[1]
        "time: column 'day', from Mon to Thu (time=... for another one)"
        """
        step = "" if self.step is None else f", one every {self.step}"
        missing = f", {self.missing} steps with a missing value" if self.missing else ""
        absent = f" ({self.absent} of them without a row)" if self.absent else ""
        first = f"{self.steps} steps{step}{missing}{absent}"
        time = f"time: {self.time}, from {self.first} to {self.last} ({option('time')} for another one)"
        return [first, time, *self.notes]


def lines_of_several(summaries: Mapping[Hashable, TableSummary]) -> list[str]:
    """The summaries of several series, by their names, in lines of text: one per kind of time and step, then the notes.

    Examples
    --------
    >>> from dataclasses import replace
    >>> one = TableSummary(3, ["y"], "column 'ds'", 1, 4, "1", 4, 1, 1)
    >>> lines_of_several({"a": one, "b": replace(one, first=2, last=6, absent=0)})
    ["time: column 'ds', from 1 to 6, one every 1; 6 rows, 1 step without a row"]
    """
    kinds: dict[tuple[Any, ...], list[Hashable]] = {}
    notes: dict[str, list[Hashable]] = {}
    for name, summary in summaries.items():
        first = summary.first
        comparable = type(first), getattr(first, "tzinfo", None) is None
        kinds.setdefault((summary.time, summary.step, *comparable), []).append(name)
        for note in summary.notes:
            notes.setdefault(note, []).append(name)
    lines = [
        f"time{_whose(names, summaries)}: {time}{_span([summaries[name] for name in names])}"
        for (time, *_), names in list(kinds.items())[:SHOWN_KINDS]
    ]
    if len(kinds) > SHOWN_KINDS:
        lines.append(f"and {len(kinds) - SHOWN_KINDS} more steps")
    return lines + [f"{note}{_whose(names, summaries)}" for note, names in notes.items()]


def _span(several: list[TableSummary]) -> str:
    """From when to when, the step, rows, and steps without one, of series of one kind."""
    first, last = min(each.first for each in several), max(each.last for each in several)
    step = "" if several[0].step is None else f", one every {several[0].step}"
    rows, absent = sum(each.rows for each in several), sum(each.absent for each in several)
    without = f", {absent} step{'s' if absent > 1 else ''} without a row" if absent else ""
    return f", from {first} to {last}{step}; {rows} rows{without}"


def _whose(names: list[Hashable], among: Mapping[Hashable, TableSummary]) -> str:
    """Nothing where all series are meant, else how many."""
    if len(names) == len(among):
        return ""
    return f" of {names[0]}" if len(names) == 1 else f" of {len(names)} series ({names[0]}, ...)"
