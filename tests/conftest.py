"""What several test files share: where the data lie, and one thread so that runs are alike on every machine.

Two environment variables name data that are not in the repository; the tests that need them skip without:
`TSREP_DATA` (folders `UCR/`, `UEA/`) and `TSREP_FIXTURES` (recorded reference outputs, `*_reference.npz`; by
default the folder `fixtures` beside the data).
"""

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Set before anything imports torch: small tensors gain nothing from threads, and sums depend on their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
if not Path("/dev/nvidia0").exists():  # GPU kernels run in Triton's interpreter where there is no GPU
    os.environ.setdefault("TRITON_INTERPRET", "1")

hypothesis.settings.register_profile(
    "tests", deadline=None
)  # how long an example takes depends on what else runs
hypothesis.settings.load_profile("tests")


def _data_root() -> Path:
    root = os.environ.get("TSREP_DATA")
    if not root:
        pytest.skip("TSREP_DATA is not set")
    if not Path(root).is_dir():
        pytest.skip(f"TSREP_DATA names {root}, which is not a folder")
    return Path(root)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with `UCR/` and `UEA/`."""
    return _data_root()


@pytest.fixture(scope="session")
def fixtures_root() -> Path:
    """The folder with the recorded reference outputs."""
    named = os.environ.get("TSREP_FIXTURES")
    root = Path(named) if named else _data_root().parent / "fixtures"
    if not root.is_dir():
        pytest.skip(f"no recorded outputs: {root} is not a folder (TSREP_FIXTURES names another)")
    return root


@pytest.fixture(scope="session")
def shell() -> Callable[..., str]:
    """`shell("info", folder, code=1)` runs `tsrep info folder`, checks its exit code, and gives what it printed.

    Standard output and errors come together, with single spaces.
    """
    from typer.testing import CliRunner

    from tsrep.cli import app

    def run(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved univariate encoder of width 4."""
    import numpy as np

    from tsrep import TS2Vec

    folder = tmp_path_factory.mktemp("models") / "encoder"
    encoder = TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1, random_state=0)
    encoder.fit(np.random.default_rng(0).normal(size=(5, 1, 24))).save(folder)
    return folder
