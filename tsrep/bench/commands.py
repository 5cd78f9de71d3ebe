"""The command line of the harness, mounted as `tsrep bench`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep.bench.cells import Cell, grid
from tsrep.bench.results import RESULTS_FILE

app = typer.Typer(
    help="Measure methods on public archives, resumably, and make tables of it.", no_args_is_help=True
)
console = Console(stderr=True)

DEFAULT_METHODS = "ts2vec,untrained,1nn-euclidean,1nn-dtw,multirocket"
FORECASTERS = (
    "ts2vec-best,ts2vec-faithful,untrained-best,untrained-faithful,best-without,ridge-lags,seasonal-naive,"
    "dlinear,patchtst"
)

Names = Annotated[list[str] | None, typer.Argument(help="Data sets by name.")]
ForecastingSets = Annotated[
    list[str] | None, typer.Argument(help="ETTh1, ETTm1, exchange, weather, illness; default what is found.")
]
Settings = Annotated[
    str | None,
    typer.Option(
        help="univariate, multivariate, or both with a comma between; default those of the published tables."
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every data set found under --root.")]
MaxLength = Annotated[int | None, typer.Option(help="Leave out data sets with longer series.", min=1)]
Smallest = Annotated[int | None, typer.Option(help="Keep this many, fewest training values first.", min=1)]
Seeds = Annotated[str, typer.Option(help='How many seeds ("5": 0 to 4), or which ("0,3").')]
Methods = Annotated[str, typer.Option(help="Methods, separated by commas.")]
Results = Annotated[
    Path | None, typer.Option(help="Folder of results and tables; default benchmarks/results/TABLE.")
]
Workers = Annotated[int, typer.Option(help="Processes.", min=1)]
Threads = Annotated[
    int | None, typer.Option(help="Threads in each process; default: the cores shared out.", min=1)
]
Root = Annotated[Path | None, typer.Option(help="Folder of the archives; default $TSREP_DATA.")]
ShortestFirst = Annotated[
    bool, typer.Option("--shortest-first", help="Start with the cheapest cells: more of them, sooner.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run cells again that failed before.")]


@app.command()
def ucr(
    names: Names = None,
    all_found: All = False,
    max_length: MaxLength = None,
    smallest: Smallest = None,
    seeds: Seeds = "1",
    methods: Methods = DEFAULT_METHODS,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """Classification on the univariate UCR archive."""
    datasets = _datasets("UCR", names, all_found, max_length, smallest, root)
    cells = _cells("ucr", datasets, _methods(methods), _seeds(seeds))
    _run("ucr", cells, results, workers, threads, root, retry_failed, shortest_first)


@app.command()
def uea(
    names: Names = None,
    all_found: All = False,
    max_length: MaxLength = None,
    smallest: Smallest = None,
    seeds: Seeds = "1",
    methods: Methods = DEFAULT_METHODS,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """Classification on the multivariate UEA archive."""
    datasets = _datasets("UEA", names, all_found, max_length, smallest, root)
    cells = _cells("uea", datasets, _methods(methods), _seeds(seeds))
    _run("uea", cells, results, workers, threads, root, retry_failed, shortest_first)


@app.command("ts2vec-ablation")
def ts2vec_ablation(
    names: Names = None,
    smallest: Smallest = 15,
    seeds: Seeds = "3",
    variants: Annotated[str, typer.Option(help='Variants, separated by commas, or "all".')] = "all",
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """The ablation table of the TS2Vec paper on small UCR sets, and whether its claims hold."""
    from tsrep.bench.ablation import VARIANTS

    chosen = list(VARIANTS) if variants == "all" else _split(variants)
    _known("variant", chosen, VARIANTS)
    datasets = _datasets("UCR", names, not names, None, None if names else smallest, root)
    cells = grid("ts2vec-ablation", datasets, ["ts2vec"], _seeds(seeds), chosen)
    _run("ts2vec-ablation", cells, results, workers, threads, root, retry_failed, shortest_first)


@app.command()
def anomaly(
    names: Annotated[list[str] | None, typer.Argument(help="Series by name, UCR/ECG1 for example.")] = None,
    all_found: Annotated[bool, typer.Option("--all", help="Every series found under --root.")] = False,
    archives: Annotated[
        str, typer.Option(help="Archives, separated by commas.")
    ] = "KPI,NAB,UCR,SMD,SMAP,MSL",
    settings: Annotated[
        str,
        typer.Option(
            help="normal, cold-start (encoder trained on other data), or both with a comma between."
        ),
    ] = "normal,cold-start",
    seeds: Seeds = "1",
    methods: Methods = "ts2vec,untrained,moving-z,isolation-forest,matrix-profile,random",
    max_steps: Annotated[
        int | None, typer.Option(help="Training steps; default the paper's rule, 200 or 600.", min=0)
    ] = None,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """Anomaly detection on long series of public archives."""
    from tsrep.bench.anomaly import anomaly_cells, evaluate, expected_cost
    from tsrep.bench.detectors import METHODS
    from tsrep.bench.run import run

    chosen = _split(methods)
    _known("method", chosen, METHODS)
    _known("setting", _split(settings), ("normal", "cold-start"))
    series = _anomaly_series(names, all_found, _split(archives), root)
    trainings, cells = anomaly_cells(series, chosen, _split(settings), _seeds(seeds))
    folder = _folder("anomaly", results)
    measure = partial(evaluate, root=root, encoders=folder / "encoders", max_steps=max_steps)
    try:
        for part in (trainings, cells):
            run(
                part,
                folder / RESULTS_FILE,
                measure,
                workers=workers,
                threads=threads,
                retry_failed=retry_failed,
                cost=None if part is trainings else partial(expected_cost, root=root),
                shortest_first=shortest_first,
                console=console,
            )
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    _write("anomaly", folder)


@app.command()
def forecasting(
    names: ForecastingSets = None,
    settings: Settings = None,
    seeds: Seeds = "1",
    methods: Methods = FORECASTERS,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """Forecasting by the TS2Vec paper's protocol."""
    cells = _forecasting_cells("forecasting", names, settings, seeds, methods, root)
    _run("forecasting", cells, results, workers, threads, root, retry_failed, shortest_first)


