"""A folder whose pictures stand in archives or as numbers in JSON: a copy of it in which they are files; the folder stays as it is."""

import shutil
from pathlib import Path

from core.data.json_arrays import find_json_arrays, write_arrays
from core.data.layout import index_images
from core.data.unpacking import PACKED_SUFFIXES, content_root, put_unpacked, unpack
from core.errors import InputError
from core.files import translate_os_error
from core.progress import Progress

_COPIED = frozenset({".csv", ".json", ".txt"})


def is_packed(root: Path) -> bool:
    """Whether a folder holds archives or JSON with pictures, and no image files: then it is not read in place.

    Raises:
        InputError: JSON that seems to hold pictures is damaged.
    """
    return bool(_archives(root) and not index_images(root).paths) or bool(find_json_arrays(root))


def write_copy(root: Path, target: Path, progress: Progress) -> int:
    """Unpacks and writes out what a packed folder holds, and copies the tables and texts beside it; an archive beside whose place
    something stands already (`train.csv` beside `train.csv.zip`) stays packed.

    Args:
        root: the folder.
        target: the folder to make; the caller renames it when it is whole.
        progress: wraps the members and the blocks read.

    Returns:
        The number of files in `target`.

    Raises:
        InputError, RefusedError, EnvironmentFault: as `unpack` and `write_arrays` do.
    """
    arrays = find_json_arrays(root)
    try:
        target.mkdir()
        for path in sorted(path for path in root.rglob("*") if path.suffix.lower() in _COPIED and path.is_file()):
            if path not in arrays and not path.name.startswith("."):
                copy = target / path.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        for archive in _archives(root):
            place = target / archive.stem
            if not place.exists():
                unpack(archive, target / f"{archive.name}.unpacked", progress)
                put_unpacked(target / f"{archive.name}.unpacked", place)
    except OSError as error:
        raise translate_os_error(error) from error
    write_out_arrays(target, str(root), progress)
    for path in arrays:
        write_arrays(path, target, progress)
    return sum(path.is_file() for path in target.rglob("*"))


def write_out_arrays(content: Path, label: str, progress: Progress) -> None:
    """Writes out the pictures in JSON that an archive held, and removes the JSON; `label` is what messages call the archive.

    Raises:
        InputError, EnvironmentFault: as `write_arrays` does.
    """
    root = content_root(content)
    try:
        for arrays in find_json_arrays(root):
            write_arrays(arrays, root, progress)
            arrays.unlink()
    except InputError as error:
        raise InputError(str(error).replace(f"{content}/", f"{label}: member ")) from error  # what was unpacked will be gone


def _archives(root: Path) -> list[Path]:
    return sorted(
        path for path in root.glob("*") if path.suffix.lower() in PACKED_SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
