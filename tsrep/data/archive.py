"""The UCR and UEA archives by name: where the files lie, and how to get one set.

A set is found in a folder that holds the archive in any of the usual ways: `<Name>_TRAIN.<ending>` in the
folder itself, in `<Name>/`, or in `<archive>/<Name>/` (`UCR/`, `UEA/`, `Univariate_ts/`, `UCRArchive_2018/`,
...); plain, gzipped, or inside a zip of the set (`<Name>.zip`) or of the whole archive
(`Univariate2018_ts.zip`).
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from numpy.typing import NDArray

from tsrep.data.formats import READERS, DatasetFileError, format_of, open_text, read_dataset_file
from tsrep.data.formats.arff import read_arff_header
from tsrep.data.formats.ts import read_ts_header

Array = NDArray[Any]

ROOT_VARIABLE = "TSREP_DATA"
_SPLITS = ("train", "test")
_NAME = re.compile(r"\w[\w.+ -]*")  # in particular no path
_PREFERRED = {ending: i for i, ending in enumerate(READERS)}


class DatasetNotFoundError(FileNotFoundError):
    """No place has the set. The message lists the places and names that are alike."""


@dataclass(frozen=True)
class _Found:
    """One file of a set: on its own, or a member of the zip `path`."""

    name: str
    split: str
    path: Path
    member: str | None
    depth: int

    @property
    def preference(self) -> tuple[Any, ...]:
        """The nearest first; then folders before zips, the formats' order, plain before gzipped."""
        name = self.member or self.path.name
        place = (
            self.depth,
            str(self.path.parent),
            self.member is not None,
            str(PurePosixPath(self.member or "").parent),
        )
        return *place, _PREFERRED[format_of(name) or ""], name.endswith(".gz"), name


def load_dataset(
    name: str, split: str = "train", root: str | os.PathLike[str] | None = None
) -> tuple[Array, Array]:
    """One part of a UCR or UEA set by its name.

    Looks under `root`, then under the folder that the environment variable `TSREP_DATA` names, then among
    the sets that sktime bundles or has downloaded before, and at last asks sktime to download it (into
    sktime's own folder). Files may be `.ts`, `.tsv`, `.arff` or `.txt`, plain, gzipped or zipped.

    Parameters
    ----------
    name : str
        As in the archive; upper and lower case do not matter unless two sets differ in nothing else.
    split : "train" or "test"
    root : path, optional

    Returns
    -------
    X : ndarray `(n, c, t)`, float64
        Raw values, not normalised; NaN where missing. Series of unequal length are NaN-padded at the end to
        the longest of this split, so that the two splits of such a set may differ in `t`.
    y : ndarray `(n,)`
        Class labels as text (`'1'`, also where the file says `1.0`); float64 targets for a regression set.

    Raises
    ------
    DatasetNotFoundError
        No such set in any place; a `FileNotFoundError`.
    DatasetFileError
        The file is damaged, encrypted or without labels; a `ValueError` with `file` and `line`.
    ValueError
        `name` or `split` is none.

    Examples
    --------
    >>> X, y = load_dataset("ItalyPowerDemand", split="train")
    >>> X.shape, y[:3]
    ((67, 1, 24), array(['1', '1', '2'], dtype='<U1'))
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"name must be that of a data set, such as 'GunPoint', got {name!r}")
    if not isinstance(split, str) or split.lower() not in _SPLITS:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    split = split.lower()
    tried: list[Path] = []
    for place in _places(root):
        found = _find(place, name, split)
        if found is not None:
            return _read(found)
        tried.append(place)
    return _read(_download(name, split, tried))


def find_datasets(root: str | os.PathLike[str] | None = None) -> dict[str, list[str]]:
    """Names of the classification sets on disk: `{"UCR": [...], "UEA": [...]}`, sorted.

    Listed are the sets that have both splits under `root`; without a `root`, under `TSREP_DATA`; without
    that, among sktime's. Univariate sets count as UCR, multivariate ones as UEA; regression sets are left
    out. Only headers are read: a set that is listed may still have a damaged file.
    """
    best: dict[tuple[str, str], _Found] = {}
    place = next(_places(root), None)
    for found in _walk(place, zips=True) if place else ():
        known = best.setdefault((found.name, found.split), found)
        if found.preference < known.preference:
            best[found.name, found.split] = found
    archives: dict[str, list[str]] = {"UCR": [], "UEA": []}
    for name in sorted({name for name, _ in best}):
        if all((name, split) in best for split in _SPLITS):
            archive = _archive_of(best[name, "train"])
            if archive is not None:
                archives[archive].append(name)
    return archives


def _places(root: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Folders to look in, the first first. Those given by hand must exist."""
    for source, folder in (("root", root), (f"${ROOT_VARIABLE}", os.environ.get(ROOT_VARIABLE) or None)):
        if folder is not None:
            if not Path(folder).is_dir():
                raise DatasetNotFoundError(f"{source} is {str(folder)!r}, which is not a folder")
            yield Path(folder)
    yield from (folder for folder in _sktime_folders() if folder.is_dir())


