"""The `.ts` format of sktime, aeon and timeseriesclassification.com.

`#` (or `%`) comments and `@` header lines up to `@data`; then one instance per line: channels separated by `:`,
values by `,`, the class label (or, for regression, the target) last; `?` is missing. With `@timeStamps true`
each value is a pair `(stamp,value)`: numeric stamps at an even step are read and dropped; dates and uneven
steps raise an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data.formats.fields import (
    check_channels,
    check_count,
    labels_of,
    panel_of,
    parse_label,
    parse_target,
    parse_values,
)
from tsrep.data.formats.source import TextLines

Array = NDArray[Any]


@dataclass
class TsHeader:
    """The header, the lines before `@data`; None for entries that are absent."""

    timestamps: bool = False
    univariate: bool | None = None
    dimensions: int | None = None
    equal_length: bool | None = None
    series_length: int | None = None
    labelled: bool | None = None
    classes: frozenset[str] = frozenset()
    written_classes: str = ""
    regression: bool = False


def read_ts(lines: TextLines) -> tuple[Array, Array | None]:
    """`(X, y)`: `(n, c, t)` float64 and labels `(n,)` as text, targets as float64, or None."""
    rest = iter(lines)
    header = read_ts_header(rest, lines)
    instances: list[Array] = []
    labels: list[Any] = []
    for line in rest:
        row = line.strip()
        if not row or row.startswith(("#", "%")):
            continue
        body, label = _split_label(row, header, lines)
        instance = _timed(body, lines) if header.timestamps else _untimed(body, lines)
        if instances:
            check_count(len(instance), len(instances[0]), "channels", "as in the first instance", lines)
        _check_header(instance, instances, header, lines)
        if header.regression:
            labels.append(parse_target(label, lines))
        elif header.labelled:
            labels.append(_known(parse_label(label, lines), header, lines))
        instances.append(instance)
    return panel_of(instances, lines), labels_of(labels)


def read_ts_header(rest: Any, lines: TextLines) -> TsHeader:
    """Reads `rest`, an iterator over `lines`, up to and including `@data`."""
    header = TsHeader()
    for line in rest:
        row = line.strip()
        if not row or row.startswith(("#", "%")):
            continue
        if not row.startswith("@"):
            raise lines.error("data before the line @data")
        key, *words = row[1:].split() or [""]
        if key.lower() == "data":
            if header.labelled is None and not header.regression:
                raise lines.error("the header has neither @classLabel nor @targetLabel")
            return header
        _read_header_line(key.lower(), words, header, lines)
    raise lines.whole_file_error("no line @data")


def _read_header_line(key: str, words: list[str], header: TsHeader, lines: TextLines) -> None:
    if key == "timestamps":
        header.timestamps = _yes(key, words, lines)
    elif key == "univariate":
        header.univariate = _yes(key, words, lines)
    elif key in ("dimensions", "dimension"):
        header.dimensions = _count(key, words, lines)
    elif key == "equallength":
        header.equal_length = _yes(key, words, lines)
    elif key == "serieslength":
        header.series_length = _count(key, words, lines)
    elif key == "classlabel":
        header.labelled = _yes(key, words, lines)
        header.classes = frozenset(parse_label(word, lines) for word in words[1:])
        header.written_classes = f" {' '.join(words[1:])} "
    elif key == "targetlabel":
        header.regression = _yes(key, words, lines)
        header.labelled = header.labelled or False


def _yes(key: str, words: list[str], lines: TextLines) -> bool:
    value = words[0].lower() if words else ""
    if value not in ("true", "false"):
        raise lines.error(f"@{key} is {value[:30]!r}; wanted true or false")
    return value == "true"


def _count(key: str, words: list[str], lines: TextLines) -> int:
    value = words[0] if words else ""
    if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) == 0:
        raise lines.error(f"@{key} is {value[:30]!r}; wanted a positive whole number")
    return int(value)


def _split_label(row: str, header: TsHeader, lines: TextLines) -> tuple[str, str]:
    if not header.labelled and not header.regression:
        return row, ""
    body, colon, label = row.rpartition(":")
    if not colon:
        raise lines.error("no ':' before a class label or target")
    return body, label


def _untimed(body: str, lines: TextLines) -> Array:
    return check_channels([parse_values(channel, ",", lines) for channel in body.split(":")], lines)


def _timed(body: str, lines: TextLines) -> Array:
    body = body.strip()
    if not (body.startswith("(") and body.endswith(")")):
        raise lines.error("wanted pairs (stamp,value), since the header says @timeStamps true")
    channels, stamps = [], []
    for channel in re.split(r"\)\s*:\s*\(", body[1:-1]):
        pairs = [pair.rpartition(",") for pair in re.split(r"\)\s*,\s*\(", channel)]
        stamps.append(parse_values(";".join(stamp for stamp, _, _ in pairs), ";", lines))
        channels.append(parse_values(";".join(value for _, _, value in pairs), ";", lines))
    instance, times = check_channels(channels, lines), check_channels(stamps, lines)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(times, axis=1)
        even = (times == times[0]).all() and np.allclose(steps, steps[:1, :1]) and (steps > 0).all()
    if not even:
        raise lines.error(
            "time stamps that are not numbers at one even step in all channels are not supported"
        )
    return instance


def _check_header(instance: Array, before: list[Array], header: TsHeader, lines: TextLines) -> None:
    channels, length = instance.shape
    if header.univariate and channels > 1:
        raise lines.error(f"{channels} channels, but the header says @univariate true")
    if header.dimensions is not None:
        check_count(channels, header.dimensions, "channels", "as in @dimensions", lines)
    if header.equal_length:
        header_length = header.series_length or (before[0].shape[1] if before else length)
        check_count(length, header_length, "steps", "as in all instances by the header", lines)


def _known(label: str, header: TsHeader, lines: TextLines) -> str:
    of_several_words = " " in label and f" {label} " in header.written_classes
    if header.classes and label not in header.classes and not of_several_words:
        raise lines.error(f"class label {label[:30]!r} is not among those of the header")
    return label
