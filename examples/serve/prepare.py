"""Trains what is served: an encoder as ONNX, and a detector of anomalies in one series. Half a minute on a CPU."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tsrep import TS2Vec
from tsrep.tasks import RepresentationAnomalyDetector


def prepare(
    folder: Annotated[Path, typer.Argument(help="Where the models are written.")] = Path("served"),
    steps: Annotated[int, typer.Option(help="Training steps of the encoder.")] = 200,
) -> None:
    time = np.arange(3000)
    series = np.sin(time / 8) + np.random.default_rng(0).normal(0, 0.1, len(time))
    encoder = TS2Vec(n_components=64, hidden_channels=32, depth=6, max_steps=steps, random_state=0)
    detector = RepresentationAnomalyDetector(encoder, context=100, score="nearest").fit(series)
    detector.save(folder / "detector")
    detector.encoder_.export(folder / "encoder.onnx")
    typer.echo(f"wrote {folder}/encoder.onnx and {folder}/detector")


if __name__ == "__main__":
    typer.run(prepare)
