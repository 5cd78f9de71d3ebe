"""The nearest of many vectors, exactly: products of matrices in blocks of bounded memory.

Candidates are chosen in 32 bit by |x|² / 2 - x·q, which orders vectors as their Euclidean distance from q does; for
the cosine distance the first term is left out and the vectors have length 1. A few more candidates are taken than
asked for, and their distances are computed in 64 bit. Where rounding in 32 bit could have shut out a nearer vector,
the products of that query are repeated in 64 bit. So the result is that of 64 bit at the speed of 32 bit.

Shapes: N vectors, q queries, d components, k neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.scaler import slices

Array = NDArray[Any]

METRICS = ("euclidean", "cosine")
SPARE = 16  # candidates beyond those asked for
PRODUCTS = 2**22  # of vectors and queries at once: 16 MB in 32 bit
QUERIES = 256  # at once


class ExactNeighbours:
    """Vectors (N, d) in 32 bit, ready to be searched.

    Parameters
    ----------
    vectors : float32; of length 1 or 0 for the cosine distance.
    metric : "euclidean" or "cosine". The cosine distance, 1 - cos, from a vector of length 0 is 1.
    """

    def __init__(self, vectors: NDArray[np.float32], metric: str):
        self.vectors = vectors
        self.metric = metric
        squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        self.offsets = squares / 2 if metric == "euclidean" else np.zeros(len(vectors))
        self.longest = float(np.sqrt(squares.max()))

    def query(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Distances (q, k), nearest first, and indices of the nearest vectors; of equal ones the first comes first."""
        distances = np.empty((len(queries), k))
        indices = np.empty((len(queries), k), dtype=np.intp)
        for rows in slices(len(queries), QUERIES):
            scores, found = self.candidates(queries[rows], k + SPARE)
            unsure = []
            for place, row in enumerate(range(rows.start, rows.stop)):
                distances[row], indices[row] = self.nearest_of(found[place], queries[row], k)
                if found.shape[1] < len(self.vectors) and self._may_lack(
                    queries[row], scores[place, -1], distances[row, -1]
                ):
                    unsure.append(row)
            if unsure:
                _, found = self.candidates(queries[unsure].astype(np.float64), k + SPARE)
                for place, row in enumerate(unsure):
                    distances[row], indices[row] = self.nearest_of(found[place], queries[row], k)
        return distances, indices

    def candidates(self, queries: Array, count: int) -> tuple[Array, NDArray[np.intp]]:
        """The `count` lowest scores (q, count), or those of all vectors, and their indices, in the queries' precision.

        The last column is the highest score; the others are in no order.
        """
        count = min(count, len(self.vectors))
        scores = np.empty((len(queries), 0), dtype=queries.dtype)
        indices = np.empty((len(queries), 0), dtype=np.intp)
        for rows in slices(len(self.vectors), PRODUCTS // len(queries)):
            block = self.vectors[rows].astype(queries.dtype, copy=False)
            here = queries @ block.T
            np.subtract(self.offsets[rows].astype(queries.dtype), here, out=here)
            lowest, places = _lowest(here, count)
            scores = np.concatenate([scores, lowest], axis=1)
            indices = np.concatenate([indices, places + rows.start], axis=1)
            scores, places = _lowest(scores, count)
            indices = np.take_along_axis(indices, places, axis=1)
        return scores, indices

    def nearest_of(self, found: Array, query: Array, k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Distances in 64 bit and indices of the k nearest of the vectors `found` (m,) to one query (d,)."""
        found = np.sort(found)
        x, q = self.vectors[found].astype(np.float64), query.astype(np.float64)
        if self.metric == "euclidean":
            distance = np.sqrt(((x - q) ** 2).sum(axis=1))
        else:
            lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(q)
            distance = 1 - np.divide(x @ q, lengths, out=np.zeros(len(x)), where=lengths > 0)
        order = np.argsort(distance, kind="stable")[:k]
        return distance[order].clip(min=0.0), found[order]

    def _may_lack(self, query: Array, highest: float, distance: float) -> bool:
        """Whether a vector nearer than `distance` may have had a score above `highest` by rounding in 32 bit.

        The error of a sum of d products is of the order of sqrt(d) roundings (Higham and Mary, SIAM J. Sci. Comput.
        2019); eight times that is taken.
        """
        length = float(np.linalg.norm(query.astype(np.float64)))
        rounding = 4 * np.sqrt(len(query)) * np.finfo(np.float32).eps * self.longest * (length + self.longest)
        score = (distance**2 - length**2) / 2 if self.metric == "euclidean" else (distance - 1) * length
        return bool(highest - rounding < score)


def unit_length(Z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors (n, d) divided by their lengths; those of length 0 stay."""
    lengths = np.linalg.norm(Z, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return Z / lengths


def _lowest(scores: Array, count: int) -> tuple[Array, NDArray[np.intp]]:
    """The `count` lowest of each row, or all if they are fewer, the highest of them last, and their places."""
    if scores.shape[1] <= count:
        places = np.broadcast_to(np.arange(scores.shape[1]), scores.shape).copy()
        last = scores.argmax(axis=1)
        rows = np.arange(len(scores))
        places[rows, last], places[:, -1] = places[:, -1], last
    else:
        places = np.argpartition(scores, count - 1, axis=1)[:, :count]
    return np.take_along_axis(scores, places, axis=1), places
