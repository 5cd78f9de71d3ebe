"""Who may import whom, read from the sources; and what `import tsrep` must not load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tsrep

ROOT = Path(__file__).parents[1]

# A room may import itself and what stands here; "room.module" allows that module only.
FLOOR = frozenset({"nn", "train", "data", "base", "encoding"})
PUBLIC = frozenset({"public", "plots"})
ARROWS: dict[str, frozenset[str]] = {
    "nn": frozenset(),
    "data": frozenset(),
    "metrics": frozenset(),
    "train": frozenset(),
    "base": frozenset({"train", "data"}),
    "encoding": frozenset({"nn", "train", "data", "base"}),
    "ts2vec": FLOOR,
    "ssgan": FLOOR,
    "masked": FLOOR
    | {"ts2vec.encoder", "ts2vec.objective", "ts2vec.crops", "ssgan.generator", "ssgan.interpolating"},
    "tasks": frozenset({"data", "metrics", "base", "encoding"}),
    "plots": frozenset({"data", "metrics"}),
    "bench": PUBLIC | {"report"},
    "interop": PUBLIC,
    "report": PUBLIC,
    "cli": frozenset({"everything"}),
    "__main__": frozenset({"cli"}),  # `python -m tsrep`
    "__init__": frozenset({"data", "metrics", "tasks", "base", "ts2vec", "ssgan", "masked"}),
}
VISION = frozenset({"nn", "train", "report", "plots.style", "base.parameters", "cli.errors"})
PUBLIC_PACKAGES = frozenset({"data", "metrics", "tasks"})
PLOTTING_ROOMS = frozenset({"ts2vec", "ssgan", "masked", "tasks"})  # inside a method `plot...` only


class Import(NamedTuple):
    line: int
    module: str  # as written, relative imports resolved: "tsrep.ts2vec"
    name: str | None  # what is taken from it; None for `import module`
    function: str | None  # the innermost function around it
    typing: bool = False  # under TYPE_CHECKING


def read_imports(source: str, package: str) -> Iterator[Import]:
    """Every import in `source`, a module of `package`, in functions and under conditions too."""

    def walk(node: ast.AST, function: str | None, typing: bool) -> Iterator[Import]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        elif isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING":
            typing = True
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, None, function, typing)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(node.lineno, module, alias.name, function, typing)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = (
                node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            )
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield Import(node.lineno, node.args[0].value, None, function, typing)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function, typing)

    yield from walk(ast.parse(source), None, False)


def is_public(found: Import) -> bool:
    """Whether the import takes a public name: from `tsrep`, or from a public package (not from inside it)."""
    depth = found.module.split(".")
    named = found.name is None or not found.name.startswith("_") or found.name == "__version__"
    return named and (len(depth) == 1 or (len(depth) == 2 and depth[1] in PUBLIC_PACKAGES))


def target_of(found: Import) -> str:
    """`room.module` (or `room`) that an import of something in `tsrep` reaches; "" for the bare package."""
    parts = found.module.split(".")[1:]
    if found.name is not None:
        if not parts:
            home = tsrep._HOME.get(found.name, f"tsrep.{found.name}")
            return "" if found.name == "__version__" else home.removeprefix("tsrep.")
        parts.append(found.name)
    return ".".join(parts[:2])


def complaint(room: str, found: Import) -> str | None:
    """Why `room` may not contain this import; None when it may."""
    top = found.module.split(".")[0]
    if top not in {"tsrep", "tsrep_vision"}:
        return None
    if room.split(".")[0] == "tsrep_vision":
        allowed = VISION if room == "tsrep_vision" else VISION | {"base", "public"}
        if top == "tsrep_vision":
            return None
    else:
        allowed = ARROWS[room]
        if top == "tsrep_vision":
            return "tsrep never imports tsrep_vision"
    target = target_of(found)
    if target == "" or target.split(".")[0] == room or "everything" in allowed:
        return None
    if allowed & {target, target.split(".")[0]} or ("public" in allowed and is_public(found)):
        return None
    if target.split(".")[0] == "plots" and room in PLOTTING_ROOMS:
        plotting = found.function is not None and found.function.split("_")[0] == "plot"
        return None if plotting else "only a method `plot...` may import plots, inside itself"
    names = sorted(allowed - {"public"})
    return f"may import {', '.join(names) or 'nothing'}{' and public names' if 'public' in allowed else ''}"


def room_of(path: Path) -> str:
    """The room of a source file given by its path from the repository's root."""
    if path.parts[0] == "tsrep_vision":
        return "tsrep_vision.series" if path.parts[1] == "series" else "tsrep_vision"
    return path.with_suffix("").parts[1]


