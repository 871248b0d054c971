"""Opens an archive: which format it is, and what it is where it is none."""

import bz2
import gzip
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from core.data.archive_formats import TAR_BLOCK, ArchiveReader, BoundedReads, TarReader, ZipReader, reading
from core.data.seven_zip import MAGIC, SevenZipReader
from core.errors import InputError
from core.files import translate_os_error

_TAR_SUFFIX = re.compile(r"\.(tar|tar\.(gz|bz2|xz)|tgz|tbz2?|txz)$", re.IGNORECASE)


@contextmanager
def open_archive(path: Path, label: str, scratch: Path) -> Iterator[ArchiveReader]:
    """Opens a zip, tar (.gz, .bz2, .xz) or 7z archive, told apart by its first bytes.

    Args:
        path: the file.
        label: how messages call it.
        scratch: a folder for what has to be unpacked for a while.

    Raises:
        InputError: it is none of these, is empty, or is damaged.
        EnvironmentFault: it cannot be read, or is a 7z archive without py7zr.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise translate_os_error(error, label) from error
    with file:
        with reading(label):  # the caller's own errors must not pass through here
            is_7z = file.read(len(MAGIC)) == MAGIC
            file.seek(0)
            reader = SevenZipReader(file, label, scratch) if is_7z else _make_reader(file, path.name, label)
        try:
            yield reader
        finally:
            if isinstance(reader, SevenZipReader):
                reader.close()


def archive_stem(path: Path) -> str:
    """The file's name without the suffixes of an archive."""
    return _TAR_SUFFIX.sub("", path.name) if _TAR_SUFFIX.search(path.name) else path.stem


def _make_reader(file: IO[bytes], name: str, label: str) -> ArchiveReader:
    start = file.read(TAR_BLOCK)
    is_zip = start.startswith(b"PK") or zipfile.is_zipfile(file)
    file.seek(0)
    if is_zip:
        return ZipReader(file, label)
    for magic, decompress in _COMPRESSIONS.items():
        if start.startswith(magic):
            return TarReader(BoundedReads(decompress(file)), label)
    if start[257:262] == b"ustar" or (start and _TAR_SUFFIX.search(name)):
        return TarReader(BoundedReads(file), label)
    raise InputError(f"{label}: {_what_it_is(start)}")


def _what_it_is(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<html", b"<!doctype html", b"<head", b"<!--")):
        return "not a zip archive; starts with <html>: accept the competition rules?"
    if not start:
        return "not a zip archive; the file is empty: get it again"
    if start.startswith(b"Rar!"):
        return "a rar archive is not read; unpack it yourself and give the folder"
    return f"not a zip, tar or 7z archive; starts with {start[:8]!r}"


_COMPRESSIONS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
