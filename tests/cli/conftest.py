"""What the tests of the commands share: a command run, and a small saved encoder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tsrep import TS2Vec
from tsrep.cli import app


def run(*arguments: object, code: int = 0) -> str:
    """Run a command, check its exit code, and give what it printed (stdout and stderr) with single spaces."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="session")
def shell() -> Callable[..., str]:
    """`shell("info", folder, code=1)` runs `tsrep info folder` and gives what it printed."""
    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved univariate encoder of width 4."""
    folder = tmp_path_factory.mktemp("models") / "encoder"
    encoder = TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1, random_state=0)
    encoder.fit(np.random.default_rng(0).normal(size=(5, 1, 24))).save(folder)
    return folder
