"""One forecasting cell: a method on a set, univariate or multivariate, under a protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench.cells import Cell
from tsrep.bench.forecasting.methods import METHODS
from tsrep.bench.forecasting.protocols import UNIVARIATE, Protocol
from tsrep.bench.forecasting.task import Array, Task, make_task
from tsrep.data import load_forecasting

WEEK = pd.Timedelta(days=7)


def evaluate(cell: Cell, protocol: Protocol, root: Path | None = None) -> dict[str, Any]:
    """Numbers of one cell: mean squared and absolute error of each horizon, seconds, sizes, one week's forecast."""
    task = make_task(protocol, cell.dataset, cell.variant, cell.seed, root)
    outcome = METHODS[cell.method](task)
    return {
        "horizons": list(task.horizons),
        "mse": [error.mse for error in outcome.errors],
        "mae": [error.mae for error in outcome.errors],
        "mean_mse": float(np.mean([error.mse for error in outcome.errors])),
        "origins": [len(task.origins(horizon)) for horizon in task.horizons],
        "n_train": task.train,
        "n_channels": task.frame.shape[1],
        "context": task.context,
        "week": week(task, outcome.forecast),
        "device": "cpu",
        **outcome.notes,
    }


def week(task: Task, forecast: Callable[[int, int], Array]) -> dict[str, Any] | None:
    """The forecast of the week in the middle of the test part, where a horizon is a week; for the figure."""
    step = task.frame.index[1] - task.frame.index[0]
    steps = [horizon for horizon in task.horizons if horizon * step == WEEK]
    if not steps or task.frame.shape[1] > 1:
        return None
    horizon = steps[0]
    origin = (task.validation + len(task.frame)) // 2
    values = forecast(origin, horizon)[:, 0]
    truth = task.scaled[origin - horizon : origin + horizon + 1, 0]
    return {
        "origin": task.frame.index[origin].isoformat(),
        "step_seconds": step.total_seconds(),
        "forecast": np.round(values, 4).tolist(),
        "truth": [None if np.isnan(value) else round(value, 4) for value in truth.tolist()],
    }


def expected_cost(cell: Cell, root: Path | None = None) -> float:
    """Rough seconds of a cell on one core, for the order of a run."""
    rows, channels = _size(cell.dataset, root)
    channels = 1 if cell.variant == UNIVARIATE else channels
    training = 8.0 if rows * 0.6 * (7 + channels) <= 100_000 else 30.0  # 200 or 600 steps
    fixed = {"ts2vec-faithful": 1.0, "ts2vec-best": 1.0, "patchtst": 1.5, "dlinear": 0.2}.get(
        cell.method, 0.0
    )
    return fixed * training * min(rows, 30_000) / 1_000 + channels * rows / 2_000


@cache
def _size(name: str, root: Path | None) -> tuple[int, int]:
    rows, channels = load_forecasting(name, root).shape
    return rows, channels
