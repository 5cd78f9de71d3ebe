"""Data sets of the UCR and UEA archives by name.

A set is found in a folder that holds the archive in any of the usual layouts: `<Name>_TRAIN.<ending>` in the
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
    """The set was not found. The message lists the places searched and similar names."""


@dataclass(frozen=True)
class _SetFile:
    """One file of a set: `path` itself, or the `member` of the zip `path`."""

    name: str
    split: str
    path: Path
    member: str | None
    depth: int

    @property
    def preference(self) -> tuple[Any, ...]:
        """A sort key: the nearest first; then folders before zips, the order of `READERS`, plain before gzipped."""
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
    """One part of a UCR or UEA set, by name.

    It is searched for under `root`, then in the folder of the environment variable `TSREP_DATA`, then among the
    sets that sktime bundles or has downloaded; at last sktime downloads it (into sktime's own folder). Files may
    be `.ts`, `.tsv`, `.arff` or `.txt`, plain, gzipped or zipped.

    Parameters
    ----------
    name : str
        Name in the archive; case is ignored, unless two sets differ in nothing else.
    split : "train" or "test"
    root : path, optional

    Returns
    -------
    X : ndarray `(n, c, t)`, float64
        Raw values, not normalised; NaN where missing. Series of unequal length are NaN-padded at the end to
        the longest of this split, so that the two splits of such a set may differ in `t`.
    y : ndarray `(n,)`
        Class labels as text (`'1'`, also if the file has `1.0`); float64 targets for a regression set.

    Raises
    ------
    DatasetNotFoundError
        The set was not found; a `FileNotFoundError`.
    DatasetFileError
        The file is damaged, encrypted or without labels; a `ValueError` with `file` and `line`.
    ValueError
        `name` is not the name of a set, or `split` neither "train" nor "test".

    Examples
    --------
    >>> X, y = load_dataset("ItalyPowerDemand", split="train")
    >>> X.shape, y[:3]
    ((67, 1, 24), array(['1', '1', '2'], dtype='<U1'))
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"name is {name!r}; wanted that of a data set, such as 'GunPoint'")
    if not isinstance(split, str) or split.lower() not in _SPLITS:
        raise ValueError(f"split is {split!r}; wanted 'train' or 'test'")
    split = split.lower()
    tried: list[Path] = []
    for place in _places(root):
        file = _find(place, name, split)
        if file is not None:
            return _read(file)
        tried.append(place)
    return _read(_download(name, split, tried))


def find_datasets(root: str | os.PathLike[str] | None = None) -> dict[str, list[str]]:
    """Names of the classification sets on disk: `{"UCR": [...], "UEA": [...]}`, sorted.

    These are the sets with both splits under `root`; without a `root`, under `TSREP_DATA`; without that, among
    sktime's. Univariate sets are listed as UCR, multivariate ones as UEA; regression sets are left out. Only
    headers are read, so a listed set may still have a damaged file.
    """
    best: dict[tuple[str, str], _SetFile] = {}
    place = next(_places(root), None)
    for file in _walk(place, zips=True) if place else ():
        known = best.setdefault((file.name, file.split), file)
        if file.preference < known.preference:
            best[file.name, file.split] = file
    archives: dict[str, list[str]] = {"UCR": [], "UEA": []}
    for name in sorted({name for name, _ in best}):
        if all((name, split) in best for split in _SPLITS):
            archive = _archive_of(best[name, "train"])
            if archive is not None:
                archives[archive].append(name)
    return archives


