"""Lines of a text file that is plain, gzipped, or inside a zip."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tsrep.data.formats.errors import DatasetFileError

_CHUNK = 1 << 20  # bytes
_ALWAYS_ALLOWED = 256 << 20  # bytes of text, allowed for any file
_LARGEST_RATIO = 200  # of text to compressed bytes beyond that; files of the archives reach about 60

_BROKEN_COMPRESSION = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)


class TextLines:
    """Iterates over the lines of one file and counts them, so that errors can name the line.

    Lines have no line ends and are decoded as UTF-8, with U+FFFD for each invalid byte (some comments in the
    archives have such bytes). Text is read in chunks; a small compressed file that unpacks to gigabytes raises.
    """

    def __init__(self, stream: IO[bytes], name: str, compressed_size: int | None = None) -> None:
        self.name = name
        self.line: int | None = None
        self._stream = stream
        self._limit = (
            None if compressed_size is None else max(_ALWAYS_ALLOWED, _LARGEST_RATIO * compressed_size)
        )

    def __iter__(self) -> Iterator[str]:
        for number, raw in enumerate(self._raw_lines(), start=1):
            self.line = number
            text = raw.decode("utf-8", errors="replace")
            yield (text.removeprefix("\ufeff") if number == 1 else text).rstrip("\r")

    def error(self, reason: str) -> DatasetFileError:
        """An error at the present line."""
        return DatasetFileError(reason, self.name, self.line)

    def whole_file_error(self, reason: str) -> DatasetFileError:
        return DatasetFileError(reason, self.name)

    def _raw_lines(self) -> Iterator[bytes]:
        pending: list[bytes] = []
        for chunk in self._chunks():
            first, *others = chunk.split(b"\n")
            pending.append(first)
            if others:
                yield b"".join(pending)
                yield from others[:-1]
                pending = [others[-1]]
        last = b"".join(pending)
        if last:
            yield last

    def _chunks(self) -> Iterator[bytes]:
        total = 0
        while True:
            try:
                chunk = self._stream.read(_CHUNK)
            except _BROKEN_COMPRESSION as error:
                raise self.error(f"the compressed data is damaged or cut off ({error})") from error
            if not chunk:
                return
            total += len(chunk)
            if self._limit is not None and total > self._limit:
                raise self.error(
                    f"it unpacks to more than {self._limit >> 20} MiB, out of proportion to its size"
                )
            yield chunk


@contextmanager
def open_text(path: Path, member: str | None = None) -> Iterator[TextLines]:
    """The lines of `path` (plain, or gzipped if it ends in `.gz`), or of the `member` of the zip `path`."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if member is None and path.suffix.lower() != ".gz":
            yield TextLines(file, str(path))
        elif member is None:
            with gzip.GzipFile(fileobj=file) as unzipped:
                yield TextLines(unzipped, str(path), size)  # type: ignore[arg-type]
        else:
            name = f"{path}/{member}"
            with _open_member(file, name, member) as (stream, compressed_size):
                yield _of_member(stream, name, member, min(compressed_size, size))


@contextmanager
def _open_member(file: IO[bytes], name: str, member: str) -> Iterator[tuple[IO[bytes], int]]:
    try:
        archive = zipfile.ZipFile(file)
        info = archive.getinfo(member)
        encrypted = bool(info.flag_bits & 1)
        stream = None if encrypted else archive.open(info)
    except _BROKEN_COMPRESSION as error:
        raise DatasetFileError(f"the zip is damaged or cut off ({error})", name) from error
    if stream is None:
        raise DatasetFileError("the zip is encrypted: unpack it with the archive's password first", name)
    with archive, stream:
        yield stream, info.compress_size


def _of_member(stream: IO[bytes], name: str, member: str, compressed_size: int) -> TextLines:
    if member.lower().endswith(".gz"):
        return TextLines(gzip.GzipFile(fileobj=stream), name, compressed_size)  # type: ignore[arg-type]
    return TextLines(stream, name, compressed_size)