@app.command("long-horizon")
def long_horizon(
    names: ForecastingSets = None,
    settings: Settings = None,
    seeds: Seeds = "1",
    methods: Methods = FORECASTERS,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """Forecasting 96 to 720 steps ahead, as most later papers measure it."""
    cells = _forecasting_cells("long-horizon", names, settings, seeds, methods, root)
    _run("long-horizon", cells, results, workers, threads, root, retry_failed, shortest_first)


@app.command()
def imputation(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Sets of `tsrep.data.load_imputation` by name; default what is found."),
    ] = None,
    variants: Annotated[
        str,
        typer.Option(help="What is taken away: mcar, block, channel, ends, mar or mnar, and per cent."),
    ] = "mcar10,mcar50",
    seeds: Seeds = "1",
    methods: Methods = "mean,locf,linear,knn,iterative,iterative-lags,ssgan",
    python: Annotated[
        Path | None, typer.Option(help="Interpreter that has PyPOTS, for saits, brits and usgan.")
    ] = None,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
    shortest_first: ShortestFirst = False,
) -> None:
    """Imputation: values taken away from public sets, and found again."""
    from tsrep.bench.imputation import EVERY_METHOD, evaluate, expected_cost, imputation_cells
    from tsrep.bench.imputation_task import read_variant
    from tsrep.data import find_imputation

    found = find_imputation(root)
    if not found:
        raise typer.BadParameter(
            "no imputation set found: set --root or TSREP_DATA to the folder that holds them"
        )
    _known("set", names or found, found)
    _known("method", _split(methods), EVERY_METHOD)
    try:
        for variant in _split(variants):
            read_variant(variant)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    cells = imputation_cells(names or found, _split(methods), _split(variants), _seeds(seeds), root)
    measure = partial(evaluate, root=root, python=python)
    cost = partial(expected_cost, root=root)
    _run_cells("imputation", cells, measure, cost, results, workers, threads, retry_failed, shortest_first)


