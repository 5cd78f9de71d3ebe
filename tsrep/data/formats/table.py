"""The UCR archive's tables (`.tsv`, `.txt`, `.csv`): one instance per line, class label first, then values.

The separator, tabs, commas or white space, is taken from the first line. All lines have the same number of
values: sets of unequal length are padded with NaN. There is no header.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tsrep.data.formats.fields import check_count, labels_of, panel_of, parse_label, parse_values
from tsrep.data.formats.source import TextLines

Array = NDArray[Any]


def read_table(lines: TextLines) -> tuple[Array, Array | None]:
    """`(X, y)`: `(n, 1, t)` float64, and labels `(n,)` as text."""
    instances: list[Array] = []
    labels: list[str] = []
    separator: str | None = None
    for line in lines:
        row = line.strip()
        if not row:
            continue
        if not instances:
            separator = next((mark for mark in "\t," if mark in row), None)
        label, *rest = row.split(separator, 1)
        if not rest:
            raise lines.error("a class label without values")
        values = parse_values(rest[0], separator, lines)
        if instances:
            check_count(len(values), instances[0].shape[1], "values", "as in the first line", lines)
        labels.append(parse_label(label, lines))
        instances.append(values[None])
    return panel_of(instances, lines), labels_of(labels)
