"""No two modules of the harness import each other, and every table is one `Table`."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tsrep.bench
from tsrep.bench.commands import app
from tsrep.bench.families import TABLES
from tsrep.bench.results import RESULTS_FILE

ROOT = Path(tsrep.bench.__file__).parent
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the harness by its name, packages by that of the folder."""
    names = {
        path: ".".join(("tsrep.bench", *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported(node: ast.AST, known: set[str]) -> set[str]:
    """The modules that `node` imports, inside functions too, but not what a type checker alone reads.

    Importing `a.b` runs `a` as well, so the packages above a module count.
    """
    if isinstance(node, ast.Import):
        names = {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, "the harness has no relative imports"
        names = {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    else:
        children = node.orelse if is_type_checking(node) else ast.iter_child_nodes(node)
        return {name for child in children for name in imported(child, known)}
    parents = {name.rsplit(".", depth)[0] for name in names for depth in range(name.count(".") + 1)}
    return parents & known


def graph(files: dict[str, str]) -> dict[str, set[str]]:
    return {name: imported(ast.parse(source), set(files)) - {name} for name, source in files.items()}


def test_no_circle_of_imports() -> None:
    sources = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}
    edges = graph(sources)
    assert "tsrep.bench.cells" in edges["tsrep.bench.anomaly.tables"]
    TopologicalSorter(edges).prepare()


@pytest.mark.parametrize(
    "lazily",
    ["import tsrep.bench.a", "def f():\n    from tsrep.bench import a", "from tsrep.bench.a import x"],
)
def test_a_circle_is_found(lazily: str) -> None:
    sources = {"tsrep.bench.a": "from tsrep.bench.b import y", "tsrep.bench.b": lazily}
    with pytest.raises(CycleError):
        TopologicalSorter(graph(sources)).prepare()
    sources["tsrep.bench.b"] = "if TYPE_CHECKING:\n    from tsrep.bench.a import x"
    TopologicalSorter(graph(sources)).prepare()


def test_every_table_has_a_command_and_committed_results() -> None:
    helped = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for name, table in TABLES.items():
        assert table.name == name and name in helped
        assert (RESULTS / name / RESULTS_FILE).is_file() and table.folder == Path("benchmarks/results") / name
