"""A saved model is a folder: safetensors files and a `config.json` with their SHA-256 and its own. Never pickle.

A folder appears whole or not at all: it is written beside its place and renamed into it. A program killed at any
moment leaves the old folder, the new one, or (between two renames) the old one under its `.previous` name, where
`read_folder` finds it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

FORMAT = "tsrep model 1"
CONFIG = "config.json"


class ModelFileError(ValueError):
    """A saved model is missing, damaged, or not one of ours."""


def write_folder(path: str | Path, config: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
    """Writes `config` and, for each name in `tensors`, the file `<name>.safetensors`.

    A saved model already at `path` is replaced.

    Raises
    ------
    FileExistsError
        `path` exists and holds something else than a saved model: it is not touched.
    """
    path = Path(path)
    check_writable(path)
    files = {f"{name}.safetensors": save_tensors(_plain(of)) for name, of in tensors.items()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    described = {"format": FORMAT, **config, "sha256": digests}
    described["sha256"] = {**digests, CONFIG: _digest_of(described)}
    files[CONFIG] = json.dumps(described, indent=1).encode()

    fresh = path.with_name(f".{path.name}.writing")
    shutil.rmtree(fresh, ignore_errors=True)  # of a program that was killed
    fresh.mkdir()  # with the permissions that the user's umask gives, which a temporary folder has not
    try:
        for name, content in files.items():
            with open(fresh / name, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        previous = _previous(path)
        if path.exists():
            shutil.rmtree(previous, ignore_errors=True)
            path.rename(previous)
        fresh.rename(path)
        shutil.rmtree(previous, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def read_folder(path: str | Path) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    """The config and the tensors that `write_folder` wrote.

    Raises
    ------
    ModelFileError
        The folder or one of its files is missing, of another kind, or not what was written.
    """
    path = Path(path)
    if not path.exists() and _previous(path).exists():
        path = _previous(path)
    config = read_config(path)
    tensors = {}
    for name, digest in config["sha256"].items():
        try:
            content = (path / name).read_bytes()
        except (OSError, ValueError) as error:  # of a name that no file can have
            raise ModelFileError(f"{path / name} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ModelFileError(f"{path / name} is damaged: its SHA-256 is not the one in {CONFIG}")
        try:
            tensors[name.removesuffix(".safetensors")] = load_tensors(content)
        except SafetensorError as error:
            raise ModelFileError(f"{path / name} is not a safetensors file: {error}") from error
    return config, tensors


def read_config(path: str | Path) -> dict[str, Any]:
    """`config.json` alone, as it was given to be written, with no weight read.

    Its own SHA-256 is compared; a folder of version 0.1 has none.
    """
    file = Path(path) / CONFIG
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"{path} is not a saved model: {_why_not(Path(path), error)}") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} is damaged: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelFileError(f"{file} does not say {FORMAT!r}: it was not written by this program")
    digests = config.get("sha256")
    if not isinstance(digests, dict) or not all(name == Path(name).name for name in digests):
        raise ModelFileError(f"{file} is damaged: it lists no files")
    config["sha256"] = {name: digest for name, digest in digests.items() if name != CONFIG}
    if CONFIG in digests and digests[CONFIG] != _digest_of(config):
        raise ModelFileError(f"{file} is damaged: its SHA-256 is not the one that it says")
    return config


def _why_not(path: Path, error: OSError) -> str:
    if not path.exists():
        return "it does not exist"
    if path.is_file():
        return "it is a file; wanted the folder that save wrote"
    return f"it has no {CONFIG}" if isinstance(error, FileNotFoundError) else str(error)


def check_writable(path: str | Path, argument: str = "path") -> None:
    """Raises what `write_folder` would raise, and makes the folder around `path`, the `argument` of that name.

    Raises
    ------
    FileExistsError
        `path` exists and holds something else than a saved model.
    PermissionError
        Its folder cannot be written to.
    ValueError
        `path` names no folder.
    """
    if not isinstance(path, str | os.PathLike) or not Path(path).name:
        raise ValueError(f"{argument} is {path!r}; wanted the name of a folder")
    path = Path(path)
    _refuse_to_replace_anything_else(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path.parent} cannot be written to")


def remove_folder(path: str | Path) -> None:
    """Removes a saved model, if `path` is one and holds nothing else."""
    path = Path(path)
    if holds_model(path):
        _refuse_to_replace_anything_else(path)
        for folder in (path, _previous(path)):
            shutil.rmtree(folder, ignore_errors=True)


def holds_model(path: str | Path) -> bool:
    """Whether `path` is a saved model, whole or half replaced."""
    return any((folder / CONFIG).is_file() for folder in (Path(path), _previous(Path(path))))


def _digest_of(config: dict[str, Any]) -> str:
    """SHA-256 of a config without its own entry, in whatever layout it is written."""
    as_read = json.loads(json.dumps(config))
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _refuse_to_replace_anything_else(path: Path) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise FileExistsError(f"{path} is a file; wanted a folder, or a name not yet taken")
    contents = {entry.name for entry in path.iterdir()}
    if contents:
        known = set(read_config(path)["sha256"]) | {CONFIG} if CONFIG in contents else set()
        if foreign := contents - known:
            raise FileExistsError(f"{path} holds {sorted(foreign)[0]!r}, which is no part of a saved model")


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """As safetensors wants them: on the CPU, contiguous, sharing no memory."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
