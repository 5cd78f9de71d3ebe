"""What a command prints: text for people, or with `--json` one object on standard output, and the text elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep.cli.options import OUTPUT

Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the result as one JSON object, and everything else on standard error.",
        rich_help_panel=OUTPUT,
    ),
]


def new_console(as_json: bool) -> Console:
    """Where the text goes."""
    return Console(highlight=False, stderr=as_json)


def print_json(as_json: bool, **result: Any) -> None:
    """The result as one object on one line, if `as_json`."""
    if as_json:
        typer.echo(json.dumps(plain(result), ensure_ascii=False))


def plain(value: Any) -> Any:
    """`value` as JSON holds it: arrays as lists, numbers that are not finite as null, all else that it lacks as text.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"scores": np.array([0.5, np.nan]), 3: (1, None)})
    {'scores': [0.5, None], '3': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):  # of NumPy and pandas
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
