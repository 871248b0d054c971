"""The two formats of archives as untrusted data: what one lists, and the bytes of one member at a time.

Nothing that an archive says is believed: damage of any kind becomes one line that names the archive and the member,
and what could make a small input take unbounded memory is not read.
"""

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol

from core.errors import CommandError, InputError, printable
from core.files import translate_os_error

CHUNK_BYTES = 1 << 20
TAR_BLOCK = 512
_LARGEST_READ = 16 << 20
_ZIP_TAIL = 1 << 17  # the end record with its comment, and the record of zip64 before it
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


def _read_chunks(file: IO[bytes], label: str, name: str) -> Iterator[bytes]:
    while True:
        with reading(label, name):
            chunk = file.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


@contextmanager
def reading(label: str, member: str | None = None) -> Iterator[None]:
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


class ZipReader:
    """Reads a zip archive through the standard library."""

    def __init__(self, file: IO[bytes], label: str) -> None:
        self._label = label
        self._zip = zipfile.ZipFile(file)
        # a damaged length in one entry makes zipfile pass over the entries behind it, without a word
        announced = _announced_entries(file)
        if (len(self._zip.infolist()) - announced) % 65536:
            raise zipfile.BadZipFile(f"{len(self._zip.infolist())} members are listed where {announced} are announced")

    def members(self) -> Iterator[Member]:
        """Every member, in the order of the archive's directory."""
        for info in self._zip.infolist():
            kind = "folder" if info.is_dir() else "file"
            mode = stat.S_IFMT(info.external_attr >> 16)
            if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
                kind = "link" if mode == stat.S_IFLNK else "device"
            yield Member(info.orig_filename, info.file_size, info.compress_size, kind, bool(info.flag_bits & 0x2041), info)

    def chunks(self, member: Member) -> Iterator[bytes]:
        """A member's content, piece by piece."""
        # bzip2 and LZMA members are left out: zipfile unpacks a whole input chunk of these at once, without a bound
        if member.handle.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = zipfile.compressor_names.get(member.handle.compress_type, str(member.handle.compress_type))  # type: ignore[attr-defined]
            raise InputError(
                f"{self._label}: member {printable(member.name)}: compression {method} is not read; unpack it yourself and give the folder"
            )
        with reading(self._label, member.name):
            file = self._zip.open(member.handle)
        with file:
            yield from _read_chunks(file, self._label, member.name)


class TarReader:
    """Reads a tar archive from a stream that is decompressed already."""

    def __init__(self, stream: Any, label: str) -> None:
        self._label, self._stream = label, stream
        self._tar = tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115

    def members(self) -> Iterator[Member]:
        """Every member, in the order in which they are read."""
        while True:
            with reading(self._label):
                info = self._tar.next()
                if info is None:
                    return self._check_end()
            kind = "file" if info.isreg() else "folder" if info.isdir() else "link" if info.issym() or info.islnk() else "device"
            yield Member(info.name, info.size, None, "sparse file" if info.issparse() else kind, False, info)

    def chunks(self, member: Member) -> Iterator[bytes]:
        """A member's content, piece by piece; only of the member that was read last."""
        with reading(self._label, member.name):
            file = self._tar.extractfile(member.handle)
        if file is not None:
            with file:
                yield from _read_chunks(file, self._label, member.name)

    def _check_end(self) -> None:
        # tarfile takes a broken header in the middle for the end, without a word; and the checksum of a compressed
        # stream stands behind its last byte, which tarfile does not read
        self._stream.seek(self._tar.offset)
        if self._stream.read(TAR_BLOCK) != bytes(TAR_BLOCK):
            raise InputError(f"{self._label}: the tar archive is cut off or damaged; get it again")
        for _ in range(64):
            if not self._stream.read(CHUNK_BYTES):
                return
        raise InputError(f"{self._label}: over 64 MiB follow the end of the tar archive")


class BoundedReads:
    """A stream that refuses to read much at once: tarfile reads a long name in one piece, of whatever size it claims."""

    def __init__(self, stream: Any) -> None:
        self._inner, self.seek, self.tell = stream, stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError("a header claims to be larger than 16 MiB")
        return self._inner.read(size)


def _announced_entries(file: IO[bytes]) -> int:
    """The number of members in a zip archive's end record (APPNOTE 4.3.14 and 4.3.16); some writers give it modulo 65,536."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _ZIP_TAIL))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    large = tail.rfind(b"PK\x06\x06", 0, end)
    return int.from_bytes(tail[large + 32 : large + 40], "little") if count == 0xFFFF and large >= 0 else count
