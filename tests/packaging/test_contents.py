"""The wheel and the source distribution hold every file of the packages, and say what the package is."""

import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import tsrep

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(distributions: dict[str, Path]) -> dict[str, str]:
    """Name and content of each file."""
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(
    wheel: dict[str, str], files_of_tree: set[str]
) -> None:
    data = {"tsrep/py.typed", "tsrep_vision/py.typed", "tsrep/bench/imputation/published.csv"}
    assert data <= files_of_tree
    assert {name for name in wheel if ".dist-info/" not in name} == files_of_tree


def test_the_source_distribution_holds_the_packages_and_no_tests(
    distributions: dict[str, Path], files_of_tree: set[str]
) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    assert files_of_tree <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"} <= names
    assert [name for name in names if name.startswith("tests/")] == []


def test_the_metadata_are_right(wheel: dict[str, str]) -> None:
    folder = f"tsrep-{tsrep.__version__}.dist-info"
    metadata = message_from_string(wheel[f"{folder}/METADATA"])
    assert (metadata["Name"], metadata["Version"]) == ("tsrep", tsrep.__version__)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert wheel[f"{folder}/licenses/LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    classifiers = metadata.get_all("Classifier", [])
    for version in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {version}" in classifiers
    assert wheel[f"{folder}/entry_points.txt"].split() == [
        "[console_scripts]",
        *("tsrep", "=", "tsrep.cli:main"),
        *("tsrep-vision", "=", "tsrep_vision.cli:main"),
    ]
