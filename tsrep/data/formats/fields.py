"""Numbers and labels, which all formats write alike, and the panel of the instances."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data.conversion import pad_ragged
from tsrep.data.formats.source import TextLines

Array = NDArray[Any]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MISSING = frozenset({"?", "nan", "-nan", "+nan"})
_LARGEST_WHOLE_LABEL = 2**53


def parse_values(text: str, separator: str | None, lines: TextLines) -> Array:
    """Numbers between separators (None: white space); `?` and `NaN` are missing. `(t,)` float64."""
    fields = text.split(separator)
    values = None
    if text.isascii() and "_" not in text:  # Python also accepts 1_000 and the digits of all scripts
        try:
            values = np.array(list(map(float, fields)))
        except ValueError:
            values = None
    if values is None:
        values = np.array([_parse_value(field, i, lines) for i, field in enumerate(fields, start=1)])
    if np.isinf(values).any():
        i = int(np.argmax(np.isinf(values)))
        raise lines.error(f"value {i + 1} is {_shown(fields[i])}, which is infinite")
    return values


def _parse_value(field: str, position: int, lines: TextLines) -> float:
    field = field.strip()
    if field.lower() in _MISSING:
        return float("nan")
    if not _NUMBER.fullmatch(field):
        raise lines.error(f"value {position} is {_shown(field)}; wanted a number, NaN or ?")
    return float(field)


def parse_target(text: str, lines: TextLines) -> float:
    """The target of an instance of a regression set."""
    text = text.strip()
    if not _NUMBER.fullmatch(text) or not np.isfinite(float(text)):
        raise lines.error(f"the target is {_shown(text)}; wanted a finite number")
    return float(text)


def parse_label(text: str, lines: TextLines) -> str:
    """A class label as text. Integers are written without decimals: `1`, `1.0` and `1.00e+00` are one class."""
    text = text.strip()
    if text.lower() in _MISSING or not text:
        raise lines.error("the class label is missing")
    if not text.isprintable() or "\ufffd" in text:
        raise lines.error(f"the class label {_shown(text)} is not readable text")
    if _NUMBER.fullmatch(text):
        value = float(text)
        if value.is_integer() and abs(value) <= _LARGEST_WHOLE_LABEL:
            return str(int(value))
    return text


def check_count(count: int, expected: int, what: str, reason: str, lines: TextLines) -> None:
    """Raises an error if the number of values or channels of this line is not `expected`."""
    if count != expected:
        raise lines.error(f"{count} {what}; wanted {expected}, {reason}")


def check_channels(channels: list[Array], lines: TextLines) -> Array:
    """The channels of one instance as `(c, t)`; they must be equally long."""
    lengths = sorted({len(channel) for channel in channels})
    if len(lengths) > 1:
        raise lines.error(f"ragged channels: the channels of one instance have lengths {lengths}")
    return np.stack(channels)


def panel_of(instances: list[Array], lines: TextLines) -> Array:
    """All instances `(c, t_i)` as `(n, c, t)`, NaN-padded at the end."""
    if not instances:
        raise lines.whole_file_error("no instances")
    longest = max(instance.shape[1] for instance in instances)
    read, padded = sum(instance.size for instance in instances), len(instances) * len(instances[0]) * longest
    if padded > max(1 << 24, 1000 * read):
        raise lines.whole_file_error(
            f"padding its {read} values to the longest series, {longest} steps, would make {padded} values"
        )
    return pad_ragged(instances)


def labels_of(labels: list[str] | list[float]) -> Array | None:
    """Labels as an array of text, targets as an array of float64, None if the file has neither."""
    return np.array(labels) if labels else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:27] + "...")
