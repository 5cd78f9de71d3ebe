"""An encoder in ONNX Runtime and a live detector behind HTTP.

    SERVED=served uvicorn --app-dir examples/serve app:app

POST /encode    {"panel": (n, channels, steps)}  ->  {"series": (n, features)}
POST /points    {"points": (k, channels)}        ->  {"verdicts": [{"score", "threshold", "alarm"}, ...]}
GET  /health    whether it answers

`null` is a missing value. The state of the detector is on the disk before a verdict is given, so that a program that is
killed at any moment goes on, when it is started again, with the scores that it would have given. The points of one
series come one after the other: run one process (`--workers 1`) per series.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException
from numpy.typing import NDArray
from pydantic import BaseModel

from tsrep import load

Number = float | None


class Panel(BaseModel):
    panel: list[list[list[Number]]]


class Points(BaseModel):
    points: list[list[Number]]


class LiveSeries:
    """A live detector whose state is on the disk."""

    def __init__(self, folder: Path):
        self.state = folder / "state"
        detector = load(folder / "detector")
        if self.state.exists():
            self.live = detector.online(state=self.state)
        else:
            self.live = detector.online(history="training")
        self.lock = Lock()

    def extend(self, points: NDArray[Any]) -> list[dict[str, Any]]:
        with self.lock:
            verdicts = self.live.extend(points)
            self.live.save(self.state)
        return [
            {"score": v.score, "threshold": None if np.isnan(v.threshold) else v.threshold, "alarm": v.alarm}
            for v in verdicts
        ]


def create_app(folder: Path) -> FastAPI:
    """The app for the models that `prepare.py` wrote to `folder`."""
    encoder = onnxruntime.InferenceSession(folder / "encoder.onnx", providers=["CPUExecutionProvider"])
    series = LiveSeries(folder)
    app = FastAPI(title="tsrep")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/encode")
    def encode(body: Panel) -> dict[str, Any]:
        panel = _array(body.panel, "panel", 3).astype(np.float32)
        try:
            (vectors,) = encoder.run(["series"], {"panel": panel})
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument as error:
            raise HTTPException(422, f"panel has shape {panel.shape}: {error}") from error
        return {"series": [[None if np.isnan(x) else float(x) for x in vector] for vector in vectors]}

    @app.post("/points")
    def points(body: Points) -> dict[str, Any]:
        try:
            return {"verdicts": series.extend(_array(body.points, "points", 2))}
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    return app


def _array(values: list[Any], name: str, axes: int) -> NDArray[np.float64]:
    """Nested lists as an array, `null` as NaN."""
    try:
        array = np.array(values, dtype=np.float64)
    except ValueError as error:
        raise HTTPException(422, f"{name} has rows of unequal length") from error
    if array.ndim != axes or 0 in array.shape:
        raise HTTPException(422, f"{name} has shape {array.shape}; wanted {axes} axes, none of them empty")
    return array


def __getattr__(name: str) -> Any:
    """`app` for uvicorn, made when it is asked for, of the folder in the variable SERVED."""
    if name == "app":
        return create_app(Path(os.environ.get("SERVED", "served")))
    raise AttributeError(name)
