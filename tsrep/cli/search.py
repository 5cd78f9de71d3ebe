"""`tsrep search`: the series, or the stretches of long series, that are most like a query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.encoders import Encoder, encoder_to_use, scale_note
from tsrep.cli.files import (
    TABLE_ENDINGS,
    checked_folder,
    checked_out,
    load_model,
    picture_beside,
    print_saved,
    refuse_with_model,
    stem,
    write_table,
)
from tsrep.cli.options import (
    OUTPUT,
    Checkpoint,
    Metric,
    Model,
    Plot,
    Root,
    Seed,
    Split,
    TrainingSteps,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.queries import Query, check_queries, query_in
from tsrep.cli.series import Series, describe
from tsrep.cli.source import SOURCE_HELP, channel_names, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

if TYPE_CHECKING:
    import pandas as pd


SHOWN_ROWS = 20
DECIDED = ("metric", "model", "max_steps", "seed", "checkpoint", "save")
"""What a saved index decides, or has no use for."""
SAME = 1e-3
"""Distance up to which two representations are of the same series, as a share of the longest one."""


@reads_tables()
def search(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help=SOURCE_HELP)],
    query: Annotated[
        str,
        typer.Option(
            help="A file or folder of series to look for; or one of SOURCE by its name or number, with --sub also a "
            "stretch of it: NAME:START:STOP, or START:STOP in a single series, in steps."
        ),
    ],
    *,
    k: Annotated[int, typer.Option("-k", "--number", help="Matches per query.", min=1)] = 5,
    sub: Annotated[
        bool,
        typer.Option(
            "--sub", help="Search among all stretches that are as long as the query, not whole series."
        ),
    ] = False,
    metric: Annotated[Metric, typer.Option(help="Distance of two representations.")] = Metric.euclidean,
    model: Encoder = None,
    max_steps: TrainingSteps = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    saved_index: Annotated[
        Path | None,
        typer.Option("--index", help="Folder of the saved index of SOURCE: only the query is encoded."),
    ] = None,
    split: Annotated[Split, typer.Option(help="The part of a data set given by name.")] = Split.train,
    root: Root = None,
    options: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for the matches, .csv or .parquet; default: NAME-matches.csv.", rich_help_panel=OUTPUT
        ),
    ] = None,
    plot: Plot = False,
    save: Annotated[
        Path | None, typer.Option(help="Folder to save the index in, for --index.", rich_help_panel=OUTPUT)
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the series that are most like a query, by the representations of a masked model, trained on SOURCE.

    Stretches that are found do not overlap, and a query that was taken from SOURCE does not find itself. The file
    written has one row per query and match, nearest first. The picture shows the first query above its matches.

    With the folder of a saved index as --index nothing is trained, and the series of SOURCE are not encoded again.
    """
    console = new_console(as_json)
    out = checked_out(
        out or Path(f"{stem(Path(source))}-matches.csv"), TABLE_ENDINGS, Path(source), Path(query)
    )
    picture = picture_beside(out, plot)
    checked_folder(save)
    index = None if saved_index is None else _loaded(ctx, saved_index, sub)
    if index is not None:
        encoder, fitted, sub = index.encoder_, True, index.window is not None
    else:
        encoder, fitted = encoder_to_use(
            ctx, model, Model.masked, console, max_steps=max_steps, seed=seed, checkpoint=checkpoint
        )
    series = read_source(source, options, split, root, channel_names(encoder) if fitted else None)
    console.print(describe(source, series), soft_wrap=True)
    if Path(query).exists():
        channels = None if series.frames is None else [str(name) for name in series.frames[0].columns]
        given = read_source(query, options, split, root, channels)
        console.print(describe(query, given), soft_wrap=True)
        queries = [Query(name, values) for name, values in zip(given.called, given.arrays, strict=True)]
    else:
        queries = [query_in(series, query, sub)]
    check_queries(series, queries, k, sub)
    if index is not None:
        _check_index(index, series, queries)
        console.print("a saved index: nothing is learned from this source")
    else:
        if not fitted and (note := scale_note(encoder, series.input)) is not None:
            console.print(note, soft_wrap=True)
        window = queries[0].values.shape[1] if sub else None
        index = _fitted(encoder, fitted, series, window, metric)
        if save is not None:
            index.save(save)
    table = _matches(index, series, queries, k)
    write_table(table, out)
    _print_matches(console, table)
    console.print(f"all matches: {escape(str(out))}", soft_wrap=True)
    if picture is not None:
        _draw(queries[0], table[table["query"] == queries[0].name], series, picture)
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    if save is not None:
        use = ["tsrep", "search", source, "--index", str(save), "--query", "NAME"]
        print_saved(console, ctx, "index", save, use)
    print_json(as_json, matches=table.to_dict("records"), out=out, plot=picture, saved=save)