def complaints(path: Path, source: str) -> list[str]:
    room = room_of(path)
    if room.split(".")[0] != "tsrep_vision" and room not in ARROWS:
        return [f"{path}: the room {room!r} is not in the table of arrows (docs/architecture.md)"]
    rows = []
    for found in read_imports(source, ".".join(path.parent.parts)):
        why = complaint(room, found)
        if why is not None:
            taken = found.module if found.name is None else f"{found.module}.{found.name}"
            rows.append(f"{path}:{found.line}: {room} imports {taken}, but {room} {why}")
    return rows


def sources() -> dict[Path, str]:
    """The package's files, by their path from the repository's root."""
    files = sorted(p for package in ("tsrep", "tsrep_vision") for p in (ROOT / package).rglob("*.py"))
    return {p.relative_to(ROOT): p.read_text(encoding="utf-8") for p in files}


def test_every_import_follows_an_arrow() -> None:
    files = sources()
    assert files
    rows = [row for path, source in files.items() for row in complaints(path, source)]
    assert not rows, "\n" + "\n".join(rows)


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(files: dict[Path, str]) -> dict[str, set[str]]:
    """Which modules a module imports, in functions too; imports for types alone are left out."""
    modules = {module_of(path) for path in files}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for path, source in files.items():
        module = module_of(path)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for found in read_imports(source, package):
            named = f"{found.module}.{found.name}"
            target = named if named in modules else found.module
            if not found.typing and target in modules and target != module:
                graph[module].add(target)
    return graph


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import one another in a ring; empty where there is none."""
    done: set[str] = set()

    def visit(module: str, trail: list[str]) -> list[str]:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph[module]):
            if ring := visit(target, [*trail, module]):
                return ring
        done.add(module)
        return []

    return next((ring for module in sorted(graph) if (ring := visit(module, []))), [])


def test_no_two_modules_import_one_another() -> None:
    files = {path: source for path, source in sources().items() if path != Path("tsrep/__init__.py")}
    assert find_cycle(import_graph(files)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tsrep/train/step.py", "from tsrep.train.loop import fit"),
        ("tsrep/train/step.py", "def f():\n    import tsrep.train.loop"),
        ("tsrep/ts2vec/fast/window_encoder.py", "from tsrep.ts2vec import encoder"),
        ("tsrep/encoding/windows.py", "from tsrep.encoding.estimator import SeriesRepresentation"),
    ],
)
def test_a_planted_cycle_is_found(path: str, source: str) -> None:
    files = sources()
    files[Path(path)] += "\n" + source
    assert module_of(Path(path)) in find_cycle(import_graph(files))


def test_an_import_for_types_alone_makes_no_cycle() -> None:
    files = {
        Path("tsrep/a.py"): "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tsrep.b import x",
        Path("tsrep/b.py"): "from tsrep.a import y",
    }
    assert find_cycle(import_graph(files)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tsrep/nn/patch.py", "import tsrep.train.loop"),
        ("tsrep/data/panel.py", "from tsrep.metrics import ranking"),
        ("tsrep/data/panel.py", "from ..base import load"),
        ("tsrep/data/panel.py", "from importlib import import_module\nimport_module('tsrep.base')"),
        ("tsrep/base/saving.py", "from tsrep.ts2vec.encoder import TSEncoder"),
        ("tsrep/encoding/estimator.py", "from tsrep.ts2vec.masks import MASKS"),
        ("tsrep/encoding/windows.py", "from tsrep.tasks import RepresentationClassifier"),
        ("tsrep/base/training.py", "from tsrep.encoding.training import train"),
        ("tsrep/train/loop.py", "from tsrep.nn.masking import masked_mean"),
        ("tsrep/masked/mae.py", "from tsrep.ts2vec.loss import hierarchical_loss"),
        ("tsrep/masked/mae.py", "from tsrep.ssgan.brits import RecurrentGenerator"),
        ("tsrep/ts2vec/loss.py", "from tsrep.ssgan import loss"),
        ("tsrep/ssgan/step.py", "def f():\n    from tsrep.ts2vec.loss import x"),
        ("tsrep/masked/mae.py", "from tsrep.ts2vec.estimator import TS2Vec"),
        ("tsrep/masked/mae.py", "from tsrep.ts2vec import estimator"),
        ("tsrep/tasks/classify.py", "from tsrep import TS2Vec"),
        ("tsrep/ts2vec/estimator.py", "import tsrep.plots"),
        ("tsrep/ts2vec/estimator.py", "def fit(self):\n    from tsrep.plots import loss_curve"),
        ("tsrep/bench/cells.py", "from tsrep.data.archive import load_dataset"),
        ("tsrep/bench/cells.py", "from tsrep.ts2vec.estimator import TS2Vec"),
        ("tsrep/bench/cells.py", "from tsrep.data import _parse"),
        ("tsrep/report/page.py", "import tsrep.bench"),
        ("tsrep/cli.py", "import tsrep_vision"),
        ("tsrep/utils.py", ""),
        ("tsrep_vision/vit.py", "from tsrep.data import as_panel"),
        ("tsrep_vision/vit.py", "from tsrep import TS2Vec"),
        ("tsrep_vision/series/estimator.py", "from tsrep.encoding.windows import encode_windows"),
        ("tsrep_vision/vit.py", "from tsrep.encoding.encoder import SeriesEncoder"),
        ("tsrep_vision/plots.py", "from tsrep.plots import plot_loss"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    assert len(complaints(Path(path), source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "tsrep/data/archive.py",
            "from tsrep.data.panel import as_panel\nfrom .panel import as_panel\nimport numpy",
        ),
        ("tsrep/base/saving.py", "from tsrep import __version__\nfrom tsrep.train.checkpoint import save"),
        ("tsrep/masked/joint.py", "from tsrep.ts2vec.objective import x\nfrom tsrep.ts2vec import crops"),
        (
            "tsrep/masked/estimator.py",
            "from tsrep.encoding.estimator import x\nfrom tsrep.ssgan import interpolating",
        ),
        ("tsrep/tasks/representation.py", "from tsrep.encoding import backbone"),
        ("tsrep_vision/plots.py", "from tsrep.plots.style import PALETTE\nfrom tsrep.report import page"),
        ("tsrep/ts2vec/estimator.py", "def plot(self):\n    from tsrep.plots import loss_curve"),
        ("tsrep/bench/cells.py", "import tsrep\nfrom tsrep import TS2Vec\nfrom tsrep.data import missing"),
        ("tsrep/cli.py", "from tsrep.bench.table import write"),
        ("tsrep_vision/mae.py", "from tsrep.nn import masking\nfrom tsrep_vision.vit import ViT"),
        (
            "tsrep_vision/series/estimator.py",
            "from tsrep.data import as_panel\nfrom tsrep.base import panels",
        ),
    ],
)
def test_an_allowed_import_passes(path: str, source: str) -> None:
    assert complaints(Path(path), source) == []


HEAVY = (
    "torch",
    "torchvision",
    "lightning",
    "sktime",
    "tsai",
    "fastai",
    "pandas",
    "sklearn",
    "scipy",
    "matplotlib",
)


def loaded_by(statement: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after `statement`."""
    code = f"import sys; {statement}; print(*set({HEAVY!r}).intersection(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_import_tsrep_loads_nothing_heavy() -> None:
    assert loaded_by("import tsrep, tsrep_vision") == set()


def test_data_and_metrics_need_neither_torch_nor_a_peer() -> None:
    loaded = loaded_by("import tsrep.data, tsrep.metrics")
    assert not loaded & {"torch", "torchvision", "lightning", "sktime", "tsai", "fastai", "matplotlib"}


@pytest.mark.parametrize("name", tsrep.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tsrep, name) is not None
    assert name in dir(tsrep)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'TS3Vec'"):
        _ = tsrep.TS3Vec
