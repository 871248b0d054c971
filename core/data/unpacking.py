"""Unpacks an archive that may have been made to do harm.

The whole archive is looked at before the first byte is written, and refused as a whole: absolute names, `..`,
backslashes, drive letters, links, devices, names that are one on another system, unprintable names, and archives that
unpack to far more than their size. What is written is counted against what was declared. Archives inside are unpacked too, one level.
"""

import errno
import re
import shutil
import unicodedata
from pathlib import Path, PurePosixPath

from core.data.archive_formats import ArchiveReader, Member
from core.data.archives import open_archive
from core.errors import EnvironmentFault, InputError, RefusedError, printable
from core.files import check_space, translate_os_error
from core.progress import Progress, silent

MAX_MEMBERS = 2_000_000
MAX_BYTES = 2 << 40
MAX_RATIO = 200  # images hardly shrink and CSV files shrink 3-30 times; deflate reaches 1032
FREE_OF_RATIO = 10 << 20  # members and archives up to this size may shrink as they like
PACKED_SUFFIXES = frozenset({".zip", ".7z"})
_MAX_NAME_BYTES = 255
_BLOCK_BYTES = 4096
_LEFT_OUT = frozenset({"__MACOSX", ".DS_Store"})
_Seen = dict[tuple[str, ...], tuple[bool, tuple[str, ...]]]
_DRIVE = re.compile(r"[A-Za-z]:")


def unpack(archive: Path, target: Path, progress: Progress = silent, label: str | None = None) -> int:
    """Unpacks a zip, tar or 7z archive and the zip and 7z archives inside it into a new folder.

    A member `x.zip` or `x.7z` becomes the folder `x`, or the file `x` where it holds nothing but that (`train.csv.zip`); one beside
    which `x` stands already stays packed. `__MACOSX` and `.DS_Store` are left out. `target` is the caller's to
    remove on an error: it is meant to be a temporary folder that is renamed when whole.

    Args:
        archive: the file.
        target: the folder to make; it must not exist.
        progress: wraps the iteration over the members.
        label: how messages call the archive (default: its path).

    Returns:
        The number of files written.

    Raises:
        InputError: not an archive, damaged, encrypted.
        RefusedError: it could write outside the folder or fill the disk.
        EnvironmentFault: no space, no permission.
    """
    label = label or str(archive)
    allowance = min(MAX_BYTES, max(FREE_OF_RATIO, MAX_RATIO * _size(archive)))
    written = _unpack_one(archive, target, allowance, progress, label)
    if not any(path.is_file() for path in target.rglob("*")):
        raise InputError(f"{label}: the archive holds no files")
    for inner in sorted(path for path in target.rglob("*") if path.suffix.lower() in PACKED_SUFFIXES and path.is_file()):
        allowance -= written
        written = _unpack_inner(inner, max(allowance, 0), progress, f"{label}: member {inner.relative_to(target)}")
    return sum(path.is_file() for path in target.rglob("*"))


def content_root(folder: Path, ignored: frozenset[str] = frozenset()) -> Path:
    """The folder that holds the content: down as long as the only entry is a folder. Hidden and `ignored` names do not count."""
    while True:
        entries = [p for p in folder.iterdir() if not p.name.startswith(".") and p.name not in _LEFT_OUT | ignored]
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
            return folder
        folder = entries[0]


def put_unpacked(temporary: Path, place: Path) -> None:
    """Moves what an archive held to `place`: the one file of that name that is all there is, or the folder that holds the content."""
    content = content_root(temporary)
    only = list(content.iterdir())
    (only[0] if len(only) == 1 and only[0].name == place.name else content).rename(place)
    shutil.rmtree(temporary, ignore_errors=True)


def _unpack_inner(inner: Path, allowance: int, progress: Progress, label: str) -> int:
    place = inner.with_name(inner.stem)
    if any(other.name.casefold() == place.name.casefold() for other in inner.parent.iterdir()):
        return 0
    temporary = inner.with_name(f"{inner.name}.unpacked")
    written = _unpack_one(inner, temporary, allowance, progress, label)
    put_unpacked(temporary, place)
    inner.unlink()
    return written


