"""How a text file writes a table: separator, header, and lines that are no part of it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tsrep.data.columns import TableError
from tsrep.data.file_format import BLANKS, may_separate, separator_in_words
from tsrep.data.header import has_no_header, numbered, preamble, renamed, unique
from tsrep.data.time_column import looks_like_time
from tsrep.data.wording import option

SEPARATORS = ("\t", ";", "|", ",")
LINES = 200
"""Lines at the beginning that a dialect is told by."""
COMMENT = "#"


@dataclass(frozen=True)
class Dialect:
    r"""How the lines of a table are read.

    separator : one character, or `\s+`.
    skipped : lines before the first row of values.
    names : the names of the columns.
    notes : what was done, in words.
    """

    separator: str
    skipped: int
    names: list[str]
    notes: tuple[str, ...] = ()


def dialect_of(lines: Sequence[str], separator: str | None = None) -> Dialect:
    r"""The dialect of the first lines of a file, without their line ends.

    Parameters
    ----------
    separator : one character, or `\s+`. None: that named by the first line, else the one that fits the lines best.

    Raises
    ------
    TableError
        There is no line, or one has more fields than the header.

    Examples
    --------
    >>> dialect_of(["sep=;", "date;y", "2020-01-01;1,5"]).names
    ['date', 'y']
    """
    notes: list[str] = []
    start = 0
    while start < len(lines) and _is_no_row(lines[start]):
        match = re.fullmatch(r'"?sep=(.)"?[;,\t ]*', lines[start].strip("\ufeff"))
        if match is not None and start == 0 and separator is None:
            separator = match[1]
            if not may_separate(separator):
                raise TableError(
                    f"cannot be read as a table: its first line names the separator {separator!r}"
                )
            notes.append(f"the first line names the separator {separator!r}")
        start += 1
    comments = [line for line in lines[:start] if line.startswith(COMMENT)]
    rows = [line for line in lines[start:] if line.strip()]
    if not rows:
        raise TableError("cannot be read as a table: it has no line of values")
    if separator is None:
        separator = _separator(rows)
        if separator != ",":
            notes.append(
                f"the separator is {separator_in_words(separator)} ({option('separator')} for another one)"
            )
    fields = [split(line, separator) for line in rows if not line.startswith(COMMENT)]
    before = preamble(fields)
    if comments or before:
        notes.append(f"{len(comments) + before} lines before the table are left out")
    start = _line_of(lines, start, before)
    fields = fields[before:]
    header, first = fields[0], start + 1
    if has_no_header(header):
        commented = split(comments[-1].lstrip("# "), separator) if comments else []
        header, first = (commented if len(commented) == len(fields[0]) else numbered(fields[0])), start
        notes.append(
            "there is no header: the columns are " + ("named by a comment" if commented else "numbered")
        )
    widest = max((len(each) for each in fields[1:]), default=len(header))
    if widest > len(header):
        header = _widened(header, fields[1:], widest)
    names = unique(header)
    return Dialect(separator, first, names, (*notes, *renamed(names, header)))


def widened(dialect: Dialect, lines: Iterable[str]) -> Dialect:
    """The dialect of a table in which some lines have more fields than its first ones, all of them empty.

    Raises
    ------
    TableError
        One of these fields is not empty.
    """
    width = len(dialect.names)
    longer = [
        fields for line in lines if len(fields := split(line.rstrip("\r\n"), dialect.separator)) > width
    ]
    for fields in longer:
        if any(fields[width:]):
            raise _too_many(width, fields)
    names = [*dialect.names, *[""] * (max(map(len, longer), default=width) - width)]
    return replace(dialect, names=unique(names))


def split(line: str, separator: str) -> list[str]:
    """The fields of a line."""
    if separator == BLANKS:
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=separator), [])]


def _is_no_row(line: str) -> bool:
    bare = line.strip().strip("\ufeff")
    return not bare or bare.startswith(COMMENT) or re.fullmatch(r'"?sep=."?[;,\t ]*', bare) is not None


def _separator(rows: Sequence[str]) -> str:
    """The character that splits the most lines into as many fields as most lines; blanks or a comma if none does."""

    def matching(mark: str) -> tuple[float, int]:
        counts = Counter(len(split(line, mark)) for line in rows)
        (fields, times), *_ = counts.most_common(1)
        return (times / len(rows), SEPARATORS[::-1].index(mark)) if fields > 1 else (0.0, 0)

    header = [mark for mark in SEPARATORS if mark in rows[0] or len(rows) == 1 or mark in rows[1]]
    best = max(header, key=matching, default=",")
    share = matching(best)[0] if header else 0.0
    blanks = Counter(len(line.split()) for line in rows)
    (fields, times), *_ = blanks.most_common(1)
    if share < 0.5 and fields > 1 and times / len(rows) > max(share, 0.8):
        return BLANKS
    return best


def _line_of(lines: Sequence[str], start: int, rows: int) -> int:
    """The place of the line that is `rows` rows after `start`, not counting comments and empty lines."""
    for place in range(start, len(lines)):
        if lines[place].strip() and not lines[place].startswith(COMMENT):
            if rows == 0:
                return place
            rows -= 1
    return start


def _widened(header: list[str], rows: Sequence[Sequence[str]], widest: int) -> list[str]:
    """The header for rows of more fields: empty ones at the end, or one name too few at the beginning."""
    longer = [row for row in rows if len(row) > len(header)]
    if not any(field for row in longer for field in row[len(header) :]):
        return [*header, *[""] * (widest - len(header))]
    if len(longer) == len(rows) and widest == len(header) + 1:
        if looks_like_time(longer[0][0]) and looks_like_time(longer[0][1]):
            return [header[0], f"{header[0]} time", *header[1:]]
        return ["", *header]
    raise _too_many(len(header), longer[0])


def _too_many(width: int, fields: Sequence[str]) -> TableError:
    return TableError(
        f"cannot be read as a table: the header has {width} fields, a line has {len(fields)}: {', '.join(fields)[:60]}"
    )
