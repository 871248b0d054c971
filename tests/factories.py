"""Small competitions, and the bad images and label files that a real one can hold, written in milliseconds."""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ID_COLUMN, LABEL_COLUMN = "id", "target_feature"
ANSWERS, SAMPLE = "train_answers.csv", "sample_submission.csv"
IMAGE_NAME = "img_{}.png"


@dataclass(frozen=True)
class TinyCompetition:
    """What was written: `labels[id]` of the train images, `test_labels[id]` of the test images (in no file)."""

    root: Path
    classes: tuple[str, ...]
    labels: dict[str, str]
    test_labels: dict[str, str]

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def answers_path(self) -> Path:
        return self.data_dir / ANSWERS

    @property
    def sample_path(self) -> Path:
        return self.data_dir / SAMPLE

    def train_image(self, image_id: str | int) -> Path:
        return self.data_dir / "train_images" / IMAGE_NAME.format(image_id)

    def test_image(self, image_id: str | int) -> Path:
        return self.data_dir / "test_images" / IMAGE_NAME.format(image_id)


def write_competition(
    root: Path,
    classes: Sequence[str] = ("0", "1", "2"),
    sizes: tuple[int, int] = (60, 20),
    side: int = 32,
    mode: str = "RGB",
    seed: int = 0,
) -> TinyCompetition:
    """Writes `root/data/` in the ancestor's layout: a class is the place of a bright band, learnable in one epoch.

    `sizes` are the numbers of train and test images; `mode` is a Pillow mode that PNG can hold (I;16 too).
    """
    rng = np.random.default_rng(seed)
    labels: list[dict[str, str]] = []
    for folder, count in zip(("train_images", "test_images"), sizes, strict=True):
        (root / "data" / folder).mkdir(parents=True)
        labels.append({str(i): classes[i % len(classes)] for i in range(count)})
        for i in range(count):
            image = _band_image(rng, i % len(classes), len(classes), side, mode)
            image.save(root / "data" / folder / IMAGE_NAME.format(i), compress_level=1)
    competition = TinyCompetition(root, tuple(classes), labels[0], labels[1])
    write_csv(competition.answers_path, (ID_COLUMN, LABEL_COLUMN), competition.labels.items())
    write_csv(competition.sample_path, (ID_COLUMN, LABEL_COLUMN), [(i, classes[0]) for i in competition.test_labels])
    return competition


def write_numbered_zip(path: Path, count: int, text: str = "") -> Path:
    """An archive of a competition in form only: `count` files that are told apart, under one top folder."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            archive.writestr(f"data/train_images/img_{i}.png", f"{text}{i}" * 50)
        archive.writestr("data/train_answers.csv", "id,label\n")
    return path


def write_csv(path: Path, columns: Sequence[str], rows: object) -> Path:
    """Writes a CSV file without the project's own code."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue().encode())
    return path


def write_bad_csvs(folder: Path, competition: TinyCompetition) -> dict[str, Path]:
    """Writes label files with one fault each, by name; the row with id 5 stands at line 7. Needs the classes 0, 1, 2 and over 7 rows."""
    good = competition.answers_path.read_text("utf-8")
    header, body = good.split("\n", 1)
    rows = list(competition.labels.items())
    row = f"\n5,{competition.labels['5']}\n"
    texts = {
        "missing_col": good.replace(LABEL_COLUMN, "label", 1),
        "header_only": f"{header}\n",
        "empty": "",
        "no_header": body,
        "blank_label": good.replace(row, "\n5,\n"),
        "nan_label": good.replace(row, "\n5,nan\n"),
        "word_label": good.replace(row, "\n5,covid\n"),
        "frac_label": good.replace(row, "\n5,1.5\n"),
        "neg_label": good.replace(row, "\n5,-1\n"),
        "big_label": good.replace(row, "\n5,7\n"),
        "dup_same": good + row[1:],
        "dup_conflict": good + "5,0\n",
        "id_no_image": good + "999,1\n",
        "short_row": good + f"{len(rows)}\n",
        "long_row": good + f"{len(rows)},1,1\n",
        "semicolon": good.replace(",", ";"),
        "bom_crlf": "\ufeff" + good.replace("\n", "\r\n"),
        "float_labels": f"{header}\n" + "".join(f"{i},{label}.0\n" for i, label in rows),
        "quoted": f"{header}\n" + "".join(f'"{i}","{label}"\n' for i, label in rows),
        "blank_lines": good.replace(row, f"\n{row}\n"),
        "nul_byte": good.replace(row, row.replace("5", "5\0", 1)),
        "formula": good + '"=HYPERLINK(""http://x"")",1\n',
        "one_class": f"{header}\n" + "".join(f"{i},0\n" for i, _ in rows),
        "singleton_class": f"{header}\n" + "".join(f"{i},{int(i == '7')}\n" for i, _ in rows),
    }
    files = {name: text.encode() for name, text in texts.items()}
    files["utf16"] = good.encode("utf-16")
    files["cp1251"] = good.replace(row, "\nфайл,2\n").encode("cp1251")
    return _write_all(folder, files, ".csv")


def write_bad_images(folder: Path) -> dict[str, Path]:
    """Writes images that are broken, huge, or of a rare kind, by name; each file's name ends in `.png`, whatever it holds."""
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    grey = Image.new("L", (32, 32), 200)
    turned = noise.getexif()
    turned[0x0112] = 6  # orientation: a quarter turn
    png, jpeg = _encoded(noise), _encoded(noise, "JPEG")
    files = {
        "trunc_png": png[: len(png) // 2],
        "trunc_jpg": jpeg[: len(jpeg) // 2],  # Image.verify() passes, load() fails
        "zero": b"",
        "html": b"<html>404</html>",
        "gif": _encoded(noise, "GIF"),
        "apng": _encoded(noise, save_all=True, append_images=[noise.rotate(90)]),
        "bomb20000": _one_bit_png(20_000, 20_000),
        "one_pixel": _encoded(Image.new("RGB", (1, 1))),
        "not_square": _encoded(Image.new("RGB", (64, 48))),
        "exif_rot": _encoded(Image.new("RGB", (40, 20)), "JPEG", exif=turned),
        "mode_CMYK": _encoded(Image.new("CMYK", (32, 32)), "JPEG"),
        **{f"mode_{mode}": _encoded(grey.convert(mode)) for mode in ("1", "L", "LA", "P", "RGBA")},
    }
    return _write_all(folder, files, ".png")


def _band_image(rng: np.random.Generator, place: int, places: int, side: int, mode: str) -> Image.Image:
    pixels = rng.integers(0, 90, (side, side), dtype=np.uint8)
    band = side // places
    pixels[:, place * band : (place + 1) * band] += 140
    if mode == "I;16":
        return Image.fromarray(pixels.astype(np.uint16) * 257)
    return Image.fromarray(pixels).convert(mode)


def _encoded(image: Image.Image, kind: str = "PNG", **details: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **details)
    return buffer.getvalue()


def _one_bit_png(width: int, height: int) -> bytes:
    """A black PNG of any size in few bytes."""
    packer = zlib.compressobj(1)
    line = bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _write_all(folder: Path, files: dict[str, bytes], suffix: str) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}{suffix}" for name in files}
    for name, data in files.items():
        paths[name].write_bytes(data)
    return paths
