"""core.data.store: decode once, exactly; whole files or none; nothing stale; what is kept is said. Catalogue cases 28, 31, 36."""

import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data import store
from core.data.decoding import DecodingJob
from core.data.manifest import TRAIN, ImageRecord, scan_images
from core.data.pixels import DecodedImages, StoredImages
from core.data.preprocessing import Preprocessing
from core.data.settings import PreprocessingSettings, StoreSettings
from core.data.store import StorePlace, open_images, open_store, store_path
from core.errors import EnvironmentFault, InputError
from core.locks import folder_lock

ROOT = Path(__file__).parents[1]
COUNT = 9
GREY = Preprocessing(PreprocessingSettings(resize=8), 1)
WORKERS = pytest.mark.parametrize("workers", [0, 1, 2])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (10, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"img_{number}.png")
    return folder


def scan(root: Path) -> list[ImageRecord]:
    return scan_images(root, {TRAIN: {str(n): f"img_{n}.png" for n in range(COUNT)}}).records


def build(
    root: Path, records: list[ImageRecord], preprocessing: Preprocessing = GREY, workers: int = 1, progress: Any = None
) -> np.ndarray:
    """The store in the folder beside the images."""
    job = DecodingJob([root / record.path for record in records], preprocessing)
    path = store_path(root.parent / "store", root, records, preprocessing)
    return open_store(path, job, workers, progress) if progress else open_store(path, job, workers)


def place(root: Path, workers: int = 1, **settings: Any) -> StorePlace:
    return StorePlace(root.parent / "store", StoreSettings(**settings), workers)


def files(root: Path) -> list[str]:
    folder = root.parent / "store"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@WORKERS
@pytest.mark.parametrize("channels", [1, 3])
def test_a_store_is_the_preprocessed_images_one_by_one(root: Path, workers: int, channels: int) -> None:
    preprocessing = Preprocessing(PreprocessingSettings(resize=8, equalize=True), channels)
    pixels = build(root, scan(root), preprocessing, workers)
    assert pixels.shape == (COUNT, channels, 8, 8) and pixels.dtype == np.uint8 and not pixels.flags.writeable
    for number in range(COUNT):
        assert np.array_equal(pixels[number], preprocessing(root / f"img_{number}.png"))


def test_a_store_is_built_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = scan(root)
    first = np.array(build(root, records))
    monkeypatch.setattr(store, "run_on_file", None)
    assert np.array_equal(build(root, records), first)
    assert len(files(root)) == 1


def key(root: Path, records: list[ImageRecord], channels: int = 1, **values: Any) -> str:
    return store_path(Path(), root, records, Preprocessing(PreprocessingSettings(**{"resize": 8, **values}), channels)).stem


def test_the_key_is_a_function_of_contents_and_not_of_times_or_places(root: Path, tmp_path: Path) -> None:
    before = key(root, scan(root))
    os.utime(root / "img_0.png", ns=(1, 1))
    moved = root.rename(tmp_path / "moved")
    assert key(moved, scan(moved)) == before
    assert len(before) == 16 and int(before, 16) >= 0


def test_another_image_order_or_setting_gives_another_key(root: Path) -> None:
    records = scan(root)
    Image.new("L", (10, 12), 3).save(root / "img_5.png")
    keys = [
        key(root, records),
        key(root, scan(root)),
        key(root, records[::-1]),
        key(root, records[1:]),
        key(root, records, channels=3),
        key(root, records, resize=9),
        *(key(root, records, **{name: True}) for name in ("keep_aspect", "equalize", "invert", "grayscale")),
        *(key(root, records, **{name: 1.5}) for name in ("brightness", "contrast", "sharpness")),
    ]
    assert len(set(keys)) == len(keys)


def test_another_mask_gives_another_key(root: Path, tmp_path: Path) -> None:
    records, masks = scan(root), tmp_path / "masks"
    masks.mkdir()
    with pytest.raises(InputError, match=r"masks: holds no mask for raw/img_0\.png"):
        key(root, records, mask=str(masks))
    for number in range(COUNT):
        Image.new("L", (2, 2), 255).save(masks / f"img_{number}.png")
    before = key(root, records, mask=str(masks))
    assert before == key(root, records, mask=str(masks)) != key(root, records)
    Image.new("L", (2, 2), 0).save(masks / "img_3.png")
    assert key(root, records, mask=str(masks)) != before


@WORKERS
def test_all_damaged_images_are_named_with_their_full_paths_and_nothing_is_left(root: Path, workers: int) -> None:
    records, bad = scan(root), [1, 4, 8]
    for number in bad:
        path = root / f"img_{number}.png"
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match="3 images cannot be used") as caught:
        build(root, records, workers=workers)
    assert [number for number in range(COUNT) if str(root / f"img_{number}.png") in str(caught.value)] == bad
    assert "\n" not in str(caught.value) and files(root) == []


