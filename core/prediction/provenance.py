"""What a prediction file was made from: hashes of everything that it is a function of, by which a second run knows it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.data.preprocessing import find_mask
from core.files import sha256_bytes, sha256_file
from core.prediction.targets import TargetImages
from core.progress import Progress, silent


def hash_inputs(files: dict[str, Path | None], images: TargetImages, mask: str | None, progress: Progress = silent) -> dict[str, Any]:
    """Hashes of state, model file, sample submission, images and masks, in plain types.

    Args:
        files: what else the result depends on, by name; None where there is no such file.
        images: those with known contents are not read again.
        mask: the folder of masks.
        progress: wraps the images that are read.

    Raises:
        InputError: an image has no mask.
    """
    contents = images.contents or _hash_all(images.paths, progress)
    masks = _hash_all([find_mask(Path(mask), path) for path in images.paths], progress) if mask else None
    return {
        **{f"{name}_sha256": sha256_file(path) if path else None for name, path in files.items()},
        "images_sha256": _digest(list(zip(images.ids, contents, strict=True))),
        **({} if images.row_ids == images.ids else {"rows_sha256": _digest(images.row_ids)}),
        "masks_sha256": _digest(masks) if masks else None,
    }


def is_made_from(path: Path, inputs: dict[str, Any]) -> bool:
    """Whether the prediction file `path` and those beside it are whole and were made from the same inputs."""
    record_path = path.with_suffix(".json")
    try:
        record = json.loads(record_path.read_text("utf-8"))
        files = record["sha256"]
        return record["inputs"] == inputs and all(sha256_file(record_path.with_name(name)) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _hash_all(paths: list[Path], progress: Progress) -> list[str]:
    """The hash of each file; `missing` for one that is not there, which decoding will name."""
    with ThreadPoolExecutor() as pool:
        hashes = pool.map(lambda path: sha256_file(path) if path.is_file() else "missing", paths)
        return list(progress(hashes, len(paths), "reading images", "image"))


def _digest(values: Any) -> str:
    return sha256_bytes(json.dumps(values).encode())
