"""Reading zip and tar archives as untrusted data: what they list, and the bytes of one member at a time.

Nothing is written here and nothing that an archive says is believed: damage of any kind becomes one line that
names the archive and the member. Only the formats of the standard library are read, and of these only what cannot
make a small input take unbounded memory.
"""

import bz2
import errno
import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from core.errors import CommandError, InputError, printable
from core.files import translate_os_error

CHUNK_BYTES = 1 << 20
_LARGEST_READ = 16 << 20
_TAR_BLOCK = 512
_TAR_SUFFIX = re.compile(r"\.(tar|tar\.(gz|bz2|xz)|tgz|tbz2?|txz)$", re.IGNORECASE)
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error,
    EOFError, ValueError, OverflowError, IndexError, KeyError, NotImplementedError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One entry of an archive as it is listed.

    Attributes:
        name: its name as stored.
        size: bytes when unpacked, as declared.
        packed: bytes in the archive; None where the archive is compressed as a whole.
        kind: "file", "folder", or what else it is ("link", "device", ...).
        encrypted: whether a password is needed.
        handle: what the reader needs to open it.
    """

    name: str
    size: int
    packed: int | None
    kind: str
    encrypted: bool
    handle: Any


class ArchiveReader(Protocol):
    """An open archive: what it lists, in its order, and the bytes of a member, piece by piece. Damage is an InputError."""

    def members(self) -> Iterator[Member]: ...

    def chunks(self, member: Member) -> Iterator[bytes]: ...


@contextmanager
def open_archive(path: Path, label: str) -> Iterator[ArchiveReader]:
    """Opens a zip or tar (.gz, .bz2, .xz) archive, told apart by its first bytes.

    Args:
        path: the file.
        label: how messages call it.

    Raises:
        InputError: it is neither, is empty, or is damaged.
        EnvironmentFault: it cannot be read.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise translate_os_error(error, label) from error
    with file:
        with _reading(label):  # the caller's own errors must not pass through here
            reader = _make_reader(file, path.name, label)
        yield reader


def archive_stem(path: Path) -> str:
    """The file's name without the suffixes of an archive."""
    return _TAR_SUFFIX.sub("", path.name) if _TAR_SUFFIX.search(path.name) else path.stem


def _make_reader(file: IO[bytes], name: str, label: str) -> ArchiveReader:
    start = file.read(_TAR_BLOCK)
    is_zip = start.startswith(b"PK") or zipfile.is_zipfile(file)
    file.seek(0)
    if is_zip:
        return _ZipReader(file, label)
    for magic, decompress in _COMPRESSIONS.items():
        if start.startswith(magic):
            return _TarReader(_BoundedReads(decompress(file)), label)
    if start[257:262] == b"ustar" or (start and _TAR_SUFFIX.search(name)):
        return _TarReader(_BoundedReads(file), label)
    raise InputError(f"{label}: {_what_it_is(start)}")


class _ZipReader:
    def __init__(self, file: IO[bytes], label: str) -> None:
        self._label = label
        self._zip = zipfile.ZipFile(file)

    def members(self) -> Iterator[Member]:
        for info in self._zip.infolist():
            kind = "folder" if info.is_dir() else "file"
            mode = stat.S_IFMT(info.external_attr >> 16)
            if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
                kind = "link" if mode == stat.S_IFLNK else "device"
            yield Member(info.orig_filename, info.file_size, info.compress_size, kind, bool(info.flag_bits & 0x2041), info)

    def chunks(self, member: Member) -> Iterator[bytes]:
        # bzip2 and LZMA members are left out: zipfile unpacks a whole input chunk of these at once, without a bound
        if member.handle.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = zipfile.compressor_names.get(member.handle.compress_type, str(member.handle.compress_type))  # type: ignore[attr-defined]
            raise InputError(
                f"{self._label}: member {printable(member.name)}: compression {method} is not read; unpack it yourself and give the folder"
            )
        with _reading(self._label, member.name):
            file = self._zip.open(member.handle)
        with file:
            yield from _read_chunks(file, self._label, member.name)


class _TarReader:
    def __init__(self, stream: Any, label: str) -> None:
        self._label, self._stream = label, stream
        self._tar = tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115

    def members(self) -> Iterator[Member]:
        while True:
            with _reading(self._label):
                info = self._tar.next()
                if info is None:
                    return self._check_end()
            kind = "file" if info.isreg() else "folder" if info.isdir() else "link" if info.issym() or info.islnk() else "device"
            yield Member(info.name, info.size, None, "sparse file" if info.issparse() else kind, False, info)

    def chunks(self, member: Member) -> Iterator[bytes]:
        with _reading(self._label, member.name):
            file = self._tar.extractfile(member.handle)
        if file is not None:
            with file:
                yield from _read_chunks(file, self._label, member.name)

    def _check_end(self) -> None:
        # tarfile takes a broken header in the middle for the end, without a word; and the checksum of a compressed
        # stream stands behind its last byte, which tarfile does not read
        self._stream.seek(self._tar.offset)
        if self._stream.read(_TAR_BLOCK) != bytes(_TAR_BLOCK):
            raise InputError(f"{self._label}: the tar archive is cut off or damaged; get it again")
        for _ in range(64):
            if not self._stream.read(CHUNK_BYTES):
                return
        raise InputError(f"{self._label}: over 64 MiB follow the end of the tar archive")


class _BoundedReads:
    """A stream that refuses to read much at once: tarfile reads a long name in one piece, of whatever size it claims."""

    def __init__(self, stream: Any) -> None:
        self._inner, self.seek, self.tell = stream, stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError("a header claims to be larger than 16 MiB")
        return self._inner.read(size)


def _read_chunks(file: IO[bytes], label: str, name: str) -> Iterator[bytes]:
    while True:
        with _reading(label, name):
            chunk = file.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


@contextmanager
def _reading(label: str, member: str | None = None) -> Iterator[None]:
    """Names archive and member where reading fails; the errors of damaged archives have many types."""
    where = label if member is None else f"{label}: member {printable(member)}"
    try:
        yield
    except CommandError:
        raise
    except _DAMAGE as error:
        raise InputError(
            f"{where}: is damaged or cut off ({printable(error)[:120] or type(error).__name__}); get the archive again"
        ) from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):
            raise InputError(f"{where}: is damaged ({printable(error)[:120]}); get the archive again") from error
        raise translate_os_error(error, label) from error


def _what_it_is(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<html", b"<!doctype html", b"<head", b"<!--")):
        return "not a zip archive; starts with <html>: accept the competition rules?"
    if not start:
        return "not a zip archive; the file is empty: get it again"
    if start.startswith((b"7z\xbc\xaf\x27\x1c", b"Rar!")):
        return "a 7z or rar archive is not read; unpack it yourself and give the folder"
    return f"not a zip or tar archive; starts with {start[:8]!r}"


_COMPRESSIONS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
