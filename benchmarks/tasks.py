"""What representations are worth to a regressor, in clusters and in a search, beside raw values.

Measures     regression: R2 on the test part of Covid3Month and Tecator (bundled with sktime; Tan et al., DMKD 2021);
             UCR sets: adjusted Rand index of k-means with the true number of clusters over both parts, and the share of
             the query's class among the 10 nearest training series of each test series.
Methods      raw: values, gaps filled, every series z-normalised for the search; dtw: the search by dynamic time warping
             without a window; untrained, ts2vec: the network of TS2Vec with random weights and trained. "rich" is the
             read-out of 28 statistics per component, which `RepresentationClusterer` takes by itself.
Command      TSREP_DATA=... python benchmarks/tasks.py [SET ...] [--seeds 3] [--results FOLDER]
             A finished cell is not measured again.
Budget       at most 0.4 core-hours: 32 cells with one seed, 8 of them trainings of 200 steps.
Result       benchmarks/results/tasks/table.md
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tsrep.bench.cells import Cell, once
from tsrep.bench.commands import command_of
from tsrep.bench.options import Names, Seeds, known, read_seeds
from tsrep.bench.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tsrep.bench.pages import Summary

REGRESSION = ("Covid3Month", "Tecator")
CLASSES = ("ECG200", "FaceFour", "ItalyPowerDemand", "Lightning7", "MoteStrain", "SonyAIBORobotSurface1")
METHODS = ("raw", "dtw", "untrained", "ts2vec")
SEEDLESS = frozenset({"raw", "dtw"})
NEIGHBOURS = 10

MEASURES = {
    "r2": "Regression: R2",
    "adjusted_rand": "Clustering: adjusted Rand index, rich read-out",
    "adjusted_rand_plain": "Clustering: adjusted Rand index, the encoder's own read-out",
    "precision_at_10": "Search: precision at 10, the encoder's own read-out",
    "precision_at_10_rich": "Search: precision at 10, rich read-out",
}


@dataclass(frozen=True)
class UsesOfRepresentations(Table):
    """One row per set, one column per method, one section per measure."""

    def cells(self, root: Path | None, *, names: Names = None, seeds: Seeds = "1") -> list[Cell]:
        """Every set with every method that it has; a method that draws nothing at random is measured once."""
        sets = known("SET", names or [*REGRESSION, *CLASSES], [*REGRESSION, *CLASSES])
        every = [
            Cell(self.name, dataset, method, seed)
            for seed in read_seeds(seeds)
            for dataset in sets
            for method in METHODS
            if not (method == "dtw" and dataset in REGRESSION)
        ]
        return once(every, lambda cell: cell.method in SEEDLESS)

    def evaluate(self, cell: Cell, root: Path | None, folder: Path) -> dict[str, Any]:
        return regression(cell, root) if cell.dataset in REGRESSION else clusters_and_search(cell, root)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        import pandas as pd

        from tsrep.bench.pages import Summary, conditions, seeds_of

        frame = pd.DataFrame(lines)
        order = [method for method in METHODS if method in set(frame["method"])]
        sections = []
        for measure, heading in MEASURES.items():
            if measure in frame:
                table = frame.pivot_table(index="dataset", columns="method", values=measure)
                table = table.reindex(columns=[method for method in order if method in table])
                sections.append((heading, pd.concat([table, table.dropna().mean().to_frame("mean").T])))
        notes = [
            f"Seeds {seeds_of(frame)}; the last row is the mean over the sets that all methods have. Higher = better.",
            conditions(frame),
        ]
        measured = [measure for measure in MEASURES if measure in frame]
        return Summary(notes, sections, frame.groupby(["dataset", "method"])[measured].mean())


def regression(cell: Cell, root: Path | None) -> dict[str, Any]:
    """R2 of the test part of a regression set."""
    from tsrep.data import PanelScaler, as_panel, load_dataset
    from tsrep.tasks import RepresentationRegressor

    (X_train, y_train), (X_test, y_test) = (
        load_dataset(cell.dataset, split=split, root=root) for split in ("train", "test")
    )
    scaler = PanelScaler().fit(as_panel(X_train))
    train, test = (scaler.transform(as_panel(X)) for X in (X_train, X_test))
    regressor = RepresentationRegressor(encoder_of(cell)).fit(values_of(cell, train), y_train)
    return {"r2": float(regressor.score(values_of(cell, test), y_test))}


def clusters_and_search(cell: Cell, root: Path | None) -> dict[str, Any]:
    """Adjusted Rand index over both parts, and precision at 10 of the test series among the training series."""
    import numpy as np

    from tsrep.bench.masked.task import load

    task = load(cell.dataset, root)
    classes = np.concatenate([task.y_train, task.y_test])
    train, test = values_of(cell, task.X_train), values_of(cell, task.X_test)
    if cell.method == "dtw":
        return {"precision_at_10": precision(warped_neighbours(train, test), task.y_train, task.y_test)}
    encoder = encoder_of(cell).fit(train)
    found = {
        "adjusted_rand": rand_index(encoder, "rich", np.concatenate([train, test]), classes, cell.seed),
        "precision_at_10": precision(nearest(encoder, train, test), task.y_train, task.y_test),
    }
    if cell.method == "raw":
        return found
    found["adjusted_rand_plain"] = rand_index(
        encoder, None, np.concatenate([train, test]), classes, cell.seed
    )
    rich = encoder.set_params(pool="rich")
    found["precision_at_10_rich"] = precision(nearest(rich, train, test), task.y_train, task.y_test)
    return found


def encoder_of(cell: Cell) -> Any:
    """Random or trained weights of TS2Vec; the identity for raw values."""
    if cell.method == "raw":
        from sklearn.preprocessing import FunctionTransformer

        return FunctionTransformer()
    from tsrep import TS2Vec

    return TS2Vec(max_steps=0 if cell.method == "untrained" else None, random_state=cell.seed)


def values_of(cell: Cell, panel: NDArray[Any]) -> NDArray[Any]:
    """What the method takes of a panel (n, c, t): itself, or rows (n, c * t) of values without gaps."""
    if cell.method in SEEDLESS:
        from tsrep.bench.gaps import fill_gaps

        return fill_gaps(panel).reshape(len(panel), -1)
    return panel


def rand_index(encoder: Any, pool: Any, X: NDArray[Any], classes: NDArray[Any], seed: int) -> float:
    from sklearn.metrics import adjusted_rand_score

    from tsrep.tasks import RepresentationClusterer

    count = len(set(classes.tolist()))
    clusterer = RepresentationClusterer(encoder, n_clusters=count, pool=pool, prefit=True, random_state=seed)
    return float(adjusted_rand_score(classes, clusterer.fit_predict(X)))


def nearest(encoder: Any, train: NDArray[Any], test: NDArray[Any]) -> NDArray[Any]:
    """(n_test, 10) indices of the nearest training series; raw values are z-normalised row by row."""
    from sklearn.preprocessing import scale

    from tsrep.tasks import SeriesIndex

    raw = train.ndim == 2
    if raw:
        train, test = scale(train, axis=1), scale(test, axis=1)
    index = SeriesIndex(encoder, standardise=not raw, prefit=True).fit(train)
    return index.query(test, k=min(NEIGHBOURS, len(train))).indices


def warped_neighbours(train: NDArray[Any], test: NDArray[Any]) -> NDArray[Any]:
    """(n_test, 10) indices of the nearest training rows, z-normalised, by dynamic time warping."""
    import numpy as np
    from sklearn.preprocessing import scale

    train, test = scale(train, axis=1), scale(test, axis=1)
    distances = np.array([warped_distances(query, train) for query in test])
    return np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]


def warped_distances(query: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """(n,) sums of squared differences along the best path between `query` (t,) and each of `rows` (n, t).

    The table is filled along its anti-diagonals, for all rows at once.
    """
    import numpy as np

    n, t = rows.shape
    before = np.full(
        (n, t + 1), np.inf
    )  # anti-diagonals by the step of the query, with an empty one in front
    last = np.full((n, t + 1), np.inf)
    before[:, 0] = 0.0
    for diagonal in range(2 * t - 1):
        steps = np.arange(max(0, diagonal - t + 1), min(diagonal, t - 1) + 1)
        cost = (query[steps] - rows[:, diagonal - steps]) ** 2
        here = np.full((n, t + 1), np.inf)
        smallest = np.minimum(np.minimum(last[:, steps], last[:, steps + 1]), before[:, steps])
        here[:, steps + 1] = cost + smallest
        before, last = last, here
    return last[:, t]


def precision(found: NDArray[Any], y_train: NDArray[Any], y_test: NDArray[Any]) -> float:
    return float((y_train[found] == y_test[:, None]).mean())


TABLE = UsesOfRepresentations(
    name="tasks",
    title="Regression, clustering and search",
    help="What representations are worth to a regressor, in clusters and in a search, beside raw values.",
)

if __name__ == "__main__":
    typer.run(command_of(TABLE))
