"""An image set in memory or in another library's files, written as a competition: images by number, CSVs, a sample submission."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.images import SUFFIXES, open_image
from core.data.opened import one_line
from core.errors import InputError, printable
from core.files import translate_os_error
from core.progress import Progress, silent
from core.tables import table_bytes
from core.task import class_order

if TYPE_CHECKING:
    from PIL import Image

COLUMNS = ("id", "label")
_WRITTEN_MODES = ("1", "L", "RGB", "I;16")


def write_set(parts: dict[str, Sequence[Any]], names: Sequence[str], folder: Path, progress: Progress = silent) -> dict[str, str]:
    """Writes `train/<id>.png` and `train.csv`, and where there is a test part `test/<id>.png` and `sample_submission.csv`.

    Ids are running numbers within each part, in an order that says nothing of the labels (SHA-256 of the number). An image that
    lies in a file of a format that is read here is copied, any other becomes a PNG. The files are written
    plainly: the caller renames the whole folder.

    Args:
        parts: `train` and perhaps `test`: sequences of (picture or path of a file, number of the class).
        names: of the classes by number; where there are none the numbers stand for themselves.
        folder: an empty or missing folder.
        progress: wraps the images of each part.

    Returns:
        The labels of the test images, id -> label, which are written nowhere.

    Raises:
        InputError: an image that cannot be read, or one without a class.
        EnvironmentFault: the disk is full or cannot be written.
    """
    labels: dict[str, dict[str, str]] = {}
    try:
        for part, items in parts.items():
            (folder / part).mkdir(parents=True)
            order = sorted(range(len(items)), key=lambda number: hashlib.sha256(f"{part}:{number}".encode()).digest())
            labels[part] = {}
            for name, position in enumerate(progress(order, len(order), f"writing {part} images", "images")):
                picture, target = _item(items, position)
                labels[part][str(name)] = _label(target, names, f"{part} image {position}")
                _write_image(picture, folder / part / str(name))
        (folder / "train.csv").write_bytes(table_bytes(COLUMNS, list(labels["train"].items())))
        if "test" in labels:
            first = class_order(labels["train"].values())[0]
            (folder / "sample_submission.csv").write_bytes(table_bytes(COLUMNS, [(name, first) for name in labels["test"]]))
    except OSError as error:
        raise translate_os_error(error, folder) from error
    return labels.get("test", {})


def _item(items: Sequence[Any], position: int) -> tuple[Any, Any]:
    try:
        picture, target = items[position]
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever the library that gives the items meets in a damaged file
        raise InputError(f"image {position} of {type(items).__name__}: cannot be read ({one_line(error)})") from error
    return picture, target


def _label(target: Any, names: Sequence[str], where: str) -> str:
    try:
        number = int(target)
        if number >= 0:
            return names[number] if names else str(number)
    except (TypeError, ValueError, IndexError):
        pass
    raise InputError(f"{where}: its class is {printable(target)[:80]!r}; a number is wanted{f' below {len(names)}' if names else ''}")


def _write_image(picture: Any, stem: Path) -> None:
    """Writes a picture or the file that holds it as `<stem><suffix>`."""
    from PIL import Image

    source = picture if isinstance(picture, (str, os.PathLike)) else getattr(picture, "filename", "")
    if not source:
        return _write_png(picture, stem)
    if picture is not source:
        picture.close()
    data, suffix = Path(source).read_bytes(), Path(source).suffix.lower()
    try:
        open_image(data, Path(source))
        readable = suffix in SUFFIXES
    except InputError:
        readable = False
    if readable:
        stem.with_name(stem.name + suffix).write_bytes(data)
        return None
    with Image.open(source) as opened:
        return _write_png(opened, stem)


def _write_png(picture: "Image.Image", stem: Path) -> None:
    kept = picture if picture.mode in _WRITTEN_MODES else picture.convert("RGB")
    kept.save(stem.with_name(stem.name + ".png"), format="PNG")
