"""One long recording, encoded step by step: the electrocardiogram that sktime bundles as `mitdb`.

7,500 values of one lead, with one stretch labelled as abnormal. The label is shown in the figure and not used
otherwise. The file states no sampling rate; 360 values per second is that of the database it is named after (the
MIT-BIH Arrhythmia Database), and gives a plausible 75 beats per minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLING_RATE = 360.0
PIECE = 360  # steps of a training window: one second, a little more than a beat
BATCH = 4  # half of the default: there are only 20 windows, and the demonstration should be quick
SHOWN = slice(4860, 7500)  # the last third, with the labelled stretch


@dataclass(frozen=True)
class Encoded:
    """The recording (t,), its labelled stretch, and one representation per step (t, d)."""

    series: NDArray[Any]
    labelled: tuple[int, int]
    representation: NDArray[Any]
    history: list[dict[str, Any]]
    seconds: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json: everything but the arrays."""
        return {
            "length": len(self.series),
            "labelled": list(self.labelled),
            "n_dimensions": self.representation.shape[1],
            "seconds": dict(self.seconds),
            "steps": len(self.history),
            "loss": [record["loss"] for record in self.history],
        }


def read_electrocardiogram() -> tuple[NDArray[Any], tuple[int, int]]:
    """The values (t,) as they are in the file, and the first and one past the last step labelled as abnormal.

    Raises
    ------
    FileNotFoundError
        If the installed sktime does not bundle the recording.
    """
    found = find_spec("sktime")
    folder = Path(next(iter(found.submodule_search_locations or ()))) if found else Path("sktime")
    path = folder / "datasets" / "data" / "mitdb" / "mitdb.csv"
    if not path.is_file():
        raise FileNotFoundError(f"the recording mitdb, which sktime bundles, is not at {path}")
    values, labels = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    marked = np.flatnonzero(labels)
    return values, (int(marked[0]), int(marked[-1]) + 1)


def encode_recording(seed: int, max_steps: int | None, verbose: int) -> Encoded:
    """Train on windows of the recording and encode every step of it."""
    from tsrep import TS2Vec
    from tsrep.bench.stopwatch import Stopwatch

    series, labelled = read_electrocardiogram()
    X = ((series - series.mean()) / series.std())[None, None]
    watch = Stopwatch()
    encoder = TS2Vec(
        max_train_length=PIECE, batch_size=BATCH, max_steps=max_steps, random_state=seed, verbose=verbose
    ).fit(X)
    watch.seconds["train"] = encoder.history_[-1]["seconds"]  # of the steps alone
    with watch("encode"):
        representation = encoder.encode(X)[0]
    return Encoded(series, labelled, representation, encoder.history_, watch.seconds)