def _places(root: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Folders to search, in order. `root` and the environment variable must name existing folders."""
    for source, folder in (("root", root), (f"${ROOT_VARIABLE}", os.environ.get(ROOT_VARIABLE) or None)):
        if folder is not None:
            if not Path(folder).is_dir():
                raise DatasetNotFoundError(f"{source} is {str(folder)!r}, which is not a folder")
            yield Path(folder)
    yield from (folder for folder in _sktime_folders() if folder.is_dir())


def _sktime_folders() -> list[Path]:
    """The folders of the sets that sktime bundles and of those that it has downloaded."""
    sktime = importlib.util.find_spec("sktime")  # finds the package without importing it
    if sktime is None or sktime.origin is None:
        return []
    datasets = Path(sktime.origin).parent / "datasets"
    return [datasets / "data", datasets / "local_data"]


def _find(place: Path, name: str, split: str) -> _SetFile | None:
    """The preferred file of a set: folders before zips, the exact name before one in another case."""
    for zips in (False, True):
        files = [
            file
            for file in _walk(place, zips=zips, set_name=name)
            if file.split == split and (file.member is None) != zips
        ]
        exact = [file for file in files if file.name == name]
        if files:
            return min(exact or files, key=lambda file: file.preference)
    return None


def _walk(place: Path, *, zips: bool, set_name: str | None = None) -> Iterator[_SetFile]:
    """Files of sets in `place` and two levels of folders below; only those of the set `set_name`, if given."""
    level = [place]
    for depth in range(3):
        below: list[Path] = []
        for folder in level:
            for entry in _entries(folder):
                if entry.is_dir():
                    if depth == 0 or _is_called(entry.name, set_name):
                        below.append(Path(entry.path))
                    continue
                path = Path(entry.path)
                if zips and path.suffix.lower() == ".zip":
                    yield from _walk_zip(path, depth, set_name)
                elif (file := _set_file(entry.name, path, None, depth)) and _is_called(file.name, set_name):
                    yield file
        level = below


def _read(file: _SetFile) -> tuple[Array, Array]:
    X, y = read_dataset_file(file.path, file.member)
    if y is None:
        raise DatasetFileError(
            "no class labels or targets; read_dataset_file reads it without", str(file.path)
        )
    return X, y


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
    except OSError:  # not readable, or deleted
        return []


def _walk_zip(path: Path, depth: int, set_name: str | None) -> Iterator[_SetFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, LookupError, OverflowError) as error:
        if set_name is not None and _is_called(path.stem, set_name):
            raise DatasetFileError(f"the zip is damaged or cut off ({error})", str(path)) from error
        return  # another zip of the user
    for member in members:
        inner = PurePosixPath(member)
        file = _set_file(inner.name, path, member, depth + len(inner.parts) - 1)
        if file and _is_called(file.name, set_name):
            yield file


def _set_file(filename: str, path: Path, member: str | None, depth: int) -> _SetFile | None:
    ending = format_of(filename)
    if ending is None:
        return None
    stem = filename[: filename.lower().rindex(ending)]
    name, _, split = stem.rpartition("_")
    if not name or split.lower() not in _SPLITS:
        return None
    return _SetFile(name, split.lower(), path, member, depth)


def _is_called(name: str, set_name: str | None) -> bool:
    """Whether `name` is `set_name`, in any case; always for None."""
    return set_name is None or name.casefold() == set_name.casefold()


def _archive_of(file: _SetFile) -> str | None:
    """The archive of a set, by the header of its file; None for a regression or unlabelled set."""
    ending = format_of(file.member or file.path.name)
    try:
        with open_text(file.path, file.member) as lines:
            if ending == ".ts":
                header = read_ts_header(iter(lines), lines)
                if header.regression or not header.labelled:
                    return None
                multivariate = header.univariate is False or (header.dimensions or 1) > 1
                return "UEA" if multivariate else "UCR"
            if ending == ".arff":
                return "UEA" if read_arff_header(iter(lines), lines).relational else "UCR"
    except (DatasetFileError, OSError):
        pass  # loading it reports the fault
    return "UCR"


def _download(name: str, split: str, places: list[Path]) -> _SetFile:
    """The file that sktime downloads, for the names that it knows.

    The data that sktime reads from it are not used: it changes the case of class labels.
    """
    try:
        from sktime.datasets import load_UCR_UEA_dataset
        from sktime.datasets.tsc_dataset_names import multivariate, univariate
    except ImportError:
        raise _not_found(name, split, places, "no download, since sktime is not installed") from None
    offered = {set_name.casefold(): set_name for set_name in [*univariate, *multivariate]}
    if name.casefold() not in offered:
        reason = "the names that sktime can download"
        raise _not_found(name, split, places, reason, offered.values())
    folder = _sktime_folders()[1]
    try:
        folder.mkdir(exist_ok=True)
        load_UCR_UEA_dataset(offered[name.casefold()], split=split, extract_path=str(folder))
    except Exception as error:  # networks, mirrors and half-written caches raise many types
        reason = f"sktime's download ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        raise _not_found(name, split, places, reason) from error
    file = _find(folder, name, split)
    if file is None:
        raise _not_found(name, split, places, f"sktime's download (left no file of it in {folder})")
    return file


def _not_found(
    name: str, split: str, places: list[Path], last: str, offered: Iterable[str] = ()
) -> DatasetNotFoundError:
    names = {file.name for place in places for file in _walk(place, zips=False)} | set(offered)
    folded = {set_name.casefold(): set_name for set_name in sorted(names)}
    similar = [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=3)]
    hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
    return DatasetNotFoundError(
        f"No {split} part of a data set {name!r}. Looked in: {'; '.join([*map(str, places), last])}.{hint} "
        f"Give its folder as root, or set ${ROOT_VARIABLE}."
    )