def _loaded(ctx: typer.Context, folder: Path, sub: bool) -> Any:
    """The index in a folder."""
    from tsrep.tasks import SeriesIndex

    refuse_with_model(ctx, "the saved index", *DECIDED, option="--index")
    index = load_model(folder, lambda model: isinstance(model, SeriesIndex), "an index", option="--index")
    if sub and index.window is None:
        raise ValueError(f"--index {folder} holds whole series; wanted one that was made with --sub")
    return index


def _check_index(index: Any, series: Series, queries: list[Query]) -> None:
    """Raises unless the index has the places of these series, and finds the first and the last one."""
    import numpy as np

    from tsrep.data import as_panel
    from tsrep.tasks.subseries import places_of_windows, windows_at

    panel, window = as_panel(series.X), index.window
    if window is None:
        same, known = len(panel) == len(index.vectors_), panel[[0, -1]]
    else:
        if queries[0].values.shape[1] != window:
            raise ValueError(
                f"the query has {queries[0].values.shape[1]} steps; wanted {window}, as the stretches in the index have"
            )
        numbers, starts = places_of_windows(panel, window)
        same = np.array_equal(numbers, index.series_) and np.array_equal(starts, index.starts_)
        known = windows_at(panel, numbers[[0, -1]], starts[[0, -1]], window) if same else panel
    longest = np.linalg.norm(index.vectors_, axis=1).max()
    if not same or index.query(known, k=1).distances.max() > SAME * longest:
        raise ValueError("--index holds other series than the source; make it again with --save")


def _fitted(encoder: Any, fitted: bool, series: Series, window: int | None, metric: Metric) -> Any:
    """The index of the series, or with `window` of all their stretches of `window` steps."""
    from tsrep.data import as_panel
    from tsrep.tasks import SeriesIndex

    index = SeriesIndex(encoder, window=window, metric=metric.value, prefit=fitted)
    return index.fit(series.input if window is None else as_panel(series.X))


def _matches(index: Any, series: Series, queries: list[Query], k: int) -> pd.DataFrame:
    """One row per query and match, nearest first."""
    import numpy as np
    import pandas as pd

    from tsrep.data import as_panel
    from tsrep.tasks.index import Matches

    window = index.window
    found = index.query(as_panel([query.values for query in queries]), k=min(k + 1, len(index.vectors_)))
    starts = found.starts if isinstance(found, Matches) else np.zeros_like(found.indices)
    lines = []
    for query, *hits in zip(queries, found.indices, starts, found.distances, strict=True):
        others = [hit for hit in zip(*hits, strict=True) if hit[0] >= 0 and tuple(hit[:2]) != query.place]
        for rank, (number, start, distance) in enumerate(others[:k], start=1):
            line = {"query": query.name, "rank": rank, "series": series.called[number], "distance": distance}
            if window is not None:
                line |= {"start": int(start), "stop": int(start) + window}
                if series.frames is not None:
                    line["time"] = series.frames[number].index[start]
            lines.append(line)
    return pd.DataFrame(lines)


def _print_matches(console: Console, table: Any) -> None:
    title = f"the first {SHOWN_ROWS} of {len(table)} matches" if len(table) > SHOWN_ROWS else None
    text = TextTable(*table.columns, title=title)
    for row in table.head(SHOWN_ROWS).itertuples(index=False):
        text.add_row(*(f"{value:.3g}" if isinstance(value, float) else escape(str(value)) for value in row))
    console.print(text)


def _draw(query: Query, matches: Any, series: Series, picture: Path) -> None:
    from tsrep.plots import plot_matches

    places = [str(name) for name in series.called]
    values, titles = [], []
    for row in matches.to_dict("records"):
        whole = series.arrays[places.index(str(row["series"]))]
        values.append(whole[:, row["start"] : row["stop"]] if "start" in row else whole)
        name = f"series {row['series']}" if len(places) > 1 else "the series"
        where = f" at {row.get('time', row['start'])}" if "start" in row else ""
        titles.append(f"{name}{where}: distance {row['distance']:.3g}")
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot_matches(query.values, values, titles, title=f"{query.name} and what is most like it").savefig(
        picture, dpi=150
    )
