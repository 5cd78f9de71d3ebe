"""From result lines to `table.md`: measurements, targets, and whether they are met."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks.speed.rows import (
    ALONE,
    ANOMALY,
    CAUSAL,
    FULL_CROPS,
    GROWTH,
    LOSS_MEMORY,
    ONLINE,
    RANDOM_CROPS,
    STEP_MEMORY,
    TO_FILE,
    TRANSFORM,
    Row,
    target,
    time_limit,
)
from tsrep.bench.results import RESULTS_FILE, read_lines

Line = dict[str, Any]

ORDER = (FULL_CROPS, RANDOM_CROPS, STEP_MEMORY, LOSS_MEMORY, CAUSAL, ANOMALY, ONLINE, TRANSFORM, TO_FILE)
TOLERANCES = {"loss": 1e-5, "gradients": 1e-4, "difference": 1e-5}  # targets, in 32 bit on a CPU
BUSY_SHARE = 0.9  # processor time of a run's time; below, other programs or the disk interfered


def good_lines(folder: Path) -> list[Line]:
    """The lines of finished rows except growth rows, in the order of the table."""
    lines = [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] == "ok"]
    shown = [line for line in lines if line["work"] in ORDER]
    compared = {_sizes(line) for line in shown if line["rival"] != ALONE}
    kept = [line for line in shown if line["rival"] != ALONE or _sizes(line) not in compared]
    return sorted(kept, key=lambda line: (ORDER.index(line["work"]), line["precision"], line["length"]))


def growth_lines(folder: Path) -> list[Line]:
    """The lines of finished growth rows."""
    lines = read_lines(folder / RESULTS_FILE).values()
    return [line for line in lines if line["status"] == "ok" and line["work"] in GROWTH.values()]


def failed_lines(folder: Path) -> list[Line]:
    """The lines of rows that failed and were not measured again."""
    return [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] != "ok"]


def write_table(folder: Path) -> Path:
    """Writes `folder`/table.md from `folder`/results.jsonl."""
    lines = good_lines(folder)
    parts = ["# TS2Vec: speed and memory"]
    for device in sorted({line["device"] for line in lines}):
        chosen = [line for line in lines if line["device"] == device]
        parts += [f"## {device}", conditions(chosen), comparison(chosen), *notes(chosen)]
    failures = failed_lines(folder)
    if failures:
        parts += [
            "## Failed rows",
            markdown(("row", "error"), [(line["cell"], line["error"]) for line in failures]),
        ]
    path = folder / "table.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path


def row_of(line: Line) -> Row:
    return Row(**{field.name: line[field.name] for field in fields(Row)})


def interrupted(line: Line) -> bool:
    """Whether our or the rival's runs had less than `BUSY_SHARE` of their time on the processor."""
    runs = [line[whose] for whose in ("ours", "theirs") if whose in line]
    return line["device"] == "cpu" and any(
        run.get("cpu", run["median"]) < BUSY_SHARE * run["median"] for run in runs
    )


def spent(line: Line, whose: str) -> float:
    """The median of the runs, in the unit of the line; for an interrupted line, of the processor times."""
    return line[whose]["cpu" if interrupted(line) else "median"]


def ratio(line: Line) -> float | None:
    """The rival's cost divided by ours; None without a rival."""
    return spent(line, "theirs") / spent(line, "ours") if "theirs" in line else None


def met(line: Line) -> bool | None:
    """Whether the target is reached, equality included; None without a target.

    If both programs were also run in 64 bit, their equality is judged there.
    """
    row, reached = row_of(line), ratio(line)
    aim, limit = target(row), time_limit(row)
    if aim is not None and reached is not None:
        good = reached >= aim
    elif limit is not None:
        good = line["ours"]["median"] <= limit
    else:
        return None
    exact = row.device == "cpu" and row.work != ANOMALY
    differences = errors(line)
    judged = {
        name: differences.get(f"exact_{name}", error)
        for name, error in differences.items()
        if name in TOLERANCES
    }
    far = exact and any(error > TOLERANCES[name] for name, error in judged.items())
    return good and not far


def errors(line: Line) -> dict[str, float]:
    """Differences between the results of the two programs, by name."""
    differences = dict(line.get("equal", {}))
    if "difference" in line:
        differences["difference"] = line["difference"]
    return differences


def comparison(lines: Sequence[Line]) -> str:
    """One table row per line: both medians with their range, the ratio, the target, the equality."""
    heads = ("work", "size", "tsrep", "rival", "times", "asked", "met", "equality")
    rows = []
    for line in lines:
        reached, good = ratio(line), met(line)
        rows.append(
            (
                line["work"] + (f", {line['precision']}" if line["device"] != "cpu" else ""),
                size_of(line),
                amount(line, "ours"),
                f"{amount(line, 'theirs')} ({line['rival']})" if "theirs" in line else "",
                "" if reached is None else times(reached),
                _target(row_of(line)),
                "" if good is None else "yes" if good else "**no**",
                equality(line),
            )
        )
    return markdown(heads, rows)


