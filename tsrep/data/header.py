"""The header of a table among the first rows of a file: where it is, and how its columns are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tsrep.data.numbers import MISSING_MARKS, SHAPES
from tsrep.data.time_column import looks_like_time


def preamble(rows: Sequence[Sequence[str]]) -> int:
    """Rows before the header that have fewer fields than most rows and are followed by one that is no values."""
    usual = Counter(map(len, rows)).most_common(1)[0][0]
    for place, each in enumerate(rows[:-1]):
        if len(each) >= usual or are_values(rows[place + 1]):
            return place
    return 0


def are_values(fields: Sequence[str]) -> bool:
    """Whether all fields are numbers, times or marks of gaps, and at least one is a number or a time."""
    known = [field for field in fields if field.lower() not in MISSING_MARKS]
    return bool(known) and all(
        re.fullmatch(SHAPES["."], field) or re.fullmatch(SHAPES[","], field) or looks_like_time(field)
        for field in known
    )


def has_no_header(fields: Sequence[str]) -> bool:
    """Whether the first row of a table is values; the numbers 0, 1, ... count the columns."""
    return are_values(fields) and list(fields) != [str(number) for number in range(len(fields))]


def numbered(fields: Sequence[str]) -> list[str]:
    """Names of columns without a header: "time" for the first if it holds times, else their numbers."""
    names = [str(number) for number in range(len(fields))]
    return ["time", *names[1:]] if looks_like_time(fields[0]) else names


def renamed(names: Sequence[str], given: Sequence[str]) -> list[str]:
    """In words, which of `given` stood twice and is called otherwise in `unique`, its result `names`.

    Examples
    --------
    >>> renamed(unique(["a", "b", "a"]), ["a", "b", "a"])
    ["a second column 'a' is called 'a.1'"]
    """
    pairs = zip(names, (name.strip().strip("\ufeff").strip() for name in given), strict=True)
    return [f"a second column {bare!r} is called {name!r}" for name, bare in pairs if bare and name != bare]


def unique(names: Sequence[str]) -> list[str]:
    """Names without blanks around them, each once: empty ones as pandas calls them, others numbered."""
    result: list[str] = []
    for place, name in enumerate(names):
        bare = name.strip().strip("\ufeff").strip() or f"Unnamed: {place}"
        number, different = 0, bare
        while different in result:
            number += 1
            different = f"{bare}.{number}"
        result.append(different)
    return result
