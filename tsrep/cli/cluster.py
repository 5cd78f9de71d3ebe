"""`tsrep cluster`: series in, groups of similar ones as a table and a picture out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.encoders import Encoder, encoder_to_use, scale_note
from tsrep.cli.files import TABLE_ENDINGS, checked_folder, checked_out, picture_beside, stem, write_table
from tsrep.cli.options import (
    OUTPUT,
    Checkpoint,
    Clustering,
    Model,
    Plot,
    Root,
    Save,
    Seed,
    Split,
    TrainingSteps,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.series import Series, describe
from tsrep.cli.source import SOURCE_HELP, channel_names, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

if TYPE_CHECKING:
    from tsrep.cli.dataset import Array

MOST_CLUSTERS = 10
"""Of those among which the number of clusters is chosen."""
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


@reads_tables()
def cluster(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help=SOURCE_HELP)],
    *,
    method: Annotated[
        Clustering,
        typer.Option(
            help="kmeans: a given number of clusters; hdbscan: dense groups, the rest is noise (-1)."
        ),
    ] = Clustering.kmeans,
    clusters: Annotated[
        int | None,
        typer.Option(
            help=f"Clusters of kmeans; default: the number from 2 to {MOST_CLUSTERS} with the best silhouette.",
            min=1,
        ),
    ] = None,
    min_size: Annotated[int, typer.Option(help="Series in the smallest cluster of hdbscan.", min=2)] = 5,
    model: Encoder = None,
    max_steps: TrainingSteps = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    split: Annotated[Split, typer.Option(help="The part of a data set given by name.")] = Split.train,
    root: Root = None,
    options: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File with the cluster of each series, .csv or .parquet; default: NAME-clusters.csv.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    plot: Plot = False,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Group series by their representations: by those of a masked model, trained on them without labels.

    The file written has one row per series: its name or number, its label if the source has some, its cluster and its
    distance from the centre of that.
    """
    console = new_console(as_json)
    out = checked_out(out or Path(f"{stem(Path(source))}-clusters.csv"), TABLE_ENDINGS, Path(source))
    picture = picture_beside(out, plot)
    checked_folder(save)
    encoder, fitted = encoder_to_use(
        ctx, model, Model.masked, console, max_steps=max_steps, seed=seed, checkpoint=checkpoint
    )
    series = read_source(source, options, split, root, channel_names(encoder) if fitted else None)
    console.print(describe(source, series), soft_wrap=True)
    X = series.input
    _check_size(len(X), method, clusters, min_size)
    if not fitted and (note := scale_note(encoder, X)) is not None:
        console.print(note, soft_wrap=True)
    if not fitted:
        encoder.fit(X)
        encoder.set_params(checkpoint=None)

    from tsrep.tasks import RepresentationClusterer

    settings: dict[str, Any] = {"method": method.value, "min_cluster_size": min_size, "random_state": seed}
    if method is Clustering.kmeans:
        settings["n_clusters"] = clusters or _best_number(console, encoder, X, settings)
    clusterer = RepresentationClusterer(encoder, prefit=True, **settings).fit(X)
    if save is not None:
        clusterer.save(save)
    found = _clusters(clusterer, X)
    _print_clusters(console, found, series)
    table = _table(found, series)
    write_table(table, out)
    console.print(f"cluster of each series: {escape(str(out))}", soft_wrap=True)
    if picture is not None:
        _draw(found, series, picture, stem(Path(source)))
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    if save is not None:
        console.print(f"clusters saved: {escape(str(save))}", soft_wrap=True)
    print_json(
        as_json,
        method=method,
        silhouette=found.silhouette,
        clusters=_summary(found, series),
        noise=int((found.labels == -1).sum()),
        series=table.to_dict("records"),
        out=out,
        plot=picture,
        saved=save,
    )


def _check_size(count: int, method: Clustering, clusters: int | None, min_size: int) -> None:
    """Raises now what the clustering would raise after the training."""
    name, least = ("clusters", clusters or 2) if method is Clustering.kmeans else ("min-size", min_size)
    if count < least:
        raise ValueError(f"--{name} is {least}, and there are {count} series; wanted at most that many")


def _best_number(console: Console, encoder: Any, X: Any, settings: dict[str, Any]) -> int:
    """The number of clusters of k-means with the best mean silhouette."""
    import numpy as np
    from sklearn.preprocessing import FunctionTransformer

    from tsrep.tasks import RepresentationClusterer
    from tsrep.tasks.representation import with_read_out

    Z = np.asarray(with_read_out(encoder, "rich").transform(X))
    best, number = -np.inf, 1
    with console.status("the number of clusters is chosen"):
        for count in range(2, min(MOST_CLUSTERS, len(Z) - 1) + 1):
            tried = RepresentationClusterer(
                FunctionTransformer(), n_clusters=count, pool=None, **settings
            ).fit(Z)
            if tried.silhouette_ > best:
                best, number = tried.silhouette_, count
    console.print(
        f"of 2 to {MOST_CLUSTERS} clusters, {number} have the best silhouette (--clusters for another number)"
    )
    return number


def _clusters(clusterer: Any, X: Any) -> Clusters:
    """Representations and distances in the space in which the clusters were found."""
    import numpy as np

    from tsrep.tasks.scaler import fit_scaler

    Z = np.asarray(clusterer.encoder_.transform(X)).astype(np.float64)
    Z = fit_scaler(Z).transform(Z)
    distances = np.full(len(Z), np.nan)
    for number in range(clusterer.n_clusters_):
        members = clusterer.labels_ == number
        distances[members] = np.linalg.norm(Z[members] - Z[members].mean(axis=0), axis=1)
    return Clusters(Z, clusterer.labels_, distances, clusterer.silhouettes_, clusterer.silhouette_)


def _summary(found: Clusters, series: Series) -> list[dict[str, Any]]:
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


def _table(found: Clusters, series: Series) -> Any:
    import pandas as pd

    labels = {} if series.y is None else {"label": series.y}
    return pd.DataFrame(
        {"series": series.called, **labels, "cluster": found.labels, "distance": found.distances}
    )


def _print_clusters(console: Console, found: Clusters, series: Series) -> None:
    """Sizes, silhouettes and the series nearest to the centres; agreement with labels where there are some."""
    summary = _summary(found, series)
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


def _draw(found: Clusters, series: Series, picture: Path, title: str) -> None:
    from tsrep.plots import plot_clusters

    nearest = [int(found.nearest(number)[0]) for number in range(len(found.silhouettes))]
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot_clusters(found.Z, found.labels, series.arrays, nearest, title=title).savefig(picture, dpi=150)
