"""How a table file is written, where that is said instead of recognised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tsrep.data.columns import TableError
from tsrep.data.wording import option

BLANKS = r"\s+"
"""The separator of fields with one or several blanks between them, as pandas takes it."""
SEPARATORS_BY_NAME = {
    "tab": "\t",
    r"\t": "\t",
    "blanks": BLANKS,
    "blank": BLANKS,
    "space": BLANKS,
    " ": BLANKS,
}
DECIMALS = (".", ",")


@dataclass(frozen=True)
class FileFormat:
    """How a table file is written; what is None is recognised.

    Attributes
    ----------
    separator : what stands between the fields of a text file: a character, "tab" or "blanks".
    decimal : "." or ",", the mark before the decimals.
    encoding : that of a text file, by a name that Python knows, such as "utf-8" or "cp1252".
    sheet : the sheet of a workbook; None: the first visible one that is not empty.

    Raises
    ------
    ValueError
        A value is none of these.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.separator is not None and not may_separate(self.mark or ""):
            raise ValueError(
                f"separator is {self.separator!r}; wanted a character of ASCII that is no letter, digit, quote or "
                "decimal point, or tab or blanks"
            )
        if self.decimal not in (None, *DECIMALS):
            raise ValueError(f"decimal is {self.decimal!r}; wanted '.' or ','")
        if self.encoding is not None and not _is_text_encoding(self.encoding):
            raise ValueError(
                f"encoding is {self.encoding!r}; wanted one that Python knows, such as utf-8, utf-16, cp1252 or latin-1"
            )

    @property
    def mark(self) -> str | None:
        """The separator as it stands in the file."""
        return None if self.separator is None else SEPARATORS_BY_NAME.get(self.separator, self.separator)

    def check_for(self, path: Path, *, is_text: bool, is_workbook: bool) -> None:
        """Raises a `TableError` if something is said that a file of this kind does not have."""
        if self.sheet is not None and not is_workbook:
            raise TableError(
                f"{path.name} is no workbook and has no sheets; leave out {option('sheet', self.sheet)}"
            )
        for name, value in (("separator", self.separator), ("encoding", self.encoding)):
            if value is not None and not is_text:
                raise TableError(
                    f"{path.name} is no text file and has no {name}; leave out {option(name, value)}"
                )


def separator_in_words(mark: str) -> str:
    """How messages call a separator.

    Examples
    --------
    >>> separator_in_words(";"), separator_in_words(BLANKS)
    ("';'", 'blanks')
    """
    return {"\t": "a tab", BLANKS: "blanks"}.get(mark, repr(mark))


def may_separate(mark: str) -> bool:
    """Whether a mark can stand between fields: one of ASCII that is in no number and no word, or blanks."""
    if mark == BLANKS:
        return True
    return len(mark) == 1 and mark.isascii() and not mark.isalnum() and mark not in "\"'.+-\r\n#"


def _is_text_encoding(name: str) -> bool:
    try:
        return bool("text".encode(name))
    except (LookupError, ValueError):
        return False
