"""The worked examples of the commands' help and of docs/shell.md do what they say, on such data as they name."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrep.cli.examples import EXAMPLES

PAGE = Path(__file__).parents[2] / "docs" / "shell.md"
COMMAND = re.compile(r"^\$ (tsrep .*)$", re.MULTILINE)
TRAINS = ("pretrain", "classify", "search", "forecast", "detect", "impute")
WRITTEN = re.compile(r"writes? (?:the folder )?([\w-]+\.\w+|encoder)")

rng = np.random.default_rng(0)


def long_table(names: str, kinds: list[str]) -> pd.DataFrame:
    days = pd.date_range("2026-01-01", periods=24)
    parts = []
    for name, kind in zip(names, kinds, strict=True):
        wave = np.sin(np.arange(24) / (2 if kind == "slow" else 0.7)) + 0.1 * rng.normal(size=24)
        parts.append(pd.DataFrame({"unique_id": name, "ds": days, "y": wave, "kind": kind}))
    return pd.concat(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples name; what they write is found by those after them."""
    folder = tmp_path_factory.mktemp("examples")
    kinds = ["slow", "fast"] * 4
    long_table("abcdefgh", kinds).drop(columns="kind").to_csv(folder / "machines.csv", index=False)
    long_table("abcdefgh", kinds).to_csv(folder / "train.csv", index=False)
    long_table("ijklmnop", kinds).to_csv(folder / "test.csv", index=False)
    load = np.sin(np.arange(300) / 4) + 0.1 * rng.normal(size=300)
    load[150:155] = np.nan
    times = pd.date_range("2026-01-01", periods=300, freq="h")
    pd.DataFrame({"time": times, "load": load}).to_csv(folder / "power.csv", index=False)
    return folder


def quick(command: str) -> list[str]:
    """The words of a command, cut short where it trains."""
    words = shlex.split(command)[1:]
    saved = {"--model", "--index"} & set(words)
    return [*words, "--max-steps", "1"] if words[0] in TRAINS and not saved else words


def test_the_example_of_every_help(shell, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for command, (_, typed, result) in EXAMPLES.items():
        assert typed.startswith(f"tsrep {command} ")
        if command != "demo":
            shell(*quick(typed))
            for name in WRITTEN.findall(result):
                assert (folder / name).exists(), (command, name)


def test_the_page_has_the_example_of_every_command_and_its_own_run(shell, folder, monkeypatch):
    monkeypatch.chdir(folder)
    text = PAGE.read_text(encoding="utf-8")
    typed = COMMAND.findall(text)
    assert {command for _, command, _ in EXAMPLES.values()} <= set(typed)
    for command in typed:
        if command not in {each for _, each, _ in EXAMPLES.values()}:
            shell(*quick(command))
