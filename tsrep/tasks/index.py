"""Search for similar series: the nearest representations among many, of whole series or of all their windows."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from tsrep.base.fitting import atomic
from tsrep.base.parameters import (
    boolean,
    check_parameters,
    check_unchanged,
    current_values,
    integer,
    is_integer,
    number,
    one_of,
    out_of_range,
)
from tsrep.base.saving import Tensors
from tsrep.data import as_panel, is_flat
from tsrep.tasks.approximate import ApproximateNeighbours, faiss_or_error
from tsrep.tasks.neighbours import METRICS, ExactNeighbours, unit_length
from tsrep.tasks.saved_probe import probe_from_tensor, probe_to_tensor
from tsrep.tasks.scaler import VALUES_AT_ONCE, fit_scaler, slices
from tsrep.tasks.subseries import (
    apart_from_better,
    least_distance,
    most_suppressed,
    places_of_windows,
    side_by_side,
    windows_at,
)
from tsrep.tasks.task import RepresentationTask

REPRESENTATIONS = {"input_name": "the representation"}
RANGES = {
    "window": integer(1, none=True),
    "metric": one_of(*METRICS),
    "overlap": number(0, 1),
    "standardise": boolean(),
    "approximate": boolean(),
    "prefit": boolean(),
}
FIXED_BY_FIT = ("window", "metric", "standardise", "approximate")
"""Parameters that decide on what is in the index."""


class Neighbours(NamedTuple):
    """The nearest series.

    Attributes
    ----------
    distances : (q, k), nearest first.
    indices : (q, k), numbers of series in the panel that was fitted.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]


