"""What the images were when the dataset was made: size, time and hash of each, so that a change is noticed."""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core.data.images import open_image, read_image_bytes
from core.errors import InputError, first_few
from core.files import sha256_file, translate_os_error
from core.progress import Progress, silent
from core.tables import read_table, table_bytes

TRAIN, TEST = "train", "test"
_COLUMNS = ("part", "id", "path", "bytes", "mtime_ns", "sha256", "row", "group")
_FIRST_COLUMNS = _COLUMNS[:6]  # of lists that were written before there were rows and groups


@dataclass(frozen=True)
class ImageRecord:
    """One image: which part (`train` labelled, `test` unlabelled), its id, its path under the image root, and its content.

    `row`: the row of the label file or of the submission that several images share (a study, a product); empty: the image's own id.
    `group`: what must not stand on both sides of a split (a patient, a place); empty: nothing.
    """

    part: str
    id: str
    path: str
    bytes: int
    mtime_ns: int
    sha256: str
    row: str = ""
    group: str = ""

    @property
    def row_id(self) -> str:
        """The id of the row that the image belongs to."""
        return self.row or self.id


@dataclass(frozen=True)
class Scan:
    """The records of all images, whether all of them are grey, and what is wrong with the ones that are no images."""

    records: list[ImageRecord]
    grey: bool
    faults: dict[str, list[str]]


def scan_images(root: Path, parts: dict[str, dict[str, str]], progress: Progress = silent) -> Scan:
    """Reads and hashes every image once and checks its header.

    Args:
        root: the image root.
        parts: part -> id -> path under the root.
        progress: wraps the iteration over the images.
    """
    jobs = [(part, name, path) for part, files in parts.items() for name, path in files.items()]
    faults: dict[str, list[str]] = {part: [] for part in parts}
    records, grey = [], True
    with ThreadPoolExecutor() as pool:
        for record, fault, is_gray in progress(pool.map(lambda job: _scan_one(root, *job), jobs), len(jobs), "reading images"):
            records.append(record)
            if fault:
                faults[record.part].append(fault)
            grey &= is_gray
    return Scan(records, grey, faults)


def manifest_bytes(records: Iterable[ImageRecord]) -> bytes:
    """`dataset/images.csv`."""
    return table_bytes(_COLUMNS, [(r.part, r.id, r.path, str(r.bytes), str(r.mtime_ns), r.sha256, r.row, r.group) for r in records])


def read_manifest(path: Path) -> list[ImageRecord]:
    """Reads `dataset/images.csv`. Raises InputError where it is missing or damaged."""
    table = read_table(path)
    if table.columns not in (_COLUMNS, _FIRST_COLUMNS):
        raise InputError(f"{path}: not a list of images made by creating_dataset; run it again with --force")
    try:
        return [ImageRecord(row[0], row[1], row[2], int(row[3]), int(row[4]), *row[5:]) for row in table.rows]
    except ValueError as error:
        raise InputError(f"{path}: is damaged ({error}); run creating_dataset again with --force") from error


def content_hash(records: Iterable[ImageRecord]) -> str:
    """One hash over parts, ids, paths and contents of all images; times do not count."""
    digest = hashlib.sha256()
    for record in records:
        belongs = f"\0{record.row}\0{record.group}" if record.row or record.group else ""
        digest.update(f"{record.part}\0{record.id}\0{record.path}\0{record.sha256}{belongs}\n".encode())
    return digest.hexdigest()


def check_unchanged(root: Path, records: Sequence[ImageRecord], read_all: bool = False, progress: Progress = silent) -> None:
    """Compares names, sizes and times with the files, and reads those that differ in time; with `read_all` it reads them all.

    Raises:
        InputError: images are missing or hold something else than when the dataset was made; the first are named.
    """
    missing, changed = [], []
    for record in progress(records, len(records), "checking images", "images") if read_all else records:
        path = root / record.path
        try:
            status = path.stat()
        except FileNotFoundError:
            missing.append(str(path))
            continue
        except OSError as error:
            raise translate_os_error(error, path) from error
        suspect = read_all or status.st_mtime_ns != record.mtime_ns
        if status.st_size != record.bytes or (suspect and sha256_file(path) != record.sha256):
            changed.append(str(path))
    for what, paths in (("missing", missing), ("changed", changed)):
        if paths:
            raise InputError(
                f"images are {what} since the dataset was made: {first_few(paths)}; run creating_dataset --force to take them as they are"
            )


def _scan_one(root: Path, part: str, name: str, relative: str) -> tuple[ImageRecord, str | None, bool]:
    path = root / relative
    data, status = read_image_bytes(path), path.stat()
    record = ImageRecord(part, name, relative, len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())
    try:
        return record, None, open_image(data, path).grey
    except InputError as error:
        return record, str(error), True
