"""Text files, plain or compressed, in the encodings that spreadsheets and instruments write."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tsrep.data.columns import TableError

PACKED = (".gz", ".bz2", ".xz", ".zip")
HEAD = 1 << 16
"""Bytes by which an encoding is told."""
ALWAYS_ALLOWED = 256 << 20
LARGEST_RATIO = 200
"""Bytes of text per compressed byte that are believed, beyond `ALWAYS_ALLOWED`."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
)
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""Byte order marks."""
BINARY = (
    (b"PK\x03\x04", "a zip or an Excel workbook"),
    (b"PAR1", "Parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89HDF", "HDF5"),
    (b"SQLite format", "a database"),
)
"""How files begin that are no text."""


class _Limited(io.RawIOBase):
    """A stream that ends in an error when it unpacks to far more than its file."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._limit, self._read = stream, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._stream.read(len(buffer))
        self._read += len(part)
        if self._read > self._limit:
            raise TableError(_out_of_proportion(self._limit))
        buffer[: len(part)] = part
        return len(part)


@contextmanager
def open_bytes(path: Path) -> Iterator[io.BufferedReader]:
    """The unpacked bytes of a file.

    Raises
    ------
    TableError
        The file is damaged, encrypted, or a zip of several files; or it unpacks to gigabytes.
    """
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    limit = max(ALWAYS_ALLOWED, LARGEST_RATIO * path.stat().st_size)
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive)) as stream:
                yield io.BufferedReader(_Limited(stream, limit))
        elif path.suffix.lower() in openers:
            with openers[path.suffix.lower()](path, "rb") as stream:
                yield io.BufferedReader(_Limited(stream, limit))
        else:
            with path.open("rb") as file:
                yield file
    except DAMAGED as error:
        raise TableError(f"cannot be read as a table: {' '.join(str(error).split())}") from error


def check_unpacked(archive: zipfile.ZipFile, size: int) -> None:
    """Raises a `TableError` for an archive of `size` bytes whose files together unpack to gigabytes."""
    limit = max(ALWAYS_ALLOWED, LARGEST_RATIO * size)
    if sum(each.file_size for each in archive.infolist()) > limit:
        raise TableError(_out_of_proportion(limit))


def _out_of_proportion(limit: int) -> str:
    return f"unpacks to more than {limit >> 20} MiB, out of proportion to its size"


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [each for each in archive.infolist() if each.filename and not each.is_dir()]
    members = [each for each in files if "__MACOSX" not in each.filename]
    if len(members) != 1:
        raise TableError(f"is a zip of {len(members)} files; wanted one table")
    return members[0]


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[tuple[IO[str], str]]:
    """(the text of a file, its encoding); `encoding` None: by its first bytes.

    Raises
    ------
    TableError
        See `open_bytes`; or the file holds no text.
    """
    with open_bytes(path) as stream:
        head = stream.peek(HEAD)[:HEAD]
        _refuse_binary(head)
        name = encoding or _encoding(head)
        yield io.TextIOWrapper(stream, encoding=name, newline=None), name


def _refuse_binary(head: bytes) -> None:
    for start, what in BINARY:
        if head.startswith(start):
            raise TableError(f"cannot be read as a table: it is {what}, not text")


def _encoding(head: bytes) -> str:
    """By the byte order mark, by zero bytes, else UTF-8 if the head is that, else that of Windows."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) < 0.3 * len(head) / 2:
            raise TableError("cannot be read as a table: it holds zero bytes, so it is no text")
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
