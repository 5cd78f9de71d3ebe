"""The section of a file of representations or of another array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tsrep import report
from tsrep.data.arrays import read_array, read_arrays

MOST_POINTS = 5000  # of a map


def array_section(title: str, path: Path) -> str:
    """Shapes and types, and a map of the vectors in an array (n, d) or in `Z` of an archive."""
    named = read_arrays(path) if path.suffix == ".npz" else {"array": read_array(path)}
    rows = [(name, " x ".join(map(str, array.shape)), str(array.dtype)) for name, array in named.items()]
    blocks = [report.table(["name", "shape", "type"], rows)]
    vectors = named.get("Z", named.get("array"))
    if vectors is not None and vectors.ndim == 2 and min(vectors.shape) > 2 and vectors.dtype.kind == "f":
        blocks.insert(0, report.figure(_map(vectors, named.get("y")), "The vectors on their two main axes."))
    return report.section(title, *blocks)


def _map(vectors: np.ndarray, labels: np.ndarray | None) -> Figure:
    from tsrep.plots import plot_map

    known = np.isfinite(vectors).all(axis=1)
    rows = np.flatnonzero(known)
    if len(rows) > MOST_POINTS:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:MOST_POINTS])
    labels = np.full(len(vectors), -1) if labels is None or labels.shape != vectors.shape[:1] else labels
    return plot_map(vectors[rows], labels[rows])
