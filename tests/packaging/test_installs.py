"""The wheel and the source distribution install, and what runs then is theirs and not the source tree.

The wheel is installed alone, beside the dependencies of the environment that runs the tests: no network, no copy of
torch. The slow tests install everything into an empty environment (minutes, with a network).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tsrep

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
pytestmark = pytest.mark.skipif(UV is None, reason="needs uv, which `make setup` installs into .venv")

SMOKE = """
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np

import tsrep
import tsrep_vision

version, environment = sys.argv[1:]
assert tsrep.__version__ == version
for package, name in (("tsrep", "py.typed"), ("tsrep_vision", "py.typed"), ("tsrep.report", "page.css")):
    assert files(package).joinpath(name).is_file(), name

from tsrep.bench.classification.accuracy import published_accuracies

assert len(published_accuracies()) > 40
X = np.random.default_rng(0).normal(size=(6, 2, 30))
assert tsrep.TS2Vec(max_steps=2, random_state=0).fit(X).transform(X).shape == (6, 320)
ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("tsrep", "tsrep_vision")]
elsewhere = [module.__file__ for module in ours if not Path(module.__file__).is_relative_to(environment)]
assert not elsewhere, elsewhere
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("uv", "venv", folder)`: what a command prints, run outside the source tree; it fails with the command."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }

    def run(*command: object) -> str:
        words = [str(word) for word in command]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def site_packages(environment: Path) -> Path:
    (folder,) = environment.glob("lib/python*/site-packages")
    return folder


def check_use(run: Run, environment: Path) -> None:
    """Both packages and both commands work from an environment."""
    scripts = environment / "bin"
    assert run(scripts / "tsrep", "--version").split()[-1] == tsrep.__version__
    assert "classify" in run(scripts / "tsrep", "--help")
    assert "pretrain" in run(scripts / "tsrep-vision", "--help")
    run(scripts / "python", "-c", SMOKE, tsrep.__version__, environment)


def test_the_wheel_installs_and_works(
    run: Run, distributions: dict[str, Path], files_of_tree: set[str], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    run(UV, "venv", "--offline", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    run(UV, "pip", "install", "--offline", "--no-deps", "--python", python, distributions["wheel"])
    folder = site_packages(environment)
    installed = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files_of_tree <= installed
    # A .pth file adds folders, but not what .pth files in these folders add: an editable installation stays out.
    dependencies = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (folder / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    check_use(run, environment)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installs_into_an_empty_environment(
    kind: str, run: Run, distributions: dict[str, Path], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    constraints, python = ROOT / "constraints.txt", environment / "bin" / "python"
    run(UV, "venv", "--python", sys.executable, environment)
    run(UV, "pip", "install", "--python", python, "-c", constraints, distributions[kind])
    check_use(run, environment)
