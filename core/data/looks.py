"""Every image of a dataset looked at once: a grey thumbnail, and what its header says; what cannot be read is noted, not raised."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.decoding import Work, decoding_workers, in_parallel
from core.data.hashing import SIDE
from core.data.images import decode_opened, open_image, read_image_bytes
from core.data.manifest import ImageRecord
from core.data.preprocessing import resize_image
from core.errors import EnvironmentFault, InputError
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Look:
    """What was seen of one image.

    Attributes:
        fault: why it cannot be read, in one line; "" where it can.
        width, height: in pixels, before the turn that EXIF asks for; 0 where the header cannot be read.
        mode: the kind of its pixels, as `OpenedImage` has it, such as L, RGB or I;16.
        bits: of a channel.
        format: of the file, such as PNG.
        sha256: of the file now; "" where it could not be read.
        thumbnail: SIDE * SIDE grey values; b"" where it cannot be read.
    """

    fault: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    bits: int = 0
    format: str = ""
    sha256: str = ""
    thumbnail: bytes = b""


def look_at(root: Path, records: Sequence[ImageRecord], workers: int | None, progress: Progress = silent) -> list[Look]:
    """Looks at every image, in `workers` processes (None: as many as cores).

    Raises:
        EnvironmentFault: a process was killed.
    """
    results = in_parallel(partial(_work, root, records), len(records), decoding_workers(workers))
    return list(progress(results, len(records), "looking at images", "images"))


def thumbnails(looks: Sequence[Look]) -> "np.ndarray":
    """The thumbnails as uint8 (n, SIDE, SIDE), black where there is none."""
    import numpy as np

    black = bytes(SIDE * SIDE)
    joined = b"".join(look.thumbnail or black for look in looks)
    return np.frombuffer(joined, np.uint8).reshape(-1, SIDE, SIDE)


def _work(root: Path, records: Sequence[ImageRecord]) -> Work:
    return lambda block: [_look(root, records[position]) for position in block]


def _look(root: Path, record: ImageRecord) -> Look:
    path = root / record.path
    look = Look()
    try:
        data = read_image_bytes(path)
        as_it_was = len(data) == record.bytes and path.stat().st_mtime_ns == record.mtime_ns
        look = Look(sha256=record.sha256 if as_it_was else hashlib.sha256(data).hexdigest())
        image = open_image(data, path)
        look = replace(look, width=image.size[0], height=image.size[1], mode=image.mode, bits=image.bits, format=image.format)
        thumbnail = resize_image(decode_opened(image, path, 1, SIDE), SIDE)
        return replace(look, thumbnail=thumbnail.tobytes())
    except (InputError, EnvironmentFault, OSError) as error:
        return replace(look, fault=" ".join(str(error).split()))
