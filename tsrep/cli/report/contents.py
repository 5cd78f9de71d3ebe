"""The files of a folder that a report can show, by kind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tsrep.bench.results import RESULTS_FILE
from tsrep.train.checkpoint import CONFIG

MOST_FILES = 100  # of a kind
SKIPPED = ("node_modules", "site-packages", "__pycache__")
PICTURES = (".png", ".jpg", ".jpeg")
TABLES = (".csv", ".parquet")
ARRAYS = (".npz", ".npy")


@dataclass
class Contents:
    """Paths by kind, each in the order of their names.

    Attributes
    ----------
    benchmarks : folders with the results of `tsrep bench`; their tables and pictures are not listed again.
    models : folders of saved models.
    tables, arrays, pictures, records : files; records are JSON.
    left_out : number of files beyond the first `MOST_FILES` of a kind.
    """

    benchmarks: list[Path] = field(default_factory=list)
    models: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    arrays: list[Path] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    records: list[Path] = field(default_factory=list)
    left_out: int = 0

    def __bool__(self) -> bool:
        return any((self.benchmarks, self.models, self.tables, self.arrays, self.pictures, self.records))


def contents_of(folder: Path) -> Contents:
    """What `folder` and the folders in it hold. Hidden ones are skipped."""
    found = Contents()
    for place, files in _folders(folder):
        if RESULTS_FILE in files:
            found.benchmarks.append(place)
            continue
        if CONFIG in files and _is_model(place):
            found.models.append(place)
            continue
        for name in files:
            path = place / name
            for endings, kind in (
                (PICTURES, found.pictures),
                (TABLES, found.tables),
                (ARRAYS, found.arrays),
                ((".json",), found.records),
            ):
                if path.suffix.lower() in endings:
                    kind.append(path)
    for kind in (found.pictures, found.tables, found.arrays, found.records):
        found.left_out += len(kind[MOST_FILES:])
        del kind[MOST_FILES:]
    return found


def _folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in SKIPPED)
        yield Path(place), sorted(name for name in files if not name.startswith("."))


def _is_model(folder: Path) -> bool:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and {"class", "sha256"} <= config.keys()
