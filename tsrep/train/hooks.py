"""Hooks of the training loop: record, show, validate, stop early, save a checkpoint.

Each is a function that makes a hook for `tsrep.train.loop.fit`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tsrep.train.loop import Clock, Hook

History = list[dict[str, Any]]


def record(history: History) -> Hook:
    """Appends {"step", "epoch", "seconds", and the step's scalars} to `history`; `seconds` counts over all runs."""
    before = history[-1]["seconds"] if history else 0.0
    started = time.perf_counter()

    def hook(clock: Clock, scalars: dict[str, float]) -> None:
        seconds = before + time.perf_counter() - started
        place = {"step": clock.step, "epoch": clock.epoch, "seconds": seconds}
        history.append({**place, **scalars, **place})  # scalars of these names do not hide them

    return hook


def also(measure: Callable[[], dict[str, float]], every: int) -> Hook:
    """Adds further numbers to the scalars, every `every` steps and after the first. Goes before what uses them."""

    def hook(clock: Clock, scalars: dict[str, float]) -> None:
        if clock.step % every == 0 or clock.step == 1:
            scalars.update(measure())

    return hook


def validate(history: History, loss: Callable[[], float], every: int) -> Hook:
    """Writes `validation_loss` into the newest record, every `every` steps. Goes after `record`."""

    def hook(clock: Clock, scalars: dict[str, float]) -> None:
        if clock.step % every == 0:
            history[-1]["validation_loss"] = loss()

    return hook


def stop_early(history: History, patience: int, since: int = 0) -> Hook:
    """Stops when the lowest validation loss lies `patience` validations back. Goes after `validate`.

    Records up to step `since` are not looked at. All that it knows it reads from the history, each record once, so a
    resumed run stops where an unbroken one does.
    """
    lowest, validations_since, read = math.inf, 0, 0

    def hook(clock: Clock, scalars: dict[str, float]) -> bool:
        nonlocal lowest, validations_since, read
        for record in history[read:]:
            loss = record.get("validation_loss")
            if loss is None or record["step"] <= since:
                continue
            validations_since = 0 if loss < lowest else validations_since + 1
            lowest = min(lowest, loss)
        read = len(history)
        return "validation_loss" in history[-1] and validations_since >= patience if history else False

    return hook


def checkpoint(save: Callable[[Clock], None], every: int) -> Hook:
    """Calls `save` with the clock every `every` steps. Goes last, when the history is complete."""

    def hook(clock: Clock, scalars: dict[str, float]) -> None:
        if clock.step % every == 0:
            save(clock)

    return hook


@contextmanager
def progress_bar(
    description: str,
    total: int | None,
    done: int = 0,
    show: bool = True,
    names: Mapping[str, str] | None = None,
) -> Iterator[Hook]:
    """A hook that moves a progress bar on the terminal, with the latest scalars beside it.

    `names` says which scalars are shown, and as what; None: all.
    """
    if not show:
        yield lambda clock, scalars: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar_width = 40 if names is None else 10  # so that all of it fits into 80 columns
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    latest: dict[str, float] = {}
    with Progress(*columns, TextColumn("{task.fields[scalars]}")) as bar:
        task = bar.add_task(description, total=total, completed=done, scalars="")

        def hook(clock: Clock, scalars: dict[str, float]) -> None:
            latest.update(scalars)
            known = names or {name: name for name in latest}
            digits = 4 if names is None else 2
            shown = "  ".join(
                f"{said} {latest[name]:.{digits}f}" for name, said in known.items() if name in latest
            )
            bar.update(task, completed=clock.step, scalars=shown)

        yield hook