@WORKERS
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, MemoryError])
def test_what_is_not_a_damaged_image_is_not_hidden(
    root: Path, monkeypatch: pytest.MonkeyPatch, workers: int, error: type[BaseException]
) -> None:
    def fail(self: Preprocessing, path: Path) -> np.ndarray:
        if path.name == "img_6.png":
            raise error
        return np.zeros((1, 8, 8), np.uint8)

    monkeypatch.setattr(Preprocessing, "__call__", fail)
    with pytest.raises(error):
        build(root, scan(root), workers=workers)
    assert files(root) == []


def stop_at_five(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
    for number, item in enumerate(items):
        if number == 5:
            raise SystemExit(143)
        yield item


def test_an_exception_in_the_middle_leaves_no_file(root: Path) -> None:
    with pytest.raises(SystemExit):
        build(root, scan(root), workers=2, progress=stop_at_five)
    assert files(root) == []


BUILDER = """
    import os, signal, sys, time
    from pathlib import Path
    from core.data.decoding import DecodingJob
    from core.data.manifest import scan_images
    from core.data.preprocessing import Preprocessing
    from core.data.settings import PreprocessingSettings
    from core.data.store import open_store, store_path
    root, count = Path(sys.argv[1]), int(sys.argv[2])
    records = scan_images(root, {"train": {str(n): f"img_{n}.png" for n in range(count)}}).records
    preprocessing = Preprocessing(PreprocessingSettings(resize=8), 1)
    job = DecodingJob([root / r.path for r in records], preprocessing)
"""


def run_builder(root: Path, program: str, count: int = COUNT) -> "subprocess.Popen[str]":
    code = textwrap.dedent(BUILDER) + textwrap.dedent(program)
    return subprocess.Popen([sys.executable, "-c", code, str(root), str(count)], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_kill_in_the_middle_leaves_no_file_with_a_final_name_and_the_next_building_clears_up(root: Path) -> None:
    killed = run_builder(
        root,
        """
        def killing(items, total=None, label="", unit="it"):
            for number, item in enumerate(items):
                if number == 5:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield item
        open_store(store_path(root.parent / "store", root, records, preprocessing), job, 1, killing)
        """,
    )
    killed.communicate()
    assert killed.returncode == -9
    left = files(root)
    assert len(left) == 1 and ".npy.tmp-" in left[0]
    pixels = build(root, scan(root))
    assert len(files(root)) == 1 and files(root)[0].endswith(".npy")
    assert np.array_equal(pixels[3], GREY(root / "img_3.png"))


def test_of_two_builders_at_once_the_second_waits_and_takes_what_the_first_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = """
        def slowly(items, total=None, label="", unit="it"):
            print("building", flush=True)
            for item in items:
                time.sleep(0.05)
                yield item
        open_store(store_path(root.parent / "store", root, records, preprocessing), job, 1, slowly)
    """
    first = run_builder(root, slow)
    assert first.stdout is not None and first.stdout.readline() == "building\n"
    labels = []

    def watching(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        labels.append(label)
        return items

    monkeypatch.setattr(store, "run_on_file", None)
    pixels = build(root, scan(root), progress=watching)
    first.communicate()
    assert first.returncode == 0 and np.array_equal(pixels[8], GREY(root / "img_8.png"))
    assert len(labels) == 1 and "waiting for another process" in labels[0]


def test_a_full_disk_is_told_before_the_first_image_and_leaves_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing into a sparse map on a full disk would kill the process with SIGBUS."""

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(store, "run_on_file", None)
    with pytest.raises(EnvironmentFault, match=r"\.npy: no space left on the device"):
        build(root, scan(root))
    assert files(root) == []


def test_a_store_larger_than_the_disk_is_refused(root: Path) -> None:
    job = DecodingJob(_Many([root / "img_0.png"]), GREY)
    with pytest.raises(EnvironmentFault, match=r"no space left: [\d,]+ bytes are needed and [\d,]+ are free"):
        open_store(root.parent / "store" / "0.npy", job, 1)


class _Many(list[Any]):
    """Says that it is long."""

    def __len__(self) -> int:
        return 10**14


@pytest.mark.parametrize("damage", [b"", b"x", None, b"PK\3\4" + b"x" * 200, b"\x93NUMPY\1\0v\0{'descr': (\xff" + b" " * 200])
def test_a_damaged_store_is_named(root: Path, damage: bytes | None) -> None:
    records = scan(root)
    build(root, records)
    (path,) = (root.parent / "store").iterdir()
    path.write_bytes(path.read_bytes()[:-10] if damage is None else damage)
    with pytest.raises(InputError, match=rf"{path.name}: is damaged; delete the file, it is made again"):
        build(root, records)
    np.save(path, np.zeros((2, 1, 8, 8), np.uint8))
    with pytest.raises(InputError, match=r"holds uint8 \(2, 1, 8, 8\) where uint8 \(9, 1, 8, 8\) is wanted"):
        build(root, records)


# --- what --store asks for


def test_auto_keeps_what_is_small_enough_and_says_where(root: Path) -> None:
    opened = open_images(place(root), root, scan(root), GREY)
    assert isinstance(opened.images, StoredImages) and len(opened.images) == COUNT
    assert (
        str(root.parent / "store") in opened.note
        and files(root)[0] in opened.note
        and "delete that folder while no command is running" in opened.note
    )
    assert np.array_equal(opened.images.take(np.array([4]))[0], GREY(root / "img_4.png"))


def test_never_writes_nothing_and_gives_the_same_pixels(root: Path) -> None:
    opened = open_images(place(root, 2, store="never"), root, scan(root), GREY)
    assert isinstance(opened.images, DecodedImages) and "--store never" in opened.note and files(root) == []
    kept = open_images(place(root), root, scan(root), GREY).images
    assert np.array_equal(opened.images.take(np.arange(COUNT)), kept.take(np.arange(COUNT)))
    assert isinstance(open_images(place(root, store="never"), root, scan(root), GREY).images, DecodedImages), "also where a store is there"


def test_a_store_over_the_limit_is_not_made_but_where_it_is_always_wanted_or_there(root: Path) -> None:
    size = COUNT * 64 + 128  # with the header
    limit = {"store_limit": (COUNT * 64 - 1) / 1e9}
    opened = open_images(place(root, **limit), root, scan(root), GREY)
    assert isinstance(opened.images, DecodedImages) and "--store_limit" in opened.note and files(root) == []
    assert isinstance(open_images(place(root, store_limit=COUNT * 64 / 1e9), root, scan(root), GREY).images, StoredImages)
    assert isinstance(open_images(place(root, **limit), root, scan(root), GREY).images, StoredImages)
    more = Preprocessing(PreprocessingSettings(resize=8, invert=True), 1)
    crowded = open_images(place(root, store_limit=(size + COUNT * 64 - 1) / 1e9), root, scan(root), more)
    assert isinstance(crowded.images, DecodedImages) and "are in" in crowded.note, "what is there counts"
    (root.parent / "store" / files(root)[0]).unlink()
    assert isinstance(open_images(place(root, store="always", **limit), root, scan(root), GREY).images, StoredImages)


def test_auto_leaves_half_of_the_free_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "disk_usage", lambda _: type("Usage", (), {"free": 2 * COUNT * 64 - 1})())
    opened = open_images(place(root), root, scan(root), GREY)
    assert isinstance(opened.images, DecodedImages) and "over half of the" in opened.note
    monkeypatch.setattr(store, "disk_usage", lambda _: type("Usage", (), {"free": 2 * COUNT * 64})())
    assert isinstance(open_images(place(root), root, scan(root), GREY).images, StoredImages)


# --- what has changed


def test_verifying_finds_an_image_that_was_changed_behind_its_time_and_size(root: Path) -> None:
    records = scan(root)
    open_images(place(root), root, records, GREY)
    path = root / "img_2.png"
    status, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    open_images(place(root), root, records, GREY)
    with pytest.raises(InputError, match=r"images are changed since the dataset was made: .*img_2\.png"):
        open_images(place(root, verify_store=True), root, records, GREY)


@WORKERS
def test_verifying_finds_a_flipped_bit_in_the_store(root: Path, workers: int) -> None:
    records = scan(root)
    open_images(place(root), root, records, GREY)
    (path,) = (root.parent / "store").iterdir()
    assert open_images(place(root, workers, verify_store=True), root, records, GREY).images
    data = bytearray(path.read_bytes())
    data[-1] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=rf"{path.name}: 1 .*img_8\.png: is decoded to other pixels .*delete the file"):
        open_images(place(root, workers, verify_store=True), root, records, GREY)


def test_a_changed_image_has_another_store(root: Path) -> None:
    before = open_images(place(root), root, scan(root), GREY)
    Image.new("L", (10, 12), 200).save(root / "img_5.png")
    after = open_images(place(root), root, scan(root), GREY)
    assert after.note != before.note and len(files(root)) == 2
    assert (after.images.take(np.array([5])) == 200).all() and not (before.images.take(np.array([5])) == 200).all()


def test_the_lock_is_free_again_after_a_building(root: Path) -> None:
    build(root, scan(root))
    with folder_lock(root.parent / "store") as held:
        assert held


def test_pixels_in_another_order_are_not_taken_for_the_images(root: Path) -> None:
    pixels = np.array(build(root, scan(root)))
    (path,) = (root.parent / "store").iterdir()
    np.save(path, np.asfortranarray(pixels))
    with pytest.raises(InputError, match="in another order"):
        build(root, scan(root))
    np.save(path, pixels.astype(np.int8))
    with pytest.raises(InputError, match=r"holds int8 .* where uint8"):
        build(root, scan(root))


def test_auto_decodes_where_nothing_can_be_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    opened = open_images(place(root), root, scan(root), GREY)
    assert isinstance(opened.images, DecodedImages) and "cannot be written" in opened.note


def test_what_a_killed_builder_left_goes_also_when_a_store_is_only_read(root: Path) -> None:
    open_images(place(root), root, scan(root), GREY)
    left = root.parent / "store" / "0123456789abcdef.npy.tmp-1"
    left.write_bytes(b"x" * 1000)
    with folder_lock(root.parent / "store"):
        open_images(place(root), root, scan(root), GREY)
        assert left.exists(), "somebody builds"
    open_images(place(root), root, scan(root), GREY)
    assert not left.exists()
