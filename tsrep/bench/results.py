"""Result files: one JSON object per line, appended and flushed to disk at once.

A line that a crash cut short is skipped when the file is read, and the next one starts on a new line. Lines are never
changed; where a cell has several, the last good one counts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RESULTS_FILE = "results.jsonl"


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Append one JSON line in a single write and wait until the disk has it. Several processes may append at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        text = json.dumps(line, allow_nan=False) + "\n"
        file.write(text.encode() if _ends_with_newline(path) else b"\n" + text.encode())
        file.flush()
        os.fsync(file.fileno())


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read_lines(path: Path) -> dict[str, dict[str, Any]]:
    """The line that counts for each cell id: the last with status "ok", else the last. No file gives no lines."""
    lines: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return lines
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if not isinstance(line, dict) or not {"cell", "status"} <= line.keys():
            continue
        if line["status"] == "ok" or lines.get(line["cell"], {}).get("status") != "ok":
            lines[line["cell"]] = line
    return lines


def good_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of the finished cells of a folder of results."""
    return [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] == "ok"]


def failed_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of the cells that have failed and were not run again with success."""
    return [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] != "ok"]
