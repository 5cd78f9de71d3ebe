"""Where images lie: a folder, a zip file, an array. Each opens one image by name, when it is asked for."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp")


class Folder:
    """The image files in a folder and in the folders within it, in the order of their names; or only `names`."""

    def __init__(self, root: Path, names: Sequence[str] | None = None):
        self.root = root
        files = (path.relative_to(root).as_posix() for path in root.rglob("*")) if names is None else names
        self.names = sorted(name for name in files if is_image(name))

    def open(self, name: str) -> Image.Image:
        return Image.open(self.root / name)

    def read(self, name: str) -> bytes | None:
        """Any file in the folder; None: there is none of this name."""
        path = self.root / name
        return path.read_bytes() if path.is_file() else None


class Zip:
    """The image files in a zip file, in the order of their names.

    It is opened anew in another process. Threads share it.

    Raises
    ------
    ValueError
        The file is not a zip file.
    """

    def __init__(self, path: Path):
        self.path = path
        self._open()
        self.names = sorted(name for name in self._members if is_image(name))

    def open(self, name: str) -> Image.Image:
        return Image.open(self._file.open(name))  # of which only the header is read yet

    def read(self, name: str) -> bytes | None:
        """Any file in it; None: there is none of this name."""
        return self._file.read(name) if name in self._members else None

    def _open(self) -> None:
        try:
            self._file = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.path} is not a zip file: {error}") from error
        self._members = frozenset(self._file.namelist())

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "names": self.names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


class Arrays:
    """Images in one array, named by their numbers.

    Parameters
    ----------
    images : (n, H, W) or (n, H, W, C), C 1 or 3: uint8, or floats between 0 and 1.

    Raises
    ------
    ValueError
        The array has another shape or type, or floats outside of 0 to 1 or NaN.
    """

    def __init__(self, images: NDArray[Any]):
        if images.ndim == 4 and images.shape[-1] == 1:
            images = images[..., 0]
        if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3):
            raise ValueError(
                f"images has shape {images.shape}; wanted (n, H, W), (n, H, W, 1) or (n, H, W, 3)"
            )
        if images.dtype.kind == "f":
            if not ((images >= 0) & (images <= 1)).all():
                found = (
                    "NaN" if np.isnan(images).any() else f"floats from {images.min():g} to {images.max():g}"
                )
                raise ValueError(f"images has {found}; wanted floats between 0 and 1, or uint8")
            images = np.rint(images * 255).astype(np.uint8)
        if images.dtype != np.uint8:
            raise ValueError(f"images has type {images.dtype}; wanted uint8, or floats between 0 and 1")
        self.images = images
        self.names = [str(number) for number in range(len(images))]

    def open(self, name: str) -> Image.Image:
        return Image.fromarray(self.images[int(name)])


def is_image(name: str) -> bool:
    """Whether a file's ending is that of an image; hidden files, and those in hidden folders, are none."""
    return name.lower().endswith(ENDINGS) and not any(part.startswith(".") for part in name.split("/"))


def shared_folder(names: Sequence[str]) -> str:
    """The folders that all images lie in, with a "/" behind, but for the folder right around an image.

    Examples
    --------
    >>> shared_folder(["photos/train/cat/1.png", "photos/test/dog/1.png"]), shared_folder(["cat/1.png", "cat/2.png"])
    ('photos/', '')
    """
    folders = [name.split("/")[:-2] for name in names]
    shared = itertools.takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False))
    return "".join(f"{level[0]}/" for level in shared)