def _unpack_one(archive: Path, target: Path, allowance: int, progress: Progress, label: str) -> int:
    """Returns the number of bytes written."""
    with open_archive(archive, label, target.parent) as reader:
        members = _checked_members(reader, allowance, label)
        needed = sum(-(-member.size // _BLOCK_BYTES) * _BLOCK_BYTES for _, member in members)
        check_space(target.parent, needed)
        written = 0
        try:
            target.mkdir()
            for place, member in progress(members, total=len(members), label=f"unpacking {archive.name}", unit="file"):
                written += _write_member(reader, member, target / place, label)
        except OSError as error:
            fault = translate_os_error(error, target)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                free = shutil.disk_usage(target.parent).free
                fault = EnvironmentFault(f"{fault}: {needed:,} bytes are needed, {free:,} are free after writing {written:,}")
            raise fault from error
    return written


def _write_member(reader: ArchiveReader, member: Member, path: Path, label: str) -> int:
    if member.kind == "folder":
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with open(path, "xb") as file:
        for chunk in reader.chunks(member):
            written += len(chunk)
            if written > member.size:
                raise RefusedError(f"{label}: member {printable(member.name)}: holds more than the {member.size:,} bytes that it declares")
            file.write(chunk)
    if written != member.size:
        raise InputError(
            f"{label}: member {printable(member.name)}: holds {written:,} bytes where {member.size:,} are declared; get the archive again"
        )
    return written


def _checked_members(reader: ArchiveReader, allowance: int, label: str) -> list[tuple[PurePosixPath, Member]]:
    """Every member to write with its place under the target; raises for the first one that may not be written."""
    chosen: list[tuple[PurePosixPath, Member]] = []
    seen: _Seen = {}
    total = count = 0
    for member in reader.members():
        where = f"{label}: member {printable(member.name)[:200]}"
        count, total = count + 1, total + max(member.size, 0)
        fault = _name_fault(member.name) or (None if member.kind in ("file", "folder") else f"is a {member.kind}")
        if fault:
            raise RefusedError(f"{where}: {fault}; nothing is unpacked")
        if member.encrypted:
            raise InputError(f"{where}: is encrypted; unpack the archive yourself and give the folder")
        _check_size(member, total, allowance, where)
        if count > MAX_MEMBERS:
            raise RefusedError(f"{label}: more than {MAX_MEMBERS:,} members; nothing is unpacked")
        place = PurePosixPath(member.name)
        _check_unique(place, member.kind == "folder", seen, where)
        if place.parts and _LEFT_OUT.isdisjoint(place.parts):
            chosen.append((place, member))
    return chosen


def _check_size(member: Member, total: int, allowance: int, where: str) -> None:
    if member.size < 0:
        raise InputError(f"{where}: declares a negative size; get the archive again")
    if member.packed is not None and member.size > max(FREE_OF_RATIO, MAX_RATIO * member.packed):
        raise RefusedError(
            f"{where}: {member.packed:,} bytes would become {member.size:,}, over {MAX_RATIO} times as many; nothing is unpacked"
        )
    if total > allowance:
        raise RefusedError(
            f"{where}: up to here {total:,} bytes, over the {allowance:,} that an archive of this size may hold; nothing is unpacked"
        )


def _name_fault(name: str) -> str | None:
    """Why a member's name is not safe on every system; None where it is."""
    if not name or not name.isprintable():
        return "the name is empty or holds control characters"
    if name.startswith("/") or "\\" in name or _DRIVE.match(name):
        return "the name is absolute, has a drive letter or a backslash"
    parts = name.split("/")
    if ".." in parts:
        return "the name leads out of the folder ('..')"
    if any(len(part.encode()) > _MAX_NAME_BYTES for part in parts):
        return f"the name has a part of over {_MAX_NAME_BYTES} bytes"
    return None


def _check_unique(place: PurePosixPath, is_folder: bool, seen: _Seen, where: str) -> None:
    """Refuses two files that are one on a system that folds case or accents, and a file that is also a folder."""
    key = tuple(_folded(part) for part in place.parts)
    for depth in range(1, len(key) + 1):
        entry = (is_folder or depth < len(key), place.parts[:depth])
        before = seen.get(key[:depth])
        if before is None:
            seen[key[:depth]] = entry
        elif before != entry or not entry[0]:
            other = printable("/".join(before[1]))
            raise RefusedError(f"{where}: is the same name as {other} on some systems, or twice there; nothing is unpacked")


def _folded(part: str) -> str:
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", part).casefold())
    return folded.rstrip(". ") or folded


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise translate_os_error(error, path) from error
