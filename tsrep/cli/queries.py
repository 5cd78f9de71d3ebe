"""What a search looks for: the series of a file, or one of the source, or a stretch of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tsrep.cli.series import Series

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array


@dataclass(frozen=True)
class Query:
    """A series to look for.

    Attributes
    ----------
    name : what it is called.
    values : (c, t).
    place : (series, first step) of the source that it was taken from, None if it comes from elsewhere.
    """

    name: str
    values: Array
    place: tuple[int, int] | None = None


def query_in(series: Series, text: str, sub: bool) -> Query:
    """The series of the source, or with `sub` the stretch of one, that `text` names.

    Raises
    ------
    ValueError
        There is no such series or stretch.
    """
    called, arrays = [str(name) for name in series.called], series.arrays
    name, bounds = text, None
    parts = text.split(":")
    if text not in called and len(parts) in (2, 3) and all(part.strip().isdecimal() for part in parts[-2:]):
        bounds = int(parts[-2]), int(parts[-1])
        name = parts[0] if len(parts) == 3 else called[0]
        if len(parts) == 2 and len(called) > 1:
            raise ValueError(
                f"--query is {text!r}, and there are {len(called)} series; wanted NAME:START:STOP"
            )
    if name not in called and name.isdecimal() and int(name) < len(called):
        name = called[int(name)]
    if name not in called:
        among = f"one of {called[0]}, ..., {called[-1]}, or a number below {len(called)}"
        raise ValueError(
            f"--query is {text!r}, no file and no series of the source; wanted a file, or {among}"
        )
    index = called.index(name)
    if bounds is None:
        return Query(name, arrays[index], (index, 0))
    if not sub:
        raise ValueError(f"--query is {text!r}, a stretch of a series; wanted --sub with it")
    start, stop = bounds
    steps = arrays[index].shape[1]
    if not start < stop <= steps:
        raise ValueError(
            f"--query is {text!r}; wanted START below STOP, and STOP at most {steps}, the series' steps"
        )
    return Query(text, arrays[index][:, start:stop], (index, start))


def check_queries(series: Series, queries: list[Query], k: int, sub: bool) -> None:
    """Raises before the training what the search would raise after it."""
    arrays = series.arrays
    for query in queries:
        if len(query.values) != len(arrays[0]):
            raise ValueError(
                f"query {query.name} has {len(query.values)} channels; wanted {len(arrays[0])}, as the source has"
            )
    if not sub:
        others = len(arrays) - (queries[0].place is not None)
        if k > others:
            raise ValueError(
                f"-k is {k}; wanted at most {others}, the series that can be found (--sub for stretches)"
            )
        return
    lengths = {query.values.shape[1] for query in queries}
    longest = max(values.shape[1] for values in arrays)
    if len(lengths) > 1:
        raise ValueError(
            f"the queries have {min(lengths)} to {max(lengths)} steps; wanted one length with --sub"
        )
    if max(lengths) >= longest:
        raise ValueError(
            f"the query has {max(lengths)} steps and the longest series {longest}; wanted a shorter one with --sub: "
            "NAME:START:STOP takes a stretch"
        )
