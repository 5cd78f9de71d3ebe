"""Clusters of series: those that a fit found or in which a saved clusterer puts new series, printed and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.series import Series

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array

SHOWN_CLUSTERS = 30
SHOWN_NAMES = 3


@dataclass(frozen=True)
class Clusters:
    """Clusters of n series.

    Attributes
    ----------
    Z : (n, d) standardised representations.
    labels : (n,) cluster of each, -1 for noise.
    distances : (n,) from the centre of the own cluster, NaN for noise.
    silhouettes, silhouette : of each cluster and of all.
    """

    Z: Array
    labels: Array
    distances: Array
    silhouettes: Array
    silhouette: float

    def nearest(self, cluster: int) -> Array:
        """The members of a cluster, that nearest to its centre first."""
        members = (self.labels == cluster).nonzero()[0]
        return members[self.distances[members].argsort(kind="stable")]


def found_by(clusterer: Any, X: Any) -> Clusters:
    """The clusters of the series `X` that a clusterer was fitted on, in the space in which they were found."""
    import numpy as np

    from tsrep.tasks.scaler import fit_scaler

    Z = np.asarray(clusterer.encoder_.transform(X)).astype(np.float64)
    Z = fit_scaler(Z).transform(Z)
    distances = np.full(len(Z), np.nan)
    for number in range(clusterer.n_clusters_):
        members = clusterer.labels_ == number
        distances[members] = np.linalg.norm(Z[members] - Z[members].mean(axis=0), axis=1)
    return Clusters(Z, clusterer.labels_, distances, clusterer.silhouettes_, clusterer.silhouette_)


def placed_by(clusterer: Any, X: Any) -> Clusters:
    """The clusters of a fitted k-means that the series `X` are nearest to."""
    import numpy as np

    from tsrep.tasks.cluster import silhouettes

    scaler, kmeans = (step for _, step in clusterer.model_.steps)
    Z = scaler.transform(np.asarray(clusterer.encoder_.transform(X)).astype(np.float64))
    labels = kmeans.predict(Z).astype(np.int64)
    of_each, overall = silhouettes(Z, labels, seed=0)
    of_each = np.concatenate([of_each, np.full(clusterer.n_clusters_ - len(of_each), np.nan)])
    return Clusters(Z, labels, kmeans.transform(Z).min(axis=1), of_each, overall)


def summary_of(found: Clusters, series: Series) -> list[dict[str, Any]]:
    """Number, size, silhouette and the nearest series of each cluster."""
    called = series.called
    return [
        {
            "cluster": number,
            "size": len(members),
            "silhouette": float(silhouette),
            "nearest": [called[member] for member in members[:SHOWN_NAMES]],
        }
        for number, silhouette in enumerate(found.silhouettes)
        for members in [found.nearest(number)]
    ]


def table_of(found: Clusters, series: Series) -> Any:
    import pandas as pd

    labels = {} if series.y is None else {"label": series.y}
    return pd.DataFrame(
        {"series": series.called, **labels, "cluster": found.labels, "distance": found.distances}
    )


def print_clusters(console: Console, found: Clusters, series: Series) -> None:
    """Sizes, silhouettes and the series nearest to the centres; agreement with labels where there are some."""
    summary = summary_of(found, series)
    title = f"the first {SHOWN_CLUSTERS} of {len(summary)}" if len(summary) > SHOWN_CLUSTERS else None
    table = TextTable("cluster", "series", "silhouette", "nearest to the centre", title=title)
    for row in summary[:SHOWN_CLUSTERS]:
        nearest = ", ".join(map(str, row["nearest"]))
        table.add_row(str(row["cluster"]), str(row["size"]), f"{row['silhouette']:.2f}", escape(nearest))
    console.print(table)
    noise = int((found.labels == -1).sum())
    if noise:
        console.print(f"{noise} of {len(found.labels)} series are in no cluster")
    if summary:
        console.print(f"mean silhouette {found.silhouette:.2f}, from -1 to 1: how far apart the clusters are")
    if series.y is not None:
        from sklearn.metrics import adjusted_rand_score

        agreement = adjusted_rand_score(series.y.astype(str), found.labels)
        console.print(
            f"adjusted Rand index with the labels: {agreement:.2f} (1: the same groups, 0: by chance)"
        )


def draw(found: Clusters, series: Series, picture: Path, title: str) -> None:
    from tsrep.plots import plot_clusters

    members = [found.nearest(number) for number in range(len(found.silhouettes))]
    nearest = [int(each[0]) if len(each) else None for each in members]
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot_clusters(found.Z, found.labels, series.arrays, nearest, title=title).savefig(picture, dpi=150)