def amount(line: Line, whose: str) -> str:
    """A median and its range with the unit, for example "12.3 ms (12.1 to 12.9)"; see `notes`."""
    runs = line[whose]
    factor, unit = scale(runs["median"], line["unit"])
    text = f"{number(runs['median'] * factor)} {unit}"
    if "min" in runs:
        text += f" ({number(runs['min'] * factor)} to {number(runs['max'] * factor)})"
    if interrupted(line):
        text += f", {number(runs['cpu'] * factor)} on the processor"
    return text


def scale(value: float, unit: str) -> tuple[float, str]:
    """Factor and unit for a readable number of seconds; other units are not changed."""
    if unit != "s" or value >= 1:
        return 1.0, unit
    return (1e3, "ms") if value >= 1e-3 else (1e6, "µs")


def number(value: float) -> str:
    """Three digits, or all before the decimal point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(value: float) -> str:
    """Three digits, rounded down, so that a value just below a target does not look like it."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.floor(value / unit) * unit:.3g}"


def equality(line: Line) -> str:
    differences = errors(line)
    if "loss" not in differences:
        return f"{differences['difference']:.0e}" if "difference" in differences else ""
    text = (
        f"loss {differences['loss']:.0e}, gradients {differences['gradients']:.0e} "
        f"(theirs: {differences['their_loss']:.0e}, {differences['their_gradients']:.0e})"
    )
    if "exact_loss" in differences:
        text += f"; in 64 bit {differences['exact_loss']:.0e}, {differences['exact_gradients']:.0e}"
    return text


def size_of(line: Line) -> str:
    """For example "8 x 1 x 500, context 200": instances, channels, steps."""
    text = f"{line['instances']} x {line['channels']} x {line['length']}"
    return text + (f", context {line['context']}" if line["context"] else "")


def conditions(lines: Sequence[Line]) -> str:
    """Machine, threads, versions, commit, and peak rates of the machine."""
    machines = {line["hardware"]["cpu"] for line in lines}
    machines |= {line["machine"]["accelerator"] for line in lines if "accelerator" in line["machine"]}
    said = [
        f"Measured on {', '.join(sorted(machines))}",
        f"{_several(line['threads'] for line in lines)} thread(s)",
        f"Python {_several(line['versions']['python'] for line in lines)}",
        f"torch {_several(line['versions']['torch'] for line in lines)}",
        f"tsrep commit {_several(str(line['commit'])[:10] for line in lines)}",
    ]
    best = max(line["machine"]["multiply_adds_per_second"] for line in lines)
    memory = max(line["machine"]["bytes_per_second"] for line in lines)
    return (
        f"{', '.join(said)}. At best the machine made {best / 1e9:.3g} billion multiply-adds a second in a matrix "
        f"product and moved {memory / 1e9:.3g} GB a second."
    )


def notes(lines: Sequence[Line]) -> Iterable[str]:
    """Notes on how to read the numbers, those that apply."""
    yield "Sizes are instances x channels x steps. Medians, with the least and the most of the runs."
    if any(interrupted(line) for line in lines):
        yield (
            "Where a run was on the processor for less than nine tenths of its time (other programs, or the disk), the "
            "time on the processor follows, and the column of times compares those."
        )
    if any("equal" in line for line in lines):
        yield (
            "Loss and gradients: largest relative difference to the authors' code run in 64 bit, with that of their "
            "own 32 bit in brackets, and ours run in 64 bit after them; a gradient's relative to the largest of its "
            "tensor. In 64 bit the difference says whether the mathematics are the same; in 32 bit rounding decides "
            "near ties in the max pooling, in their code as in ours."
        )
    for line in lines:
        if 0 < line.get("windows", 0) < line["length"]:
            yield (
                f"{line['work']}, {size_of(line)}: the rival's time is extrapolated from its first "
                f"{line['windows']:,} windows (batch size {line['batch_size']})."
            )
    for line in lines:
        if line["work"] == TO_FILE:
            yield (
                f"{TO_FILE}, {size_of(line)}: run once, at most {number(line['memory'])} MB of memory beyond those of "
                f"8 steps, for a file of {number(line['bytes'] / 1e6)} MB."
            )
    memory = {line["length"]: line["ours"]["median"] for line in lines if line["work"] == LOSS_MEMORY}
    if len(memory) > 1:
        *_, shorter, longer = sorted(memory)
        yield (
            f"Memory of the loss from {shorter} to {longer} steps: {memory[longer] / memory[shorter]:.2f} times "
            f"({longer / shorter:g} is linear, {(longer / shorter) ** 2:g} square)."
        )


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    rule = ["---"] * len(heads)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows))


def _target(row: Row) -> str:
    times, limit = target(row), time_limit(row)
    if limit is not None:
        factor, unit = scale(limit, "s")
        return f"at most {limit * factor:g} {unit}"
    return "" if times is None else f"{times:g}"


def _sizes(line: Line) -> tuple[Any, ...]:
    return tuple(line[field.name] for field in fields(Row) if field.name != "rival")


def _several(values: Iterable[object]) -> str:
    return "/".join(sorted({str(value) for value in values}))