@app.command("imputation-downstream")
def imputation_downstream(
    names: Names = None,
    variants: Annotated[
        str, typer.Option(help="mcar and per cent taken away, separated by commas.")
    ] = "mcar10,mcar30,mcar50,mcar70",
    seeds: Seeds = "1",
    methods: Methods = "whole,gaps,linear,ssgan,ssgan-labels",
    max_steps: Annotated[
        int | None, typer.Option(help="Training steps of TS2Vec; default the paper's rule.", min=0)
    ] = None,
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    root: Root = None,
    retry_failed: RetryFailed = False,
) -> None:
    """Classification of series with gaps, and of the same ones filled."""
    from tsrep.bench.imputation_downstream import METHODS, SETS, downstream_cells, evaluate

    _known("method", _split(methods), METHODS)
    _known("variant", _split(variants), [f"mcar{rate}" for rate in range(1, 100)])
    cells = downstream_cells(list(names or SETS), _split(variants), _split(methods), _seeds(seeds))
    measure = partial(evaluate, root=root, max_steps=max_steps)
    _run_cells("imputation-downstream", cells, measure, None, results, workers, threads, retry_failed, False)


@app.command("imputation-toy")
def imputation_toy(
    names: Annotated[list[str] | None, typer.Argument(help="gaussian, mixture; default both.")] = None,
    seeds: Seeds = "1",
    methods: Annotated[str, typer.Option(help='Methods, separated by ";", or "all".')] = "all",
    results: Results = None,
    workers: Workers = 1,
    threads: Threads = None,
    retry_failed: RetryFailed = False,
) -> None:
    """Imputed against true conditional distributions, with and without the reminder."""
    from tsrep.bench.imputation_toy import METHODS, TOYS, evaluate

    chosen = list(METHODS) if methods == "all" else [part.strip() for part in methods.split(";")]
    _known("method", chosen, METHODS)
    _known("toy", list(names or TOYS), TOYS)
    cells = grid("imputation-toy", names or TOYS, chosen, _seeds(seeds))
    _run_cells("imputation-toy", cells, evaluate, None, results, workers, threads, retry_failed, False)


@app.command()
def table(
    name: Annotated[
        str,
        typer.Argument(
            help="ucr, uea, ts2vec-ablation, anomaly, forecasting, long-horizon, imputation, imputation-downstream or "
            "imputation-toy."
        ),
    ],
    results: Results = None,
) -> None:
    """Make the tables and figures of results again, without running anything."""
    from tsrep.bench.tables import TABLES

    _known("table", [name], TABLES)
    _write(name, _folder(name, results))


def _run(
    name: str,
    cells: list[Cell],
    results: Path | None,
    workers: int,
    threads: int | None,
    root: Path | None,
    retry_failed: bool,
    shortest_first: bool,
) -> None:
    from tsrep.bench import classification, forecasting

    measured_by = forecasting if name in ("forecasting", "long-horizon") else classification
    measure = partial(measured_by.evaluate, root=root)
    cost = partial(measured_by.expected_cost, root=root)
    _run_cells(name, cells, measure, cost, results, workers, threads, retry_failed, shortest_first)


def _run_cells(
    name: str,
    cells: list[Cell],
    measure: Callable[[Cell], dict[str, Any]],
    cost: Callable[[Cell], float] | None,
    results: Path | None,
    workers: int,
    threads: int | None,
    retry_failed: bool,
    shortest_first: bool,
) -> None:
    from tsrep.bench.run import run

    folder = _folder(name, results)
    try:
        run(
            cells,
            folder / RESULTS_FILE,
            measure,
            workers=workers,
            threads=threads,
            retry_failed=retry_failed,
            cost=cost,
            shortest_first=shortest_first,
            console=console,
        )
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    _write(name, folder)


