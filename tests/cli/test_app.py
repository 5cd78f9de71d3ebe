"""The application: help, version, errors as one line, and the options that commands share."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import tsrep
from tsrep import __version__
from tsrep.cli import app
from tsrep.cli.examples import EXAMPLES


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


def test_every_command_has_help_with_an_example(shell):
    commands = set(typer.main.get_group(app).commands)
    assert commands - {"bench"} == set(EXAMPLES)
    for command in commands:
        shown = shell(command, "--help")
        assert "Usage:" in shown
        assert command == "bench" or f"$ {EXAMPLES[command][1]}" in shown


def test_bench_hands_its_arguments_on(shell):
    assert "UCR" in shell("bench", "ucr", "--help")
    assert "--seeds" in shell("bench", "ucr", "GunPoint", "--seeds", "many", code=2)


def test_a_wrong_model_or_ending_is_one_line(shell, model, tmp_path):
    assert f"{tmp_path} is not a saved model: it has no config.json" in shell("info", tmp_path, code=1)
    assert "is not a saved model: it does not exist" in shell("info", tmp_path / "no", code=1)
    (tmp_path / "file").touch()
    assert "is a file; wanted the folder that save wrote" in shell("info", tmp_path / "file", code=1)
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


def test_a_warning_is_a_line_without_its_place_in_the_source(monkeypatch):
    def warn(*_, **__):
        warnings.warn("three of\n[four]", stacklevel=1)
        raise ValueError("and then")

    monkeypatch.setattr("tsrep.train.checkpoint.read_folder", warn)
    result = CliRunner().invoke(app, ["info", "x"])
    assert result.stderr == "note: three of [four]\nerror: and then\n" and result.exit_code == 1


@pytest.mark.parametrize("command", ["detect", "forecast", "impute", "pretrain", "classify", "cluster"])
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(command, shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    times = pd.date_range("2026-01-01", periods=300, freq="h")
    load = np.where(np.arange(300) % 50, np.sin(np.arange(300.0)), np.nan)
    pd.DataFrame({"time": times, "load": load}).to_csv("x.csv", index=False)
    np.savez("x.npz", X=np.random.default_rng(0).normal(size=(8, 1, 24)), y=np.arange(8) % 2)

    def stopped(*_, **__):
        raise KeyboardInterrupt

    for name in ("TS2Vec", "MaskedSeriesEncoder", "SSGANImputer"):
        monkeypatch.setattr(getattr(tsrep, name), "fit", stopped)
    source = "x.csv" if command in ("detect", "forecast", "impute") else "x.npz"
    words = [command, source, *(["--save", "m"] if command == "pretrain" else [])]
    assert "stopped: nothing is kept of the training; with --checkpoint" in shell(*words, code=130)
    assert "so the same command starts anew" in shell(*words, "--checkpoint", "c", code=130)
    assert not list(tmp_path.glob("x-*"))
