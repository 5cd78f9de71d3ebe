"""The file that a command writes, and the saved model that it loads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def stem(file: Path) -> str:
    """The name of a file without any ending: "power" of power.csv.gz."""
    return file.name.split(".")[0]


def checked_ending(out: Path, endings: Sequence[str]) -> Path:
    """`out` as it is; a ValueError if its name ends in none of `endings`."""
    if out.suffix not in endings:
        choices = " or ".join(", ".join(endings).rsplit(", ", 1))
        raise ValueError(f"--out is {out.name!r}; wanted a name that ends in {choices}")
    return out


def load_model(folder: Path, accepts: Callable[[Any], bool], wanted: str) -> Any:
    """The estimator saved in `folder`; a ValueError that names what is `wanted` unless `accepts` says yes."""
    from tsrep import load

    model = load(folder)
    if not accepts(model):
        raise ValueError(f"--model {folder} holds a {type(model).__name__}; wanted {wanted}")
    return model
