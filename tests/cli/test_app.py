"""The application: help, version, errors as one line, and the options that commands share."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tsrep import __version__
from tsrep.cli import app


def test_help_and_version_load_nothing_heavy():
    heavy = "{'torch', 'numpy', 'sktime', 'tsai', 'matplotlib', 'pandas', 'sklearn', 'scipy'}"
    code = f"""
import sys
sys.argv = ["tsrep", "--help"]
from tsrep.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
raise SystemExit(bool({heavy} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "tsrep", "--version"], capture_output=True, text=True)
    assert done.stdout == f"tsrep {__version__}\n"


@pytest.mark.parametrize(
    "command", ["demo", "classify", "pretrain", "encode", "detect", "forecast", "impute", "info", "bench"]
)
def test_every_command_has_help(shell, command):
    assert "Usage:" in shell(command, "--help")


def test_bench_hands_its_arguments_on(shell):
    assert "UCR" in shell("bench", "ucr", "--help")
    assert "--seeds" in shell("bench", "ucr", "GunPoint", "--seeds", "many", code=2)


def test_a_wrong_model_or_ending_is_one_line(shell, model, tmp_path):
    assert "is not a saved model" in shell("info", tmp_path, code=1)
    message = shell("encode", "GunPoint", "--model", model, "--out", tmp_path / "z.xls", code=1)
    assert message.startswith("error: --out is 'z.xls'")


def test_wrong_usage_ends_with_two(shell, tmp_path):
    assert "Missing option" in shell("encode", "GunPoint", code=2)
    assert "No such command" in shell("dance", code=2)
    assert "--probe" in shell("classify", "GunPoint", "--probe", "magic", code=2)


def test_debug_keeps_the_traceback(tmp_path):
    result = CliRunner().invoke(app, ["--debug", "info", str(tmp_path)])
    assert isinstance(result.exception, ValueError)


def test_a_mistake_in_the_program_keeps_its_traceback(monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("tsrep.train.checkpoint.read_folder", broken)
    assert isinstance(CliRunner().invoke(app, ["info", "x"]).exception, KeyError)
