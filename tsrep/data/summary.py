"""What was seen in a table, and what was decided: for people to check, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
        "time: column 'day', from Mon to Thu (--time NAME for another one)"
        """
        step = "" if self.step is None else f", one every {self.step}"
        missing = f", {self.missing} steps with a missing value" if self.missing else ""
        absent = f" ({self.absent} of them without a row)" if self.absent else ""
        first = f"{self.steps} steps{step}{missing}{absent}"
        time = f"time: {self.time}, from {self.first} to {self.last} (--time NAME for another one)"
        return [first, time, *self.notes]
