"""From result lines to `table.md`: what was measured, what was asked, and whether that is met."""

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
    asked,
    longest,
)
from tsrep.bench.results import RESULTS_FILE, read_lines

Line = dict[str, Any]

ORDER = (FULL_CROPS, RANDOM_CROPS, STEP_MEMORY, LOSS_MEMORY, CAUSAL, ANOMALY, ONLINE, TRANSFORM, TO_FILE)
CLOSE = {"loss": 1e-5, "gradients": 1e-4, "difference": 1e-5}  # that were asked for, in 32 bit on a CPU
BUSY = 0.9  # of a run's time on the processor: below it, other programs were in the way, or the disk


def good_lines(folder: Path) -> list[Line]:
    """The lines of finished rows that are no growth rows, as the table shows them."""
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
    """The lines of rows that failed and were not measured since."""
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
    """Whether our runs or the rival's were on the processor for less than `BUSY` of their time."""
    runs = [line[whose] for whose in ("ours", "theirs") if whose in line]
    return line["device"] == "cpu" and any(
        run.get("cpu", run["median"]) < BUSY * run["median"] for run in runs
    )


def spent(line: Line, whose: str) -> float:
    """The median of the runs, in the line's unit: of an interrupted line that of the time on the processor."""
    return line[whose]["cpu" if interrupted(line) else "median"]


def ratio(line: Line) -> float | None:
    """How many times the rival spends what we spend; None where there is no rival."""
    return spent(line, "theirs") / spent(line, "ours") if "theirs" in line else None


def met(line: Line) -> bool | None:
    """Whether what was asked is reached, the equality included; None where nothing was asked.

    Where both programs were run in 64 bit too, their equality is judged there.
    """
    row, reached = row_of(line), ratio(line)
    wanted, limit = asked(row), longest(row)
    if wanted is not None and reached is not None:
        good = reached >= wanted
    elif limit is not None:
        good = line["ours"]["median"] <= limit
    else:
        return None
    exact = row.device == "cpu" and row.work != ANOMALY
    found = errors(line)
    judged = {name: found.get(f"exact_{name}", error) for name, error in found.items() if name in CLOSE}
    far = exact and any(error > CLOSE[name] for name, error in judged.items())
    return good and not far


def errors(line: Line) -> dict[str, float]:
    """What the row says of the equality of the two programs, by name."""
    found = dict(line.get("equal", {}))
    if "difference" in line:
        found["difference"] = line["difference"]
    return found


def comparison(lines: Sequence[Line]) -> str:
    """One table row a line: both medians with their range, the ratio, what was asked, the equality."""
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
                _wanted(row_of(line)),
                "" if good is None else "yes" if good else "**no**",
                equality(line),
            )
        )
    return markdown(heads, rows)


def amount(line: Line, whose: str) -> str:
    """A median and its range with the unit, for example "12.3 ms (12.1 to 12.9)"; see `notes`."""
    found = line[whose]
    factor, unit = scale(found["median"], line["unit"])
    text = f"{number(found['median'] * factor)} {unit}"
    if "min" in found:
        text += f" ({number(found['min'] * factor)} to {number(found['max'] * factor)})"
    if interrupted(line):
        text += f", {number(found['cpu'] * factor)} on the processor"
    return text


def scale(value: float, unit: str) -> tuple[float, str]:
    """Factor and unit in which a number of seconds reads well; other units stay."""
    if unit != "s" or value >= 1:
        return 1.0, unit
    return (1e3, "ms") if value >= 1e-3 else (1e6, "µs")


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(value: float) -> str:
    """Three digits, rounded down: what is just short of what was asked does not look as if it were reached."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.floor(value / unit) * unit:.3g}"


def equality(line: Line) -> str:
    found = errors(line)
    if "loss" not in found:
        return f"{found['difference']:.0e}" if "difference" in found else ""
    text = (
        f"loss {found['loss']:.0e}, gradients {found['gradients']:.0e} "
        f"(theirs: {found['their_loss']:.0e}, {found['their_gradients']:.0e})"
    )
    if "exact_loss" in found:
        text += f"; in 64 bit {found['exact_loss']:.0e}, {found['exact_gradients']:.0e}"
    return text


def size_of(line: Line) -> str:
    """For example "8 x 1 x 500, context 200": instances, channels, steps."""
    text = f"{line['instances']} x {line['channels']} x {line['length']}"
    return text + (f", context {line['context']}" if line["context"] else "")


def conditions(lines: Sequence[Line]) -> str:
    """One sentence: machine, threads, versions, commit, and what the machine does at best."""
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
    """What a reader needs in order to read the numbers, where it applies."""
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


def _wanted(row: Row) -> str:
    times, limit = asked(row), longest(row)
    if limit is not None:
        factor, unit = scale(limit, "s")
        return f"at most {limit * factor:g} {unit}"
    return "" if times is None else f"{times:g}"


def _sizes(line: Line) -> tuple[Any, ...]:
    return tuple(line[field.name] for field in fields(Row) if field.name != "rival")


def _several(values: Iterable[object]) -> str:
    return "/".join(sorted({str(value) for value in values}))
