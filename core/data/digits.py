"""The embedded default: scikit-learn's 1,797 handwritten digits (8x8 grey) in the layout of a Kaggle competition.

A fifth of them is the unlabelled test set; its answers are computed on demand and never written to disk. Which digit goes
where and in which order follows from SHA-256 alone, and the PNG files are written by hand (one stored block), so that
every byte is the same on any machine and with any version of a library.
"""

import hashlib
import struct
import zlib
from pathlib import Path

from core.tables import table_bytes

_SEED = "digits-0"
_TEST_EVERY = 5
_GREY_LEVELS = 16
COLUMNS = ("id", "label")


def write_digits(folder: Path) -> int:
    """Writes `train_images/img_<id>.png`, `test_images/img_<id>.png`, `train_answers.csv` and `sample_submission.csv`.

    Ids are running numbers within each part, in an order that says nothing of the labels. Pixel values 0..16 become
    round(value * 255 / 16), half to even (8 -> 128). The files are written plainly: the caller renames the whole folder.

    Args:
        folder: an empty or missing folder.

    Returns:
        The number of files.
    """
    images, labels = _load()
    parts = dict(zip(("train", "test"), _split(labels), strict=True))
    for part, rows in parts.items():
        place = folder / f"{part}_images"
        place.mkdir(parents=True)
        for number, row in enumerate(rows):
            (place / f"img_{number}.png").write_bytes(_grey_png(images[row]))
    answers = [(str(number), labels[row]) for number, row in enumerate(parts["train"])]
    (folder / "train_answers.csv").write_bytes(table_bytes(COLUMNS, answers))
    sample = [(str(number), "0") for number in range(len(parts["test"]))]
    (folder / "sample_submission.csv").write_bytes(table_bytes(COLUMNS, sample))
    return len(labels) + 2


def digits_test_answers() -> dict[str, str]:
    """The labels of the test images, id -> digit: the demo's private leaderboard."""
    labels = _load()[1]
    return {str(number): labels[row] for number, row in enumerate(_split(labels)[1])}


def _load() -> tuple[list[list[list[int]]], list[str]]:
    """Images as rows of bytes 0..255, and their labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = [[[round(value * 255 / _GREY_LEVELS) for value in line] for line in image] for image in bunch.images.tolist()]
    return images, [str(label) for label in bunch.target.tolist()]


def _split(labels: list[str]) -> tuple[list[int], list[int]]:
    """Rows of the training and of the test part: every fifth of the rows sorted by label and hash, so each class gives a fifth."""
    order = sorted(range(len(labels)), key=lambda row: (labels[row], _rank(row)))
    test = order[_TEST_EVERY - 1 :: _TEST_EVERY]
    return sorted(set(order) - set(test), key=_rank), sorted(test, key=_rank)


def _rank(row: int) -> str:
    return hashlib.sha256(f"{_SEED}:{row}".encode()).hexdigest()


def _grey_png(lines: list[list[int]]) -> bytes:
    """An 8-bit grey PNG (W3C PNG, third edition, sections 5 and 11) whose one deflate block is stored."""
    raw = b"".join(b"\0" + bytes(line) for line in lines)
    header = struct.pack(">IIBBBBB", len(lines[0]), len(lines), 8, 0, 0, 0, 0)
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw + struct.pack(">I", zlib.adler32(raw))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", stored) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
