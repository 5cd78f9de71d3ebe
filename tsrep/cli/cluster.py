"""`tsrep cluster`: series in, groups of similar ones as a table and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from tsrep.cli.clusters import draw, found_by, placed_by, print_clusters, summary_of, table_of
from tsrep.cli.encoders import Encoder, encoder_to_use, saved_task, scale_note
from tsrep.cli.files import (
    TABLE_ENDINGS,
    checked_folder,
    checked_out,
    new_source,
    picture_beside,
    print_saved,
    refuse_with_model,
    stem,
    write_table,
)
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
from tsrep.cli.series import describe
from tsrep.cli.source import SOURCE_HELP, channel_names, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

MOST_CLUSTERS = 10
"""Of those among which the number of clusters is chosen."""
DECIDED = ("method", "clusters", "min_size", "max_steps", "seed", "checkpoint", "save")
"""What a saved clusterer decides, or has no use for."""


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

    With the folder of saved clusters as --model nothing is trained: each series is put into the nearest of them.
    """
    console = new_console(as_json)
    out = checked_out(out or Path(f"{stem(Path(source))}-clusters.csv"), TABLE_ENDINGS, Path(source))
    picture = picture_beside(out, plot)
    checked_folder(save)
    saved = saved_task(model, _is_clusterer)
    if saved is not None:
        refuse_with_model(ctx, "the saved clusterer", *DECIDED)
        encoder, fitted = saved.encoder_, True
    else:
        encoder, fitted = encoder_to_use(
            ctx, model, Model.masked, console, max_steps=max_steps, seed=seed, checkpoint=checkpoint
        )
    series = read_source(source, options, split, root, channel_names(encoder) if fitted else None)
    console.print(describe(source, series), soft_wrap=True)
    X = series.input
    if saved is not None:
        console.print("saved clusters: nothing is learned from this source")
        found = placed_by(saved, X)
    else:
        _check_size(len(X), method, clusters, min_size)
        if not fitted:
            if (note := scale_note(encoder, X)) is not None:
                console.print(note, soft_wrap=True)
            encoder.fit(X)
            encoder.set_params(checkpoint=None)
        clusterer = _fitted(console, encoder, X, method, clusters, min_size, seed)
        if save is not None:
            clusterer.save(save)
        found = found_by(clusterer, X)
    print_clusters(console, found, series)
    table = table_of(found, series)
    write_table(table, out)
    console.print(f"cluster of each series: {escape(str(out))}", soft_wrap=True)
    if picture is not None:
        draw(found, series, picture, stem(Path(source)))
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    if save is not None:
        words = ["cluster"] if method is Clustering.kmeans else ["encode", "--out", "Z.npz"]
        use = ["tsrep", words[0], new_source(source), "--model", str(save), *words[1:]]
        print_saved(console, ctx, "clusters", save, use)
    print_json(
        as_json,
        method=method,
        silhouette=found.silhouette,
        clusters=summary_of(found, series),
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


def _is_clusterer(model: Any) -> bool:
    from tsrep.tasks import RepresentationClusterer

    if isinstance(model, RepresentationClusterer) and model.method != "kmeans":
        raise ValueError(
            f"--model holds clusters of {model.method}, which have no centres that new series could be near to; wanted "
            "clusters of kmeans, or an encoder"
        )
    return isinstance(model, RepresentationClusterer)


def _fitted(
    console: Console,
    encoder: Any,
    X: Any,
    method: Clustering,
    clusters: int | None,
    min_size: int,
    seed: int,
) -> Any:
    """The clusterer of the series `X`, on a fitted encoder."""
    from tsrep.tasks import RepresentationClusterer

    settings: dict[str, Any] = {"method": method.value, "min_cluster_size": min_size, "random_state": seed}
    if method is Clustering.kmeans:
        settings["n_clusters"] = clusters or _best_number(console, encoder, X, settings)
    return RepresentationClusterer(encoder, prefit=True, **settings).fit(X)


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
    if number == 1:
        console.print("the series do not differ by groups: one cluster (--clusters for another number)")
        return number
    console.print(
        f"of 2 to {MOST_CLUSTERS} clusters, {number} have the best silhouette (--clusters for another number)"
    )
    return number
