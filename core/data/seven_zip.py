"""7z archives through py7zr, as untrusted data: it decides no path, and writes no more than was announced.

7z packs many members as one stream, so they are unpacked in one go, as numbered files in a folder beside the target, and
handed on from there.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from core.data.archive_formats import CHUNK_BYTES, Member, reading
from core.data.opened import one_line
from core.errors import CommandError, EnvironmentFault, InputError, RefusedError, printable

MAGIC = b"7z\xbc\xaf\x27\x1c"


class SevenZipReader:
    """Reads a 7z archive; `scratch` is a folder that may hold what is unpacked for a while."""

    def __init__(self, file: IO[bytes], label: str, scratch: Path) -> None:
        try:
            import py7zr
        except ImportError as error:
            raise EnvironmentFault(
                f"{label}: 7z archives need py7zr: pip install -r requirements-7z.txt; or unpack it yourself and give the folder"
            ) from error
        self._label, self._place, self._files = label, scratch, dict[str, Path]()
        self._folder: Path | None = None
        with self._reading():
            self._archive = py7zr.SevenZipFile(file)
            self._members = [self._member(info) for info in self._archive.list()]

    def members(self) -> Iterator[Member]:
        """What the archive lists."""
        return iter(self._members)

    def chunks(self, member: Member) -> Iterator[bytes]:
        """A member's bytes; the first call unpacks all."""
        if self._folder is None:
            self._unpack()
        path = self._files.get(_key(member.name))
        if path is None:
            raise InputError(f"{self._label}: member {printable(member.name)}: is damaged; get the archive again")
        with reading(self._label, member.name), open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        path.unlink()

    def close(self) -> None:
        """Removes what was unpacked."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _member(self, info: Any) -> Member:
        kind = "folder" if info.is_directory else "link" if info.is_symlink else "file" if info.is_file else "device"
        return Member(info.filename, int(info.uncompressed), None, kind, bool(self._archive.needs_password()), info)

    def _unpack(self) -> None:
        from py7zr.io import Py7zIO, WriterFactory

        self._folder = Path(tempfile.mkdtemp(dir=self._place, prefix="7z-"))
        sizes = {_key(member.name): member.size for member in self._members}
        reader = self

        class Writer(Py7zIO):
            def __init__(self, name: str, path: Path) -> None:
                self._name, self._path, self._size = name, path, 0
                path.write_bytes(b"")

            def write(self, data: bytes | bytearray) -> int:
                self._size += len(data)
                if self._size > sizes.get(self._name, 0):
                    raise RefusedError(f"{reader._label}: member {printable(self._name)}: holds more than it declares")
                with open(self._path, "ab") as file:
                    return file.write(data)

            def read(self, size: int | None = None) -> bytes:
                return b""

            def seek(self, offset: int, whence: int = 0) -> int:
                return 0

            def flush(self) -> None:
                pass

            def size(self) -> int:
                return self._size

        class Factory(WriterFactory):
            def create(self, filename: str) -> Py7zIO:
                name, path = _key(filename), reader._folder / str(len(reader._files))  # type: ignore[operator]
                reader._files[name] = path
                return Writer(name, path)

        with self._reading():
            self._archive.extract(factory=Factory())

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """py7zr's own errors are none of the standard library's."""
        try:
            with reading(self._label):
                yield
        except (CommandError, MemoryError):
            raise
        except Exception as error:
            raise InputError(f"{self._label}: is damaged or cut off ({one_line(error)}); get the archive again") from error


def _key(name: str) -> str:
    return PurePosixPath(name).as_posix()