def _sktime_folders() -> list[Path]:
    """Where sktime keeps what it bundles and what it has downloaded."""
    sktime = importlib.util.find_spec("sktime")  # finds the package without importing it
    if sktime is None or sktime.origin is None:
        return []
    own = Path(sktime.origin).parent / "datasets"
    return [own / "data", own / "local_data"]


def _find(place: Path, name: str, split: str) -> _Found | None:
    """The best file for a set: folders before zips, the exact name before one in other letters."""
    for zips in (False, True):
        found = [
            one
            for one in _walk(place, zips=zips, wanted=name)
            if one.split == split and (one.member is None) != zips
        ]
        exact = [one for one in found if one.name == name]
        if found:
            return min(exact or found, key=lambda one: one.preference)
    return None


def _walk(place: Path, *, zips: bool, wanted: str | None = None) -> Iterator[_Found]:
    """Files of sets in `place`, its folders and theirs; of the set `wanted` only, if given."""
    level = [place]
    for depth in range(3):
        below: list[Path] = []
        for folder in level:
            for entry in _entries(folder):
                if entry.is_dir():
                    if depth == 0 or wanted is None or entry.name.casefold() == wanted.casefold():
                        below.append(Path(entry.path))
                    continue
                path = Path(entry.path)
                if zips and path.suffix.lower() == ".zip":
                    yield from _walk_zip(path, depth, wanted)
                elif (found := _found(entry.name, path, None, depth)) and _is_wanted(found.name, wanted):
                    yield found
        level = below


def _read(found: _Found) -> tuple[Array, Array]:
    X, y = read_dataset_file(found.path, found.member)
    if y is None:
        raise DatasetFileError(
            "no class labels or targets; read_dataset_file reads it without", str(found.path)
        )
    return X, y


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError:  # not ours to read, or gone
        return []


def _walk_zip(path: Path, depth: int, wanted: str | None) -> Iterator[_Found]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, LookupError, OverflowError) as error:
        if wanted is not None and path.stem.casefold() == wanted.casefold():
            raise DatasetFileError(f"the zip is damaged or cut off ({error})", str(path)) from error
        return  # some other zip of the user's
    for member in members:
        inner = PurePosixPath(member)
        found = _found(inner.name, path, member, depth + len(inner.parts) - 1)
        if found and _is_wanted(found.name, wanted):
            yield found


def _found(filename: str, path: Path, member: str | None, depth: int) -> _Found | None:
    ending = format_of(filename)
    if ending is None:
        return None
    stem = filename[: filename.lower().rindex(ending)]
    name, _, split = stem.rpartition("_")
    if not name or split.lower() not in _SPLITS:
        return None
    return _Found(name, split.lower(), path, member, depth)


def _is_wanted(name: str, wanted: str | None) -> bool:
    return wanted is None or name.casefold() == wanted.casefold()


def _archive_of(found: _Found) -> str | None:
    """The archive that a set belongs to by its header; None for a regression or unlabelled set."""
    ending = format_of(found.member or found.path.name)
    try:
        with open_text(found.path, found.member) as lines:
            if ending == ".ts":
                header = read_ts_header(iter(lines), lines)
                if header.regression or not header.labelled:
                    return None
                several = header.univariate is False or (header.dimensions or 1) > 1
                return "UEA" if several else "UCR"
            if ending == ".arff":
                return "UEA" if read_arff_header(iter(lines), lines).relational else "UCR"
    except (DatasetFileError, OSError):
        pass  # loading it says what is wrong
    return "UCR"


def _download(name: str, split: str, places: list[Path]) -> _Found:
    """The file that sktime's own downloader gets, for the names that it knows.

    What sktime reads from it is not used: it changes the case of class labels.
    """
    try:
        from sktime.datasets import load_UCR_UEA_dataset
        from sktime.datasets.tsc_dataset_names import multivariate, univariate
    except ImportError:
        raise _not_found(name, split, places, "no download, as sktime is not installed") from None
    offered = {one.casefold(): one for one in [*univariate, *multivariate]}
    if name.casefold() not in offered:
        reason = "the names that sktime can download"
        raise _not_found(name, split, places, reason, offered.values())
    folder = _sktime_folders()[1]
    try:
        folder.mkdir(exist_ok=True)
        load_UCR_UEA_dataset(offered[name.casefold()], split=split, extract_path=str(folder))
    except Exception as error:  # whatever a network, a mirror or a half-written cache can do
        reason = f"sktime's download ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        raise _not_found(name, split, places, reason) from error
    found = _find(folder, name, split)
    if found is None:
        raise _not_found(name, split, places, f"sktime's download (left no file of it in {folder})")
    return found


def _not_found(
    name: str, split: str, places: list[Path], last: str, offered: Iterable[str] = ()
) -> DatasetNotFoundError:
    names = {found.name for place in places for found in _walk(place, zips=False)} | set(offered)
    folded = {one.casefold(): one for one in sorted(names)}
    alike = [folded[one] for one in difflib.get_close_matches(name.casefold(), folded, n=3)]
    hint = f" Did you mean {' or '.join(alike)}?" if alike else ""
    return DatasetNotFoundError(
        f"No {split} part of a data set {name!r}. Looked in: {'; '.join([*map(str, places), last])}.{hint} "
        f"Give its folder as root, or set ${ROOT_VARIABLE}."
    )
