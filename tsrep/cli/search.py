"""`tsrep search`: the series, or the stretches of long series, that are most like a query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from tsrep.cli.encoders import Encoder, encoder_to_use, scale_note
from tsrep.cli.files import TABLE_ENDINGS, checked_out, picture_beside, stem, write_table
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
from tsrep.cli.series import Series, describe
from tsrep.cli.source import SOURCE_HELP, channel_names, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

if TYPE_CHECKING:
    import pandas as pd

    from tsrep.cli.dataset import Array

SHOWN_ROWS = 20


@dataclass(frozen=True)
class Query:
    """A series to look for.

    Attributes
    ----------
    name : what it is called.
    values : (c, t).
    place : (series, first step) of the source that it was taken from, None if it comes from elsewhere.
    """

    name: str
    values: Array
    place: tuple[int, int] | None = None


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
    as_json: Json = False,
) -> None:
    """Find the series that are most like a query, by the representations of a masked model, trained on SOURCE.

    Stretches that are found do not overlap, and a query that was taken from SOURCE does not find itself. The file
    written has one row per query and match, nearest first. The picture shows the first query above its matches.
    """
    console = new_console(as_json)
    out = checked_out(
        out or Path(f"{stem(Path(source))}-matches.csv"), TABLE_ENDINGS, Path(source), Path(query)
    )
    picture = picture_beside(out, plot)
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
    _check(series, queries, k, sub)
    if not fitted and (note := scale_note(encoder, series.input)) is not None:
        console.print(note, soft_wrap=True)
    table = _matches(encoder, fitted, series, queries, k, sub, metric)
    write_table(table, out)
    _print_matches(console, table)
    console.print(f"all matches: {escape(str(out))}", soft_wrap=True)
    if picture is not None:
        _draw(queries[0], table[table["query"] == queries[0].name], series, picture)
        console.print(f"picture: {escape(str(picture))}", soft_wrap=True)
    print_json(as_json, matches=table.to_dict("records"), out=out, plot=picture)


def query_in(series: Series, text: str, sub: bool) -> Query:
    """The series of the source, or with `sub` the stretch of one, that `text` names.

    Raises
    ------
    ValueError
        There is no such series or stretch.
    """
    called, arrays = [str(name) for name in series.called], series.arrays
    name, bounds = text, None
    parts = text.split(":")
    if text not in called and len(parts) in (2, 3) and all(part.strip().isdecimal() for part in parts[-2:]):
        bounds = int(parts[-2]), int(parts[-1])
        name = parts[0] if len(parts) == 3 else called[0]
        if len(parts) == 2 and len(called) > 1:
            raise ValueError(
                f"--query is {text!r}, and there are {len(called)} series; wanted NAME:START:STOP"
            )
    if name not in called and name.isdecimal() and int(name) < len(called):
        name = called[int(name)]
    if name not in called:
        among = f"one of {called[0]}, ..., {called[-1]}, or a number below {len(called)}"
        raise ValueError(
            f"--query is {text!r}, no file and no series of the source; wanted a file, or {among}"
        )
    index = called.index(name)
    if bounds is None:
        return Query(name, arrays[index], (index, 0))
    if not sub:
        raise ValueError(f"--query is {text!r}, a stretch of a series; wanted --sub with it")
    start, stop = bounds
    steps = arrays[index].shape[1]
    if not start < stop <= steps:
        raise ValueError(
            f"--query is {text!r}; wanted START below STOP, and STOP at most {steps}, the series' steps"
        )
    return Query(text, arrays[index][:, start:stop], (index, start))


def _check(series: Series, queries: list[Query], k: int, sub: bool) -> None:
    """Raises now what the search would raise after the training."""
    arrays = series.arrays
    for query in queries:
        if len(query.values) != len(arrays[0]):
            raise ValueError(
                f"query {query.name} has {len(query.values)} channels; wanted {len(arrays[0])}, as the source has"
            )
    if not sub:
        others = len(arrays) - (queries[0].place is not None)
        if k > others:
            raise ValueError(
                f"-k is {k}; wanted at most {others}, the series that can be found (--sub for stretches)"
            )
        return
    lengths = {query.values.shape[1] for query in queries}
    longest = max(values.shape[1] for values in arrays)
    if len(lengths) > 1:
        raise ValueError(
            f"the queries have {min(lengths)} to {max(lengths)} steps; wanted one length with --sub"
        )
    if max(lengths) >= longest:
        raise ValueError(
            f"the query has {max(lengths)} steps and the longest series {longest}; wanted a shorter one with --sub: "
            "NAME:START:STOP takes a stretch"
        )


def _matches(
    encoder: Any, fitted: bool, series: Series, queries: list[Query], k: int, sub: bool, metric: Metric
) -> pd.DataFrame:
    """One row per query and match, nearest first."""
    import numpy as np
    import pandas as pd

    from tsrep.data import as_panel
    from tsrep.tasks import SeriesIndex
    from tsrep.tasks.index import Matches

    window = queries[0].values.shape[1] if sub else None
    index = SeriesIndex(encoder, window=window, metric=metric.value, prefit=fitted)
    index.fit(as_panel(series.X) if sub else series.input)
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
