"""core.data.store: decode once, exactly; whole files or none. Catalogue cases 28, 31, 36."""

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
from core.data.manifest import TRAIN, ImageRecord, scan_images
from core.data.preprocessing import Preprocessing
from core.data.settings import PreprocessingSettings
from core.data.store import DecodedImages, StoredImages, default_threads, open_store, store_key
from core.errors import EnvironmentFault, InputError

COUNT = 9
GREY = Preprocessing(PreprocessingSettings(resize=8), 1)
THREADS = pytest.mark.parametrize("threads", [0, 1, 2])


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


@THREADS
@pytest.mark.parametrize("channels", [1, 3])
def test_a_store_is_the_preprocessed_images_one_by_one(root: Path, tmp_path: Path, threads: int, channels: int) -> None:
    preprocessing = Preprocessing(PreprocessingSettings(resize=8, equalize=True), channels)
    pixels = open_store(tmp_path / "store", root, scan(root), preprocessing, threads)
    assert pixels.shape == (COUNT, channels, 8, 8) and pixels.dtype == np.uint8 and not pixels.flags.writeable
    for number in range(COUNT):
        assert np.array_equal(pixels[number], preprocessing(root / f"img_{number}.png"))


def test_a_store_is_built_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = scan(root)
    first = np.array(open_store(tmp_path / "store", root, records, GREY, 1))
    monkeypatch.setattr(store, "_decode_into", None)
    assert np.array_equal(open_store(tmp_path / "store", root, records, GREY, 1), first)
    assert len(list((tmp_path / "store").iterdir())) == 1


@THREADS
def test_images_decoded_on_demand_are_those_of_the_store(root: Path, tmp_path: Path, threads: int) -> None:
    records, rows, positions = scan(root), np.array([4, 0, 8, 2]), np.array([3, 1, 1])
    stored = StoredImages(open_store(tmp_path / "store", root, records, GREY, 1), rows)
    decoded = DecodedImages([root / records[row].path for row in rows], GREY, threads)
    assert len(stored) == len(decoded) == 4
    taken = stored.take(positions)
    assert taken.flags.writeable and not np.shares_memory(taken, stored.pixels)
    assert np.array_equal(taken, decoded.take(positions))
    assert np.array_equal(taken[0], GREY(root / "img_2.png"))


def key(root: Path, records: list[ImageRecord], channels: int = 1, **values: Any) -> str:
    return store_key(root, records, Preprocessing(PreprocessingSettings(**{"resize": 8, **values}), channels))


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


@THREADS
def test_all_damaged_images_are_named_with_their_full_paths_and_nothing_is_left(root: Path, tmp_path: Path, threads: int) -> None:
    records, bad = scan(root), [1, 4, 8]
    for number in bad:
        path = root / f"img_{number}.png"
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match="3 images cannot be used") as caught:
        open_store(tmp_path / "store", root, records, GREY, threads)
    with pytest.raises(InputError, match="3 images cannot be used") as on_demand:
        DecodedImages([root / r.path for r in records], GREY, threads).take(np.arange(COUNT))
    for message in (str(caught.value), str(on_demand.value)):
        assert [number for number in range(COUNT) if str(root / f"img_{number}.png") in message] == bad
        assert "\n" not in message
    assert list((tmp_path / "store").iterdir()) == []


@THREADS
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, MemoryError])
def test_what_is_not_a_damaged_image_is_not_hidden(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, error: type[BaseException]
) -> None:
    def fail(self: Preprocessing, path: Path) -> np.ndarray:
        if path.name == "img_6.png":
            raise error
        return np.zeros((1, 8, 8), np.uint8)

    monkeypatch.setattr(Preprocessing, "__call__", fail)
    with pytest.raises(error):
        open_store(tmp_path / "store", root, scan(root), GREY, threads)
    assert list((tmp_path / "store").iterdir()) == []


def test_an_exception_in_the_middle_leaves_no_file(root: Path, tmp_path: Path) -> None:
    def stopping(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        for number, item in enumerate(items):
            if number == 5:
                raise SystemExit(143)
            yield item

    with pytest.raises(SystemExit):
        open_store(tmp_path / "store", root, scan(root), GREY, 2, stopping)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_kill_in_the_middle_leaves_no_file_with_a_final_name(root: Path, tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from pathlib import Path
        from core.data.manifest import scan_images
        from core.data.preprocessing import Preprocessing
        from core.data.settings import PreprocessingSettings
        from core.data.store import open_store
        root = Path({str(root)!r})
        records = scan_images(root, {{"train": {{str(n): f"img_{{n}}.png" for n in range({COUNT})}}}}).records
        def killing(items, total=None, label="", unit="it"):
            for number, item in enumerate(items):
                if number == 5:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield item
        open_store(Path({str(tmp_path / "store")!r}), root, records, Preprocessing(PreprocessingSettings(resize=8), 1), 1, killing)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, cwd=Path(__file__).parents[1], check=False
    )
    assert ended.returncode == -9, ended.stderr
    left = [path.name for path in (tmp_path / "store").iterdir()]
    assert len(left) == 1 and ".npy.tmp-" in left[0]
    assert open_store(tmp_path / "store", root, scan(root), GREY, 1).shape == (COUNT, 1, 8, 8)


def test_a_full_disk_is_told_before_the_first_image_and_leaves_no_file(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing into a sparse map on a full disk would kill the process with SIGBUS."""

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(store, "_decode_into", None)
    with pytest.raises(EnvironmentFault, match=r"\.npy: no space left on the device"):
        open_store(tmp_path / "store", root, scan(root), GREY, 1)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_store_larger_than_the_disk_is_refused(root: Path, tmp_path: Path) -> None:
    records = scan(root)
    with pytest.raises(EnvironmentFault, match=r"no space left: [\d,]+ bytes are needed and [\d,]+ are free"):
        open_store(tmp_path / "store", root, _Many(records), GREY, 1)


class _Many(list[ImageRecord]):
    """Says that it is long."""

    def __len__(self) -> int:
        return 10**14


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_a_damaged_store_is_named(root: Path, tmp_path: Path, damage: bytes | None) -> None:
    records = scan(root)
    open_store(tmp_path / "store", root, records, GREY, 1)
    (path,) = (tmp_path / "store").iterdir()
    path.write_bytes(path.read_bytes()[:-10] if damage is None else damage)
    with pytest.raises(InputError, match=rf"{path.name}: is damaged; delete the file, it is made again"):
        open_store(tmp_path / "store", root, records, GREY, 1)
    np.save(path, np.zeros((2, 1, 8, 8), np.uint8))
    with pytest.raises(InputError, match=r"holds \(2, 1, 8, 8\) where \(9, 1, 8, 8\) is wanted"):
        open_store(tmp_path / "store", root, records, GREY, 1)


def test_there_is_a_thread_for_each_core_that_may_be_used() -> None:
    assert 1 <= default_threads() <= (os.cpu_count() or 1)
