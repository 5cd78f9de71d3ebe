"""The `.arff` format (Weka) as the UCR and UEA archives use it.

`%` comments and `@attribute` lines up to `@data`; then one instance per line. Univariate: one numeric attribute
per step, the class last. Multivariate: one relational attribute, quoted, its channels separated by a
written-out `\\n`, then the class. `?` is missing or padding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from tsrep.data.formats.fields import (
    check_channels,
    check_count,
    labels_of,
    panel_of,
    parse_label,
    parse_values,
)
from tsrep.data.formats.source import TextLines

Array = NDArray[Any]

_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+(\S.*)", re.IGNORECASE)
_NUMERIC = frozenset({"numeric", "real", "integer"})


@dataclass
class ArffHeader:
    """Number of steps of a series, whether channels are in a relational attribute, and the classes."""

    n_steps: int = 0
    relational: bool = False
    classes: frozenset[str] | None = field(default=None)


def read_arff(lines: TextLines) -> tuple[Array, Array | None]:
    """`(X, y)`: `(n, c, t)` float64 and labels `(n,)` as text."""
    rest = iter(lines)
    header = read_arff_header(rest, lines)
    instances: list[Array] = []
    labels: list[str] = []
    for line in rest:
        row = line.strip()
        if not row or row.startswith("%"):
            continue
        channels, label = _split_relational(row, lines) if header.relational else _split_flat(row, lines)
        instance = check_channels([parse_values(channel, ",", lines) for channel in channels], lines)
        check_count(
            instance.shape[1], header.n_steps, "values", "the number of attributes in the header", lines
        )
        if instances:
            check_count(len(instance), len(instances[0]), "channels", "as in the first instance", lines)
        label = parse_label(_unquoted(label), lines)
        if header.classes is not None and label not in header.classes:
            raise lines.error(f"class label {label[:30]!r} is not among those of the header")
        instances.append(instance)
        labels.append(label)
    return panel_of(instances, lines), labels_of(labels)


def read_arff_header(rest: Any, lines: TextLines) -> ArffHeader:
    """Reads `rest`, an iterator over `lines`, up to and including `@data`."""
    header = ArffHeader()
    inside = has_class = False
    for line in rest:
        row = line.strip()
        keyword = row.split(maxsplit=1)[0].lower() if row else ""
        if not row or row.startswith("%") or keyword == "@relation":
            continue
        if keyword == "@data":
            if not has_class or inside or not header.n_steps:
                raise lines.error("wanted a header with attributes for the steps and the class last")
            return header
        if keyword == "@end" and inside:
            inside = False
            continue
        attribute = _ATTRIBUTE.fullmatch(row)
        if attribute is None:
            raise lines.error(f"{row[:30]!r} is not a header line of an .arff file")
        if has_class:
            raise lines.error("an attribute after the class; wanted the class last")
        type_ = attribute[2].strip()
        if type_.lower() == "relational" and not header.n_steps and not header.relational:
            header.relational = inside = True
        elif type_.lower() in _NUMERIC and (inside or not header.relational):
            header.n_steps += 1
        elif type_.startswith("{") and type_.endswith("}") and not inside:
            header.classes = frozenset(parse_label(_unquoted(word), lines) for word in type_[1:-1].split(","))
            has_class = True
        elif type_.lower() == "string" and not inside:
            has_class = True
        else:
            raise lines.error(f"an attribute of type {type_[:30]!r} here is not supported")
    raise lines.whole_file_error("no line @data")


def _split_flat(row: str, lines: TextLines) -> tuple[list[str], str]:
    values, comma, label = row.rpartition(",")
    if not comma:
        raise lines.error("a class label without values")
    return [values], label


def _split_relational(row: str, lines: TextLines) -> tuple[list[str], str]:
    body, end, label = row[1:].partition(row[0]) if row[0] in "'\"" else ("", "", "")
    comma, label = label.strip()[:1], label.strip()[1:]
    if not end or comma != ",":
        raise lines.error("wanted the channels in quotes, then the class")
    return body.split("\\n"), label


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
