"""Approximate nearest vectors: a graph of neighbours (HNSW, Malkov and Yashunin, TPAMI 2020), by faiss.

faiss is the extra "index". The graph proposes candidates; `ExactNeighbours` computes their distances.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.neighbours import ExactNeighbours

LINKS = 32  # per vector
BUILD_WIDTH = 200  # candidates looked at where a vector is added
LEAST_WIDTH = 128  # and where one is searched for


def faiss_or_error() -> Any:
    """The module. Raises ModuleNotFoundError, naming the extra, where it is not installed."""
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "approximate=True needs faiss, which is not installed: pip install 'tsrep[index]'"
        ) from error
    return faiss


class ApproximateNeighbours:
    """The vectors of `exact`, searched through a graph. Some of the nearest may be missed; distances are exact.

    Vectors of length 1 are ordered by their Euclidean distance as they are by the cosine distance.
    """

    def __init__(self, exact: ExactNeighbours):
        self.exact = exact
        self.graph = faiss_or_error().IndexHNSWFlat(exact.vectors.shape[1], LINKS)
        self.graph.hnsw.efConstruction = BUILD_WIDTH
        self.graph.add(np.ascontiguousarray(exact.vectors))

    def query(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """See `ExactNeighbours.query`; infinite distances and the index -1 where the graph gave fewer than k."""
        self.graph.hnsw.efSearch = max(LEAST_WIDTH, 2 * k)
        _, found = self.graph.search(np.ascontiguousarray(queries), k)
        distances = np.full((len(queries), k), np.inf)
        indices = np.full((len(queries), k), -1, dtype=np.intp)
        for row, (proposed, query) in enumerate(zip(found, queries, strict=True)):
            nearest = self.exact.nearest_of(proposed[proposed >= 0], query, k)
            distances[row, : len(nearest[0])], indices[row, : len(nearest[1])] = nearest
        return distances, indices