class Matches(NamedTuple):
    """The nearest sub-series.

    Attributes
    ----------
    distances : (q, k), nearest first; infinite where there are fewer than k matches.
    indices : (q, k), numbers of series in the panel that was fitted; -1 where there are fewer.
    starts : (q, k), first step of the sub-series in its series; -1 where there are fewer.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]
    starts: NDArray[np.int64]


class SeriesIndex(RepresentationTask):
    """An encoder, and the representations of many series, to be searched for the nearest ones.

    Parameters
    ----------
    encoder : transformer
        Any object with `fit(X)` and `transform(X)` that gives (n_instances, n_features). A clone of it is fitted, on
        the series, or with `window` on the series cut into windows that do not overlap.
    window : None searches among whole series. A number of steps searches among all sub-series of that length; each is
        encoded as a series of its own, so that a query is at the distance 0 from where it was cut out.
    metric : {"euclidean", "cosine"}
        Distance of two representations; the cosine distance is 1 minus the cosine.
    overlap : share of `window` that two matches of one series may have in common, from 0 (none) to 1 (all windows
        count). Of two that have more, the nearer one is a match.
    standardise : whether components are standardised by the representations in the index.
    approximate : True searches through a graph of neighbours, which finds most of the nearest in much less time (extra
        "index"). Distances are exact.
    prefit : True uses `encoder` itself, already fitted.

    Attributes
    ----------
    encoder_ : the fitted encoder
    vectors_ : (N, n_features) float32, what is searched: standardised, for the cosine distance of length 1
    series_, starts_ : (N,), with `window` only: the series and the first step of each vector

    Notes
    -----
    The exact search takes time in proportion to N. Among 1,000,000 vectors one core computes 26 ms per query with 64
    components and 43 ms with 128, and 16 and 18 ms where 64 queries come together. With `window` the index has a vector
    per step of the series: 4 bytes per component. Sub-series are inside their series and have at least one observed
    value.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> import numpy as np
    >>> X = np.sin(np.outer(np.linspace(1, 2, 40), np.linspace(0, 6, 30)))
    >>> distances, indices = SeriesIndex(PCA(3)).fit(X).query(X[7:8], k=3)
    >>> indices
    array([[7, 8, 6]])
    """

    _FITTED = ("_fixed", "_flat")

    def __init__(
        self,
        encoder: Any,
        window: int | None = None,
        metric: str = "euclidean",
        overlap: float = 0.0,
        standardise: bool = True,
        approximate: bool = False,
        prefit: bool = False,
    ) -> None:
        self.encoder = encoder
        self.window = window
        self.metric = metric
        self.overlap = overlap
        self.standardise = standardise
        self.approximate = approximate
        self.prefit = prefit

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the encoder on the panel `X` and keep the representations of its series; `y` is ignored.

        Raises
        ------
        ValueError
            A parameter is out of range, or no series is as long as `window`.
        ModuleNotFoundError
            `approximate` is True and the extra "index" is not installed.
        """
        check_parameters(self, RANGES)
        if self.approximate:
            faiss_or_error()
        self._fixed = current_values(self, FIXED_BY_FIT)
        for name in ("series_", "starts_"):
            self.__dict__.pop(name, None)
        Z = self._fit_encoder(X) if self.window is None else self._fit_windows(X, self.window)
        centre = self.standardise or self.metric == "euclidean"
        self.scaler_ = fit_scaler(check_array(Z, **REPRESENTATIONS), centre=centre, scale=self.standardise)
        vectors = np.empty(Z.shape, dtype=np.float32)
        for rows in slices(len(Z), VALUES_AT_ONCE // Z.shape[1]):
            vectors[rows] = self._comparable(Z[rows])
        self._set_vectors(vectors)
        return self

    def query(self, X: Any, k: int = 5) -> Neighbours | Matches:
        """The `k` nearest to each of the series `X`: series without `window`, sub-series with it.

        Parameters
        ----------
        X : what the encoder takes; with `window` a panel of series of that many steps, (q, c, window) or (q, window).
        k : matches per query, at most as many as the index has vectors.

        Returns
        -------
        `Neighbours` (distances, indices), or with `window` `Matches` (distances, indices, starts). A series of the
        index is its own nearest one.

        Raises
        ------
        ValueError
            `k` is out of range, `X` has another length than `window`, or a parameter has changed since the fit.
        """
        check_is_fitted(self, "vectors_")
        check_unchanged(self, self._fixed)
        if not is_integer(k) or not 1 <= k <= len(self.vectors_):
            raise out_of_range("k", k, f"an integer from 1 to {len(self.vectors_)}, the size of the index")
        if self.window is None:
            return Neighbours(*self._search.query(self._comparable(self._represent(X)), int(k)))
        windows = as_panel(X)
        if windows.shape[2] != self.window:
            raise ValueError(f"X has {windows.shape[2]} steps; wanted {self.window}, as window has")
        return self._matches(self._comparable(self._represent(self._as_fitted(windows))), int(k), self.window)

    def _matches(self, queries: NDArray[np.float32], k: int, window: int) -> Matches:
        check_parameters(self, {"overlap": RANGES["overlap"]})
        apart = least_distance(window, self.overlap)
        count = min(most_suppressed(k, apart), len(self.vectors_))
        distances = np.full((len(queries), k), np.inf)
        indices, starts = np.full((2, len(queries), k), -1)
        for rows in slices(len(queries), VALUES_AT_ONCE // count):
            found = zip(*self._search.query(queries[rows], count), strict=True)
            for row, (distance, place) in enumerate(found, start=rows.start):
                series, start = self.series_[place], self.starts_[place]
                kept = apart_from_better(series, start, apart, k)
                distances[row, : len(kept)] = distance[kept]
                indices[row, : len(kept)], starts[row, : len(kept)] = series[kept], start[kept]
        return Matches(distances, indices, starts)

    def _fit_windows(self, X: Any, window: int) -> NDArray[Any]:
        """Sets the encoder and the places of all windows; their representations."""
        panel = as_panel(X)
        self._flat = is_flat(X)
        self.series_, self.starts_ = places_of_windows(panel, window)
        if not len(self.series_):
            raise out_of_range("window", window, "at most the observed steps of the longest series in X")
        apart = side_by_side(self.series_, self.starts_, window)
        some = windows_at(panel, self.series_[apart], self.starts_[apart], window)
        self.encoder_ = self._fitted_encoder(self._as_fitted(some))
        self._adopt_width()
        Z = np.empty((0, 0), dtype=np.float32)
        for rows in slices(len(self.series_), VALUES_AT_ONCE // (panel.shape[1] * window)):
            windows = windows_at(panel, self.series_[rows], self.starts_[rows], window)
            z = self._represent(self._as_fitted(windows))
            if rows.start == 0:
                Z = np.empty((len(self.series_), z.shape[1]), dtype=np.float32)
            Z[rows] = z
        return Z

    def _as_fitted(self, windows: NDArray[Any]) -> NDArray[Any]:
        """Windows (m, c, w) with as many axes as the panel that was fitted."""
        if not self._flat:
            return windows
        if windows.shape[1] > 1:
            raise ValueError(f"X has {windows.shape[1]} channels; wanted 1, as in the fit")
        return windows[:, 0]

    def _comparable(self, Z: NDArray[Any]) -> NDArray[np.float32]:
        """Representations as they are compared: centred or standardised, for the cosine distance of length 1."""
        checked = check_array(Z, dtype=np.float64, **REPRESENTATIONS)
        vectors = self.scaler_.transform(checked).astype(np.float32)
        return unit_length(vectors) if self.metric == "cosine" else vectors

    def _set_vectors(self, vectors: NDArray[np.float32]) -> None:
        self.vectors_ = vectors
        exact = ExactNeighbours(vectors, self.metric)
        self._search = ApproximateNeighbours(exact) if self.approximate else exact

    # On disk

    def _tensors(self) -> Tensors:
        check_unchanged(self, self._fixed)
        arrays: dict[str, NDArray[Any]] = {"vectors": self.vectors_}
        if self.window is not None:
            arrays |= {"series": self.series_, "starts": self.starts_}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return {"index": {**tensors, "scaler": probe_to_tensor(self.scaler_)}}

    def _restore(self, tensors: Tensors) -> None:
        saved = tensors["index"]
        self.scaler_, _ = probe_from_tensor(saved["scaler"])
        if self.window is not None:
            self.series_, self.starts_ = saved["series"].numpy(), saved["starts"].numpy()
        self._set_vectors(saved["vectors"].numpy())
