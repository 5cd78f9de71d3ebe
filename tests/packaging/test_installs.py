"""The wheel and the source distribution install into an empty environment and work there (minutes, with a network)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tsrep

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

SMOKE = """
import sys
from importlib.resources import files

import numpy as np

import tsrep
import tsrep_vision

assert tsrep.__version__ == sys.argv[1]
assert str(sys.argv[2]) in tsrep.__file__, tsrep.__file__
for package, name in (("tsrep", "py.typed"), ("tsrep_vision", "py.typed"), ("tsrep.report", "page.css")):
    assert files(package).joinpath(name).is_file(), name

from tsrep.bench.classification.accuracy import published_accuracies

assert len(published_accuracies()) > 40
X = np.random.default_rng(0).normal(size=(6, 2, 30))
assert tsrep.TS2Vec(max_steps=2, random_state=0).fit(X).transform(X).shape == (6, 320)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.skipif(UV is None, reason="needs uv")
def test_installs_into_an_empty_environment(
    kind: str, distributions: dict[str, Path], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    bin_folder = environment / "bin"
    package, constraints = distributions[kind], ROOT / "constraints.txt"

    def run(*command: object) -> str:
        clean = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        done = subprocess.run(
            [str(word) for word in command], cwd=tmp_path, env=clean, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(UV, "venv", "--python", sys.executable, environment)
    run(UV, "pip", "install", "--python", bin_folder / "python", "-c", constraints, package)
    run(bin_folder / "python", "-c", SMOKE, tsrep.__version__, environment)
    assert run(bin_folder / "tsrep", "--version").split()[-1] == tsrep.__version__
    assert "classify" in run(bin_folder / "tsrep", "--help")
    assert "pretrain" in run(bin_folder / "tsrep-vision", "--help")
