"""Competitions whose pictures are lists of numbers in JSON: written once as `.npy` files and a CSV, which the rest reads as usual.

A file is a list of objects, one an image, such as
`{"id": "dfd5f913", "band_1": [5625 numbers], "band_2": [5625 numbers], "inc_angle": 43.9, "is_iceberg": 0}`. Names are not fixed: what the
first object holds says which fields are pixels (a list of numbers whose length is a square, or lists of lists of one length)
and which is the id (`id`, else a name that ends so, else the first text). `train.json` becomes `train/<id>.npy`, float32,
of shape (fields, height, width) or what a single field has, and `train.csv` of the id and the other single values.
"""

from collections.abc import Iterator
from math import isnan, isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.json_stream import is_list_of_objects, read_objects
from core.data.layout import index_images
from core.errors import InputError, first_few, printable
from core.files import check_space, translate_os_error
from core.progress import Progress, silent
from core.tables import id_fault, table_bytes

if TYPE_CHECKING:
    import numpy as np

MIN_SIDE = 8
MAX_JSON_FILES = 100  # more of them describe images one by one
_Row = dict[str, Any]


def find_json_arrays(root: Path) -> list[Path]:
    """The JSON files under a folder that hold pictures; none where the folder holds image files.

    Raises:
        InputError: a list of objects is damaged in the first of them; two files that hold pictures have one name.
        EnvironmentFault: one cannot be read.
    """
    found = sorted(path for path in root.rglob("*.json") if path.is_file() and not path.name.startswith((".", "_")))
    if not found or len(found) > MAX_JSON_FILES or index_images(root).paths:
        return []
    found = [path for path in found if is_list_of_objects(path) and _pixel_fields(next(read_objects(path), {}))]
    names = [path.stem.lower() for path in found]
    twice = [str(path) for path in found if names.count(path.stem.lower()) > 1]
    if twice:
        raise InputError(f"{first_few(twice)}: these hold pictures under one name; move all but one away")
    return [path for path in found if not (root / path.stem).exists()]


def write_arrays(source: Path, target: Path, progress: Progress = silent) -> int:
    """Writes the pictures of one JSON file as `<target>/<its stem>/<id>.npy`, and their other values as `<target>/<its stem>.csv`.

    A CSV of that name that is there stays as it is. The files are written plainly: the caller renames the whole folder.

    Returns:
        The number of files.

    Raises:
        InputError: damaged, an id that cannot be one or stands there twice, pixels that are missing, no numbers or of another shape.
        EnvironmentFault: the disk is full or cannot be written.
    """
    import numpy as np

    table, folder = target / f"{source.stem}.csv", target / source.stem
    rows: dict[str, _Row] = {}
    try:
        check_space(target, source.stat().st_size // 2)
        for name, pixels, row in _pictures(source, progress):
            rows[name] = row
            path = folder / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, pixels, allow_pickle=False)
        columns = list(dict.fromkeys(field for row in rows.values() for field in row))
        if not table.exists():
            cells = [[_text(row.get(column)) for column in columns] for row in rows.values()]
            table.write_bytes(table_bytes([printable(column) for column in columns], cells))
    except OSError as error:
        raise translate_os_error(error, folder) from error
    return len(rows) + 1


def _pictures(source: Path, progress: Progress) -> Iterator[tuple[str, "np.ndarray", _Row]]:
    """Id, pixels and row of each object, checked; the id is the first field of a row."""
    seen: set[str] = set()
    id_field, fields, shape = "", [""], None
    for number, item in enumerate(read_objects(source, progress), 1):
        where = f"{source}, object {number}"
        if shape is None:
            id_field, fields = _id_field(item, source), _pixel_fields(item)
        name = _text(item.get(id_field))
        fault = id_fault(name) or ("stands there twice" if name in seen else None)
        if fault:
            raise InputError(f"{where}: the {printable(id_field)} {printable(name)[:80]!r} {fault}")
        seen.add(name)
        pixels = _pixels(item, fields, where)
        shape = pixels.shape if shape is None else shape
        if pixels.shape != shape:
            raise InputError(f"{where}: pixels of shape {pixels.shape}, where the first object's are {shape}")
        singles = {field: value for field, value in item.items() if _is_single(value) and field != id_field}
        yield name, pixels, {id_field: name, **singles}


def _id_field(item: _Row, source: Path) -> str:
    """The field that holds ids: `id`, else the first that ends so, else the first text."""
    singles = [field for field, value in item.items() if _is_single(value)]
    by_rank = (
        [field for field in singles if field.lower() == "id"],
        [field for field in singles if field.lower().endswith("id")],
        [field for field in singles if isinstance(item[field], str)],
    )
    found = next((fields[0] for fields in by_rank if fields), None)
    if found is None:
        raise InputError(f"{source}: no field of its first object can be an id; the single values are {first_few(singles) or 'none'}")
    return found


def _pixel_fields(item: _Row) -> list[str]:
    return [field for field, value in item.items() if _picture(value) is not None]


def _pixels(item: _Row, fields: list[str], where: str) -> "np.ndarray":
    """The fields' pixels, float32: (fields, height, width), or those of a single field as they are."""
    import numpy as np

    bands: list[np.ndarray] = []
    for field in fields:
        band = _picture(item.get(field))
        if band is None or (bands and band.shape != bands[0].shape) or (len(fields) > 1 and band.ndim != 2):
            raise InputError(
                f"{where}: {printable(field)} holds no picture as the first object does (a square of numbers, or lines of one length)"
            )
        with np.errstate(over="ignore"):
            bands.append(band.astype(np.float32))
        if not np.isfinite(bands[-1]).all():
            raise InputError(f"{where}: {printable(field)} holds NaN, infinity or a number too large for float32")
    return np.stack(bands) if len(bands) > 1 else bands[0]


def _picture(value: Any) -> "np.ndarray | None":
    """A list of a square number of numbers, or a list of lines, as an array; None where it is none of these."""
    import numpy as np

    if not isinstance(value, list) or len(value) < MIN_SIDE:
        return None
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        return None  # lines of different lengths
    if array.ndim == 1 and isqrt(array.size) ** 2 == array.size:
        array = array.reshape(isqrt(array.size), -1)
    is_picture = array.dtype.kind in "iuf" and array.ndim in (2, 3) and min(array.shape[:2]) >= MIN_SIDE
    return array if is_picture else None


def _is_single(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _text(value: Any) -> str:
    """A single value as a cell: true and false as 1 and 0, null and NaN as nothing."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    return printable(int(value) if isinstance(value, bool) else value)