def _write(name: str, folder: Path) -> None:
    from tsrep.bench.tables import good_lines, write_table

    if good_lines(folder).empty:
        console.print(f"no finished cell in {folder / RESULTS_FILE}, so no table", highlight=False)
        raise typer.Exit(1)
    for path in write_table(name, folder):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _forecasting_cells(
    table: str, names: list[str] | None, settings: str | None, seeds: str, methods: str, root: Path | None
) -> list[Cell]:
    from tsrep.bench.forecast_task import PROTOCOLS, SETTINGS, UNIVARIATE
    from tsrep.bench.forecasters import METHODS
    from tsrep.bench.forecasting import forecasting_cells
    from tsrep.data import find_forecasting

    _known("method", _split(methods), METHODS)
    found = find_forecasting(root)
    if not found:
        raise typer.BadParameter(
            "no forecasting set found: set --root or TSREP_DATA to the folder that holds them"
        )
    chosen = names or found
    _known("set", chosen, found)
    usual = PROTOCOLS[table].cells
    others = [name for name in names or [] if name not in dict(usual)]
    pairs = [pair for pair in (*usual, *((name, UNIVARIATE) for name in others)) if pair[0] in chosen]
    if settings is not None:
        _known("setting", _split(settings), SETTINGS)
        pairs = [(name, setting) for setting in _split(settings) for name in chosen]
    return forecasting_cells(table, pairs, _split(methods), _seeds(seeds))


def _datasets(
    archive: str,
    names: list[str] | None,
    all_found: bool,
    max_length: int | None,
    smallest: int | None,
    root: Path | None,
) -> list[str]:
    from tsrep.bench.classification import dataset_shape
    from tsrep.data import find_datasets

    if bool(names) == all_found:
        raise typer.BadParameter("name data sets, or give --all for every one found; not both")
    chosen = list(names or find_datasets(root)[archive])
    if not chosen:
        raise typer.BadParameter(
            f"no {archive} data set found: set --root or TSREP_DATA to the folder that holds {archive}/"
        )
    if max_length is not None:
        chosen = [name for name in chosen if dataset_shape(name, root).length <= max_length]
    if smallest is not None:
        chosen = sorted(chosen, key=lambda name: dataset_shape(name, root).values)[:smallest]
    return chosen


def _anomaly_series(
    names: list[str] | None, all_found: bool, archives: list[str], root: Path | None
) -> list[str]:
    """Series as "archive/name"."""
    from tsrep.data import ANOMALY_ARCHIVES, find_anomaly

    _known("archive", archives, ANOMALY_ARCHIVES)
    if bool(names) == all_found:
        raise typer.BadParameter("name series, or give --all for every one found; not both")
    found = find_anomaly(root)
    there = [f"{archive}/{name}" for archive in archives for name in found[archive]]
    if not there:
        raise typer.BadParameter(
            "no series found: set --root or TSREP_DATA to the folder that holds anomaly/"
        )
    if names:
        _known("series", names, there)
    return list(names or there)


def _cells(table: str, datasets: list[str], methods: list[str], seeds: list[int]) -> list[Cell]:
    """The whole grid, except that a method without randomness is measured with one seed, the first."""
    from tsrep.bench.methods import SEEDLESS

    return [
        cell
        for cell in grid(table, datasets, methods, seeds)
        if cell.seed == seeds[0] or cell.method not in SEEDLESS
    ]


def _methods(text: str) -> list[str]:
    from tsrep.bench.methods import METHODS

    methods = _split(text)
    _known("method", methods, METHODS)
    return methods


def _seeds(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in _split(text)]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or ("," not in text and numbers[0] < 1):
        raise typer.BadParameter(f"--seeds is {text!r}, wanted a count such as 5 or a list such as 0,1,2")
    return numbers if "," in text else list(range(numbers[0]))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _known(what: str, given: list[str], known: Collection[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        wanted = ", ".join(known)
        raise typer.BadParameter(f"unknown {what} {', '.join(unknown) or '(none)'}, wanted some of {wanted}")


def _folder(name: str, results: Path | None) -> Path:
    return results or Path("benchmarks") / "results" / name
