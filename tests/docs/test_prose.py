"""Docstrings are rewritten for griffe: types stay types, descriptions stay descriptions."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("griffe")

FILE = Path(__file__).parents[2] / "docs" / "griffe_extensions" / "prose.py"
spec = importlib.util.spec_from_file_location("prose", FILE)
assert spec and spec.loader
prose = importlib.util.module_from_spec(spec)
spec.loader.exec_module(prose)

DOCSTRING = """A line.

Parameters
----------
context : int
    Number of steps.
mode : {"a", "b"} or None
    "a": the first.
n_components : width D of a representation.
depth, width : sizes of
    the network.

Notes
-----
name : this is text.
"""


def test_descriptions_stand_below_their_names() -> None:
    lines = prose.for_griffe(DOCSTRING).splitlines()
    assert lines[4:] == [
        "context : int",
        "    Number of steps.",
        'mode : {"a", "b"} or None',
        '    "a": the first.',
        "n_components",
        "    width D of a representation.",
        "depth",
        "    sizes of",
        "    the network.",
        "",
        "width",
        "    sizes of",
        "    the network.",
        "",
        "Notes",
        "-----",
        "name : this is text.",
    ]


@pytest.mark.parametrize("text", ["", "One line.", "A line.\n\nParameters\n----------"])
def test_a_docstring_without_entries_stays(text: str) -> None:
    assert prose.for_griffe(text) == text


def test_a_described_result_stands_below_its_type() -> None:
    text = prose.for_griffe("A line.\n\nReturns\n-------\nThe sum: of all\nentries.", "int | None")
    assert text.splitlines()[2:] == [
        "Returns",
        "-------",
        "int | None",
        "    The sum: of all",
        "    entries.",
    ]


def test_a_typed_result_stays() -> None:
    text = "A line.\n\nReturns\n-------\nX : array\n    The values."
    assert prose.for_griffe(text, "int") == text


def test_an_example_outside_a_section_is_code() -> None:
    text = "A line.\n\n>>> 1 + 1\n2\n\nMore."
    assert prose.for_griffe(text) == "A line.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."
    assert prose.for_griffe("A line.\n\n>>> 1 + 1\n2").endswith("2\n```")
