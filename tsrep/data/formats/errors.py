"""The error that a faulty data set file raises."""

from __future__ import annotations

from typing import Any


class DatasetFileError(ValueError):
    """A data set file that cannot be read: damaged, cut off, encrypted, or not of its format.

    Attributes
    ----------
    file : str
        The file, followed by the name of the member for a zip.
    line : int or None
        Line of the fault, from 1; None if it is the whole file.
    reason : str
    """

    def __init__(self, reason: str, file: str, line: int | None = None) -> None:
        super().__init__(f"{file}{'' if line is None else f', line {line}'}: {reason}")
        self.reason, self.file, self.line = reason, file, line

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.file, self.line)
