"""Clusters of representations, as a clusterer of sktime."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from numpy.typing import NDArray
from sktime.clustering.base import BaseClusterer

from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, tiny_masked, tiny_ts2vec
from tsrep.interop.sktime.frames import PANELS, as_instances
from tsrep.tasks import RepresentationClusterer


class TSRepClusterer(TakesEncoder, BaseClusterer):
    """k-means on the representations of whole series.

    Series of any length, with gaps and several channels.

    Parameters
    ----------
    n_clusters : number of clusters.
    encoder : "ts2vec", "masked", or an encoder with `fit(X)` and `transform(X)`. A fitted one is used as it is.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of k-means, and of an encoder that is named or has none of its own.

    Attributes
    ----------
    clusterer_ : the fitted `tsrep.tasks.RepresentationClusterer`, which has silhouettes too.
    labels_ : (n,) cluster of each series of `fit`.

    Examples
    --------
    >>> from sktime.datasets import load_unit_test
    >>> from tsrep.interop.sktime import TSRepClusterer
    >>> X, _ = load_unit_test(split="train")
    >>> clusterer = TSRepClusterer(n_clusters=2, max_steps=2, random_state=0).fit(X)
    >>> sorted(set(clusterer.labels_.tolist()))
    [0, 1]
    """

    _tags = {
        **TAGS,
        "X_inner_mtype": PANELS[0],
        "capability:unequal_length": True,
    }

    _X_metadata: Any

    def __init__(
        self,
        n_clusters: int = 8,
        encoder: Any = "ts2vec",
        max_steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.encoder = encoder
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        clusterer = RepresentationClusterer(
            self._new_encoder(), n_clusters=self.n_clusters, random_state=self.random_state
        )
        self.clusterer_ = clusterer.fit(as_instances(X))
        self.labels_ = self.clusterer_.labels_
        self._metadata_in_fit = self._X_metadata
        return self

    def _predict(self, X: pd.DataFrame, y: Any = None) -> NDArray[Any]:
        self._X_metadata = (
            self._metadata_in_fit
        )  # sktime has set it to that of the new X; predict must change nothing
        return self.clusterer_.predict(as_instances(X))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [
            {"n_clusters": 2, "encoder": tiny_ts2vec(), "random_state": 0},
            {"n_clusters": 3, "encoder": tiny_masked(), "random_state": 0},
        ]
