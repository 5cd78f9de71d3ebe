"""`tsrep detect`: a table with a time column in, alarms as a table and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tsrep.cli.series import described

SHORTEST = 100
"""Steps that a series must have."""
CONTEXT = 200
SHOWN = 20


def detect_in_file(
    file: Path,
    *,
    time: str | None,
    columns: list[str] | None,
    train: float,
    score: str,
    context: int | None,
    threshold: str,
    level: float | None,
    delay: int,
    model: Path | None,
    save: Path | None,
    out: Path | None,
    plot: bool,
    mend: bool,
    every: str | None,
    missing: float | None,
    seed: int,
    max_steps: int | None,
) -> None:
    """Learn from the first part of the series in `file`, raise alarms on the rest, print and write them.

    `out` (default: the file's name with `-alarms.csv`, in the folder one is in) has a row for each step: its time and
    values, `score`, `alarm`, and `part`, "train" or "test". With `plot` a picture of the same name lies beside it.
    """
    from tsrep.data import read_table

    console = Console(highlight=False)
    stem = file.name.split(".")[0]
    out = Path(f"{stem}-alarms.csv") if out is None else out
    if out.suffix != ".csv":
        raise ValueError(f"--out is {out.name!r}, wanted a name that ends in .csv")
    if not 0 < train <= 1:
        raise ValueError(f"--train is {train:g}, wanted a share of the steps, above 0 and at most 1")
    frame = read_table(
        file, time=time, columns=columns, min_steps=SHORTEST, mend=mend, every=every, missing=missing
    )
    found = None if model is None else _loaded(model)
    console.print(described(file, frame))

    rows = len(frame) if train == 1 else int(train * len(frame))
    detector, learned = _detector(
        frame.iloc[:rows],
        console,
        found=found,
        settings={"score": score, "threshold": threshold, "level": level, "delay": delay},
        context=context,
        seed=seed,
        max_steps=max_steps,
    )
    if save is not None:
        detector.save(save)
    from_row = 0 if learned == 0 or learned == len(frame) else learned
    result = frame.assign(score=detector.decision_function(frame), alarm=detector.predict(frame))
    result["part"] = np.where(np.arange(len(frame)) < from_row, "train", "test")
    out.parent.mkdir(parents=True, exist_ok=True)
    result.rename_axis("time").to_csv(out)

    tested = result.iloc[from_row:]
    _print_alarms(console, tested[tested["alarm"] == 1], len(tested))
    console.print(f"every step with its score: {out}", soft_wrap=True)
    if plot:
        figure = detector.plot(
            tested[frame.columns], history=frame.iloc[:from_row] if from_row else None, title=stem
        )
        figure.savefig(out.with_suffix(".png"), dpi=150)
        console.print(f"picture: {out.with_suffix('.png')}", soft_wrap=True)
    if save is not None:
        console.print(f"detector saved: {save}\nnext: tsrep detect NEW_FILE --model {save}", soft_wrap=True)


def _detector(
    train: Any,
    console: Console,
    *,
    found: Any,
    settings: dict[str, Any],
    context: int | None,
    seed: int,
    max_steps: int | None,
) -> tuple[Any, int]:
    """(a fitted detector, how many rows it learned from): the one that was `found`, or one fitted on `train`.

    Where an encoder was found, only scale and threshold are learned.
    """
    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationAnomalyDetector

    if isinstance(found, RepresentationAnomalyDetector):
        console.print("a saved detector: nothing is learned from this file")
        return found, 0
    context = min(CONTEXT, len(train) // 4) if context is None else context
    if found is None:
        encoder = TS2Vec(max_steps=max_steps, random_state=seed, verbose=int(console.is_terminal))
    else:
        encoder = found
    detector = RepresentationAnomalyDetector(encoder, context, prefit=found is not None, **settings)
    console.print(f"learning what is normal from the first {len(train)} steps, context {context}")
    return detector.fit(train), len(train)


def _loaded(model: Path) -> Any:
    """The detector or encoder in a folder."""
    from tsrep import load
    from tsrep.tasks import RepresentationAnomalyDetector

    found = load(model)
    if not (isinstance(found, RepresentationAnomalyDetector) or hasattr(found, "encode_causal")):
        raise ValueError(f"--model {model} holds a {type(found).__name__}, wanted a detector or an encoder")
    return found


def _print_alarms(console: Console, alarms: Any, tested: int) -> None:
    if len(alarms) == 0:
        console.print(f"no alarm in {tested} steps")
        return
    strongest = alarms.nlargest(SHOWN, "score").sort_index()
    title = f"{len(alarms)} alarm{'s' if len(alarms) > 1 else ''} in {tested} steps"
    table = Table("time", "score", title=title + (f", the {SHOWN} strongest" if len(alarms) > SHOWN else ""))
    for time, score in strongest["score"].items():
        table.add_row(str(time), f"{score:.3g}")
    console.print(table)
