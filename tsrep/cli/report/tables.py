"""The section of a table that a command wrote: its rows, and a picture where its columns tell its kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsrep import report

MOST_ROWS = 300
MOST_COLUMNS = 20


def table_section(title: str, path: Path) -> str:
    """The table at `path`: a picture, and the first rows."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    blocks = []
    for what, draws in ((alarms, draw_alarms), (forecasts, draw_forecast)):
        if what(frame):
            blocks.append(report.figure(draws(frame), what.__doc__ or ""))
    if predictions(frame):
        blocks.append(confusion(frame))
    return report.section(title, *blocks, framed(frame, f"{len(frame):,} rows, {frame.shape[1]} columns."))


def framed(frame: pd.DataFrame, caption: str) -> str:
    """The first rows and columns of a frame as a table."""
    shown = frame.iloc[:MOST_ROWS, :MOST_COLUMNS]
    if shown.shape != frame.shape:
        caption += f" Shown: the first {len(shown)} rows and {shown.shape[1]} columns."
    rows = [[_shown(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    return report.table([str(name) for name in shown], rows, caption)


def _shown(value: object) -> object:
    if value is None or value is pd.NaT or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 1e15 else f"{number:.4g}"
    return value


def alarms(frame: pd.DataFrame) -> bool:
    """The series, its alarms, and the scores below."""
    return {"score", "alarm"} <= set(frame) and len(_values(frame)) > 0


def draw_alarms(frame: pd.DataFrame) -> Figure:
    from tsrep.plots import plot_anomalies

    names = _values(frame)
    return plot_anomalies(_times(frame), frame[names], frame["score"], frame["alarm"].fillna(0))


def _values(frame: pd.DataFrame) -> list[str]:
    """The columns of numbers that a detector has read."""
    own = {"score", "alarm", "part", "time", "unique_id", "ds"}
    return [str(name) for name in frame if name not in own and pd.api.types.is_numeric_dtype(frame[name])]


def forecasts(frame: pd.DataFrame) -> bool:
    """The forecast with its intervals."""
    return bool(_targets(frame)) and "unique_id" not in frame


def _targets(frame: pd.DataFrame) -> list[str]:
    names = set(frame)
    return [str(name) for name in frame if {f"{name}_lower", f"{name}_upper"} <= names]


def draw_forecast(frame: pd.DataFrame) -> Figure:
    from tsrep.plots import plot_forecast

    indexed = frame.drop(columns=["time"], errors="ignore").set_axis(pd.Index(_times(frame)), axis=0)
    nothing = indexed.loc[indexed.index[:0], _targets(frame)]
    return plot_forecast(nothing, indexed)


def _times(frame: pd.DataFrame) -> pd.Index:
    if "time" not in frame:
        return pd.RangeIndex(len(frame))
    times = pd.to_datetime(frame["time"], errors="coerce", utc=False)
    return pd.RangeIndex(len(frame)) if times.isna().any() else pd.Index(times)


def predictions(frame: pd.DataFrame) -> bool:
    """Whether the table has true and predicted labels."""
    return {"label", "predicted"} <= set(frame) and bool(frame["label"].notna().any())


def confusion(frame: pd.DataFrame) -> str:
    """How often each label was predicted for each true one."""
    known = frame[frame["label"].notna()]
    counts = pd.crosstab(known["label"], known["predicted"])
    right = float((known["label"].astype(str) == known["predicted"].astype(str)).mean())
    rows = [(str(label), *map(int, row)) for label, row in zip(counts.index, counts.to_numpy(), strict=True)]
    return report.table(
        ["true label", *map(str, counts.columns)],
        rows,
        f"Rows: true labels; columns: predictions. {right:.1%} of {len(known):,} are right.",
    )
