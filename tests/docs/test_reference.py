"""The reference in docs/reference/ has every public name, and each has a docstring."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

griffe = pytest.importorskip("griffe")

ROOT = Path(__file__).parents[2]
ENTRY = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)

PACKAGES = (
    "tsrep",
    "tsrep.data",
    "tsrep.interop.sktime",
    "tsrep.metrics",
    "tsrep.plots",
    "tsrep.report",
    "tsrep.tasks",
    "tsrep.tasks.anomaly",
    "tsrep.tasks.forecast",
    "tsrep_vision",
    "tsrep_vision.data",
    "tsrep_vision.mask_rcnn",
    "tsrep_vision.plots",
    "tsrep_vision.series",
)  # `__all__` says what is public
MODULES = (
    "tsrep.data.missing",
    "tsrep.interop.tsai",
    "tsrep.report",
)  # what a module defines is public, and in these:
ROOMS = ("base", "encoding", "masked", "nn", "ssgan", "train", "ts2vec")
PAGES = ("tsrep.data", "tsrep.metrics", "tsrep.tasks")  # packages in `tsrep.__all__` have a page of their own


@pytest.fixture(scope="module")
def code() -> "griffe.ModulesCollection":
    loader = griffe.GriffeLoader(search_paths=[str(ROOT)])
    loader.load("tsrep")
    loader.load("tsrep_vision")
    loader.resolve_aliases(implicit=True, external=False)
    return loader.modules_collection


def members(module: "griffe.Module") -> Iterator["griffe.Object"]:
    """The functions and classes that a module defines and whose names have no underscore."""
    for member in module.members.values():
        if (
            not member.is_alias
            and not member.name.startswith("_")
            and (member.is_function or member.is_class)
        ):
            yield member


def modules_below(package: "griffe.Module") -> Iterator["griffe.Module"]:
    yield package
    for module in package.modules.values():
        yield from modules_below(module)


def resolved(code: "griffe.ModulesCollection", path: str) -> "griffe.Object":
    found = code[path]
    return found.final_target if found.is_alias else found


def public(code: "griffe.ModulesCollection") -> dict[str, "griffe.Object"]:
    """Every public object by the name under which users find it."""
    objects = {f"{package}.{name}": code[package] for package in PACKAGES for name in code[package].exports}
    objects = {path: resolved(code, path) for path in objects if path not in PAGES}
    rooms = [module for room in ROOMS for module in modules_below(code[f"tsrep.{room}"])]
    for module in (*rooms, *(code[path] for path in MODULES)):
        objects |= {member.path: member for member in members(module)}
    return objects


def test_every_public_name_is_in_the_reference(code: "griffe.ModulesCollection") -> None:
    named: set[str] = set()
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for path in ENTRY.findall(page.read_text(encoding="utf-8")):
            entry = resolved(code, path)
            named.add(entry.path)
            if entry.is_module:
                named |= {member.path for member in members(entry)}
    assert len(named) > 500
    assert [path for path, entry in public(code).items() if entry.path not in named] == []


def test_every_public_name_has_a_docstring(code: "griffe.ModulesCollection") -> None:
    assert [path for path, entry in public(code).items() if not entry.docstring] == []


def test_no_entry_stands_twice(code: "griffe.ModulesCollection") -> None:
    entries = [
        path
        for page in (ROOT / "docs" / "reference").glob("*.md")
        for path in ENTRY.findall(page.read_text(encoding="utf-8"))
    ]
    assert sorted(entries) == sorted(set(entries))
